"""A real Kafka behind TLS: every process and command, known by tokens (OAUTHBEARER) and by certificates."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.end_to_end.conftest import WorkerProcess, wait_until_within
from tests.end_to_end.test_access import answered
from tests.token_server import SECRET, TokenServer
from tracehound.infra.kafka.apache import ApacheKafka
from tracehound.infra.kafka.ports import free_ports
from tracehound.scripts.cli import main

RUN = "from tracehound.scripts.cli import main; main({})"
LOGIN = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"


@dataclass(frozen=True)
class Secured:
    """Where a broker listens for those with tokens, and for those with certificates, and the files of the latter."""

    by_token: str
    by_certificate: str
    tokens: TokenServer
    files: Path

    def environment(self, way: str, prefix: str) -> dict[str, str]:
        """What a process is given to be known in this way."""
        shared = {"TRACEHOUND_TOPIC_PREFIX": prefix, "TRACEHOUND_PARTITIONS": "2"}
        shared["TRACEHOUND_SSL_CA_FILE"] = str(self.files / "ca.pem")
        groups = ("GROUP_ID", "INTAKE__GROUP_ID", "INCIDENT_WORKER__GROUP_ID", "NOTIFY__GROUP_ID", "CONSOLE__GROUP_ID")
        shared |= {f"TRACEHOUND_{group}": f"{prefix}{group}" for group in groups}
        if way == "token":
            return shared | {
                "KAFKA_BOOTSTRAP_SERVERS": self.by_token,
                "TRACEHOUND_SECURITY_PROTOCOL": "SASL_SSL",
                "TRACEHOUND_SASL_MECHANISM": "OAUTHBEARER",
                "TRACEHOUND_SASL_USERNAME": "tracehound",
                "TRACEHOUND_SASL_PASSWORD": SECRET,
                "TRACEHOUND_SASL_OAUTH_TOKEN_URL": self.tokens.url,
            }
        return shared | {
            "KAFKA_BOOTSTRAP_SERVERS": self.by_certificate,
            "TRACEHOUND_SECURITY_PROTOCOL": "SSL",
            "TRACEHOUND_SSL_CERTIFICATE_FILE": str(self.files / "client.pem"),
            "TRACEHOUND_SSL_KEY_FILE": str(self.files / "client.key"),
        }


def certify(openssl: str, folder: Path) -> None:
    """An authority, and a certificate of a broker and of a client by it, with their keys, in PEM."""

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes", "-batch")
    run(*new, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("broker", "client"):
        run(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        by = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        run("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *by)
    store = (folder / "broker.key").read_text() + (folder / "broker.pem").read_text()
    (folder / "broker.store.pem").write_text(store)


@pytest.fixture(scope="module")
def secured(
    broker_program: object, real_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("certificates")
    certify(real_program("openssl"), folder)
    token_port, certificate_port = free_ports(2)
    listeners = f"{{own}},TOKEN://127.0.0.1:{token_port},CERT://127.0.0.1:{certificate_port}"
    more = {
        "listeners": listeners,
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "{own},TOKEN:SASL_SSL,CERT:SSL",
        "sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.token.oauthbearer.sasl.jaas.config": f'{LOGIN} unsecuredLoginStringClaim_sub="broker";',
        "listener.name.cert.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.store.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
    }
    with ExitStack() as stack:
        tokens = stack.enter_context(TokenServer())
        stack.enter_context(ApacheKafka(more=more))
        yield Secured(f"127.0.0.1:{token_port}", f"127.0.0.1:{certificate_port}", tokens, folder)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def run(of: dict[str, str], *arguments: str) -> Any:
        with monkeypatch.context() as patched:
            for name, value in of.items():
                patched.setenv(name, value)
            return CliRunner().invoke(main, list(arguments))

    return run


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ["token", "certificate"])
def test_every_process_and_command_works_behind_tls(
    secured: Secured,
    command: Callable[..., Any],
    worker: Callable[..., WorkerProcess],
    prefix: str,
    tmp_path: Path,
    way: str,
) -> None:
    of = secured.environment(way, prefix)
    made = command(of, "topics")
    assert made.exit_code == 0, made.output
    gateway_port, console_port = free_ports(2)
    hook = '{hook = {kind = "webhook", url = "http://127.0.0.1:9/", secret_env = "HOOK_SECRET"}}'
    (tmp_path / "settings.toml").write_text(f"[notify]\nreceivers = {hook}\nroutes = [{{receivers = ['hook']}}]\n")
    of |= {
        "TRACEHOUND_CONFIG": str(tmp_path / "settings.toml"),
        "HOOK_SECRET": "s" * 24,
        "TRACEHOUND_GATEWAY__PORT": str(gateway_port),
        "TRACEHOUND_CONSOLE__PORT": str(console_port),
        "TRACEHOUND_CONSOLE__DATABASE_URL": f"sqlite:///{tmp_path}/console.db",
        "TRACEHOUND_KEPT_EXECUTIONS__GROUP_ID": f"{prefix}kept",
    }
    names = ("worker", "intake", "incidents", "notify", "gateway", "console")
    started = {name: worker(of, code=RUN.format([name])) for name in names}
    for name in names[:4]:
        started[name].wait_for("worker_ready", 120.0)
    wait_until_within(lambda: answered(gateway_port, "/readyz"), "the gateway is ready", 120.0)
    one = {"application": "shop", "operation": "GET /", "started_at": time.time(), "duration_ms": 9.0}
    assert answered(gateway_port, "/v1/executions", json.dumps(one).encode())
    wait_until_within(lambda: started["worker"].counted("executions_total") == 1, "it is scored", 120.0)
    wait_until_within(lambda: started["worker"].counted("states_written_total") >= 1, "its model is known", 120.0)
    wait_until_within(lambda: answered(console_port, "/readyz"), "the console is ready", 120.0)

    (tmp_path / "asked.jsonl").write_text(json.dumps(one))
    for arguments in (
        ("models", "list"),
        ("maintenance", "add", "--for", "1h"),
        ("maintenance", "list"),
        ("deadletters", "list"),
        ("incidents", "list"),
        ("score", str(tmp_path / "asked.jsonl"), "--timeout", "100"),
        ("models", "reset", "shop", "--yes"),
    ):
        done = command(of, *arguments)
        assert done.exit_code == 0, (arguments, done.output)
    for name, process in started.items():
        assert process.end() == 0, (name, process.raw[-20:])


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("way", "wrong", "sentence"),
    [
        ("token", {"TRACEHOUND_SASL_PASSWORD": "guess"}, "invalid_client"),
        ("token", {"TRACEHOUND_SASL_OAUTH_TOKEN_URL": ""}, "sasl_oauth_token_url"),
        ("certificate", {"TRACEHOUND_SSL_CERTIFICATE_FILE": "", "TRACEHOUND_SSL_KEY_FILE": ""}, "certificate"),
        ("certificate", {"TRACEHOUND_SSL_CA_FILE": "client.pem"}, "certificate"),
    ],
)
def test_who_is_not_known_is_told_why(
    secured: Secured,
    command: Callable[..., Any],
    worker: Callable[..., WorkerProcess],
    prefix: str,
    way: str,
    wrong: dict[str, str],
    sentence: str,
) -> None:
    of = secured.environment(way, prefix) | wrong
    if of["TRACEHOUND_SSL_CA_FILE"] == "client.pem":
        of["TRACEHOUND_SSL_CA_FILE"] = str(secured.files / "client.pem")
    of = {name: value for name, value in of.items() if value}
    said = command(of, "topics", "--wait", "100000")  # no waiting mends it, so none is done
    assert said.exit_code != 0
    assert "guess" not in said.output
    process = worker(of, code=RUN.format(["worker"]))
    has_url = way != "token" or "TRACEHOUND_SASL_OAUTH_TOKEN_URL" in of
    told = process.wait_for("broker_unreachable" if has_url else "configuration_error", 120.0)["sentence"]
    assert sentence in told
    assert "guess" not in told
    process.end()
