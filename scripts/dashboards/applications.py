"""The applications that are watched: how they do, and what was told of them."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, QueryVariable, Row

from tracehound.scripts.dashboards.panels import SOURCE, lines, new_dashboard, number

_CHOSEN = '{application=~"$application"}'


def applications() -> Dashboard:
    """Traffic, errors and anomalies of chosen applications; incidents of all."""
    choice = (
        QueryVariable("application")
        .label("Application")
        .datasource(SOURCE)
        .query("label_values(tracehound_application_executions_total, application)")
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )

    def rate(of: str) -> str:
        return f"sum by (application, environment) (rate(tracehound_application_{of}_total{_CHOSEN}[$__rate_interval]))"

    newest = f"tracehound_application_newest_execution_timestamp_seconds{_CHOSEN}"
    return (
        new_dashboard("tracehound-applications", "tracehound: applications")
        .with_variable(choice)
        .with_panel(number("Executions a second", "Of those chosen.", "reqps", f"sum({rate('executions')})"))
        .with_panel(
            number(
                *("Errors", "Share of their executions that failed.", "percentunit"),
                f"sum({rate('errors')}) / sum({rate('executions')})",
            )
        )
        .with_panel(
            number(
                *("Anomalies of a day", "Of those chosen.", "short"),
                f"sum(increase(tracehound_application_anomalies_total{_CHOSEN}[1d]))",
            )
        )
        .with_panel(
            number(
                *("Incidents opened in a day", "Of all applications.", "short"),
                'sum(increase(tracehound_incident_events_total{change="opened"}[1d]))',
            )
        )
        .with_row(Row("Golden signals"))
        .with_panel(
            lines(
                *("Traffic", "Executions a second.", "reqps"),
                {"{{application}} {{environment}}": rate("executions")},
            )
        )
        .with_panel(
            lines(
                *("Errors", "Share of executions that failed.", "percentunit"),
                {"{{application}} {{environment}}": f"{rate('errors')} / {rate('executions')}"},
            )
        )
        .with_panel(
            lines(
                *("Anomalies", "By severity, in a minute.", "short"),
                {
                    "{{application}} {{severity}}": "sum by (application, severity) "
                    f"(rate(tracehound_application_anomalies_total{_CHOSEN}[$__rate_interval])) * 60"
                },
            )
        )
        .with_panel(
            lines(
                *("Newest execution", "How long ago it began: what is above is late, or silent.", "s"),
                {"{{application}} {{environment}}": f"time() - max by (application, environment) ({newest})"},
            )
        )
        .with_row(Row("Incidents"))
        .with_panel(
            lines(
                *("Events of incidents", "Opened, updated and resolved, in a minute.", "short"),
                {
                    "{{change}}, {{severity}}": "sum by (change, severity) "
                    '(rate(tracehound_incident_events_total{change!=""}[$__rate_interval])) * 60'
                },
                span=24,
            )
        )
    )
