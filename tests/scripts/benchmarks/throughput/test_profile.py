import pytest

from tracehound.scripts.benchmarks.throughput.profile import profile_of, stage_of

AGENT = [("run", "asyncio/runners.py"), ("_take", "streams/scoring/score_executions.py")]


@pytest.mark.parametrize(
    ("inner", "stage"),
    [
        ([], "scoring loop"),
        ([("read", "streams/scoring/read_run.py")], "reading runs"),
        ([("read", "streams/scoring/read_run.py"), ("decode_record", "schemas/codec.py")], "decoding"),
        ([("score", "detectors/scoring/scorer.py"), ("batch", "detectors/scoring/rows.py")], "batch building"),
        (
            [("score", "detectors/scoring/scorer.py"), ("_run", "detectors/forests/half_space_trees.py")],
            "detectors: half_space_trees",
        ),
        (
            [("_judge", "detectors/ensemble/ensemble.py"), ("x", "detectors/charts/chart.py"), ("y", "numpy/x.py")],
            "detectors: charts",
        ),
        ([("take", "detectors/scoring/snapshot.py"), ("pack", "detectors/structure/state.py")], "state saving"),
        (
            [("gc_collect_main", "libpython3.11.so.1.0"), ("tupletraverse", "libpython3.11.so.1.0")],
            "garbage collection",
        ),
        ([("_fetch_requests", "aiokafka/consumer/fetcher.py")], "kafka client and faust"),
    ],
)
def test_a_stack_belongs_to_the_innermost_frame_that_has_a_stage(inner: list[tuple[str, str]], stage: str) -> None:
    assert stage_of(AGENT + inner) == stage


def test_what_no_stage_wants_is_told_as_other() -> None:
    assert stage_of([("<module>", "<string>")]) == "other"


def test_shares_of_stages_sum_to_one_and_lines_that_are_no_stacks_are_left_out() -> None:
    found = profile_of(
        [
            "run (asyncio/runners.py:7);decode_record (schemas/codec.py:9) 3",
            "run (asyncio/runners.py:8) 1",
            "no stack",
            "",
        ]
    )

    assert found.samples == 4
    assert found.stages == {"decoding": 0.75, "asyncio": 0.25}
    assert found.functions == {"decode_record (schemas/codec.py)": 0.75, "run (asyncio/runners.py)": 0.25}


def test_nothing_sampled_is_no_error() -> None:
    assert profile_of([]).stages == {}


@pytest.mark.parametrize(
    "waiting",
    [
        "_worker (concurrent/futures/thread.py:81)",
        "Condition.wait (threading.py:327);epoll_wait (libc.so.6)",
        "0x7f7f1e44524a (libc.so.6)",
        "EpollSelector.select (selectors.py:468);epoll_wait (libc.so.6)",
        "_ConnectionBase._poll (multiprocessing/connection.py:440)",
    ],
)
def test_threads_that_wait_are_left_out(waiting: str) -> None:
    found = profile_of([f"{waiting} 9", "take (streams/scoring/score_executions.py:3) 1"])

    assert (found.samples, found.stages) == (1, {"scoring loop": 1.0})


def test_compiled_code_is_its_callers_and_the_collector_itself() -> None:
    found = profile_of(
        [
            "take (streams/scoring/score_executions.py:3);decode (schemas/codec.py:9);parse (_core.cpython-311.so) 3",
            "take (streams/scoring/score_executions.py:3);gc_collect_main (libpython3.11.so.1.0);visit (libpy.so) 1",
        ]
    )

    assert found.functions == {
        "decode (schemas/codec.py)": 0.75,
        "gc_collect_main (libpython3.11.so.1.0)": 0.25,
    }
    assert found.stages == {"decoding": 0.75, "garbage collection": 0.25}
