"""tracehound watches itself: its worker's traces come back to it through gateway and intake, and are scored."""

import json
import re
import time
from pathlib import Path

import requests
from confluent_kafka import Producer

from tests.end_to_end.all_of_it import Up
from tests.end_to_end.conftest import wait_until_within

SCORED = r'^tracehound_application_executions_total{application="tracehound",environment=""} (\S+)$'


def test_what_workers_do_is_scored_by_them(tmp_path: Path) -> None:
    with Up(tmp_path, traced=True) as up:
        servers = up.until(r"export KAFKA_BOOTSTRAP_SERVERS=(\S+)$")[1]
        producer = Producer({"bootstrap.servers": servers, "partitioner": "murmur2_random"})

        def scored() -> bool:
            told = {"application": "shop", "operation": "GET /cart", "started_at": time.time(), "duration_ms": 5.0}
            producer.produce("tracehound.executions.v1", json.dumps(told), "shop")
            producer.flush(120)
            text = requests.get(f"http://127.0.0.1:{up.ports['worker']}/metrics", timeout=120).text
            return any(float(count) >= 5 for count in re.findall(SCORED, text, re.MULTILINE))

        wait_until_within(scored, "five traces of its own were scored", 180.0)
