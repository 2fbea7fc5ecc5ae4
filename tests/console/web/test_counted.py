"""Requests are counted by the pattern of their path, so that nobody can make labels by asking."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.testclient import TestClient

from tracehound.console.web.counted import Counted, RequestMetrics


class Site:
    """An app with a route, and another one mounted in it; what is counted of both."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.within: list[float] = []
        pages = FastAPI()
        pages.get("/pages/{name}")(lambda name: Response(name))
        app = FastAPI()
        app.get("/things/{name}")(self._thing)
        app.mount("/ui", pages)
        app.add_middleware(Counted, metrics=RequestMetrics(self.registry), clock=iter(range(100)).__next__)
        self.client = TestClient(app)

    def _thing(self, name: str) -> Response:
        self.within.append(self.counted("requests_in_flight"))
        return Response(name, 200 if name == "known" else 404)

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"tracehound_console_{name}", labels) or 0.0


def test_a_route_is_counted_whatever_names_are_in_its_path() -> None:
    site = Site()
    for name in ("known", "a", "b"):
        site.client.get(f"/things/{name}")
    route = "/things/{name}"
    assert site.counted("requests_total", route=route, status="200") == 1
    assert site.counted("requests_total", route=route, status="404") == 2
    assert site.counted("request_seconds_count", route=route) == 3
    assert site.counted("request_seconds_sum", route=route) == 3.0  # the clock goes on by one each time
    assert (site.within, site.counted("requests_in_flight")) == ([1.0, 1.0, 1.0], 0.0)


def test_the_trace_that_a_request_is_part_of_is_an_example() -> None:
    site = Site()
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    for traceparent in (f"00-{trace_id}-00f067aa0ba902b7-01", "anything"):
        site.client.get("/things/known", headers={"traceparent": traceparent})
    families = {one.name: one for one in site.registry.collect()}
    samples = families["tracehound_console_request_seconds"].samples
    assert [one.exemplar.labels for one in samples if one.exemplar] == [{"trace_id": trace_id}]


def test_a_route_of_a_mounted_app_has_its_whole_path() -> None:
    site = Site()
    site.client.get("/ui/pages/one")
    assert site.counted("requests_total", route="/ui/pages/{name}", status="200") == 1


def test_what_no_route_is_found_for_is_one_label() -> None:
    site = Site()
    for path in ("/nothing", "/else", "/ui/nothing"):
        site.client.get(path)
    assert site.counted("requests_total", route="(other)", status="404") == 3
