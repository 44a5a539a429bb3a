import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

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
        listen(settings.model_copy(update={"host": "192.0.2.1"}))
    with pytest.raises(SettingsInvalid, match=r"is no address of this machine"):
        listen(settings.model_copy(update={"host": "no such host"}))


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_the_caller_goes_on(settings: Settings, make_run: Make, number: int) -> None:
    run = make_run((0,), state="training")
    code = (
        "from pathlib import Path; import sys\n"
        "from server.serving import serve\n"
        "from shadowboard.settings import Settings\n"
        "serve(Settings(home=Path(sys.argv[1]), port=0), lambda url: print(url, flush=True))\n"
        "print('after', flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(settings.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        with httpx2.stream("GET", f"{url}/runs/{run.id}/events") as response:
            lines = response.iter_lines()
            assert next(lines) == "event: run"
            process.send_signal(number)
            for _ in lines:
                pass
        assert process.wait(30) == 0
        assert process.stdout.read() == "after\n"
        assert process.stderr.read() == ""
