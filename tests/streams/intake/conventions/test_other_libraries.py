"""Names and results as other libraries write them: .NET, Prisma, Elasticsearch, Redis, AWS's API, Connect."""

import pytest

from tracehound.schemas.spans import SpanKind
from tracehound.streams.intake.conventions.describe import Description, describe
from tracehound.streams.intake.conventions.failures import rpc_failed
from tracehound.streams.intake.conventions.names import by_concept
from tracehound.streams.intake.conventions.texts import AttributeValue

LIBRARIES: dict[str, tuple[str, SpanKind, dict[str, AttributeValue], Description]] = {
    ".NET's activity of a server": (
        "Microsoft.AspNetCore.Hosting.HttpRequestIn",
        "server",
        {"http.request.method": "GET", "url.path": "/users/7"},
        Description("GET /users/7", "http"),
    ),
    ".NET's activity of a client": (
        "System.Net.Http.HttpRequestOut",
        "client",
        {"http.request.method": "GET", "url.full": "http://stock:8080/items/7?x=1"},
        Description("GET /items/7", "http", "stock:8080"),
    ),
    "client that says the host only": (
        "GET",
        "client",
        {"http.method": "GET", "http.host": "stock:8080", "http.target": "/items/7"},
        Description("GET /items/7", "http", "stock:8080"),
    ),
    "Prisma's engine": (
        "prisma:engine:db_query",
        "client",
        {"db.system": "postgresql", "db.query.text": 'SELECT "public"."User"."id" FROM "public"."User" WHERE 1=1'},
        Description("SELECT public.User", "db", "postgresql"),
    ),
    "Elasticsearch's client": (
        "search",
        "client",
        {
            "db.system": "elasticsearch",
            "http.request.method": "POST",
            "url.full": "http://es:9200/users/_search",
            "db.operation.name": "search",
            "db.elasticsearch.path_parts.index": "users",
        },
        Description("search users", "db", "elasticsearch es:9200"),
    ),
    "Redis whose name is the command": (
        "GET user:8231",
        "client",
        {"db.system": "redis", "db.statement": "GET user:8231"},
        Description("GET", "cache", "redis"),
    ),
    "Neo4j whose name is the query": (
        "MATCH (n:User {id: 7}) RETURN n",
        "client",
        {"db.system": "neo4j", "db.statement": "MATCH (n:User {id: 7}) RETURN n"},
        Description("MATCH", "db", "neo4j"),
    ),
    "AWS's API": (
        "S3.GetObject",
        "client",
        {
            "rpc.system": "aws-api",
            "rpc.service": "S3",
            "rpc.method": "GetObject",
            "server.address": "b.s3.amazonaws.com",
        },
        Description("S3.GetObject", "rpc", "S3"),
    ),
    "AWS's API that invokes a function": (
        "Lambda.Invoke",
        "client",
        {"rpc.system": "aws-api", "rpc.service": "Lambda", "rpc.method": "Invoke", "faas.invoked_name": "stock"},
        Description("Lambda.Invoke", "rpc", "stock"),
    ),
    "Brave's gRPC": (
        "shop.stock/get",
        "server",
        {"grpc.status_code": "INTERNAL"},
        Description("shop.stock/get", "rpc", result="INTERNAL", failed=True),
    ),
    "gRPC behind Envoy": (
        "egress",
        "client",
        {"http.method": "POST", "http.url": "http://stock:50051/shop.Stock/Get", "grpc.status_code": "0"},
        Description("egress", "http", "stock:50051"),
    ),
    "Brave's Redis, of which it only says the name": (
        "get",
        "client",
        {"peer.service": "redis"},
        Description("get", "cache", "redis"),
    ),
    "Brave's MySQL with the name of the database": (
        "begin",
        "client",
        {"peer.service": "mysql-shop"},
        Description("begin", "db", "mysql-shop"),
    ),
    "service that is called like a store": (
        "GET",
        "client",
        {"http.request.method": "GET", "url.full": "http://r/a", "peer.service": "redis-proxy"},
        Description("GET /a", "http", "redis-proxy"),
    ),
    "Connect's server": (
        "shop.v1.Stock/Get",
        "server",
        {"rpc.system": "connect_rpc", "rpc.method": "shop.v1.Stock/Get", "rpc.connect_rpc.error_code": "internal"},
        Description("shop.v1.Stock/Get", "rpc", result="internal", failed=True),
    ),
}


@pytest.mark.parametrize(("name", "kind", "attributes", "expected"), LIBRARIES.values(), ids=LIBRARIES)
def test_what_a_span_is_about(
    name: str, kind: SpanKind, attributes: dict[str, AttributeValue], expected: Description
) -> None:
    assert describe(name, kind, by_concept(attributes)) == expected


def test_what_is_the_callers_fault_is_no_failure_in_any_spelling() -> None:
    assert [rpc_failed(status) for status in ("not_found", "NOT_FOUND", "unavailable", 14, 5)] == [
        *(False, False, True, True, False)
    ]
