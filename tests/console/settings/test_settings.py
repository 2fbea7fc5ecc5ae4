"""Settings are told as they are, and no secret with them."""

from typing import Any

from tests.console.asking import asking
from tracehound.console.settings.masked import settings_told
from tracehound.console.store.engine import Store
from tracehound.schemas.codec import encode
from tracehound.streams.settings.settings import load_settings

SECRETS = {
    "sasl_password": "hush-1",
    "ssl_key_password": "hush-2",
    "console": {"database_url": "postgresql+psycopg://me:hush-3@db/x"},
    "gateway": {"keys": {"th_00000000": {"sha256": "a5" * 32}}},
    "notify": {
        "receivers": {"team": {"kind": "webhook", "url": "https://h.example/hush-4?x=hush-5", "secret_env": "HOOK"}},
        "routes": [{"receivers": ["team"]}],
    },
}


def test_no_secret_is_told(monkeypatch: Any) -> None:
    told = encode(settings_told(load_settings(**SECRETS))).decode()
    assert "hush" not in told
    assert "a5a5" not in told
    assert '"name":"sasl_password","value":"(secret)"' in told
    assert '"name":"bootstrap_servers","value":"127.0.0.1:9092"' in told


def test_operators_see_them(store: Store) -> None:
    with asking(store, session_hours=3.0) as console:
        assert console.ask("GET", "/settings", "viewer").status_code == 403
        answer = console.ask("GET", "/settings", "operator")
        values = {one["name"]: one["value"] for one in answer.json()["items"]}
        assert (values["console.session_hours"], values["console.database_url"]) == (3.0, "(secret)")
        assert answer.headers["cache-control"] == "no-store"
