"""tracehound itself: the four golden signals of its processes."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from tracehound.scripts.dashboards.panels import lines, new_dashboard, number


def service() -> Dashboard:
    """Traffic, errors, latency and saturation, of the worker first."""
    quantiles = {
        f"p{share * 100:g}": f"histogram_quantile({share}, "
        "sum by (le) (rate(tracehound_scoring_seconds_bucket[$__rate_interval])))"
        for share in (0.5, 0.95, 0.99)
    }
    return (
        new_dashboard("tracehound-service", "tracehound: service")
        .with_panel(
            number("Processes that work", "Of those that Prometheus asks.", "short", "sum(tracehound_ready)"),
        )
        .with_panel(
            number("Behind", "Event time still to be scored, at most.", "s", "max(tracehound_lag_seconds)"),
        )
        .with_panel(
            number(
                *("Longest without progress", "Although records wait.", "s", "max(tracehound_stalled_seconds)"),
            ),
        )
        .with_panel(
            number(
                *("Lost", "Records that Kafka deleted before they were read; should be 0.", "short"),
                "sum(tracehound_offsets_lost_total)",
            ),
        )
        .with_row(Row("Traffic and errors"))
        .with_panel(
            lines(
                *("Traffic", "Executions scored and records read by each worker.", "reqps"),
                {
                    "executions, {{instance}}": "rate(tracehound_executions_total[$__rate_interval])",
                    "records, {{instance}}": "rate(tracehound_records_total[$__rate_interval])",
                },
            )
        )
        .with_panel(
            lines(
                *("Error ratio", "Share of the records of each kind of process that was refused.", "percentunit"),
                {"{{job}}": "job:tracehound_dead_letters:share5m"},
            )
        )
        .with_row(Row("Latency and saturation"))
        .with_panel(lines("Time to score a chunk", "Quantiles over all workers.", "s", quantiles))
        .with_panel(
            lines(
                *("CPU", "Cores in use; a worker uses at most one, and a little for refits.", "short"),
                {"{{job}} {{instance}}": 'rate(process_cpu_seconds_total{job=~"tracehound.*"}[$__rate_interval])'},
            )
        )
        .with_panel(
            lines(
                *("Records that wait", "Of each kind of process.", "short"),
                {"{{job}}": "job:tracehound_lag_records:sum"},
            )
        )
        .with_panel(
            lines(
                *("Memory", "Resident, and how much of it models take.", "bytes"),
                {
                    "{{job}} {{instance}}": 'process_resident_memory_bytes{job=~"tracehound.*"}',
                    "models, {{instance}}": "tracehound_state_bytes",
                },
            )
        )
    )
