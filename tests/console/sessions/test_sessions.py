"""Signing in to the page: a signed cookie, no other pages, no longer than the key is good; and proxies."""

from typing import Any

import pytest

from tests.console.asking import Asking, asking
from tracehound.console.store.engine import Store
from tracehound.console.web.sessions import COOKIE
from tracehound.schemas.errors import ConfigurationError
from tracehound.streams.settings.settings import load_settings

OURS = {"sec-fetch-site": "same-origin"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MORE = {"name": "more"}


def sign_in(console: Asking, key: str, **headers: str) -> Any:
    return console.ask("POST", "/session", None, json={"key": key}, headers=OURS | headers)


def test_who_signs_in_by_a_key_is_known_by_a_cookie(console: Asking) -> None:
    answer = sign_in(console, console.keys["admin"].key)
    assert answer.json() == {"name": console.keys["admin"].prefix, "role": "admin", "means": "session"}
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.headers["cache-control"] == "no-store"
    assert console.keys["admin"].key not in cookie
    assert console.ask("GET", "/session", None).json()["means"] == "session"
    assert console.ask("POST", "/keys", None, json=MORE, headers=OURS).status_code == 201
    assert console.ask("DELETE", "/session", None, headers=OURS).status_code == 204
    assert console.ask("GET", "/session", None).status_code == 401


def test_beyond_this_machine_the_cookie_goes_over_https_alone(console: Asking) -> None:
    assert "Secure" not in sign_in(console, console.keys["viewer"].key).headers["set-cookie"]
    elsewhere = sign_in(console, console.keys["viewer"].key, host="console.example")
    assert "Secure" in elsewhere.headers["set-cookie"]


def test_a_session_changes_nothing_from_another_page(console: Asking) -> None:
    sign_in(console, console.keys["admin"].key)
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8420"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ):
        answer = console.ask("POST", "/keys", None, json=MORE, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (403, "cross_site")
        key = console.keys["admin"].key
        assert console.ask("POST", "/session", None, json={"key": key}, headers=headers).status_code == 403
    assert console.ask("POST", "/keys", None, json=MORE, headers={"origin": "http://127.0.0.1:8420"}).is_success
    assert console.ask("POST", "/keys", json=MORE, headers={"origin": "https://evil.example"}).is_success  # has a key


def test_a_session_ends_with_its_key(console: Asking) -> None:
    sign_in(console, console.keys["viewer"].key)
    assert console.ask("GET", "/anomalies", None).status_code == 200
    assert console.ask("DELETE", f"/keys/{console.keys['viewer'].prefix}").status_code == 204
    assert console.ask("GET", "/anomalies", None).status_code == 401


def test_a_cookie_of_ones_own_making_is_none(console: Asking) -> None:
    prefix = console.keys["admin"].prefix
    for cookie in (prefix, f'"{prefix}".AAAA.BBBB', "", "." * 200, "\\"):
        answer = console.ask("GET", "/session", None, headers={"cookie": f"{COOKIE}={cookie}"})
        assert answer.status_code == 401


def test_a_key_is_good_until_it_expires(console: Asking) -> None:
    made = console.ask("POST", "/keys", json={"name": "short", "role": "operator", "expires_in_days": 1.0}).json()
    headers = {"x-api-key": made["key"]}
    assert console.client.get("/api/v1/session", headers=headers).json()["role"] == "operator"
    console.now_s[0] += 86_401.0
    assert console.client.get("/api/v1/session", headers=headers).status_code == 401


def test_a_proxy_that_is_named_says_who_asks(store: Store) -> None:
    named: dict[str, Any] = {
        "proxy_user_header": "X-Forwarded-User",
        "proxy_admins": "ann, amy",
        "proxy_operators": "bob",
    }
    with asking(store, proxy_addresses="10.0.0.0/8, 127.0.0.1", **named) as console:
        console.client._transport.client = ("127.0.0.1", 5)  # type: ignore[attr-defined]
        for who, role in (("ann", "admin"), ("bob", "operator"), ("eve", "viewer")):
            answer = console.ask("GET", "/session", None, headers={"x-forwarded-user": who})
            assert answer.json() == {"name": who, "role": role, "means": "proxy"}
        for headers in ({}, {"x-forwarded-user": ""}, {"x-forwarded-user": "a" * 300}):
            assert console.ask("GET", "/session", None, headers=headers).status_code == 401
        ann = {"x-forwarded-user": "ann"}
        assert console.ask("POST", "/keys", None, json=MORE, headers=ann).status_code == 403
        assert console.ask("POST", "/keys", None, json=MORE, headers=ann | OURS).status_code == 201
        assert console.ask("GET", "/audit").json()["items"][0]["by"] == "ann"
        console.client._transport.client = ("192.168.0.1", 5)  # type: ignore[attr-defined]
        assert console.ask("GET", "/session", None, headers=ann).status_code == 401


def test_a_header_that_anybody_could_send_is_refused_as_a_setting() -> None:
    with pytest.raises(ConfigurationError, match="anybody could be"):
        load_settings(console={"proxy_user_header": "X-User"})
    with pytest.raises(ConfigurationError, match="addresses or networks"):
        load_settings(console={"proxy_addresses": "localhost"})


def by_form(console: Asking, key: str, path: str = "", **headers: str) -> Any:
    return console.client.post(
        f"/ui/sign-in{path}", content=f"key={key}", headers=FORM | OURS | headers, follow_redirects=False
    )


def test_a_form_signs_in_where_no_script_runs(console: Asking) -> None:
    answer = by_form(console, console.keys["viewer"].key, "?next=%2Fui%2Fmap%3Ffind%3Da")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/map?find=a")
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert console.ask("GET", "/session", None).json()["role"] == "viewer"


@pytest.mark.parametrize("path", ["?next=https://evil.example/ui/", "?next=//evil.example/ui/", "?next=/api/v1/x", ""])
def test_a_form_leads_to_a_page_of_this_console_alone(console: Asking, path: str) -> None:
    assert by_form(console, console.keys["viewer"].key, path).headers["location"] == "/ui/"


def test_a_form_that_does_not_fit_signs_nobody_in_and_says_why(console: Asking) -> None:
    key = console.keys["viewer"].key
    for answer, status in (
        (by_form(console, "th_00000000_wrong"), 401),
        (by_form(console, ""), 401),
        (by_form(console, "%FF&key=" * 20), 401),
        (by_form(console, key, **{"sec-fetch-site": "cross-site"}), 403),
    ):
        assert answer.status_code == status
        assert "set-cookie" not in answer.headers
        assert '<p id="said" role="alert">' in answer.text
    assert "must be known" in by_form(console, "no").text
    elsewhere = console.client.post("/api/v1/session", content=f"key={key}", headers=FORM | OURS)
    assert elsewhere.status_code == 415  # forms, which any page may send, are taken nowhere else
