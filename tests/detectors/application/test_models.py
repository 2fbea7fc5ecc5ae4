"""What is remembered of an operation beside its detectors is bounded, whatever its executions are made of."""

from tracehound.detectors.application.models import NAMES_BYTES, REMEMBERED_PATHS, OperationModels


def test_the_newest_names_of_paths_are_kept() -> None:
    operation = OperationModels("GET /", 0)
    for number in range(2 * REMEMBERED_PATHS):
        operation.remember_paths({number: (f"SELECT {number}", "its own code")})
        operation.remember_paths({number: (f"SELECT {number}", "its own code")})
    assert list(operation.path_names) == list(range(REMEMBERED_PATHS, 2 * REMEMBERED_PATHS))


def test_long_names_of_paths_take_no_more_than_their_bytes() -> None:
    operation = OperationModels("GET /", 0)
    for first in range(0, 300, 100):
        names = dict.fromkeys(range(first, first + 100), ("😀" * 1000, "p" * 1000))
        operation.remember_paths(names)
    taken = [len(name.encode()) + len(part.encode()) for name, part in operation.path_names.values()]
    assert NAMES_BYTES - 5_000 < sum(taken) <= NAMES_BYTES
    assert list(operation.path_names) == list(range(300 - len(taken), 300))
