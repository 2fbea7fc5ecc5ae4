"""What models say, how sure they are, what they cost, and whether they still fit."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from tracehound.scripts.dashboards.panels import distribution, lines, new_dashboard, number


def models() -> Dashboard:
    """Predictions, confidence, drift, readiness, training and its cost."""
    return (
        new_dashboard("tracehound-models", "tracehound: models")
        .with_panel(number("Applications", "With models.", "short", "sum(tracehound_applications)"))
        .with_panel(
            number(
                *("Operations judged", "Of all that are known.", "percentunit"),
                'sum(tracehound_models{state="ready"}) / sum(tracehound_models)',
            )
        )
        .with_panel(
            number(
                "Anomalies of a day", "Of all applications.", "short", "sum(increase(tracehound_anomalies_total[1d]))"
            )
        )
        .with_panel(number("Largest PSI", "Above 0.2 is drift.", "short", "max(tracehound_psi)"))
        .with_row(Row("Predictions"))
        .with_panel(
            lines(
                *("Anomalies", "By kind and severity, in a minute.", "short"),
                {
                    "{{kind}}, {{severity}}": "sum by (kind, severity) "
                    "(rate(tracehound_anomalies_total[$__rate_interval])) * 60"
                },
            )
        )
        .with_panel(
            lines(
                *("Model events", "What became of models, in a minute.", "short"),
                {"{{change}}": "sum by (change) (rate(tracehound_model_changes_total[$__rate_interval])) * 60"},
            )
        )
        .with_panel(
            distribution("Scores", "−log10 of the false-alarm probability.", "short", "tracehound_anomaly_score")
        )
        .with_panel(distribution("Confidence", "Of anomalies, from 0 to 1.", "short", "tracehound_anomaly_confidence"))
        .with_row(Row("Predictions on demand"))
        .with_panel(
            lines(
                *("Requests", "By how they ended and the version of the detectors, in a minute.", "short"),
                {
                    "{{result}} {{model_version}}": "sum by (result, model_version) "
                    "(rate(tracehound_prediction_requests_total[$__rate_interval])) * 60"
                },
            )
        )
        .with_panel(
            lines(
                *("What they were", "Executions judged on demand, in a minute.", "short"),
                {
                    "{{prediction}} {{model_version}}": "sum by (prediction, model_version) "
                    "(rate(tracehound_predictions_total[$__rate_interval])) * 60"
                },
            )
        )
        .with_row(Row("Drift, readiness, cost"))
        .with_panel(
            lines(
                *("Drift", "The ten applications with the largest population stability index.", "short"),
                {"{{application}} {{environment}}": "topk(10, tracehound_psi)"},
            )
        )
        .with_panel(
            lines(
                *("Models", "Of operations, by state.", "short"),
                {"{{state}}": "sum by (state) (tracehound_models)"},
            )
        )
        .with_panel(
            lines(
                *("Training", "Seconds of refits, and of them on a CPU, in an hour.", "s"),
                {
                    "CPU, {{instance}}": "rate(tracehound_refit_cpu_seconds_total[$__rate_interval]) * 3600",
                    "from begin to end, {{instance}}": "rate(tracehound_refit_seconds_total[$__rate_interval]) * 3600",
                },
            )
        )
        .with_panel(
            lines(
                *("State", "Memory of models, and what of them is saved in a second.", "bytes"),
                {
                    "in memory, {{instance}}": "tracehound_state_bytes",
                    "saved, {{instance}}": "rate(tracehound_state_bytes_written_total[$__rate_interval])",
                },
            )
        )
    )
