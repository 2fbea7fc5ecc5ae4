"""The file of settings: what was found is in it, each line with its reason, whatever names come from outside."""

import tomllib

from tracehound.scripts.discovery.proposal import Proposal, ProposedField
from tracehound.scripts.discovery.recognition import Finding
from tracehound.scripts.discovery.sampling import TopicSample
from tracehound.scripts.discovery.settings_file import Line, chosen, unread, written
from tracehound.streams.settings.settings import Settings


def test_each_line_has_a_reason_and_can_be_read_whatever_names_hold() -> None:
    why = 'a "topic"\nwith \x00 and \u202e'
    text = written([Line("gateway", "port", 4318, why), Line("", "topic_prefix", 'a"\\b', why)], "x.toml")
    assert tomllib.loads(text) == {"topic_prefix": 'a"\\b', "gateway": {"port": 4318}}
    assert all("  # a " in line for line in text.splitlines() if " = " in line)


def test_what_was_found_becomes_settings() -> None:
    def finding(topic: str, kind: str, read: int = 0, proposal: Proposal | None = None) -> Finding:
        return Finding(TopicSample(topic), kind, f"{kind}!", read, [], proposal)  # type: ignore[arg-type]

    proposals = [Proposal((ProposedField("operation", name, "called so"),), ()) for name in ("path", "url")]
    findings = [
        finding("acme.executions.v1", "executions"),
        finding("one", "spans"),
        finding("two", "spans"),
        finding("few", "json", 3, proposals[0]),
        finding("most", "json", 9, proposals[1]),
        finding("same", "json", 1, proposals[1]),
        finding("events", "executions"),
    ]
    settings = Settings(
        bootstrap_servers="kafka:9093",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="ann",
        sasl_password="secret",  # type: ignore[arg-type]
        ssl_ca_file="/ca.pem",  # type: ignore[arg-type]
    )
    text = written(chosen(settings, findings, None), "x.toml")
    assert tomllib.loads(text) == {
        "bootstrap_servers": "kafka:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": "ann",
        "ssl_ca_file": "/ca.pem",
        "topic_prefix": "acme.",
        "execution_fields": "operation=url",
        "intake": {"execution_topics": "most,same,events", "otlp_topics": "one,two"},
    }
    assert "secret" not in text
    assert [one.topic for one in unread(findings)] == ["few"]
    assert tomllib.loads(written(chosen(settings, [], 4318), "x.toml")) == {"gateway": {"port": 4318}}
