"""Publish one execution."""

import json
import os
import time

from confluent_kafka import Producer

producer = Producer(
    {
        "bootstrap.servers": os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"),
        "partitioner": "murmur2_random",
    }
)
execution = {"application": "shop", "operation": "GET /cart", "started_at": time.time(), "duration_ms": 120.5}
producer.produce(
    os.environ.get("TOPIC", "tracehound.executions.v1"), json.dumps(execution), key=execution["application"]
)
producer.flush()
