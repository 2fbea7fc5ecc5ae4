"""Whatever people and operators write has a bound in each of its texts, lists and objects."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from tracehound.schemas.application_settings import ApplicationSettings
from tracehound.schemas.control import Control
from tracehound.schemas.feedback import Maintenance, Verdict
from tracehound.schemas.tuning import TuningTask

TAKEN = [ApplicationSettings, Control, Maintenance, TuningTask, Verdict]


def without_bound(kind: inspect.Type, at: str) -> Iterator[str]:
    match kind:
        case inspect.StrType() if kind.max_length is None and kind.pattern is None:
            yield at
        case inspect.UnionType():
            for one in kind.types:
                yield from without_bound(one, at)
        case inspect.StructType():
            for field in kind.fields:
                yield from without_bound(field.type, f"{at}.{field.name}")
        case inspect.ListType() | inspect.VarTupleType():
            if kind.max_length is None:
                yield at
            yield from without_bound(kind.item_type, f"{at}[]")
        case inspect.DictType():
            if kind.max_length is None:
                yield at
            yield from without_bound(kind.key_type, f"{at}.*")
            yield from without_bound(kind.value_type, f"{at}.*")


@pytest.mark.parametrize("record", TAKEN)
def test_nothing_in_it_is_without_a_bound(record: type[msgspec.Struct]) -> None:
    assert list(without_bound(inspect.type_info(record), record.__name__)) == []
