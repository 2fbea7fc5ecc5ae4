#!/usr/bin/env bash
# A handler that panics is no error in the span that Go's otelhttp makes of it, and loses its route.
#
# version:  otelhttp 0.72.0, OpenTelemetry for Go 1.47.0
# expected: the client sees its connection break, so the server's span has status ERROR, the name of its route and an
#           error type.
# is:       the status is UNSET, there is no status code and no error.type, the span is called GET although the same mux
#           names its neighbours, and the exception event has the type ".string" (whatever was given to panic; the dot
#           stands where a package would be). Rules that look at status and code count a success.
# seen:     GET /fine    status=Unset code=200 events=[]
#           GET          status=Unset code=none events=[exception exception.type=.string]
#           GET /broken  status=Error code=503 events=[]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func main() {
	spans := tracetest.NewInMemoryExporter()
	provider := trace.NewTracerProvider(trace.WithSyncer(spans))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fine", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /panics", func(http.ResponseWriter, *http.Request) { panic("out of stock") })
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	server := httptest.NewUnstartedServer(otelhttp.NewHandler(mux, "server", otelhttp.WithTracerProvider(provider)))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // else it tries a broken GET again
	for _, path := range []string{"/fine", "/panics", "/broken"} {
		if answer, err := client.Get(server.URL + path); err == nil {
			answer.Body.Close()
		}
	}
	server.Close()
	found := spans.GetSpans()
	for _, span := range found {
		code, events := "none", ""
		for _, attribute := range span.Attributes {
			if attribute.Key == "http.response.status_code" {
				code = attribute.Value.Emit()
			}
		}
		for _, event := range span.Events {
			events += event.Name
			for _, attribute := range event.Attributes {
				if attribute.Key == "exception.type" {
					events += " exception.type=" + attribute.Value.Emit()
				}
			}
		}
		fmt.Printf("%-12s status=%s code=%s events=[%s]\n", span.Name, span.Status.Code, code, events)
	}
	if len(found) != 3 || found[1].Status.Code != codes.Unset || found[2].Status.Code != codes.Error {
		os.Exit(1)
	}
}
GO
timeout 30 go mod init finding 2> /dev/null
timeout 300 go get go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.72.0 go.opentelemetry.io/otel/sdk@v1.47.0 2> /dev/null
timeout 300 go run -mod=mod .
