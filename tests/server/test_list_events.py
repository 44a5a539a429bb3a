"""The events of the list of runs, on a stream of its own or beside those of one run."""

import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPException
from socket import SHUT_RDWR
from threading import Event, Thread
from typing import Any

import httpx2
import pytest

from shadowboard.configuration import RunConfig
from shadowboard.records import Metric, Run, Score
from shadowboard.store import Store

Make = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("no_backlog")


class ListReader:
    """Reads the events of a path in a thread; those called `runs`, and how it ended."""

    def __init__(self, client: httpx2.Client, path: str) -> None:
        self._connection = HTTPConnection(client.base_url.host, client.base_url.port or 80)
        self._connection.request("GET", path)
        self._socket = self._connection.sock
        self._response = self._connection.getresponse()  # from here on nothing is missed
        assert self._response.status == 200
        self.runs: list[dict[str, Any]] = []
        self._thread = Thread(target=self._read)

    def _read(self) -> None:
        name = ""
        with suppress(OSError, HTTPException, ValueError):  # the connection is cut off in the middle
            for line in map(bytes.decode, self._response):
                if line.startswith("event: "):
                    name = line.removeprefix("event: ").strip()
                whole = line.endswith("\n")  # the last may be cut off with the connection
                if whole and line.startswith("data: ") and name == "runs":
                    self.runs.append(json.loads(line.removeprefix("data: ")))

    def __enter__(self) -> "ListReader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(SHUT_RDWR)
        self._thread.join()
        self._response.close()
        self._connection.close()

    def wait(self, count: int, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while len(self.runs) < count:
            assert time.monotonic() < deadline, self.runs
            time.sleep(0.02)


@pytest.mark.parametrize("path", ["/events", "/runs/{id}/events?runs=true"])
def test_the_list_is_followed_from_its_creations_to_its_deletions(
    client: httpx2.Client, make_run: Make, store: Store, path: str
) -> None:
    kept = make_run((0,))
    with ListReader(client, path.format(id=kept.id)) as reader:
        run = client.post("/runs", json={"name": "new"}).json()
        reader.wait(1)
        assert reader.runs == [{"run": run}]
        client.patch(f"/runs/{run['id']}", json={"name": "newer"}).raise_for_status()
        reader.wait(2)
        client.post(f"/runs/{run['id']}/stop").raise_for_status()
        reader.wait(3)
        stopped = client.get(f"/runs/{run['id']}").json()
        client.delete(f"/runs/{run['id']}").raise_for_status()
        reader.wait(4)
        assert [event["run"]["name"] for event in reader.runs[:3]] == ["new", "newer", "newer"]
        assert reader.runs[2:] == [{"run": stopped}, {"gone": run["id"]}]
        other = make_run((0,), state="training")  # what only advances is no news of the list
        reader.wait(5)
        store.add_progress(other.id, "worker", 1, 1.0, [Metric(1, 1.0)])
        time.sleep(0.6)
        assert len(reader.runs) == 5
        store.release(other.id, "worker", "finished", "")
        reader.wait(6)
        assert [event["run"]["state"] for event in reader.runs[4:]] == ["training", "finished"]


def test_what_is_listed_and_what_is_streamed_leave_no_gap(client: httpx2.Client, store: Store) -> None:
    """Runs are queued all the while; whoever lists them once the stream is open knows all of them."""
    stop = Event()

    def queue() -> None:
        while not stop.is_set():
            store.create_run(RunConfig())
            time.sleep(0.005)

    writer = Thread(target=queue)
    writer.start()
    try:
        for _ in range(5):
            with ListReader(client, "/events") as reader:
                known = {run["id"] for run in client.get("/runs").json()["runs"]}
                at_least = {run.id for run in store.runs()}
                deadline = time.monotonic() + 20
                while not at_least <= known | {event["run"]["id"] for event in reader.runs}:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
    finally:
        stop.set()
        writer.join()


def test_fifty_clients_cost_the_looks_of_one(
    client: httpx2.Client, make_run: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, training = make_run((0,)), make_run((0,), state="training")
    reads: Counter[str] = Counter()

    def count(name: str) -> None:
        method = getattr(Store, name)

        def counted(self: Store, *arguments: Any, **named: Any) -> Any:
            if self is not store:
                reads[name] += 1
            return method(self, *arguments, **named)

        monkeypatch.setattr(Store, name, counted)

    with ExitStack() as stack:
        readers = [
            stack.enter_context(ListReader(client, f"/runs/{run.id}/events?runs=true")) for _ in range(50)
        ]
        store.rename_run(run.id, "renamed")
        for reader in readers:
            reader.wait(1)
        for name in ("cursor", "runs", "run", "metrics", "checkpoints", "scores"):
            count(name)
        for step in range(1, 9):  # of a run that nobody of them follows
            store.add_progress(training.id, "worker", step, 1.0, [Metric(step, 1.0)])
            time.sleep(0.1)
        # Some four looks a second; if each client looked, there would be hundreds.
        assert reads["cursor"] < 50
        assert reads["runs"] < 50
        assert reads["run"] == reads["metrics"] == reads["checkpoints"] == reads["scores"] == 0
        store.add_evaluation(run.id, Score(0, "", "test", 4, 1, 2.5, 0.1), b"abcd", b"abcd" * 4)
        store.rename_run(run.id, "again")
        for reader in readers:
            reader.wait(2)
        # Two changes, perhaps seen as one: each is read once for all.
        assert 1 <= reads["scores"] <= 3
        assert all(reader.runs[1]["run"]["name"] == "again" for reader in readers)


def test_streams_end_when_the_server_does(serving: Any, make_run: Make, read_events: Any) -> None:
    run = make_run((0,))
    with serving() as client:
        reader = read_events(client, run)
        lists = ListReader(client, "/events")
        reader.__enter__()
        lists.__enter__()
        reader.wait(lambda events: len(events) == 1)
    reader.join()
    assert reader.ended
    lists.__exit__()
    reader.__exit__()
