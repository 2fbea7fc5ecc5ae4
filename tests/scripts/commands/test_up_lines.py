"""What `up` says: the first of each kind at once, the rest counted."""

from collections.abc import Callable, Iterable

from rich.text import Text

from tracehound.schemas.anomaly import AnomalyEvent
from tracehound.schemas.dead_letter import DeadLetter
from tracehound.schemas.model_event import ModelChange, ModelEvent, ModelEventKind
from tracehound.schemas.progress import Progress
from tracehound.scripts.commands.dead_letter_topic import LetterId, StoredLetter
from tracehound.scripts.commands.up_lines import UpLines


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def said(lines: Iterable[Text]) -> list[str]:
    return [line.plain for line in lines]


def made(clock: Clock) -> UpLines:
    return UpLines(clock, lambda: 3_600.0)


def scored(executions: int, **operations: int) -> Progress:
    return Progress("shop", "prod", "2026-01-01T00:00:00Z", executions, executions // 2, 0, operations)


def letter(offset: int) -> StoredLetter:
    held = DeadLetter(b"{", b"k", "t", 0, 1, 2, "decode", "InvalidJson", "Cut \x1b[31moff.")
    return StoredLetter(LetterId("letters", 3, offset), 1.0, held)


def test_a_new_operation_is_told_at_once_and_what_comes_then_is_counted() -> None:
    clock = Clock()
    lines = made(clock)

    assert said(lines.arrived(scored(4, pay=1, look=3))) == [
        "01:00:00 arrived  shop (prod) pay: new, 1 execution",
        "01:00:00 arrived  shop (prod) look: new, 3 executions",
    ]
    assert said(lines.arrived(scored(1_000, look=1_000))) == []
    assert said(lines.due()) == []
    clock.now_s = 10.0
    assert said(lines.due()) == ["01:00:00 arrived  shop (prod): 1,004 executions in 10 s, 502 of them failed"]
    assert said(lines.due()) == []
    clock.now_s = 20.0
    assert said(lines.due()) == [], "nothing came"


def test_a_refusal_says_why_and_what_shows_it_and_many_are_counted() -> None:
    clock = Clock()
    lines = made(clock)
    told = [line for offset in range(12) for line in said(lines.refused(letter(offset)))]

    assert len(told) == 5
    assert told[1] == ("01:00:00 refused  3-1 InvalidJson: Cut \\x1b[31moff. (tracehound deadletters show 3-1)")
    clock.now_s = 10.0
    assert said(lines.due()) == ["01:00:00 refused  7 more like these"]
    assert said(lines.refused(letter(12))) != [], "after that the first are told again"


def test_from_when_on_an_operation_is_judged() -> None:
    def event(change: ModelEventKind) -> ModelEvent:
        data = ModelChange("shop", "", "pay", "chart", change, 30, 0, "pay is judged from now on.")
        return ModelEvent("1", "/s", "t", "pay", "2026-01-01T00:00:00Z", data)

    lines = made(Clock())

    assert said(lines.model(event("ready"))) == ["01:00:00 judged   pay is judged from now on."]
    assert said(lines.model(event("drift"))) == ["01:00:00 model    pay is judged from now on."]


def test_every_anomaly_is_told_with_its_id(make_anomaly: Callable[..., AnomalyEvent]) -> None:
    lines = made(Clock())
    events = [make_anomaly("shop", "latency", 1.0, id=f"{n:08d}abc", reason="Slow.") for n in range(20)]

    assert [said(lines.anomaly(event)) for event in events] == [
        [f"01:00:00 anomaly  {n:08d} minor shop GET /: Slow."] for n in range(20)
    ]
