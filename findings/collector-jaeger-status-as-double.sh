#!/usr/bin/env bash
# A 500 that Jaeger's client for Node recorded is no error once it has passed the Collector.
#
# version:  npm jaeger-client 3.19.0, OpenTelemetry Collector's Jaeger translator 0.165.1
# expected: the tag http.status_code = 500 of a span gives status ERROR, as the same tag from Go, Java or Python does.
# is:       JavaScript has one kind of number, so the client writes every number as a double; the translator takes whole
#           numbers and texts for status codes, hands a double on as 500.0 and leaves the status UNSET.
# seen:     jaeger-client writes http.status_code 500 as DOUBLE
#           translator: integer 500 -> Error, text 500 -> Error, double 500 -> Unset
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
timeout 300 npm install --silent --no-audit --no-fund jaeger-client@3.19.0 > /dev/null
written=$(timeout 60 node -e '
const jaeger = require("jaeger-client")
const { default: thrift } = require("jaeger-client/dist/src/thrift.js")
const reporter = new jaeger.InMemoryReporter()
const span = new jaeger.Tracer("shop", reporter, new jaeger.ConstSampler(true)).startSpan("get")
span.setTag("http.status_code", 500)
span.finish()
console.log(thrift.spanToThrift(reporter.spans[0]).tags.find(tag => tag.key === "http.status_code").vType)')
echo "jaeger-client writes http.status_code 500 as $written"
[ "$written" = DOUBLE ]

cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/jaegertracing/jaeger-idl/model/v1"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger"
)

func status(code model.KeyValue) string {
	span := &model.Span{TraceID: model.NewTraceID(0, 1), SpanID: model.NewSpanID(2), OperationName: "get",
		StartTime: time.Unix(1700000000, 0), Duration: time.Millisecond, Process: model.NewProcess("shop", nil),
		Tags: []model.KeyValue{model.String("span.kind", "server"), code}}
	traces, err := jaeger.ProtoToTraces([]*model.Batch{{Spans: []*model.Span{span}}})
	if err != nil {
		panic(err)
	}
	return traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Status().Code().String()
}

func main() {
	const tag = "http.status_code"
	integer, text, double := status(model.Int64(tag, 500)), status(model.String(tag, "500")), status(model.Float64(tag, 500))
	fmt.Printf("translator: integer 500 -> %s, text 500 -> %s, double 500 -> %s\n", integer, text, double)
	if integer != "Error" || text != "Error" || double != "Unset" {
		os.Exit(1)
	}
}
GO
timeout 30 go mod init finding 2> /dev/null
timeout 300 go get github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger@v0.165.1 2> /dev/null
timeout 300 go mod tidy 2> /dev/null
timeout 300 go run .
