// Express under OpenTelemetry's register: nothing in it knows of tracing.
const express = require("express")
const { PORT, ROLE, STOCK } = process.env
const application = express()
application.get("/items/:id", (request, response) => response.status(request.params.id === "0" ? 500 : 200).json({}))
application.get("/carts/:id", async (request, response) => {
  const answer = await fetch(`${STOCK}/items/${request.params.id}`)
  response.status(answer.status).json({})
})
application.listen(Number(PORT), "127.0.0.1", () => console.log(`${ROLE} listens`))
