// Two transactions of Inspector's client for Node, sent to PORT of localhost with KEY.
const https = require('node:https')
const { setTimeout: wait } = require('node:timers/promises')

const request = https.request // the client knows no other port than 443, and reads no answer, which would keep it here
https.request = (options, answered) =>
  request({ ...options, port: process.env.PORT }, answered).on('response', (answer) => answer.resume())

const inspector = require('@inspector-apm/inspector-nodejs')({ url: 'localhost', ingestionKey: process.env.KEY })

async function main () {
  inspector.startTransaction('GET /cart').setResult('200')
  await inspector.addSegment(async () => wait(30), 'pgsql', 'SELECT cart')
  inspector.flush()
  inspector.startTransaction('nightly').setResult('error')
  await inspector.addSegment(async () => { await wait(10); throw new TypeError('no such shelf') }, 'process', 'count')
  inspector.flush()
}

main()
