"""Executions that are taken together, next to looking at each before it is taken."""

import random

import pytest

from tracehound.detectors.application.models import ApplicationModels, OperationModels
from tracehound.detectors.application.places import PERIOD
from tracehound.detectors.columns.heads import HeadNames, Heads, heads_of
from tracehound.detectors.scoring.coming import Coming
from tracehound.detectors.scoring.rows import Rows
from tracehound.schemas.execution import ApplicationKey, ExecutionHead

SHOPS = ("shop", "till", "stock", "mail")


def some_heads(draw: random.Random, count: int) -> Heads:
    made = [
        ExecutionHead(
            draw.choice(SHOPS),
            f"GET /{draw.randrange(4)}",
            float(number),
            9.0,
            version=draw.choice(["", "1", "1", "2" if number > count // 2 else "1"]),
        )
        for number in range(count)
    ]
    return heads_of(made, HeadNames())


def some_models(draw: random.Random) -> dict[ApplicationKey, ApplicationModels]:
    """Applications shortly before a stop or a period, one of them new."""
    found = {}
    for slot, name in enumerate(SHOPS[:3]):
        seen = draw.choice([0, 5, PERIOD - draw.randrange(30), 3 * PERIOD - draw.randrange(60)])
        stop = seen + draw.choice([0, 1, 17, 500])
        found[name, ""] = ApplicationModels((name, ""), slot, next_refit=stop, next_stop=stop, seen=seen)
    return found


class OneByOne:
    """What has to happen before each execution, asked as each comes."""

    def __init__(self, heads: Heads, models: dict[ApplicationKey, ApplicationModels]) -> None:
        self.heads, self.models = heads, models

    def happens(self, row: int) -> bool:
        names = self.heads.names
        application = self.models.get(names.applications.names[self.heads.application[row]])
        if application is None or application.seen >= application.next_stop:
            return True
        version = names.versions.names[self.heads.version[row]]
        new = bool(version) and version not in application.versions.seen
        return new or (application.seen > 0 and application.seen % PERIOD == 0)


@pytest.mark.parametrize("seed", range(12))
def test_executions_are_taken_up_to_the_first_before_which_something_happens(seed: int) -> None:
    draw = random.Random(seed)
    heads, models, again = some_heads(draw, 200), some_models(random.Random(seed)), some_models(random.Random(seed))
    operations: dict[tuple[str, str], OperationModels] = {}

    def find(application: ApplicationModels, name: str) -> OperationModels:
        return operations.setdefault((application.key[0], name), OperationModels(name, len(operations)))

    coming, rows, one_by_one, at = Coming(heads, models.get, call=3), Rows(0), OneByOne(heads, again), 0
    for row in range(len(heads)):
        key = heads.names.applications.names[heads.application[row]]
        if one_by_one.happens(row):
            assert coming.due == row
            if row > at:
                coming.take(at, row, rows, find)
            if key not in models:
                for known in (models, again):
                    known[key] = ApplicationModels(key, 9, next_refit=40, next_stop=40)
                coming.welcome(row, models[key])
            for known in (models, again):
                known[key].seen += 1
                known[key].next_stop = max(known[key].next_stop, known[key].seen + 20)
            coming.take(row, row + 1, rows, find, counted=True)
            at = row + 1
        else:
            assert coming.due > row
            again[key].seen += 1
        if version := heads.names.versions.names[heads.version[row]]:
            again[key].versions.note(version, (float(heads.started_s[row]), again[key].seen))
    coming.take(at, len(heads), rows, find)
    assert {key: (one.seen, one.versions.seen) for key, one in models.items()} == {
        key: (one.seen, one.versions.seen) for key, one in again.items()
    }
    named = [heads.names.operations.names[number] for number in heads.operation.tolist()]
    keys = [heads.names.applications.names[number] for number in heads.application.tolist()]
    assert [one.name for one in rows.operations] == named
    assert [one.key for one in rows.applications] == keys
    assert [list(versions) for versions in (models["shop", ""].versions.seen,)] == [["1", "2"]]
    begun = {key: [rows.number(row) for row, other in enumerate(keys) if other == key] for key in models}
    assert all(numbers == list(range(numbers[0], numbers[0] + len(numbers))) for numbers in begun.values())
