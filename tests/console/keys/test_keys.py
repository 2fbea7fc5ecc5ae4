"""Keys: made once, shown once, listed without what is secret, taken back at once; the first one is made by itself."""

from tests.console.asking import NOW_S, asking
from tracehound.console.keys.ring import StoredKeys, first_key
from tracehound.console.store.engine import Store
from tracehound.streams.http.keys import digest


def test_a_key_is_shown_once_and_kept_as_a_digest(store: Store) -> None:
    with asking(store) as console:
        answer = console.ask("POST", "/keys", json={"name": "dashboard", "role": "viewer"})
        made = answer.json()
        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        listed = console.ask("GET", "/keys")
        assert listed.headers["cache-control"] == "no-store"
        assert made["key"] not in listed.text
        assert digest(made["key"]) not in listed.text
        found = {one["prefix"]: one for one in listed.json()["items"]}[made["prefix"]]
        by = console.keys["admin"].prefix
        assert (found["name"], found["role"], found["made_by"], found["last_used_at"]) == (
            "dashboard",
            "viewer",
            by,
            None,
        )
        assert console.client.get("/api/v1/session", headers={"x-api-key": made["key"]}).status_code == 200
        assert console.ask("GET", "/keys").json()["items"][0]["last_used_at"] == "2026-01-01T00:00:00.000Z"
        assert console.ask("DELETE", f"/keys/{made['prefix']}").status_code == 204
        assert console.client.get("/api/v1/session", headers={"x-api-key": made["key"]}).status_code == 401
        assert console.ask("DELETE", f"/keys/{made['prefix']}").status_code == 404
        audit = console.ask("GET", "/audit").json()["items"]
        assert [(one["method"], one["detail"]["key"]) for one in audit] == [
            ("DELETE", made["prefix"]),
            ("POST", made["prefix"]),
        ]
        assert made["key"] not in str(audit)


def test_the_last_key_of_an_admin_stays(store: Store) -> None:
    with asking(store) as console:
        answer = console.ask("DELETE", f"/keys/{console.keys['admin'].prefix}")
        assert (answer.status_code, answer.json()["reason"]) == (409, "conflict")


def test_the_first_key_is_made_once(store: Store) -> None:
    first = first_key(store, round(NOW_S * 1e6))
    assert first is not None
    assert first_key(store, round(NOW_S * 1e6)) is None
    known = StoredKeys(store, lambda: NOW_S).used(first.prefix)
    assert known is not None
    assert (known.role, known.sha256) == ("admin", digest(first.key))


def test_a_key_that_was_taken_back_elsewhere_is_good_for_seconds_at_most(store: Store) -> None:
    elapsed = [0.0]
    first = first_key(store, 0)
    assert first is not None
    ring = StoredKeys(store, lambda: NOW_S, lambda: elapsed[0])
    assert ring.used(first.prefix) == ring.remembered(first.prefix)
    elapsed[0] = 10.0
    assert ring.remembered(first.prefix) is None
