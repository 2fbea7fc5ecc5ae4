#!/usr/bin/env bash
# A span that zipkin-go flushes while it runs reaches OTLP twice: as a finished span of 0 ms, and as itself.
#
# version:  zipkin-go 0.4.3, OpenTelemetry Collector's Zipkin translator 0.165.1
# expected: what has no duration yet is marked as unfinished, or left out, on its way to OTLP, which knows finished
#           spans only; a span comes once.
# is:       Flush reports the span without a duration, Finish reports it again with one. The translator makes the first
#           a span that ends when it starts, without a mark, and both have the same ids.
# seen:     zipkin-go reported 2 records of one span, 1 of them with a duration
#           after the translator: report of 40.44ms with 2 attributes
#           after the translator: report of 0s with 2 attributes
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin/zipkinv2"
	"github.com/openzipkin/zipkin-go"
	"github.com/openzipkin/zipkin-go/reporter/recorder"
)

func main() {
	reporter := recorder.NewReporter()
	endpoint, _ := zipkin.NewEndpoint("shop", "127.0.0.1:80")
	tracer, _ := zipkin.NewTracer(reporter, zipkin.WithLocalEndpoint(endpoint))
	span := tracer.StartSpan("report")
	time.Sleep(20 * time.Millisecond)
	span.Flush()
	time.Sleep(20 * time.Millisecond)
	span.Finish()
	reported := reporter.Flush()
	written, err := json.Marshal(reported)
	if err != nil {
		panic(err)
	}
	durations := strings.Count(string(written), `"duration"`)
	fmt.Printf("zipkin-go reported %d records of one span, %d of them with a duration\n", len(reported), durations)
	traces, err := zipkinv2.NewJSONTracesUnmarshaler(false).UnmarshalTraces(written)
	if err != nil {
		panic(err)
	}
	ids, lengths := map[string]bool{}, []time.Duration{}
	for _, found := range traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		ids[found.SpanID().String()] = true
		lengths = append(lengths, found.EndTimestamp().AsTime().Sub(found.StartTimestamp().AsTime()))
		fmt.Printf("after the translator: %s of %v with %d attributes\n", found.Name(), lengths[len(lengths)-1], found.Attributes().Len())
	}
	if durations != 1 || len(ids) != 1 || len(lengths) != 2 || min(lengths[0], lengths[1]) != 0 {
		os.Exit(1)
	}
}
GO
timeout 30 go mod init finding 2> /dev/null
timeout 300 go get github.com/openzipkin/zipkin-go@v0.4.3 github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin@v0.165.1 2> /dev/null
timeout 300 go mod tidy 2> /dev/null
timeout 300 go run .
