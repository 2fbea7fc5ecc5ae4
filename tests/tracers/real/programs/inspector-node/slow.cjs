// Transactions of Inspector's client for Node with a fast query, and with a slow one once a line was read.
const https = require('node:https')
const { setTimeout: wait } = require('node:timers/promises')

let answered = () => {}
const request = https.request // the client knows no other port than 443, and reads no answer, which would keep it here
https.request = (options, callback) =>
  request({ ...options, port: process.env.PORT }, callback).on('response', (answer) => { answer.resume(); answered() })

const inspector = require('@inspector-apm/inspector-nodejs')({ url: 'localhost', ingestionKey: process.env.KEY })
let queryMs = 3
process.stdin.once('data', () => { queryMs = 200 })

async function main () {
  for (;;) {
    inspector.startTransaction('GET /cart').setResult('200')
    await inspector.addSegment(async () => wait(queryMs), 'pgsql', 'SELECT cart')
    const taken = new Promise((resolve) => { answered = resolve })
    inspector.flush()
    await taken
  }
}

main()
