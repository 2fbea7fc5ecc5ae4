"""What chats and mail are given: no more than they take, and names as they are."""

import asyncio
from typing import Any

import pytest

from tests.streams.notify.conftest import make_event, make_notice
from tracehound.schemas.incident import AffectedOperation
from tracehound.streams.notify.outcome import Delivered
from tracehound.streams.notify.receivers.apprise_url import AppriseReceiver
from tracehound.streams.notify.render import TextFormat, cut_to
from tracehound.streams.settings.notify import AppriseUrl

TELEGRAM = "tgram://123456789:ABCdefghijklmnopqrstuvwxyz123456789/12315544"
PUSHOVER = "pover://u1234567890123456789012345678901@a1234567890123456789012345678901"
TEAMS = "workflows://host/ABC123/sig"
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
SERVICES = [
    (TELEGRAM, 4_096),
    (PUSHOVER, 1_024),
    (TEAMS, 1_000),
    (DISCORD, 2_000),
    (f"{DISCORD}?overflow=split", 2_000),
]


def sent(url: str, form: TextFormat, **of_incident: Any) -> list[tuple[str, str]]:
    """Titles and bodies as the service is given them."""
    receiver = AppriseReceiver("chat", AppriseUrl(kind="apprise", secret_env="S", format=form), url, 1)
    [plugin] = receiver._service
    given: list[tuple[str, str]] = []

    def send(body: str, title: str = "", **_: Any) -> bool:
        given.append((title, body))
        return True

    plugin.send = send

    async def test() -> None:
        try:
            assert await receiver.tell(make_notice(make_event(**of_incident))) == Delivered()
        finally:
            await receiver.close()

    asyncio.run(test())
    return given


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize(("url", "most"), SERVICES)
def test_no_service_is_given_more_than_it_takes(url: str, most: int, form: TextFormat) -> None:
    names = [f"application-{k}-" + "a" * 100 for k in range(5)]
    operations = [AffectedOperation(names[0], f"GET /{k}/" + "b" * 100, 1) for k in range(20)]
    given = sent(url, form, applications=names, operations=operations, summary="is slow " * 200, reason="it is " * 100)
    assert all(len(title) + len(body) <= most + 250 for title, body in given)
    assert all(len(body) <= most for _, body in given)
    assert "Severity" in given[0][1]
    assert (len(given) > 1) == ("overflow=split" in url)
    if len(given) == 1 and url != TELEGRAM:
        assert given[0][1].rstrip().endswith("… cut")


@pytest.mark.parametrize("mode", ["", "?mdv=v2"])
def test_a_name_that_would_be_markdown_stays_whole_where_there_are_no_titles(mode: str) -> None:
    summary = "shop_api fails in GET /static/* and 3 more operations"
    [(title, body)] = sent(TELEGRAM + mode, "markdown", summary=summary)
    assert title == ""
    assert body.splitlines()[0] == f"`Incident (major): {summary}`"


def test_whole_lines_are_kept() -> None:
    assert cut_to("abc\ndef\nghi", 11) == "abc\ndef\nghi"
    assert cut_to("abc\ndef\nghi", 10) == "abc\n… cut"
    assert cut_to("abcdefghi", 5) == "… cut"
