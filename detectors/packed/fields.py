"""Names for the fields of a judgement's records."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

Array = TypeVar("Array")


class RecordField(property, Generic[Array]):
    """An attribute that is the field of the same name of all of an object's records, as one array.

    The records are those of the object's attribute ``rows``, or of the one that is told.

    >>> import numpy as np
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Judged:
    ...     rows: np.ndarray
    ...     score = RecordField[np.ndarray]()
    >>> Judged(np.array([(1.5, 2), (0.5, 1)], [("score", np.float64), ("count", np.int64)])).score.tolist()
    [1.5, 0.5]
    """

    def __init__(self, records: str = "rows") -> None:
        super().__init__()
        self._records = records

    def __set_name__(self, owner: type, name: str) -> None:
        records = self._records
        if records == "rows":  # (without a look-up by name, since some are asked for each batch)
            super().__init__(lambda judged: judged.rows[name])
        else:
            super().__init__(lambda judged: getattr(judged, records)[name])

    if TYPE_CHECKING:

        @overload
        def __get__(self, judged: None, owner: type, /) -> "RecordField[Array]": ...

        @overload
        def __get__(self, judged: Any, owner: type | None = None, /) -> Array: ...

        def __get__(self, judged: Any, owner: type | None = None, /) -> Any: ...
