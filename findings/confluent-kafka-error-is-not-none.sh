#!/usr/bin/env bash
# Whether an error of confluent-kafka equals None cannot be asked: the comparison raises, there or in what runs next.
#
# version:  PyPI confluent-kafka 2.16.1
# expected: as for every object of Python, error == None is False, so that a list of what deliveries said can be compared.
# is:       the error takes what it is compared with for a number and raises TypeError, but gives an answer all the same,
#           so that Python notices at the next call: as TypeError, or as SystemError of somebody else. "is None" works.
# seen:     error is None: False
#           error == None: TypeError: 'NoneType' object cannot be interpreted as an integer
#           str([error] == [None]): SystemError: <class 'str'> returned a result with an exception set
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
timeout 300 venv/bin/pip install -q --no-compile confluent-kafka==2.16.1
failed=0
for asked in "error is None" "error == None" "str([error] == [None])"; do
  said=$(timeout 60 venv/bin/python -c "
from confluent_kafka import KafkaError
error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
print($asked)" 2>&1 | tail -1) || true
  echo "$asked: $said"
  case "$asked: $said" in
    "error is None: False" | "error == None: TypeError: "* | "str("*"Error: "*) ;;
    *) failed=1 ;;
  esac
done
exit $failed
