"""Print anomalies as they come. After a crash an anomaly may be published again, with the same id: it is dropped."""

import json
import os
from collections import OrderedDict

from confluent_kafka import Consumer

REMEMBERED = 10_000

consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"),
        "group.id": "examples",
        "auto.offset.reset": "earliest",
    }
)
consumer.subscribe([os.environ.get("TOPIC", "tracehound.anomalies.v1")])
seen: OrderedDict[str, None] = OrderedDict()
while True:
    message = consumer.poll(1.0)
    if message is None or message.error():
        continue
    event = json.loads(message.value())
    if event["id"] in seen:
        continue
    seen[event["id"]] = None
    if len(seen) > REMEMBERED:
        seen.popitem(last=False)
    print(event["data"]["severity"], event["data"]["reason"], flush=True)
