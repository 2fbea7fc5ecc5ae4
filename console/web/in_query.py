"""Reads the query of a request by the type that says what may be asked."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import Request

from tracehound.console.web.asked import several


class InQuery:
    """A dependency of FastAPI that reads a query, as FastAPI itself would by ``Annotated[kind, Query()]``.

    That looks at the annotations of every field anew for each request, which takes longer than to ask the store; and
    of a filter that may be given once it takes the last one, where this refuses.

    Parameters:
        kind: what may be asked.
    """

    def __init__(self, kind: type[BaseModel]) -> None:
        self.kind = kind
        self._many = several(kind)

    async def __call__(self, request: Request) -> BaseModel:
        """What is asked.

        Raises:
            RequestValidationError: it cannot be meant; each mistake is named.
        """
        try:
            return self.kind.model_validate(self._given(request.query_params))
        except ValidationError as error:
            mistakes = error.errors(include_url=False, include_input=False)
            raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in mistakes]) from None

    def _given(self, query: QueryParams) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, value in query.multi_items():
            if name in self._many:
                given.setdefault(name, []).append(value)
            elif name in given:
                raise RequestValidationError([{"loc": ("query", name), "msg": "it must be given once"}])
            else:
                given[name] = value
        return given

    def parameters(self) -> list[dict[str, Any]]:
        """What OpenAPI says of it: FastAPI's own words."""
        app = FastAPI()

        @app.get("/")
        def asks(asked: Annotated[self.kind, Query()]) -> None:  # type: ignore[name-defined]
            """Reads such a query."""

        found: list[dict[str, Any]] = app.openapi()["paths"]["/"]["get"].get("parameters", [])
        return found


if TYPE_CHECKING:
    Kind = TypeVar("Kind", bound=BaseModel)
    Asks = Annotated[Kind, ...]
else:

    class Asks:
        """``Asks[Kind]`` is what an endpoint is given that asks for such a query."""

        def __class_getitem__(cls, kind: type[BaseModel]) -> Any:
            return Annotated[kind, Depends(InQuery(kind))]


def queries_of(dependant: Any) -> Iterator[InQuery]:
    """Those among what a route depends on."""
    for one in dependant.dependencies:
        if isinstance(one.call, InQuery):
            yield one.call
