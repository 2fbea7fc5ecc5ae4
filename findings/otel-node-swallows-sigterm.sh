#!/usr/bin/env bash
# With OpenTelemetry's register hook a Node application no longer ends on SIGTERM; it goes on serving, without traces.
#
# version:  npm @opentelemetry/auto-instrumentations-node 0.82.0, Node 20
# expected: instrumentation that is put before an application by --require does not change when it ends. SIGTERM, which
#           Kubernetes and systemd send first, ends a Node process that has no handler of its own.
# is:       the hook installs a handler of SIGTERM that shuts the SDK down and never ends the process, so Node's own
#           default is gone: the server goes on answering until SIGKILL, and its last requests are not traced.
# seen:     5 s after SIGTERM: plain Node answers nothing, with the hook 200
set -euo pipefail
work=$(mktemp -d)
trap 'kill -KILL ${server:-} 2> /dev/null || true; rm -rf "$work"' EXIT
cd "$work"
timeout 300 npm install --silent --no-audit --no-fund @opentelemetry/auto-instrumentations-node@0.82.0 @opentelemetry/api@1 > /dev/null
cat > server.cjs <<'JS'
const server = require("http").createServer((request, response) => response.end("ok"))
server.listen(0, "127.0.0.1", () => require("fs").writeFileSync("port", String(server.address().port)))
JS
export OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none OTEL_NODE_RESOURCE_DETECTORS=none

answer() { # what the server says 5 s after SIGTERM, with the options of node given
  rm -f port
  node "$@" server.cjs > log 2>&1 &
  server=$!
  for _ in $(seq 300); do [ -s port ] && break || sleep 0.1; done
  kill -TERM "$server"
  sleep 5
  said=$(timeout 10 node -e 'fetch(`http://127.0.0.1:${process.argv[1]}`).then(r => console.log(r.status), () => console.log("nothing"))' "$(cat port)")
  kill -KILL "$server" 2> /dev/null || true
  wait "$server" 2> /dev/null || true
}

answer
plain=$said
answer --require @opentelemetry/auto-instrumentations-node/register
echo "5 s after SIGTERM: plain Node answers $plain, with the hook $said"
[ "$plain" = nothing ] && [ "$said" = 200 ]
