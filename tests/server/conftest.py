"""A home folder with runs in it, and real servers on free ports."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

import httpx2
import pytest

from shadowboard.averaging import average_name
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.given_network import GivenNetwork
from shadowboard.records import Metric, Run
from shadowboard.settings import Settings
from shadowboard.store import Store

TINY = {"steps": 100, "hidden": [8], "save_every": 10}


def tensors(config: RunConfig, step: int) -> dict[str, Any]:
    """Other weights for each step, and for raw and each average."""
    import numpy as np

    from shadowboard import network

    found: dict[str, Any] = {"global_step": np.int64(step)}
    for i, average in enumerate([None, *config.averages]):
        for name, value in network.init(config.hidden, seed=step * 10 + i).items():
            found[average_name(name, average.name) if average else name] = value
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, host="127.0.0.1", port=0)


def run_maker(store: Store, settings: Settings) -> Callable[..., Run]:
    def make(steps: tuple[int, ...] = (), state: Any = "finished", **knobs: Any) -> Run:
        from shadowboard import checkpoints

        config = parse_config(TINY | knobs)
        run = store.create_run(config, worker="worker")
        for step in steps:
            saved = checkpoints.save(settings.run_folder(run.id), step, tensors(config, step))
            store.add_progress(run.id, "worker", step, 7.0, [Metric(step, 1.0 / (step + 1))] if step else [])
            store.add_checkpoint(run.id, "worker", step, saved.bytes)
        if state != "training":
            store.release(run.id, "worker", state, "")
        return store.run(run.id)

    return make


@pytest.fixture
def make_run(store: Store, settings: Settings) -> Callable[..., Run]:
    """Makes a run with checkpoints and metrics at the steps given, in the state given."""
    return run_maker(store, settings)


@pytest.fixture
def no_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations are made on request only."""
    monkeypatch.setattr("server.backlog.Backlog.refresh", lambda self: None)


@contextmanager
def running(settings: Settings, *networks: GivenNetwork) -> Iterator[httpx2.Client]:
    from server.serving import Server, listen

    urls: list[str] = []
    with listen(settings) as listener:
        server = Server(settings, listener, urls.append, networks=networks)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not urls:
            assert thread.is_alive()
            thread.join(0.01)
        try:
            with httpx2.Client(base_url=urls[0], timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def serving(settings: Settings) -> Callable[[], AbstractContextManager[httpx2.Client]]:
    """Starts a real server, and again as often as it is called."""
    return lambda: running(settings)


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx2.Client]:
    with running(settings) as client:
        yield client


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx2.Client, Run, Run]]:
    """A server for a whole module, a run with checkpoints at 0, 10 and 20, and a newer one without any."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), host="127.0.0.1", port=0)
    with pytest.MonkeyPatch.context() as patch, closing(Store(settings.store_url)) as store:
        patch.setattr("server.backlog.Backlog.refresh", lambda self: None)
        make = run_maker(store, settings)
        run, empty = make((0, 10, 20)), make()
        with running(settings) as client:
            yield client, run, empty


Event = tuple[str, Any, str]
"""Name, data, id."""


class Reader:
    """Reads a run's events in a thread, until they end or it is left."""

    def __init__(self, client: httpx2.Client, run: Run, after: str = "", header: str = "") -> None:
        self.events: list[Event] = []
        self.ended = False
        url = client.base_url
        self._connection = HTTPConnection(url.host, url.port or 80)
        query = f"?after={after}" if after else ""
        headers = {"Last-Event-ID": header} if header else {}
        self._connection.request("GET", f"/runs/{run.id}/events{query}", headers=headers)
        self._socket = self._connection.sock
        self._thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        fields: dict[str, str] = {}
        with self._connection.getresponse() as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            for line in map(bytes.decode, response):
                name, _, value = line.rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    self.events.append((fields["event"], json.loads(fields["data"]), fields["id"]))
                    fields = {}
        self.ended = True

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Break the connection off."""
        with suppress(OSError):  # it has ended by itself
            self._socket.shutdown(SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._connection.close()

    def wait(self, condition: Callable[[list[Event]], bool], seconds: float = 10) -> None:
        """Until the events so far meet the condition."""
        for _ in range(int(seconds * 50)):
            if condition(self.events):
                return
            self._thread.join(0.02)
        raise AssertionError(f"not met by {self.events}")

    def named(self, name: str) -> list[Any]:
        """The data of the events of one name."""
        return [data for event, data, _ in self.events if event == name]

    def join(self, seconds: float = 10) -> None:
        self._thread.join(seconds)


@pytest.fixture
def read_events() -> type[Reader]:
    return Reader


def in_a_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run the coroutine in a thread of its own: a browser's tests leave a running event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
