import asyncio
import socket
import subprocess
import sys

import grpc.aio
import pytest

from tracehound.infra.kafka.ports import free_ports, is_free, usual_or_free_port

PICK = "import sys; from tracehound.infra.kafka.ports import free_ports; print(*free_ports(150), flush=True); input()"


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(6)
    assert len(set(ports)) == 6
    assert all(is_free(port) for port in ports)


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_a_server_takes_its_usual_port_unless_somebody_listens_there() -> None:
    (usual,) = free_ports(1)
    assert usual_or_free_port(usual) == usual
    assert usual_or_free_port(0) == 0
    with socket.create_server(("127.0.0.1", usual)):
        assert usual_or_free_port(usual) not in (0, usual)


def test_processes_that_pick_at_the_same_time_are_never_given_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", PICK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    given = free_ports(150)
    try:
        for process in processes:
            assert process.stdout is not None
            given += map(int, process.stdout.readline().split())
        assert len(set(given)) == len(given) == 600  # by chance alone some eleven pairs would meet
        monkeypatch.setattr("random.sample", lambda _, count: given[-count:])
        with pytest.raises(OSError, match="no 1 free ports"):
            free_ports(1)
    finally:
        for process in processes:
            process.communicate("\n")


def test_servers_take_the_ports_that_were_picked_for_them_and_take_them_again() -> None:
    async def listen(port: int) -> None:
        for host in ("127.0.0.1", "0.0.0.0"):
            server = await asyncio.start_server(lambda _, writer: writer.close(), host, port)
            assert not is_free(port)
            server.close()
            await server.wait_closed()
        for shared in (0, 1):
            server_of_calls = grpc.aio.server(options=[("grpc.so_reuseport", shared)])
            assert server_of_calls.add_insecure_port(f"127.0.0.1:{port}") == port
            await server_of_calls.start()
            assert not is_free(port)
            await server_of_calls.stop(0)

    asyncio.run(listen(*free_ports(1)))


def test_nobody_answers_at_a_port_that_is_only_reserved() -> None:
    (port,) = free_ports(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 120)
