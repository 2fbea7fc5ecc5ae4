#!/usr/bin/env bash
# An agent of Faust that takes many events at a time cannot write to a table.
#
# version:  faust-streaming 0.15.3, aiokafka 0.14.0
# expected: within an agent's loop a table takes writes, whether the loop has one event at a time or a list of them:
#           take is there to count, or to store, many at once.
# is:       each write within `stream.take(...)` or `stream.take_events(...)` raises "Cannot modify table key from outside
#           of stream iteration": where events are taken there is no current event, whose partition a table asks for.
# seen:     one at a time: counted; take: TypeError; take_events: TypeError
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile faust-streaming==0.15.3 aiokafka==0.14.0 confluent-kafka==2.16.1
cat > application.py <<'PY'
import os

import faust

app = faust.App(
    f"finding-{os.environ['HOW']}", broker=f"kafka://{os.environ['SERVER']}", web_enabled=False,
    consumer_auto_offset_reset="earliest", topic_allow_declare=False, topic_disable_leader=True, topic_partitions=1,
)  # fmt: skip
counts = app.Table("counts", default=int, partitions=1)


@app.agent(app.topic("orders", key_serializer="raw", value_serializer="raw"))
async def work(stream):
    loops = {
        "alone": stream,
        "take": stream.take(3, within=1.0),
        "take_events": stream.take_events(3, within=1.0),
    }
    async for found in loops[os.environ["HOW"]]:
        try:
            counts["all"] += len(found) if isinstance(found, list) else 1
        except Exception as error:
            print(f"{type(error).__name__}: {error}", flush=True)
        else:
            print(f"counted {counts['all']}", flush=True)
PY
cat > finding.py <<'PY'
import os
import subprocess
import sys
import time

import confluent_kafka

producer = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})  # librdkafka's broker in this process
broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
server = f"{broker.host}:{broker.port}"


def told(how):
    producer.list_topics(f"finding-{how}-counts-changelog", timeout=10)
    for value in "abc":
        producer.produce("orders", value, partition=0)
    producer.flush(10)
    with open(how, "w") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "faust", "-A", "application", "worker", "-l", "warn", "--without-web"],
            env={**os.environ, "SERVER": server, "HOW": how}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for line in open(how):
                for what in ("counted", "TypeError", "RuntimeError"):
                    if what in line:
                        print(how, line.strip(), file=sys.stderr)
                        return what
            time.sleep(0.5)
        sys.exit(f"{how}: nothing came; {open(how).read()[-1500:]}")
    finally:
        worker.kill()
        worker.wait()


seen = {how: told(how) for how in ("alone", "take", "take_events")}
print(f"one at a time: {seen['alone']}; take: {seen['take']}; take_events: {seen['take_events']}")
sys.exit(0 if seen["alone"] == "counted" and seen["take"] == seen["take_events"] != "counted" else 1)
PY
timeout 250 venv/bin/python finding.py
