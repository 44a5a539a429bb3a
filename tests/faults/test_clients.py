"""Clients that are slow, many, or send without end: the others are answered all the same."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from shadowboard.configuration import RunConfig
from shadowboard.records import Metric
from tests.faults.processes import Server, server, wait_for
from tests.faults.workers import store_of

Tell = Callable[[str, int, str], None]

_FEW = 200


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=60)
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")  # and no more
    return connection


@contextmanager
def connections(url: str, number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(connect(url)) for _ in range(number)]


def is_healthy(url: str) -> bool:
    with urlopen(f"{url}/healthz", timeout=60) as answer:
        return bool(answer.status == 200)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed it; else it gets another byte of a header that never ends."""
    try:
        connection.sendall(b"a")
        connection.setblocking(False)
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        connection.setblocking(True)


def test_slow_heads_hold_no_connection(tmp_path: Path) -> None:
    with server(tmp_path, tmp_path / "log", files=_FEW) as (_, url), connections(url, _FEW) as idle:
        assert is_healthy(url)  # though they took all that the process may have
        for connection in idle:
            wait_for(lambda connection=connection: is_closed(connection), pause=0.1)
    told = (tmp_path / "log").read_text()  # and not each time that a connection could not be taken
    assert 1 <= told.count("No more connections can be taken: too many open files.") < 10
    assert "socket.accept()" not in told


def test_a_kept_connection_is_closed_over_a_slow_second_head(tmp_path: Path) -> None:
    with server(tmp_path, tmp_path / "log", files=_FEW) as (_, url), connect(url) as connection:
        connection.sendall(b"\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        wait_for(lambda: is_closed(connection), pause=0.1)


def memory_of(server: Server) -> int:
    """Bytes that it has had at most."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_many_connections_and_long_bodies(tmp_path: Path, thorough: bool, tell: Tell) -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(5_000 if thorough else 500, files[1] - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    try:
        with server(tmp_path, tmp_path / "log") as serving:
            with connections(serving.url, many):
                assert is_healthy(serving.url)
            tell("idle connections at a time", many, "the next client is answered")
            with pytest.raises(HTTPError, match="404"):  # as soon as TensorFlow is loaded: there is no run
                urlopen(f"{serving.url}/evaluate", timeout=60)
            before = memory_of(serving)
            sent = send_without_end(serving.url, 2**30 if thorough else 2**26)
            assert memory_of(serving) - before < 2**26
            assert is_healthy(serving.url)
            tell("MiB streamed as one body", sent // 2**20, "refused after 8 MiB, and not kept in memory")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, files)


def send_without_end(url: str, size: int) -> int:
    """Stream a body of `size` bytes until that is refused; give how much was sent."""
    chunk = b"10000\r\n" + bytes(2**16) + b"\r\n"
    with connect(url) as connection:
        connection.sendall(b"x: y\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        sent = 0
        while sent < size:
            try:
                connection.sendall(chunk)
            except ConnectionError:
                return sent
            sent += 2**16
        connection.sendall(b"0\r\n\r\n")
        assert b" 413 " in connection.recv(4096)
        return sent


def gauge(url: str, name: str) -> int:
    with urlopen(f"{url}/metrics", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith(f"{name} "))


def test_many_streams_of_events(tmp_path: Path, thorough: bool, tell: Tell) -> None:
    """Hoarded by one client that reads none of them: the others hear all that happens."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(3_000 if thorough else 200, files[1] - 500)
    store = store_of(tmp_path)
    run = store.create_run(RunConfig(), "followed", worker="worker")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    try:
        with server(tmp_path, tmp_path / "log") as serving, ExitStack() as stack:
            before = memory_of(serving)
            paths = [f"/runs/{run.id}/events?runs=true&after=m0-c0-e0", "/events"]
            for number in range(many):
                stack.enter_context(stream(serving.url, paths[number % 2]))
            wait_for(lambda: gauge(serving.url, "shadowboard_streams") == many)
            for step in range(20):  # each is told to all
                store.add_progress(run.id, "worker", step, 1.0, [Metric(step, 1.0)])
                store.rename_run(run.id, f"followed {step}")
            with stream(serving.url, paths[1]) as reader:
                wait_for(lambda: gauge(serving.url, "shadowboard_streams") == many + 1)
                received = b""
                store.rename_run(run.id, "the last name")
                while b"the last name" not in received:
                    received += reader.recv(65_536)
            assert is_healthy(serving.url)
            kept = (memory_of(serving) - before) // many
            stack.close()
            wait_for(lambda: gauge(serving.url, "shadowboard_streams") == 0)
        tell("streams of events that nobody reads", many, f"others are told at once; {kept // 1024} KiB each")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, files)
        store.close()


@contextmanager
def stream(url: str, path: str) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield connection
