import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from shadowboard.errors import SettingsInvalid, StoreUnavailable
from shadowboard.records import Run
from shadowboard.settings import Settings

Make = Callable[..., Run]


def test_a_busy_port_is_one_sentence(settings: Settings) -> None:
    from server.serving import serve

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        busy = settings.model_copy(update={"port": port})
        with pytest.raises(SettingsInvalid, match=rf"^Port {port} on 127\.0\.0\.1 is in use; choose another"):
            serve(busy, print)


def test_a_host_that_is_not_this_machine_is_one_sentence(settings: Settings) -> None:
    from server.serving import listen

    with pytest.raises(SettingsInvalid, match=r"^Port 0 on 192\.0\.2\.1 cannot be used"):
        listen(settings.model_copy(update={"host": "192.0.2.1", "insecure": True}))
    with pytest.raises(SettingsInvalid, match=r"is no address of this machine"):
        listen(settings.model_copy(update={"host": "no such host"}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104
def test_where_others_reach_it_a_token_is_needed(
    settings: Settings, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    from server.serving import listen

    reachable = settings.model_copy(update={"host": host})
    with pytest.raises(SettingsInvalid, match=rf"on {host}, and it has no token: set SHADOWBOARD_TOKEN"):
        listen(reachable)
    if host != "192.0.2.1":  # which is nobody's
        listen(reachable.model_copy(update={"token": SecretStr("x" * 16)})).close()
        assert not caplog.messages
        listen(reachable.model_copy(update={"insecure": True})).close()
        (warning,) = caplog.messages
        assert "it has no token" in warning


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
def test_on_this_machine_alone_none_is_needed(
    settings: Settings, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    from server.serving import listen

    listen(settings.model_copy(update={"host": host})).close()
    assert not caplog.messages
    with pytest.raises(SettingsInvalid, match=r"as board.example, a.example, and it has no token"):
        listen(settings.model_copy(update={"host": host, "allowed_hosts": "board.example,a.example"}))


def test_a_database_that_cannot_be_opened_is_said_before_anything_is_served(settings: Settings) -> None:
    from server.serving import serve

    announced: list[str] = []
    with pytest.raises(StoreUnavailable):
        serve(settings.model_copy(update={"database_url": "sqlite:////dev/null/x.db"}), announced.append)
    assert not announced


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7"),
        ("localhost", "http://localhost:7"),
        ("0.0.0.0", "http://127.0.0.1:7"),  # noqa: S104
        ("::", "http://[::1]:7"),
        ("::1", "http://[::1]:7"),
    ],
)
def test_the_url_can_be_opened(host: str, url: str) -> None:
    from server.serving import _url

    assert _url(host, 7) == url


def test_open_streams_end_by_themselves_at_shutdown(
    make_run: Make, serving: Callable[[], Any], read_events: Any
) -> None:
    run = make_run((0,), state="training")
    with serving() as client:
        client.get("/evaluate")
        readers = [read_events(client, run) for _ in range(10)]
        for reader in readers:
            reader.__enter__()
        for reader in readers:
            reader.wait(bool)
    for reader in readers:
        reader.join()
        assert reader.ended
        reader.__exit__()


SERVE = """
import sys
from pathlib import Path
from server.serving import serve
from shadowboard.logs import log_to_stderr
from shadowboard.settings import Settings
log_to_stderr("warning")
serve(Settings(home=Path(sys.argv[1]), port=0), lambda url: print(url, flush=True))
print("after", flush=True)
"""


@contextmanager
def process(settings: Settings) -> Iterator["tuple[subprocess.Popen[str], httpx2.URL]"]:
    """A server in a process of its own."""
    command = [sys.executable, "-c", SERVE, str(settings.home)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, httpx2.URL(process.stdout.readline().strip())
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]") -> str:
    """What it has written to stderr by its end."""
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.wait(30) == 0
    assert process.stdout.read() == "after\n"
    return process.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_the_caller_goes_on(settings: Settings, make_run: Make, number: int) -> None:
    run = make_run((0,), state="training")
    with process(settings) as (server, url), ExitStack() as stack:
        streams = []
        for _ in range(50):
            response = stack.enter_context(httpx2.stream("GET", f"{url}/runs/{run.id}/events", timeout=30))
            streams.append(response.iter_lines())
            assert next(streams[-1]) == "event: run"
        server.send_signal(number)
        for lines in streams:
            for _ in lines:
                pass
        assert ended(server) == ""


def connected(url: httpx2.URL, request: bytes) -> socket.socket:
    connection = socket.create_connection((url.host, url.port or 80), timeout=30)
    connection.sendall(request)
    return connection


def test_a_half_sent_body_is_told_that_the_server_ends(settings: Settings) -> None:
    request = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf"
    with process(settings) as (server, url):
        httpx2.get(f"{url}/evaluate", timeout=60)  # TensorFlow is there
        with connected(url, request) as connection:
            httpx2.get(f"{url}/healthz", timeout=60)  # by now the request has been taken
            server.send_signal(signal.SIGTERM)
            answer = b""
            while part := connection.recv(65_536):  # until the server closes the connection
                answer += part
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"The server is shutting down" in answer
        log = ended(server)
    assert "Traceback" not in log
    assert all("level=error" in line and "Cancel 1 running task" in line for line in log.splitlines())


def test_a_connection_that_was_idle_can_still_be_used(settings: Settings) -> None:
    """Clients keep theirs for 5 s and more; one that the server closes meanwhile may lose a request."""
    with process(settings) as (_, url), closing(HTTPConnection(url.host, url.port, timeout=30)) as connection:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        was = connection.sock
        time.sleep(7)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
        assert connection.sock is was


def test_readers_who_do_not_read_do_not_hold_it_up(settings: Settings) -> None:
    request = b"GET /static/plotly.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with process(settings) as (server, url), connected(url, request), connected(url, request[:9]):
        httpx2.get(f"{url}/healthz", timeout=60)
        server.send_signal(signal.SIGTERM)
        assert "Traceback" not in ended(server)
