"""Where incidents of known shape start, whatever the order in which their evidence came."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tracehound.detectors.incidents.cause import suspected_causes
from tracehound.detectors.incidents.evidence import CauseEvidence
from tracehound.schemas.anomaly import AnomalyKind

SHOP = {
    "gateway": {"cart": 500.0, "search": 400.0, "login": 100.0},
    "cart": {"stock": 300.0, "price": 200.0, "login": 50.0},
    "search": {"stock": 400.0, "price": 300.0},
    "login": {"captcha": 100.0},
    "stock": {"warehouse": 100.0},
}
"""Who calls whom, with how many calls of late."""


def evidence(
    application: str,
    signal: str = "self_ms",
    kind: AnomalyKind = "latency",
    peer: str = "",
    sigma: float = 8.0,
    operation: str = "GET /",
    about: str = "",
    excess_ms: float = 0.0,
    share: float = 0.0,
    first_s: float = 0.0,
) -> CauseEvidence:
    """One summary of what deviates."""
    numbers = (1.0, 1, 5.0, sigma, excess_ms, share, first_s, first_s + 60.0)
    return CauseEvidence(application, operation, signal, kind, peer, about or f"calls to {peer}", *numbers)


def slow_call(caller: str, peer: str, sigma: float = 8.0) -> CauseEvidence:
    """Time is lost between caller and called service."""
    return evidence(caller, "call_gap_ms", peer=peer, sigma=sigma, excess_ms=900.0)


def errors(application: str, share: float = 0.4) -> CauseEvidence:
    """An application that fails."""
    return evidence(application, "error_rate", "errors", share=share, about="TimeoutError")


def silence(application: str) -> CauseEvidence:
    """An application from which nothing comes."""
    return evidence(application, "silence_ms", "traffic", operation="", about="missing executions")


def ranked(*found: CauseEvidence) -> list[str]:
    """The suspects in order."""
    return [cause.application for cause in suspected_causes(found, SHOP, most=99)]


def test_without_evidence_nobody_is_suspected() -> None:
    assert suspected_causes([], SHOP) == []


def test_what_is_slow_of_its_own_is_the_cause() -> None:
    assert ranked(evidence("price")) == ["price"]


def test_slow_calls_from_several_callers_are_explained_by_the_service_they_call() -> None:
    assert ranked(slow_call("cart", "stock"), slow_call("search", "stock"))[0] == "stock"


def test_slow_calls_to_one_of_many_services_are_explained_behind_the_caller() -> None:
    assert ranked(slow_call("cart", "stock")) == ["stock", "cart"]


def test_slow_calls_to_the_only_service_that_is_called_are_explained_behind_the_caller_first() -> None:
    assert ranked(slow_call("login", "captcha")) == ["captcha", "login"]


def test_a_service_that_is_slow_to_call_all_others_is_the_cause() -> None:
    found = [slow_call("cart", peer) for peer in ("stock", "price", "login")]
    assert ranked(*found, slow_call("gateway", "cart"))[0] == "cart"


def test_an_odd_single_execution_elsewhere_does_not_distract() -> None:
    odd = evidence("price", "segment_ms", sigma=10.0, about="SELECT price")
    assert ranked(odd, slow_call("cart", "stock", sigma=4.5))[0] == "stock"


def test_the_deepest_that_fails_explains_the_failures_of_all_that_depend_on_it() -> None:
    assert ranked(errors("gateway"), errors("cart"), errors("stock"))[0] == "stock"


def test_failures_of_unconnected_applications_are_their_own() -> None:
    first, second = suspected_causes([errors("captcha"), errors("price")], SHOP)
    assert {first.application, second.application} == {"captcha", "price"}
    assert first.share == second.share == 0.5


def test_a_silent_service_explains_that_its_callers_fail() -> None:
    assert ranked(errors("cart"), errors("search"), errors("gateway"), silence("stock"))[0] == "stock"


def test_a_service_that_is_slow_to_call_explains_failures_although_it_does_not_fail_itself() -> None:
    assert ranked(errors("cart"), errors("search"), slow_call("cart", "stock"), slow_call("search", "stock"))[0] == (
        "stock"
    )


def test_rare_errors_do_not_explain_that_a_caller_fails_much_more_often() -> None:
    found = [errors("cart", share=0.5), errors("price", share=0.02), silence("stock")]
    assert ranked(*found)[0] == "stock"


def test_evidence_that_is_not_renewed_fades() -> None:
    before = [slow_call("cart", "stock"), slow_call("search", "stock")]
    now = [slow_call("cart", "price"), evidence("price", first_s=900.0)]
    assert ranked(*before, now[0])[0] == "stock"
    assert ranked(*before, *now)[0] == "price"


def test_messages_that_wait_are_explained_by_their_consumer_or_what_slows_it_down() -> None:
    waits = evidence("cart", "queue_gap_ms", about="messages of kafka orders for cart", excess_ms=9_000.0)

    assert ranked(waits) == ["cart"]
    assert ranked(waits, evidence("cart"))[0] == "cart"
    assert ranked(waits, slow_call("cart", "stock"))[0] == "stock"
    assert ranked(waits, errors("cart"), errors("stock"))[0] == "stock"


QUEUES = {"billing": {"kafka orders": 90.0}, "mail": {"kafka orders": 90.0}}
"""Who takes from which queue. The shop sends, and calls the stock."""
SENDS = {"gateway": {"shop": 90.0}, "shop": {"kafka orders": 90.0, "stock": 90.0}, "billing": {"bank": 90.0}}


def ranked_across(*found: CauseEvidence) -> list[str]:
    """The suspects in order, where messages are sent."""
    return [cause.application for cause in suspected_causes(found, SENDS, most=99, takes=QUEUES)]


def waits(consumer: str) -> CauseEvidence:
    """Messages wait for a consumer."""
    return evidence(consumer, "queue_gap_ms", about=f"messages of kafka orders for {consumer}", excess_ms=9_000.0)


def traffic(application: str, about: str) -> CauseEvidence:
    """Too little or too much comes."""
    return evidence(application, "traffic", "traffic", operation="", about=f"{about} executions")


def test_a_consumer_that_is_slow_makes_messages_wait_and_its_producer_is_not_suspected() -> None:
    assert ranked_across(waits("billing"), evidence("billing")) == ["billing"]
    assert ranked_across(waits("billing"), slow_call("billing", "bank"))[0] == "bank"
    assert ranked_across(waits("billing"), errors("shop", share=0.01)) == ["billing", "shop"]


def test_a_producer_that_sends_more_than_usual_makes_messages_wait() -> None:
    found = [waits("billing"), traffic("billing", "additional"), traffic("shop", "additional")]

    assert ranked_across(*found)[0] == "shop"
    assert ranked_across(*found, traffic("gateway", "additional"))[0] == "gateway"
    assert ranked_across(waits("billing"), traffic("shop", "missing"))[0] == "billing"


def test_a_producer_that_fails_or_is_silent_starves_its_consumers() -> None:
    starved = [traffic("billing", "missing"), silence("mail")]

    assert ranked_across(*starved, errors("shop"))[0] == "shop"
    assert ranked_across(*starved, silence("shop"))[0] == "shop"
    assert ranked_across(*starved, traffic("shop", "missing"))[0] == "shop"
    assert ranked_across(*starved, errors("shop"), errors("stock"))[0] == "stock"


def test_a_consumer_that_fails_explains_nothing_at_its_producer() -> None:
    found = suspected_causes([errors("billing"), errors("shop")], SENDS, takes=QUEUES)

    assert [cause.share for cause in found] == [0.5, 0.5]


def test_a_queue_that_is_slow_to_send_to_explains_what_its_consumers_miss() -> None:
    sending = evidence("shop", "call_ms", peer="kafka orders", excess_ms=900.0)

    assert ranked_across(sending, silence("billing"), silence("mail"))[0] == "kafka orders"
    assert ranked_across(sending, waits("billing"), waits("mail"))[0] == "kafka orders"


def test_missing_traffic_follows_from_silence_further_up() -> None:
    missing = [
        evidence(name, "traffic", "traffic", operation="", about="missing executions") for name in ("stock", "price")
    ]
    assert ranked(*missing, silence("cart"))[0] == "cart"


def test_a_call_that_took_too_long_is_followed_to_where_the_time_is_lost() -> None:
    too_long = evidence("gateway", "duration_ms", peer="cart", excess_ms=950.0)
    assert ranked(too_long, slow_call("cart", "stock"), slow_call("search", "stock"))[0] == "stock"


def test_many_operations_with_the_same_trouble_count_once() -> None:
    many = [evidence("price", operation=f"GET /{number}") for number in range(50)]
    assert ranked(*many, slow_call("cart", "stock"), slow_call("search", "stock"))[0] == "stock"


def test_what_calls_itself_is_not_counted_twice() -> None:
    [cause] = suspected_causes([slow_call("cart", "cart")], {"cart": {"cart": 5.0}})
    assert cause.share <= 1.0


def test_circles_of_failing_applications_come_to_an_end() -> None:
    circle = {"a": {"b": 1.0}, "b": {"c": 1.0}, "c": {"a": 1.0}}
    causes = suspected_causes([errors("a"), errors("b"), errors("c")], circle)
    assert [cause.share for cause in causes] == [0.5, 0.5, 0.5]


def test_of_equals_the_one_that_deviated_first_comes_first() -> None:
    late, early = evidence("cart", first_s=9.0), replace(evidence("price", first_s=3.0), last_s=69.0)
    assert ranked(late, early) == ["price", "cart"]


def test_without_a_call_graph_the_called_service_comes_first() -> None:
    assert [cause.application for cause in suspected_causes([slow_call("x", "y")], {})] == ["y", "x"]


def test_the_operation_is_named_where_one_stands_out() -> None:
    loud, faint = evidence("price", operation="GET /price"), evidence("price", operation="GET /tax", sigma=3.0)
    assert suspected_causes([loud, faint], SHOP)[0].operation == "GET /price"


def test_no_operation_is_named_where_several_deviate_alike() -> None:
    both = [evidence("price", operation=operation) for operation in ("GET /price", "GET /tax")]
    assert suspected_causes(both, SHOP)[0].operation == ""


def test_no_operation_is_named_where_only_calls_to_the_application_are_slow() -> None:
    found = [slow_call("cart", "price"), slow_call("search", "price"), evidence("price", "segment_ms", sigma=3.0)]
    assert suspected_causes(found, SHOP)[0].operation == ""


def test_only_as_many_suspects_as_wanted() -> None:
    assert len(suspected_causes([evidence(name) for name in SHOP], SHOP, most=2)) == 2


_names = st.sampled_from(sorted({*SHOP, *(peer for called in SHOP.values() for peer in called), "elsewhere"}))
_sigma = st.floats(0.0, 60.0)
_pieces = st.one_of(
    st.builds(slow_call, _names, _names, _sigma),
    st.builds(errors, _names, st.floats(0.0, 1.0)),
    st.builds(silence, _names),
    st.builds(evidence, _names, sigma=_sigma, operation=st.sampled_from(["GET /", "POST /"])),
    st.builds(evidence, _names, signal=st.just("duration_ms"), peer=_names, sigma=_sigma),
    st.builds(evidence, _names, signal=st.just("traffic"), kind=st.just("traffic"), operation=st.just("")),
    st.builds(evidence, _names, signal=st.just("concurrency"), kind=st.just("saturation"), operation=st.just("")),
    st.builds(evidence, _names, signal=st.just("structure_new"), kind=st.just("structure")),
)


def _name(one: CauseEvidence) -> tuple[str, str, str, str]:
    return one.application, one.operation, one.signal, one.peer


@given(st.lists(_pieces, min_size=1, max_size=12, unique_by=_name).flatmap(lambda some: st.permutations(some)))
def test_the_order_of_evidence_does_not_matter_and_shares_are_shares(found: list[CauseEvidence]) -> None:
    causes = suspected_causes(found, SHOP, most=99)
    assert suspected_causes(sorted(found, key=_name), SHOP, most=99) == causes
    assert all(0.0 <= cause.share <= 1.0 for cause in causes)
    assert [cause.share for cause in causes] == sorted((cause.share for cause in causes), reverse=True)
    assert sum(cause.share for cause in causes[:2]) <= 1.0
    assert {one.application for one in found} <= {cause.application for cause in causes}


def test_a_window_in_which_all_is_slow_is_explained_by_a_service_without_traces_that_is_slow_to_call() -> None:
    window = evidence("cart", "window_latency", operation="")
    assert ranked(window, evidence("cart", "call_ms", peer="cart-db", sigma=5.0)) == ["cart-db", "cart"]
    assert ranked(window, evidence("cart", "call_gap_ms", peer="stock", sigma=5.0))[0] == "cart"
    assert ranked(evidence("cart"), evidence("cart", "call_ms", peer="cart-db", sigma=5.0))[0] == "cart"
