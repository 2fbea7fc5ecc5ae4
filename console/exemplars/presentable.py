"""An execution as it may be kept and shown: without what may tell a person's identity."""

from typing import Any, Final

import msgspec

from tracehound.detectors.features.attributes import is_public, pairs_of
from tracehound.detectors.logs.masking import mask_secrets
from tracehound.schemas.execution import Execution

_LONGEST_MESSAGE: Final = 2_000
_MOST_NUMBERS: Final = 64


def presentable(execution: Execution, private: frozenset[str]) -> Execution:
    """The execution with those of its attributes that are public, and secrets in the message of its error masked.

    Parameters:
        private: words in names of attributes that are not shown.

    >>> one = Execution("shop", "GET /", 0.0, 5.0, attributes={"items": 3.5, "userName": "Ada", "tier": "gold"})
    >>> presentable(one, frozenset({"user"})).attributes
    {'items': 3.5, 'tier': 'gold'}
    """
    told = {name for name, _ in pairs_of(execution, private)}
    numbers: dict[str, Any] = {}
    for name, value in execution.attributes.items():
        if name in told or (type(value) in (int, float) and len(numbers) < _MOST_NUMBERS and is_public(name, private)):
            numbers[name] = value
    error = execution.error
    if error is not None:
        error = msgspec.structs.replace(error, message=mask_secrets(error.message)[:_LONGEST_MESSAGE])
    return msgspec.structs.replace(execution, attributes=numbers, error=error)
