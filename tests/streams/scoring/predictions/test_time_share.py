"""Work is kept to its share of the time, whatever it is."""

import asyncio

import pytest

from tracehound.streams.scoring.predictions.time_share import TimeShare


@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
def test_what_was_held_is_followed_by_as_much_rest_as_the_share_asks_for(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, rested, spent = [0.0], [0.0], [0.0]

    async def sleep(seconds: float) -> None:
        rested[0] += seconds

    def spend(seconds: float) -> None:
        spent[0] += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    limited = TimeShare(share, spend, lambda: now[0])

    async def work() -> None:
        for held_s in (0.001, 0.2, 0.0, 0.03):
            with limited.holding():
                now[0] += held_s
            await limited.rest()
            await limited.rest()

    asyncio.run(work())
    assert spent[0] == pytest.approx(0.231)
    assert spent[0] / (spent[0] + rested[0]) == pytest.approx(share)
