"""What the dashboards have in common: where their numbers come from, and the few kinds of panels."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef("prometheus", "${source}")
WIDTH, HALF, QUARTER, HEIGHT, LOW = 24, 12, 6, 8, 4

Queries = Mapping[str, str]
"""PromQL by the legend of its lines, which may name labels in double braces."""


def new_dashboard(uid: str, title: str) -> dashboard.Dashboard:
    """An empty dashboard for the last three hours, for any Prometheus that Grafana knows."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["tracehound"])
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )


def lines(title: str, about: str, unit: str, queries: Queries, span: int = HALF) -> timeseries.Panel:
    """Lines over time. ``unit`` is Grafana's id of it: s, bytes, percentunit, short, reqps."""
    panel = timeseries.Panel().title(title).description(about).datasource(SOURCE).unit(unit)
    panel = panel.span(span).height(HEIGHT).min(0).fill_opacity(8)
    for number, (legend, expression) in enumerate(queries.items()):
        panel = panel.with_target(_query(number, expression).legend_format(legend))
    return panel


def number(title: str, about: str, unit: str, expression: str) -> stat.Panel:
    """One number as of now."""
    panel = stat.Panel().title(title).description(about).datasource(SOURCE).unit(unit).span(QUARTER).height(LOW)
    return panel.with_target(_query(0, expression))


def distribution(title: str, about: str, unit: str, histogram: str, by: str = "le") -> heatmap.Panel:
    """How often which values came, over time, from the buckets of a histogram."""
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Blues").steps(64)
    panel = heatmap.Panel().title(title).description(about).datasource(SOURCE).span(HALF).height(HEIGHT)
    panel = panel.calculate(False).color(colours).y_axis(heatmap.YAxisConfig().unit(unit))
    query = _query(0, f"sum by ({by}) (increase({histogram}_bucket[$__rate_interval]))")
    return panel.with_target(query.format(PromQueryFormat.HEATMAP).legend_format("{{le}}"))


def _query(number: int, expression: str) -> prometheus.Dataquery:
    asked = prometheus.Dataquery().expr(expression).ref_id(chr(ord("A") + number)).datasource(SOURCE)
    return asked.exemplar(True)  # traces that stand as examples, where a metric has them
