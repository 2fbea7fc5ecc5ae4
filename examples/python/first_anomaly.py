"""A first anomaly of your own: ten minutes of a shop that is well, and then of one whose stock is slow to answer."""

import json
import os
import random
import time

from confluent_kafka import Producer

producer = Producer(
    {
        "bootstrap.servers": os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"),
        "partitioner": "murmur2_random",
    }
)
topic = os.environ.get("TOPIC", "tracehound.executions.v1")
draw = random.Random(1)
SECONDS = 600
began = time.time() - SECONDS
for second in range(SECONDS):
    stock_ms = draw.lognormvariate(3.7, 0.2) * (8 if second >= SECONDS - 60 else 1)
    execution = {
        "application": "shop",
        "operation": "GET /cart",
        "started_at": began + second,
        "duration_ms": 20 + stock_ms,
        "status": "ok",
        "segments": [{"kind": "http", "name": "GET /stock", "peer": "stock", "offset_ms": 5, "duration_ms": stock_ms}],
    }
    producer.produce(topic, json.dumps(execution), key="shop")
producer.flush()
print(f"{SECONDS} executions of shop are published.")
