// net/http with zipkin-go's middleware, which shares one span id between both sides of a call.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/openzipkin/zipkin-go"
	middleware "github.com/openzipkin/zipkin-go/middleware/http"
	reporter "github.com/openzipkin/zipkin-go/reporter/http"
)

func main() {
	endpoint, err := zipkin.NewEndpoint(os.Getenv("ROLE"), "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	tracer, err := zipkin.NewTracer(reporter.NewReporter(os.Getenv("CAPTURE")+"/api/v2/spans"), zipkin.WithLocalEndpoint(endpoint))
	if err != nil {
		log.Fatal(err)
	}
	client, err := middleware.NewClient(tracer)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "0" {
			w.WriteHeader(500)
		}
	})
	mux.HandleFunc("GET /carts/{id}", func(w http.ResponseWriter, r *http.Request) {
		request, _ := http.NewRequestWithContext(r.Context(), "GET", os.Getenv("STOCK")+"/items/"+r.PathValue("id"), nil)
		answer, err := client.DoWithAppSpan(request, "stock")
		if err != nil {
			log.Fatal(err)
		}
		answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
	})
	handler := middleware.NewServerMiddleware(tracer, middleware.TagResponseSize(true))(mux)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler))
}
