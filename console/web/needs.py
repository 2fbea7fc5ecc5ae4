"""What a route needs of who asks, as a dependency of FastAPI that contract tests find."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from tracehound.console.web.console import the_console
from tracehound.console.web.roles import Role, Visitor


@dataclass(frozen=True)
class Needs:
    """A visitor of this role or above."""

    role: Role

    async def __call__(self, request: Request) -> Visitor:
        """Who asks."""
        console = await the_console(request)  # (as a dependency of its own it would be looked up again)
        visitor = await console.entry.admit(request, self.role)
        request.state.visitor = visitor
        return visitor


needs_viewer = Depends(Needs("viewer"))
needs_operator = Depends(Needs("operator"))
needs_admin = Depends(Needs("admin"))
Viewer = Annotated[Visitor, needs_viewer]
Operator = Annotated[Visitor, needs_operator]
Admin = Annotated[Visitor, needs_admin]
