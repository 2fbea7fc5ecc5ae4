#!/usr/bin/env bash
# Inspector's client for Python sends all transactions of its process again with each of them.
#
# version:  PyPI inspector-python 0.2.0
# expected: a client sends each transaction once, and may record as many as it likes, one after the other.
# is:       all clients of a process append to one list of their class, which flush sends and does not empty: the second
#           client sends the first one's transaction again, and so on, ever more. The client that has sent cannot record
#           another: its list has become a dict.
# seen:     first client sent:  one
#           second client sent: one two
#           third transaction by it: AttributeError: 'dict' object has no attribute 'append'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile inspector-python==0.2.0
cat > application.py <<'PY'
import json
import sys

from inspector import Configuration, Inspector
from inspector.transports import SyncTransport

sent = []
SyncTransport._send_chunk = lambda self, body: sent.append(json.loads(body))  # nothing leaves
clients = [Inspector(Configuration("key")), Inspector(Configuration("key"))]
for client, name in zip(clients, ("one", "two")):
    client.start_transaction(name)
    client.flush()
names = [" ".join(each["name"] for each in body) for body in sent]
print("first client sent: ", names[0])
print("second client sent:", names[1])
try:
    clients[1].start_transaction("three")
    failed = "nothing is wrong"
except AttributeError as error:
    failed = f"AttributeError: {error}"
print("third transaction by it:", failed)
sys.exit(names != ["one", "one two"] or "append" not in failed)
PY
timeout 60 venv/bin/python application.py
