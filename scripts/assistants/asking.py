"""What the tools have in common: they ask the console, tell so much as fits, and say where it goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from tracehound.scripts.assistants.bounded import MOST_BYTES, as_json, page, shortened, size_of
from tracehound.scripts.console.client import Asked, ConsoleAnswerError, ConsoleClient

Name = Annotated[str, Field(max_length=1_000)]
Id = Annotated[str, Field(min_length=1, max_length=500)]
Moment = Annotated[
    str, Field(max_length=100, description="An age such as 90m, 2h or 7d, or an RFC 3339 date-time; of event time.")
]
Limit = Annotated[int, Field(ge=1, le=100, description="Items at most; fewer are told where they are long.")]
Cursor = Annotated[str, Field(max_length=4_000, description="The 'next' of the answer before, to go on behind it.")]


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks a console and tells what it answers, in at most so many bytes.

    Parameters:
        client: of the console.
        most: bytes of an answer.
    """

    client: ConsoleClient
    most: int = MOST_BYTES

    def listed(
        self,
        kind: type[Any],
        /,
        *path: str,
        told: Callable[[Any], Any] = lambda one: one,
        limit: int,
        cursor: str | None,
        **query: Asked,
    ) -> str:
        """A page of one of the API's lists, with the API's own cursor.

        Where it is too long, a shorter page is asked for: its cursor is exact, whatever comes meanwhile.

        Raises:
            ConsoleAnswerError: see `ConsoleClient.get`.
        """
        while True:
            found = self.client.page(kind, *path, limit=limit, cursor=cursor, **query)
            items = [shortened(told(one), self.most // 3) for one in found["items"]]
            answer = {"items": items, "next": found["next"]}
            if limit == 1 or size_of(answer) <= self.most:
                return as_json(answer)
            limit = min(limit - 1, max(1, self._fitting(items, found["next"])))

    def of_whole(
        self, head: dict[str, Any], items: Sequence[Any], key: Callable[[Any], str], cursor: str | None
    ) -> str:
        """Some of what the API tells at once; the cursor is the key of the item that was told last.

        Raises:
            ConsoleAnswerError: the cursor is none of this list.
        """
        try:
            return as_json(page(head, items, key, cursor, self.most))
        except KeyError:
            sentence = "The cursor must be the 'next' of an answer of this tool about the same. It is not."
            problem = {"title": "Bad Request", "status": 400, "reason": "invalid_cursor"}
            raise ConsoleAnswerError(sentence, problem) from None

    def one(self, told: Any) -> str:
        """One thing."""
        return as_json(shortened(told, self.most))

    def _fitting(self, items: Sequence[Any], following: str | None) -> int:
        room = self.most - size_of({"items": [], "next": following or "x" * 200})
        for number, one in enumerate(items):
            room -= size_of(one) + 1
            if room < 0:
                return number
        return len(items)
