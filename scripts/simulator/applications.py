"""The simulated applications: a shop, and as many copies of it as are asked for."""

import random
from collections.abc import Mapping
from dataclasses import replace

from tracehound.scripts.simulator.system import Message, Operation, Step, System


def _query(name: str, peer: str, median_ms: float, spread: float = 0.35, probability: float = 1.0) -> Step:
    return Step("db", name, peer, median_ms, spread, None, probability)


def _cache(name: str, median_ms: float = 0.6) -> Step:
    return Step("cache", name, "redis", median_ms, 0.3)


def _call(application: str, operation: str, probability: float = 1.0) -> Step:
    return Step("http", operation, application, 1.5, 0.4, operation, probability)


def _code(name: str, median_ms: float, spread: float = 0.25) -> Step:
    return Step("code", name, None, median_ms, spread)


_SHOP: dict[str, tuple[Operation, ...]] = {
    "gateway": (
        Operation("GET /", 4, 0.3, (_call("catalog", "GET /products"), _code("render home", 6)), 0.001),
        Operation(
            "GET /products/{id}",
            3,
            0.3,
            (_call("catalog", "GET /products/{id}"), _code("render product", 4)),
            0.001,
        ),
        Operation("GET /search", 5, 0.35, (_call("catalog", "GET /search"),), 0.001),
        Operation("GET /cart", 3, 0.3, (_call("users", "GET /session"), _call("cart", "GET /cart")), 0.001),
        Operation("POST /cart/items", 3, 0.3, (_call("users", "GET /session"), _call("cart", "POST /items")), 0.001),
        Operation(
            "POST /checkout",
            6,
            0.3,
            (_call("users", "GET /session"), _call("cart", "GET /cart"), _call("orders", "POST /orders")),
            0.001,
        ),
    ),
    "catalog": (
        Operation(
            "GET /products",
            5,
            0.3,
            (_cache("GET catalog:home"), _query("SELECT products", "catalog-db", 9, probability=0.3)),
        ),
        Operation(
            "GET /products/{id}",
            3,
            0.25,
            (_cache("GET product"), _query("SELECT products", "catalog-db", 4, probability=0.4)),
        ),
        Operation(
            "GET /search",
            8,
            0.4,
            (_query("SELECT products ILIKE", "catalog-db", 28, 0.5), _code("rank results", 7)),
            0.003,
        ),
        Operation("GET /prices", 2, 0.25, (_query("SELECT prices", "catalog-db", 3),)),
    ),
    "cart": (
        Operation("GET /cart", 3, 0.3, (_query("SELECT cart_items", "cart-db", 4), _call("catalog", "GET /prices"))),
        Operation(
            "POST /items",
            4,
            0.3,
            (_query("INSERT cart_items", "cart-db", 6, 0.4), _call("catalog", "GET /products/{id}")),
        ),
        Operation("DELETE /cart", 2, 0.3, (_query("DELETE cart_items", "cart-db", 5),)),
    ),
    "orders": (
        Operation(
            "POST /orders",
            9,
            0.35,
            (
                _query("INSERT orders", "orders-db", 8, 0.4),
                _query("INSERT order_items", "orders-db", 5, 0.4),
                _call("payment", "POST /charges"),
                _call("cart", "DELETE /cart"),
                _query("UPDATE orders", "orders-db", 6, 0.4),
            ),
            0.003,
        ),
        Operation("GET /orders", 4, 0.3, (_query("SELECT orders", "orders-db", 11, 0.45),)),
        Operation(
            "expire reservations",
            12,
            0.3,
            (_query("SELECT reservations", "orders-db", 15), _query("UPDATE reservations", "orders-db", 9)),
            kind="job",
        ),
    ),
    "payment": (
        Operation(
            "POST /charges",
            6,
            0.3,
            (
                _query("INSERT charges", "payment-db", 5),
                Step("http", "POST bank.example/charge", "bank", 85, 0.35),
            ),
            0.005,
        ),
        Operation("GET /methods", 2, 0.25, (_query("SELECT methods", "payment-db", 3),)),
        Operation(
            "settle charges",
            15,
            0.3,
            (
                _query("SELECT charges", "payment-db", 20),
                Step("http", "POST bank.example/settle", "bank", 120, 0.3),
            ),
            kind="job",
        ),
    ),
    "users": (
        Operation("GET /session", 1.5, 0.25, (_cache("GET session"),), 0.001),
        Operation(
            "POST /login",
            35,
            0.2,
            (_query("SELECT users", "users-db", 3), _code("verify password", 60, 0.1)),
            0.004,
        ),
        Operation(
            "GET /profile",
            3,
            0.3,
            (
                _query("SELECT users", "users-db", 3),
                _call("payment", "GET /methods"),
                _call("orders", "GET /orders", 0.6),
            ),
        ),
    ),
}
_ENTRIES = (
    ("gateway", "GET /", 18.0),
    ("gateway", "GET /products/{id}", 26.0),
    ("gateway", "GET /search", 12.0),
    ("gateway", "GET /cart", 12.0),
    ("gateway", "POST /cart/items", 10.0),
    ("gateway", "POST /checkout", 9.0),
    ("users", "POST /login", 6.0),
    ("users", "GET /profile", 6.0),
    ("orders", "expire reservations", 3.0),
    ("payment", "settle charges", 3.0),
)
_CONSUMERS = {
    "catalog": Operation(
        "process orders", 4, 0.3, (_query("UPDATE stock", "catalog-db", 5), _code("reserve", 2)), kind="consumer"
    ),
    "orders": Operation("process charges", 3, 0.3, (_query("UPDATE orders paid", "orders-db", 5),), kind="consumer"),
    "cart": Operation("process logins", 2, 0.3, (_query("UPDATE carts", "cart-db", 4),), kind="consumer"),
}
_SENT = {
    ("orders", "POST /orders"): Message("orders", "catalog", "process orders"),
    ("payment", "POST /charges"): Message("charges", "orders", "process charges", 0xFFFE),
    ("users", "POST /login"): Message("logins", "cart", "process logins", 0xFFFD),
}
APPLICATIONS_PER_SHOP = len(_SHOP)


