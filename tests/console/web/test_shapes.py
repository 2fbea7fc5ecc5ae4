"""Tests for statements that are made once for all that is asked alike."""

from tracehound.console.anomalies.queries import AnomaliesAsked, anomalies_asked


def test_what_is_asked_alike_shares_a_statement_and_keeps_its_own_values() -> None:
    one = anomalies_asked(AnomaliesAsked(application="shop", severity=["major"]))
    other = anomalies_asked(AnomaliesAsked(application="bank", severity=["major"], limit=7))
    assert one.statement is other.statement
    assert (one.values, other.values) == ({"application": "shop"}, {"application": "bank"})


def test_other_filters_and_orders_are_other_statements() -> None:
    asked = [
        AnomaliesAsked(),
        AnomaliesAsked(application="shop"),
        AnomaliesAsked(environment="shop"),
        AnomaliesAsked(severity=["major"]),
        AnomaliesAsked(severity=["major", "minor"]),
        AnomaliesAsked(sort="time"),
    ]
    made = {(str(wanted.statement), wanted.descending) for wanted in map(anomalies_asked, asked)}
    assert len(made) == len(asked)
