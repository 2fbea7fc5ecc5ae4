"""A service whose behaviour is known: it answers a random number after a random delay, and fails now and then.

What it does is recorded for tracehound, and its four golden signals are served for Prometheus.
"""

import asyncio
import os
import random
import time

from fastapi import FastAPI, HTTPException
from prometheus_client import Counter, Gauge, Histogram, start_http_server

from tracehound_client import Client, Gateway, current
from tracehound_client.hooks.asgi import ExecutionMiddleware

APPLICATION = os.environ.get("APPLICATION", "random-service")
GATEWAY = os.environ.get("GATEWAY", "http://127.0.0.1:4318")
METRICS_PORT = int(os.environ.get("METRICS_PORT", "9101"))
DELAY_MS = float(os.environ.get("DELAY_MS", "50"))
"""Half of the delays are longer: they are log-normal, with a sigma of 0.5."""
VALUE = float(os.environ.get("VALUE", "100"))
"""The mean of the values: they are normal, with a standard deviation of 15."""
FAILURES = float(os.environ.get("FAILURES", "0.01"))
"""The share of requests that fail."""
CAPACITY = 100
"""Requests that it may answer at once."""

LATENCY = Histogram("random_request_seconds", "Latency: seconds to an answer", ["status"])
REQUESTS = Counter("random_requests", "Traffic: requests answered")
ERRORS = Counter("random_failed_requests", "Errors: requests that failed")
SATURATION = Gauge("random_capacity_used", "Saturation: requests at once, as a share of what it can")

app = FastAPI()
client = Client(APPLICATION, Gateway(GATEWAY))
app.add_middleware(ExecutionMiddleware, client=client)
start_http_server(METRICS_PORT, "127.0.0.1")


@app.get("/random")
async def random_number() -> dict[str, float]:
    """A random number, after a random delay."""
    began, status = time.perf_counter(), "500"
    SATURATION.inc(1 / CAPACITY)
    try:
        await asyncio.sleep(random.lognormvariate(0.0, 0.5) * DELAY_MS / 1_000)
        if random.random() < FAILURES:
            ERRORS.inc()
            raise HTTPException(500, "Not today.")
        value = random.gauss(VALUE, 15.0)
        execution = current()
        if execution is not None:
            execution.attributes["value"] = value
        status = "200"
        return {"value": value}
    finally:
        SATURATION.dec(1 / CAPACITY)
        REQUESTS.inc()
        LATENCY.labels(status).observe(time.perf_counter() - began)
