#!/usr/bin/env bash
# Whether the tag "error" makes a failed span depends on the format it reaches the Collector in, and then the wrong way.
#
# version:  OpenTelemetry Collector's Zipkin and Jaeger translators 0.165.1
# expected: a span whose tag error is the text "false" has not failed, one whose tag is a message or the text "true"
#           has; the same in both formats.
# is:       from Zipkin, error = "false" gives status ERROR; from Jaeger, error = "true" and error = "connection
#           refused" give UNSET, because only a boolean counts there. Old OpenTracing instrumentation sets texts.
# seen:     error="false":               zipkin Error, jaeger Unset
#           error="true":                zipkin Error, jaeger Unset
#           error="connection refused":  zipkin Error, jaeger Unset
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin/zipkinv2"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func status(traces ptrace.Traces, err error) string {
	if err != nil {
		panic(err)
	}
	return traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Status().Code().String()
}

func fromZipkin(text string) string {
	span := fmt.Sprintf(`[{"traceId": "0000000000000001", "id": "0000000000000002", "name": "get", "timestamp": 1700000000000000,
		"duration": 1000, "localEndpoint": {"serviceName": "shop"}, "tags": {"error": %q}}]`, text)
	return status(zipkinv2.NewJSONTracesUnmarshaler(false).UnmarshalTraces([]byte(span)))
}

func fromJaeger(text string) string {
	span := &model.Span{TraceID: model.NewTraceID(0, 1), SpanID: model.NewSpanID(2), OperationName: "get",
		StartTime: time.Unix(1700000000, 0), Duration: time.Millisecond, Process: model.NewProcess("shop", nil),
		Tags: []model.KeyValue{model.String("error", text)}}
	return status(jaeger.ProtoToTraces([]*model.Batch{{Spans: []*model.Span{span}}}))
}

func main() {
	for _, text := range []string{"false", "true", "connection refused"} {
		zipkin, jaeger := fromZipkin(text), fromJaeger(text)
		fmt.Printf("%-28s zipkin %s, jaeger %s\n", fmt.Sprintf("error=%q:", text), zipkin, jaeger)
		if zipkin != "Error" || jaeger != "Unset" {
			os.Exit(1)
		}
	}
}
GO
contrib=github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator
timeout 30 go mod init finding 2> /dev/null
timeout 300 go get $contrib/zipkin@v0.165.1 $contrib/jaeger@v0.165.1 2> /dev/null
timeout 300 go mod tidy 2> /dev/null
timeout 300 go run .
