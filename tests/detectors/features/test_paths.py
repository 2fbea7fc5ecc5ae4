"""Paths: what makes two segments the same, and the names they are given."""

import numpy as np

from tracehound.detectors.features.paths import OTHER, WHOLE, path_hashes, path_names, paths_of
from tracehound.schemas.execution import Execution, Segment


def execution(*segments: Segment) -> Execution:
    return Execution("shop", "GET /cart", 0.0, 50.0, segments=list(segments))


def test_segments_of_one_path_are_counted_and_summed() -> None:
    paths = paths_of([execution(Segment("SELECT", 2.0), Segment("render", 5.0), Segment("SELECT", 3.0))])
    assert paths.starts.tolist() == [0, 3]
    assert paths.path[0] == WHOLE
    assert paths.count.tolist() == [1.0, 2.0, 1.0]
    assert paths.time_ms.tolist() == [50.0, 5.0, 5.0]


def test_rows_do_not_mix() -> None:
    paths = paths_of([execution(Segment("SELECT", 2.0)), execution(), execution(Segment("SELECT", 3.0))])
    assert paths.starts.tolist() == [0, 2, 3, 5]
    assert paths.path[1] == paths.path[4]
    assert paths.time_ms[[1, 4]].tolist() == [2.0, 3.0]


def test_name_peer_and_enclosing_segments_tell_paths_apart() -> None:
    one = execution(
        Segment("a", 9.0),
        Segment("SELECT", 1.0),
        Segment("SELECT", 1.0, peer="stock"),
        Segment("SELECT", 1.0, parent=0),
        Segment("b", 9.0),
        Segment("SELECT", 1.0, parent=4),
    )
    assert len(set(path_hashes(one))) == 6
    assert min(path_hashes(one)) > OTHER


def test_nesting_is_not_the_same_the_other_way_round() -> None:
    first = execution(Segment("a", 1.0), Segment("b", 1.0, parent=0))
    second = execution(Segment("b", 1.0), Segment("a", 1.0, parent=0))
    assert path_hashes(first)[1] != path_hashes(second)[1]


def test_ids_in_urls_do_not_make_new_paths() -> None:
    one, other = execution(Segment("GET /users/8231", 1.0)), execution(Segment("GET /users/17", 1.0))
    assert path_hashes(one) == path_hashes(other)


def test_the_batch_agrees_with_single_executions() -> None:
    random = np.random.default_rng(3)
    executions = [
        execution(
            *(
                Segment(f"s{random.integers(5)}", 1.0, parent=int(random.integers(index)) if index > 2 else None)
                for index in range(random.integers(30))
            )
        )
        for _ in range(50)
    ]
    together = paths_of(executions)
    for row, one in enumerate(executions):
        alone, own = paths_of([one]), slice(together.starts[row], together.starts[row + 1])
        assert together.path[own].tolist() == alone.path.tolist()
        assert together.count[own].tolist() == alone.count.tolist()
        assert set(alone.path[1:].tolist()) == set(path_hashes(one))


def test_nothing_makes_no_paths() -> None:
    assert paths_of([]).starts.tolist() == [0]


def test_names_show_nesting_and_peers() -> None:
    one = execution(Segment("load", 9.0), Segment("GET /stock/7", 1.0, parent=0, peer="stock"))
    assert list(path_names(one).values()) == ["GET /cart", "load", "load > GET /stock/{id} [stock]"]


def test_names_of_deep_paths_do_not_grow_with_depth() -> None:
    deep = execution(*(Segment(f"call {depth}", 1.0, parent=depth - 1 if depth else None) for depth in range(2_000)))
    names = list(path_names(deep).values())
    assert len(names) == 2_001
    assert names[2] == "call 0 > call 1"
    assert names[-1].endswith(" > call 1999")
    assert max(map(len, names)) < 600
