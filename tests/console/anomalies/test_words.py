"""Every signal that detectors know is said in words."""

import re

from tests.checkout import PROJECT
from tracehound.console.anomalies.words import WORDS

_NAMED = re.compile(r"(?:ChartedSignal|GoldenSignal)\(\s*\"(\w+)\"|signal=\"(\w+)\"|SIGNAL(?:, \w+)? = \"(\w+)\"")


def test_signals_have_words() -> None:
    sources = [one.read_text() for one in (PROJECT / "detectors").rglob("*.py")]
    named = {"".join(parts) for source in sources for parts in _NAMED.findall(source)}
    assert {"call_ms", "traffic", "error_rate", "stopped_operations"} <= named
    assert named <= set(WORDS)
