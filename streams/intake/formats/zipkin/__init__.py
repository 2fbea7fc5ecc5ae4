"""Zipkin v2, as Brave, Spring Boot, zipkin-go and others send it: JSON, and Protobuf (``zipkin.proto3``)."""
