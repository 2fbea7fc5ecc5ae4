#!/usr/bin/env bash
# The newest SkyWalking agent for Python cannot be imported: its wheel lacks the package it talks by.
#
# version:  PyPI apache-skywalking 1.3.0 (and 1.2.0, which works)
# expected: pip install apache-skywalking, then "from skywalking import agent", as its documentation begins.
# is:       ModuleNotFoundError. The wheel of 1.3.0 has no package skywalking.protocol (the generated code of its
#           protocol, 1.2.0 has it), which the agent imports first. Pin 1.2.0.
# seen:     1.2.0: imported
#           1.3.0: ModuleNotFoundError: No module named 'skywalking.protocol'
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 1.2.0 1.3.0; do
  python3 -m venv "$work/$version"
  timeout 300 "$work/$version/bin/pip" install -q --no-compile apache-skywalking==$version
  said=$(timeout 60 "$work/$version/bin/python" -c 'from skywalking import agent; print("imported")' 2>&1 | tail -n 1) || true
  echo "$version: $said"
  echo "$version: $said" >> "$work/seen"
done
grep -qx "1.2.0: imported" "$work/seen"
grep -qx "1.3.0: ModuleNotFoundError: No module named 'skywalking.protocol'" "$work/seen"
