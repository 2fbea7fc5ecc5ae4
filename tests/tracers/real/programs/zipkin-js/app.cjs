// Express with zipkin's own instrumentations, written as JSON of version 2.
const { AsyncLocalStorage } = require("node:async_hooks")
const express = require("express")
const { BatchRecorder, Tracer, jsonEncoder: { JSON_V2 } } = require("zipkin")
const { HttpLogger } = require("zipkin-transport-http")
const { expressMiddleware } = require("zipkin-instrumentation-express")
const wrapFetch = require("zipkin-instrumentation-fetch")

const { CAPTURE, PORT, ROLE, STOCK } = process.env
const kept = new AsyncLocalStorage()
const context = {
  setContext: value => kept.enterWith(value),
  getContext: () => kept.getStore(),
  scoped: inner => kept.run(kept.getStore(), inner),
  letContext: (value, inner) => kept.run(value, inner),
}
const logger = new HttpLogger({ endpoint: `${CAPTURE}/api/v2/spans`, jsonEncoder: JSON_V2, fetchImplementation: fetch })
const tracer = new Tracer({ ctxImpl: context, recorder: new BatchRecorder({ logger }), localServiceName: ROLE })
const traced = wrapFetch(fetch, { tracer, remoteServiceName: "stock" })

const application = express()
application.use(expressMiddleware({ tracer }))
application.get("/items/:id", (request, response) => response.status(request.params.id === "0" ? 500 : 200).json({}))
application.get("/carts/:id", async (request, response) => {
  const answer = await traced(`${STOCK}/items/${request.params.id}`)
  response.status(answer.status).json({})
})
application.listen(Number(PORT), "127.0.0.1")
