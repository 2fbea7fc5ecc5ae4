#!/usr/bin/env bash
# The newest grafana-foundation-sdk, by its version, builds dashboards for the oldest Grafana that it knows.
#
# version:  grafana-foundation-sdk 1769699998!10.1.0 and 1769699379!11.6.0, of the same release
# expected: whoever asks for no version, or for the newest up to that release, gets the types of the newest Grafana.
# is:       a version's epoch is the second of its build, and the branch for the oldest Grafana is built last: pip takes
#           10.1.0, whose dashboards have the schema of 2023.
# seen:     pip takes 10.1.0, which writes schemaVersion 36; 11.6.0 writes 41
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
written() { # REQUIREMENT: the version that pip takes, and the schema of the dashboards that it builds
  python3 -m venv "$work/$2"
  timeout 300 "$work/$2/bin/pip" install -q --no-compile "$1"
  timeout 60 "$work/$2/bin/python" - <<'PY'
from importlib.metadata import version

from grafana_foundation_sdk.builders.dashboard import Dashboard

print(version("grafana-foundation-sdk").split("!")[-1], Dashboard("title").build().schema_version)
PY
}
read -r newest old < <(written 'grafana-foundation-sdk<=1769699998!10.1.0' newest)
read -r asked new < <(written 'grafana-foundation-sdk==1769699379!11.6.0' asked)
echo "pip takes $newest, which writes schemaVersion $old; $asked writes $new"
[ "$newest" = 10.1.0 ] && [ "$asked" = 11.6.0 ] && [ "$old" -lt "$new" ]
