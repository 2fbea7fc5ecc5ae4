"""Why somebody is suspected, in words."""

import pytest

from tracehound.detectors.incidents.cause_sentence import sentence
from tracehound.detectors.incidents.evidence import CauseEvidence
from tracehound.schemas.anomaly import AnomalyKind


def evidence(
    application: str,
    signal: str,
    kind: AnomalyKind = "latency",
    peer: str = "",
    operation: str = "GET /",
    about: str = "",
    excess_ms: float = 0.0,
    share: float = 0.0,
) -> CauseEvidence:
    """One summary of what deviates."""
    return CauseEvidence(
        application, operation, signal, kind, peer, about, 1.0, 1, 5.0, 8.0, excess_ms, share, 0.0, 60.0
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            evidence("cart", "call_gap_ms", peer="stock", excess_ms=900.0),
            "calls to it from cart take up to 900 ms longer",
        ),
        (
            evidence("stock", "call_gap_ms", peer="price", excess_ms=12_000.0),
            "its calls to price take up to 12 s longer",
        ),
        (evidence("stock", "self_ms", excess_ms=40.0), "it takes up to 40 ms longer than usual of its own in GET /"),
        (evidence("stock", "window_latency", operation=""), "it is slower, or needs more, than usual of its own"),
        (
            evidence("stock", "error_rate", "errors", share=0.335),
            "its share of failed executions is 33.5 percentage points above usual",
        ),
        (evidence("stock", "error_type", "errors", about="TimeoutError"), "it fails with TimeoutError"),
        (evidence("stock", "silence_ms", "traffic", operation=""), "nothing comes from it any more"),
        (evidence("stock", "traffic", "traffic", about="missing executions"), "it receives less traffic than usual"),
        (evidence("stock", "traffic", "traffic", about="additional executions"), "it receives more traffic than usual"),
        (evidence("stock", "structure_new", "structure"), "it works differently than usual in GET /"),
        (evidence("stock", "outlier", "outlier", operation=""), "it works differently than usual."),
        (
            evidence("stock", "queue_gap_ms", about="messages of kafka orders for stock", excess_ms=3_200.0),
            "messages of kafka orders wait up to 3.2 s longer for it than usual",
        ),
        (evidence("cart", "error_rate", "errors"), "cart failed or waited meanwhile"),
        (evidence("cart", "traffic", "traffic"), "the traffic of cart follows from it"),
    ],
)
def test_each_kind_of_evidence_has_its_words(found: CauseEvidence, said: str) -> None:
    assert said in sentence("stock", [(found, 0.8)], 0.5)


def test_the_weightiest_two_kinds_are_told_with_the_share() -> None:
    calls = evidence("cart", "call_gap_ms", peer="stock", excess_ms=900.0)
    own, odd = evidence("stock", "self_ms", excess_ms=40.0), evidence("stock", "structure_new", "structure")
    assert sentence("stock", [(odd, 0.1), (own, 0.4), (calls, 0.8)], 0.87) == (
        "stock explains 87 % of what is unusual: calls to it from cart take up to 900 ms longer than usual, "
        "and it takes up to 40 ms longer than usual of its own in GET /."
    )


def test_many_callers_are_counted() -> None:
    callers = ("a", "b", "c", "d", "e")
    found = [(evidence(name, "call_gap_ms", peer="stock", excess_ms=9.0), 0.5) for name in callers]
    assert "calls to it from a, b, c and 2 more take" in sentence("stock", found, 1.0)
