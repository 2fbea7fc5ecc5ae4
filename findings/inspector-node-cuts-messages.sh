#!/usr/bin/env bash
# Inspector's client for Node reports an error's message only up to its first colon.
#
# version:  npm @inspector-apm/inspector-nodejs 1.9.21
# expected: the message of the error, whole.
# is:       class and message are split at every colon of "Class: message", and the second piece is reported: an
#           address, a path or a nested cause is lost. The segment of the same exception has the whole message as its
#           label.
# seen:     thrown:  connect ECONNREFUSED 10.0.0.7:5432: no route
#           message: connect ECONNREFUSED 10.0.0.7
#           label:   connect ECONNREFUSED 10.0.0.7:5432: no route
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
timeout 300 npm install --silent --no-audit --no-fund @inspector-apm/inspector-nodejs@1.9.21 > /dev/null
cat > application.cjs <<'JS'
const https = require("https")
const sent = []
https.request = () => ({ on() {}, write: body => sent.push(...JSON.parse(body)), end() {} }) // nothing leaves this process
const inspector = require("@inspector-apm/inspector-nodejs")({ ingestionKey: "key" })

async function main() {
  const thrown = new Error("connect ECONNREFUSED 10.0.0.7:5432: no route")
  inspector.startTransaction("GET /cart")
  await inspector.reportException(thrown)
  inspector.flush()
  const { message } = sent.find(item => item.model === "error")
  const { label } = sent.find(item => item.model === "segment")
  console.log(`thrown:  ${thrown.message}\nmessage: ${message}\nlabel:   ${label}`)
  process.exit(message === "connect ECONNREFUSED 10.0.0.7" && label === thrown.message ? 0 : 1)
}
main()
JS
timeout 60 node application.cjs
