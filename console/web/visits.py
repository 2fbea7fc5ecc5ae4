"""A visit of a page: who asks, what may be asked of, and the page that is answered."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tracehound.console.store.engine import StoreError
from tracehound.console.web.console import Console
from tracehound.console.web.rendering import HEADERS, Pages
from tracehound.console.web.roles import Role, Visitor
from tracehound.console.web.scoring_lag import unscored_since
from tracehound.streams.http.refusal import RequestRefusedError

SIGN_IN = "/ui/sign-in"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who may look, and looks."""

    console: Console
    pages: Pages
    visitor: Visitor
    query: Mapping[str, str]

    def page(self, template: str, status: int = 200, **given: Any) -> Response:
        """Answer with a page; ``query`` is what its address asks for, as it was written."""
        now_us = round(self.console.clock() * 1e6)
        trouble = self.console.trouble()
        shared: dict[str, Any] = {"unscored": None if trouble else self._unscored(), "trouble": trouble}
        shared |= {"visitor": self.visitor, "query": self.query, "now_us": now_us}
        return self.pages.render(template, status, **shared, **given)

    def _unscored(self) -> str | None:
        with self.console.store.read() as connection:
            return unscored_since(connection)


Page = Callable[[Request, Visit], Awaitable[Response]]


class Visits:
    """Lets visitors see pages, and sends those whom nobody knows to sign in.

    Parameters:
        console: what pages are made of.
    """

    def __init__(self, console: Console) -> None:
        self._console, self._pages = console, Pages()

    def of(self, page: Page, role: Role = "viewer") -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for a page that this role and those above may see."""

        async def endpoint(request: Request) -> Response:
            try:
                visitor = await self._console.entry.admit(request, role)
                return await page(request, Visit(self._console, self._pages, visitor, request.query_params))
            except RequestRefusedError as refusal:
                if refusal.status == 401:
                    return RedirectResponse(f"{SIGN_IN}?next={quote(_asked(request), safe='')}", 303, HEADERS)
                return self.problem(refusal.status, str(refusal))
            except StoreError as error:
                log.warning("store_away", path=request.url.path, sentence=str(error))
                return self.problem(503, "The store cannot be used now. Scoring goes on without it.")

        return endpoint

    def open(self, template: str, **given: Any) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint for a page that anybody may see."""

        async def endpoint(_: Request) -> Response:
            return self._pages.render(template, **given)

        return endpoint

    def told(self, template: str, status: int, said: str) -> Response:
        """A page that anybody may see, with something that is said there."""
        return self._pages.render(template, status, said=said)

    def problem(self, status: int, sentence: str) -> Response:
        """A page that says what is wrong."""
        return self._pages.render("web/problem.html", status, sentence=sentence)


def _asked(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
