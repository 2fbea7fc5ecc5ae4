"""``/ui/dead-letters``: what could not be used and why, each with its bytes, and sent again."""

import json
from base64 import b64decode
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tracehound.console.dead_letters.endpoints import why_not
from tracehound.console.dead_letters.queries import DeadLettersAsked, dead_letters_asked, letters
from tracehound.console.dead_letters.shown import hexadecimal, visible, visible_bytes
from tracehound.console.dead_letters.told import DeadLetter, letter_told
from tracehound.console.web.listing import asked_by, list_page
from tracehound.console.web.paths import name_in_path
from tracehound.console.web.problems import not_found
from tracehound.console.web.visits import Visit

_SHOWN_TEXT: Final = 20_000
_SHOWN_HEXADECIMAL: Final = 2_048
_MOST_HEADERS: Final = 100


async def dead_letters(request: Request, visit: Visit) -> Response:
    """Dead letters by where they came from, where they were refused, and when."""
    asked = asked_by(request, DeadLettersAsked)
    found = await run_in_threadpool(list_page, request, visit.console, asked, dead_letters_asked(asked))
    return visit.page(
        "dead_letters/dead_letters.html",
        here="dead-letters",
        live="30",
        asked=asked,
        letters=[msgspec.json.decode(letter_told(row), type=DeadLetter) for row in found.rows],
        following=found.following,
    )


async def dead_letter(request: Request, visit: Visit) -> Response:
    """One dead letter."""
    return await run_in_threadpool(_dead_letter, name_in_path(request.path_params["letter_id"]), visit)


def _dead_letter(identity: str, visit: Visit) -> Response:
    with visit.console.store.read() as connection:
        row = next(iter(letters(connection, [identity])), None)
    if row is None:
        raise not_found(f"dead letter {identity}")
    value = b"" if row.value is None else bytes(row.value)
    headers = json.loads(row.headers)[:_MOST_HEADERS]
    return visit.page(
        "dead_letters/dead_letter.html",
        here="dead-letters",
        letter=msgspec.json.decode(letter_told(row), type=DeadLetter),
        cut_from=row.cut_from,
        key=None if row.key is None else visible_bytes(bytes(row.key)[:_SHOWN_TEXT]),
        size=None if row.value is None else len(value),
        text=visible_bytes(value[:_SHOWN_TEXT]),
        is_whole=len(value) <= _SHOWN_TEXT,
        hexadecimal=list(hexadecimal(value[:_SHOWN_HEXADECIMAL])),
        headers=[(visible(name), visible_bytes(b64decode(content)[:_SHOWN_HEXADECIMAL])) for name, content in headers],
        why_not=why_not(row, visit.console.settings),
    )
