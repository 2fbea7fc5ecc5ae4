#!/usr/bin/env bash
# Inspector's clients send the duration of a transaction in milliseconds from Node and in seconds from Python.
#
# version:  npm @inspector-apm/inspector-nodejs 1.9.21, PyPI inspector-python 0.2.0
# expected: one address, one format: the field "duration" has one unit.
# is:       the same 100 ms are about 100 from Node and about 0.1 from Python, and no field says which unit it is.
# seen:     Node:   100 ms are duration=102, timestamp=1795974332
#           Python: 100 ms are duration=0.1002, timestamp=1795974332.4139
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
timeout 300 npm install --silent --no-audit --no-fund @inspector-apm/inspector-nodejs@1.9.21 > /dev/null
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile inspector-python==0.2.0
cat > application.cjs <<'JS'
const sent = []
require("https").request = () => ({ on() {}, write: body => sent.push(...JSON.parse(body)), end() {} }) // nothing leaves
const inspector = require("@inspector-apm/inspector-nodejs")({ ingestionKey: "key" })
inspector.startTransaction("GET /cart")
setTimeout(() => {
  inspector.flush()
  console.log(sent[0].duration, sent[0].timestamp)
  process.exit(0)
}, 100)
JS
cat > application.py <<'PY'
import time

from inspector.models import Transaction

transaction = Transaction("GET /cart")
transaction.start()
time.sleep(0.1)
transaction.end()
sent = transaction.get_json()
print(sent["duration"], sent["timestamp"])
PY
read -r node node_time < <(timeout 60 node application.cjs)
read -r python python_time < <(timeout 60 venv/bin/python application.py)
echo "Node:   100 ms are duration=$node, timestamp=$node_time"
echo "Python: 100 ms are duration=$python, timestamp=$python_time"
python3 -c 'import sys; node, python = map(float, sys.argv[1:]); sys.exit(not (90 < node < 1000 and 0.09 < python < 1))' "$node" "$python"
