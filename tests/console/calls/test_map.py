"""The call map: what matters is drawn first, an incident's way is marked, and it is asked by the address."""

import re
from collections.abc import Iterator, Sequence

import pytest

from tests.console.asking import Asking, asking
from tests.console.pages.shop import fill
from tests.console.store.reader.told import BEGIN_S, incident, progress
from tests.console.telling import tell
from tracehound.console.calls.graph import Edge
from tracehound.console.calls.map import MOST_EDGES, MOST_NODES, Marked, call_map
from tracehound.console.store.engine import Store
from tracehound.schemas.call_graph import Call, CallGraph
from tracehound.schemas.codec import encode


def edge(caller: str, callee: str, calls: int = 10, errors: int = 0, mean_ms: float | None = 5.0) -> Edge:
    return Edge(caller, "prod", "", callee, "", "call", "", calls, errors, mean_ms, None)


@pytest.fixture
def console(store: Store) -> Iterator[Asking]:
    with asking(store) as asked:
        fill(store)
        pairs = [("web", "shop"), ("shop", "db"), ("stock", "db"), ("job", "mail")]
        for number, (caller, callee) in enumerate(pairs):
            call = Call(int(BEGIN_S), "GET /", callee, "GET /", 3_600, 0, 36_000.0)
            tell(store, "call_graph", encode(CallGraph(f"more-{number}", caller, "prod", [call])))
        yield asked


def shown(console: Asking, query: str = "", status: int = 200) -> str:
    return console.page(f"/map{query}", status=status)


def pairs(page: str) -> Sequence[tuple[str, str]]:
    """Callers and callees of the table."""
    plain = re.sub(r"</?a[^>]*>", "", page)
    return re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td>', plain)


def test_of_many_edges_those_are_drawn_that_matter() -> None:
    edges = [edge(f"caller-{number}", f"callee-{number}", calls=1_000 + number) for number in range(200)]
    edges += [
        edge("quiet", "rare", calls=1),
        edge("failing", "rare", calls=20, errors=1),
        edge("sick", "rare", calls=1),
    ]
    marked = Marked("rare", frozenset({"quiet", "rare"}), frozenset({("quiet", "rare")}))
    found = call_map(edges, {"sick": "critical", "quiet": "ok"}, marked, 60.0)
    assert found.pairs == 203
    assert len(found.calls) <= MOST_EDGES
    assert len(found.nodes) == MOST_NODES
    drawn = [(call.caller, call.callee) for call in found.calls]
    assert drawn[:4] == [
        ("quiet", "rare"),
        ("failing", "rare"),
        ("sick", "rare"),
        ("caller-199", "callee-199"),
    ]
    assert [call.marked for call in found.calls[:2]] == [True, False]
    assert {node.name for node in found.nodes if node.suspected} == {"rare"}


def test_edges_of_a_pair_are_one_line() -> None:
    found = call_map(
        [edge("a", "b", 30, 3, 10.0), edge("a", "b", 10, 0, 30.0), edge("a", "b", 20, mean_ms=None)], {}, Marked(), 60.0
    )
    (line,) = found.calls
    assert (line.per_second, line.mean_ms, line.error_share, line.failing) == (1.0, 15.0, 0.05, True)
    assert line.path.startswith("M")


def test_thousands_of_edges_are_drawn_within_bounds() -> None:
    edges = [edge(f"app-{number % 70}", f"app-{number * 7 % 71}", number + 1) for number in range(5_000)]
    found = call_map(edges, {f"app-{number}": "ok" for number in range(70)}, Marked(), 300.0)
    assert len(found.nodes) <= MOST_NODES
    assert len(found.calls) == MOST_EDGES


def test_the_map_is_asked_by_its_address(console: Asking) -> None:
    assert set(pairs(shown(console))) == {
        *{("web", "shop"), ("shop", "db"), ("stock", "db"), ("job", "mail"), ("shop", "stock")}
    }
    assert set(pairs(shown(console, "?find=AIL"))) == {("job", "mail")}
    assert set(pairs(shown(console, "?application=shop"))) == {("web", "shop"), ("shop", "db"), ("shop", "stock")}
    assert "No call is known of that time." in shown(console, "?environment=other")
    assert "No call is known of that time." in shown(console, "?until=1990-01-01T00:00:00Z")
    assert "Nobody of that name called" in shown(console, "?find=none")
    assert "That did not work" in shown(console, "?hours=2", 400)
    assert "There is no incident none" in shown(console, "?incident=none", 404)


def test_an_incident_marks_its_way_from_symptom_to_cause(console: Asking) -> None:
    page = shown(console, "?incident=shop")
    marked = re.findall(r'class="call[^"]*marked[^"]*"[^>]*><title>(\w+) calls (\w+)', page)
    assert marked == [("shop", "stock")]
    assert len(re.findall(r"suspected cause<", page)) == 1
    assert set(pairs(page)) == {("web", "shop"), ("shop", "db"), ("stock", "db"), ("shop", "stock")}
    assert 'href="/ui/incidents/shop"' in page
    assert 'href="/ui/applications/db' not in page  # nothing is known of it


def test_calls_that_only_the_caller_names_are_drawn_without_what_nobody_measured(console: Asking) -> None:
    tell(console.store, "progress", progress(60, 9, "lone", db=1_800), progress(60, 9, "shop", queue=5))
    page = shown(console)
    assert ("lone", "db") in pairs(page)
    assert ("shop", "queue") not in pairs(page)  # both sides of what shop calls are known: names would count it twice
    row = page.partition(">lone</a></th>")[2].partition("</tr>")[0]
    assert re.findall(r'<td class="number">([^<]*)</td>', row) == ["0.5", "", ""]
    assert "only the caller was heard" in page
    assert "lone calls db: 0.5 a second</title>" in page


def test_the_way_of_an_incident_is_known_from_what_callers_name_alone(store: Store) -> None:
    with asking(store) as console:
        tell(store, "severity", incident("slow", 1, "opened", ("shop",), cause="orders-db"))
        tell(store, "progress", progress(60, 9, "shop", **{"orders-db": 12}))
        marked = re.findall(r'marked"[^>]*><title>([\w-]+) calls ([\w-]+)', shown(console, "?incident=slow"))
        assert marked == [("shop", "orders-db")]
        headers = {"authorization": f"Bearer {console.keys['viewer'].key}"}
        drawn = console.client.get("/ui/incidents/slow", headers=headers).text
        assert drawn.count('class="suspected"') == 1
        assert drawn.count('marker-end="url(#arrow)"') == 1
