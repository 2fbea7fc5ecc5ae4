#!/usr/bin/env bash
# The Collector writes Protobuf from the last field to the first.
#
# version:  OpenTelemetry Collector's pdata 1.71.0
# expected: fields in the order of their numbers, as every serializer of Google's writes them and as the encoding's guide
#           recommends; whoever compares bytes, or reads the first ones to tell what a record is, relies on it.
# is:       its own marshaller fills its buffer from the end, so a span begins with its status and ends with its trace
#           id, and an attribute begins with its value. It is legal: parsers must take fields in any order.
# seen:     fields of a span: 15 9 8 7 6 5 16 4 2 1
#           fields of an attribute: 2 1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > main.go <<'GO'
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// The numbers of a message's fields in the order in which they are written, and the content of the last one with a number.
func fields(message []byte, wanted uint64) (numbers []string, content []byte) {
	for len(message) > 0 {
		tag, size := binary.Uvarint(message)
		message = message[size:]
		length := uint64(0)
		switch tag & 7 {
		case 0:
			_, size = binary.Uvarint(message)
			length = uint64(size)
		case 1:
			length = 8
		case 2:
			length, size = binary.Uvarint(message)
			message = message[size:]
		case 5:
			length = 4
		}
		if tag>>3 == wanted {
			content = message[:length]
		}
		numbers = append(numbers, fmt.Sprint(tag>>3))
		message = message[length:]
	}
	return numbers, content
}

func main() {
	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID([16]byte{1})
	span.SetSpanID([8]byte{2})
	span.SetName("GET /")
	span.SetKind(ptrace.SpanKindServer)
	span.SetStartTimestamp(1)
	span.SetEndTimestamp(2)
	span.SetFlags(0x101)
	span.Attributes().PutStr("http.request.method", "GET")
	written, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	if err != nil {
		panic(err)
	}
	_, resource := fields(written, 1)
	_, scope := fields(resource, 2)
	_, item := fields(scope, 2)
	ofSpan, attribute := fields(item, 9)
	ofAttribute, _ := fields(attribute, 1)
	fmt.Println("fields of a span:", strings.Join(ofSpan, " "))
	fmt.Println("fields of an attribute:", strings.Join(ofAttribute, " "))
	if ofSpan[len(ofSpan)-1] != "1" || strings.Join(ofAttribute, " ") != "2 1" {
		os.Exit(1)
	}
}
GO
timeout 30 go mod init finding 2> /dev/null
timeout 120 go get go.opentelemetry.io/collector/pdata@v1.71.0 2> /dev/null
timeout 120 go mod tidy 2> /dev/null
timeout 300 go run .
