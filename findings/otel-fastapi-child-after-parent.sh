#!/usr/bin/env bash
# A background task of FastAPI is a child span that begins after its parent has ended.
#
# version:  opentelemetry-instrumentation-fastapi 0.66b1, fastapi 0.165.0
# expected: what runs after the response is a span of its own with a link, or the parent lasts until it is over: a
#           child that was called lies within its parent.
# is:       the span "BackgroundTask NAME" is an INTERNAL child of the request's SERVER span and lies wholly after it,
#           so the parent's own time, the critical path and every "child within parent" rule come out wrong.
# seen:     SERVER GET /orders has ended; its child "BackgroundTask work" begins 0.023 ms later and lasts 273 ms
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
timeout 300 "$work/venv/bin/pip" install -q --no-compile opentelemetry-sdk==1.45.1 \
  opentelemetry-instrumentation-fastapi==0.66b1 fastapi==0.165.0 httpx
timeout 60 "$work/venv/bin/python" - <<'PY'
import asyncio
import sys
import time

import httpx
from fastapi import BackgroundTasks, FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
application = FastAPI()


def work():
    time.sleep(0.2)


@application.get("/orders")
async def orders(tasks: BackgroundTasks):
    tasks.add_task(work)
    return {}


FastAPIInstrumentor.instrument_app(application, tracer_provider=provider)


async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop") as client:
        await client.get("/orders")


asyncio.run(ask())
spans = {span.name: span for span in exporter.get_finished_spans()}
parent, child = spans["GET /orders"], spans["BackgroundTask work"]
late_ms, length_ms = (child.start_time - parent.end_time) / 1e6, (child.end_time - child.start_time) / 1e6
print(f'SERVER {parent.name} has ended; its child "{child.name}" begins {late_ms:.3f} ms later and lasts {length_ms:.0f} ms')
sys.exit(0 if child.parent.span_id == parent.context.span_id and late_ms > 0 else 1)
PY
