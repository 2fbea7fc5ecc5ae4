#!/usr/bin/env bash
# OpenTelemetry for Node makes two or three nested spans of each layer of an Express application.
#
# version:  npm @opentelemetry/auto-instrumentations-node 0.82.0, express 5.3.0
# expected: one INTERNAL span a middleware and one for the handler, with the names of the functions, in the order in
#           which they ran.
# is:       Express 5 is built on the package router, which has an instrumentation of its own that is on as well. It
#           wraps what the one of Express has wrapped already, and so calls it "middleware - patched"; the handler is
#           three spans deep. All of them start at the same whole millisecond, so siblings have no order by time.
# seen:     one middleware and one handler: 5 INTERNAL spans below GET /users/:id
#             middleware - patched > middleware - jsonParser
#             middleware - patched > request handler > request handler - /users/:id
#           start times with a fraction of a millisecond: 0 of 8
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
timeout 300 npm install --silent --no-audit --no-fund @opentelemetry/auto-instrumentations-node@0.82.0 @opentelemetry/api@1 express@5.3.0 > /dev/null
cat > application.cjs <<'JS'
const { NodeSDK } = require("@opentelemetry/sdk-node")
const { InMemorySpanExporter, SimpleSpanProcessor } = require("@opentelemetry/sdk-trace")
const { getNodeAutoInstrumentations } = require("@opentelemetry/auto-instrumentations-node")
const exporter = new InMemorySpanExporter()
new NodeSDK({ spanProcessors: [new SimpleSpanProcessor({ exporter })], instrumentations: [getNodeAutoInstrumentations()] }).start()

const express = require("express")
const application = express()
application.use(express.json())
application.get("/users/:id", (request, response) => response.json({}))
const server = application.listen(0, "127.0.0.1", async () => {
  await fetch(`http://127.0.0.1:${server.address().port}/users/7`)
  await new Promise(done => setTimeout(done, 500))
  const spans = exporter.getFinishedSpans()
  const parent = span => spans.find(other => other.spanContext().spanId === span.parentSpanContext?.spanId)
  const path = span => (span.kind === 0 && parent(span) ? [...path(parent(span)), span.name] : [])
  const layers = spans.filter(span => path(span).length)
  console.log(`one middleware and one handler: ${layers.length} INTERNAL spans below GET /users/:id`)
  const paths = layers.filter(span => !spans.some(other => parent(other) === span)).map(span => path(span).join(" > "))
  for (const line of paths) console.log("  " + line)
  const fine = spans.filter(span => span.startTime[1] % 1e6).length
  console.log(`start times with a fraction of a millisecond: ${fine} of ${spans.length}`)
  process.exit(layers.length === 5 && paths.every(line => line.startsWith("middleware - patched > ")) && !fine ? 0 : 1)
})
JS
OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none OTEL_NODE_RESOURCE_DETECTORS=none timeout 60 node application.cjs