def build_system(applications: int = APPLICATIONS_PER_SHOP, seed: int = 0, messages: bool = False) -> System:
    """A system of so many applications: one shop, then copies of it with other durations (``gateway-2``, ...).

    Where the last copy is incomplete, calls to applications that do not exist are left out. With ``messages`` some
    operations send messages to other applications.

    >>> len(build_system(8).applications)
    8
    """
    names = [(copy, name) for copy in range(-(-applications // APPLICATIONS_PER_SHOP)) for name in _SHOP]
    kept = {_named(name, copy): (copy, name) for copy, name in names[:applications]}
    pace = random.Random(f"{seed} applications")
    system = System(
        {
            renamed: {
                operation.name: _adapted(operation, copy, kept, pace.lognormvariate(0, 0.3) if copy else 1.0)
                for operation in _SHOP[name]
            }
            for renamed, (copy, name) in kept.items()
        },
        tuple(
            (_named(name, copy), operation, weight)
            for copy in range(-(-applications // APPLICATIONS_PER_SHOP))
            for name, operation, weight in _ENTRIES
            if _named(name, copy) in kept
        ),
    )
    return _with_messages(system, kept) if messages else system


def _with_messages(system: System, kept: Mapping[str, tuple[int, str]]) -> System:
    found = {application: dict(operations) for application, operations in system.applications.items()}
    for application, (copy, name) in kept.items():
        if name in _CONSUMERS:
            found[application][_CONSUMERS[name].name] = _CONSUMERS[name]
        for operation in list(found[application].values()):
            message = _SENT.get((name, operation.name))
            if message is not None and _named(message.application, copy) in kept:
                topic, consumer = _named(message.topic, copy), _named(message.application, copy)
                sends = replace(message, topic=topic, application=consumer)
                found[application][operation.name] = replace(operation, sends=sends)
    return replace(system, applications=found)


def _named(name: str, copy: int) -> str:
    return f"{name}-{copy + 1}" if copy else name


def _adapted(operation: Operation, copy: int, kept: Mapping[str, object], factor: float) -> Operation:
    steps = tuple(
        replace(
            step,
            median_ms=step.median_ms * factor,
            peer=_named(step.peer, copy) if step.operation is not None and step.peer else step.peer,
        )
        for step in operation.steps
        if step.operation is None or (step.peer and _named(step.peer, copy) in kept)
    )
    return replace(operation, median_ms=operation.median_ms * factor, steps=steps)
