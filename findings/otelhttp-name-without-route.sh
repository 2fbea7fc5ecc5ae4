#!/usr/bin/env bash
# Go's otelhttp around a ServeMux puts the route into the span's name, and not into http.route.
#
# version:  otelhttp 0.72.0, OpenTelemetry for Go 1.47.0, Go 1.26
# expected: whoever knows the route well enough to name the span by it sets the attribute http.route too, which is what
#           backends group by.
# is:       around the mux, the span is called "GET /users/{id}" and has the raw url.path, and no http.route; only a
#           handler that is wrapped inside the mux gets it, and then with a second SERVER span of the same name.
# seen:     around the mux:       1 span(s): GET /users/{id} http.route=none
#           around mux and route: 2 span(s): GET /users/{id} http.route=/users/{id}; GET /users/{id} http.route=none
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func spansOf(inside bool) []string {
	exporter := tracetest.NewInMemoryExporter()
	provider := otelhttp.WithTracerProvider(trace.NewTracerProvider(trace.WithSyncer(exporter)))
	var route http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	if inside {
		route = otelhttp.NewHandler(route, "route", provider)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /users/{id}", route)
	server := httptest.NewServer(otelhttp.NewHandler(mux, "mux", provider))
	if answer, err := http.Get(server.URL + "/users/7"); err == nil {
		answer.Body.Close()
	}
	server.Close()
	var told []string
	for _, span := range exporter.GetSpans() {
		route := "none"
		for _, attribute := range span.Attributes {
			if attribute.Key == "http.route" {
				route = attribute.Value.Emit()
			}
		}
		told = append(told, span.Name+" http.route="+route)
	}
	return told
}

func main() {
	around, both := spansOf(false), spansOf(true)
	fmt.Printf("around the mux:       %d span(s): %s\n", len(around), strings.Join(around, "; "))
	fmt.Printf("around mux and route: %d span(s): %s\n", len(both), strings.Join(both, "; "))
	if len(around) != 1 || around[0] != "GET /users/{id} http.route=none" || len(both) != 2 {
		os.Exit(1)
	}
}
GO
timeout 30 go mod init finding 2> /dev/null
timeout 300 go get go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.72.0 go.opentelemetry.io/otel/sdk@v1.47.0 2> /dev/null
timeout 300 go run -mod=mod .
