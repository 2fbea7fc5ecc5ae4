#!/usr/bin/env bash
# The Collector hands on both halves of a Zipkin call as two OTLP spans with one and the same span id.
#
# version:  OpenTelemetry Collector's Zipkin translator 0.165.1
# expected: OTLP wants span ids that are unique in a trace. Zipkin's client and server share an id and say so ("shared":
#           true, Brave's default), so the translator gives the server's half an id of its own below the client's, or at
#           least keeps the flag.
# is:       both spans come out with the same id and the same parent, and without the flag. Whoever keeps spans by id
#           loses one of them, and a child of that id belongs to either.
# seen:     CLIENT of shop:  id 0000000000000002 parent 0000000000000001
#           SERVER of stock: id 0000000000000002 parent 0000000000000001
#           the word "shared" in the OTLP JSON: false
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin/zipkinv2"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const call = `[
 {"traceId": "00000000000000000000000000000001", "id": "0000000000000002", "parentId": "0000000000000001", "kind": "CLIENT",
  "name": "get", "timestamp": 1700000000000000, "duration": 100000, "localEndpoint": {"serviceName": "shop"}},
 {"traceId": "00000000000000000000000000000001", "id": "0000000000000002", "parentId": "0000000000000001", "kind": "SERVER",
  "shared": true, "name": "get", "timestamp": 1700000000010000, "duration": 80000, "localEndpoint": {"serviceName": "stock"}}]`

func main() {
	traces, err := zipkinv2.NewJSONTracesUnmarshaler(false).UnmarshalTraces([]byte(call))
	if err != nil {
		panic(err)
	}
	ids := map[string]bool{}
	for _, resource := range traces.ResourceSpans().All() {
		service, _ := resource.Resource().Attributes().Get("service.name")
		for _, span := range resource.ScopeSpans().At(0).Spans().All() {
			kind := map[ptrace.SpanKind]string{ptrace.SpanKindClient: "CLIENT", ptrace.SpanKindServer: "SERVER"}[span.Kind()]
			fmt.Printf("%-16s id %s parent %s\n", kind+" of "+service.Str()+":", span.SpanID(), span.ParentSpanID())
			ids[span.SpanID().String()] = true
		}
	}
	written, err := (&ptrace.JSONMarshaler{}).MarshalTraces(traces)
	if err != nil {
		panic(err)
	}
	shared := bytes.Contains(written, []byte("shared"))
	fmt.Println(`the word "shared" in the OTLP JSON:`, shared)
	if traces.SpanCount() != 2 || len(ids) != 1 || shared {
		os.Exit(1)
	}
}
GO
timeout 30 go mod init finding 2> /dev/null
timeout 300 go get github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin@v0.165.1 2> /dev/null
timeout 300 go mod tidy 2> /dev/null
timeout 300 go run .
