"""The scoring agent that the tests of scoring work with."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from tests.streams.scoring.scoring_work import Work
from tracehound.streams.states.model_states import ModelStates


@pytest.fixture
def work(
    fake_scorer: Any,
    fake_publisher: Any,
    record: Callable[..., ConsumerRecord],
    model_states: Callable[..., ModelStates],
) -> Work:
    return Work(fake_scorer, fake_publisher, record, model_states())
