"""SIGTERM and Ctrl-C while there is much to do: a clean end within seconds."""

import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from shadowboard.configuration import parse_config
from tests.faults.processes import process, run, send, server, wait_for
from tests.faults.test_servers import counts
from tests.faults.workers import resume, store_of, work

Tell = Callable[[str, int, str], None]

LEASE = 1.5
EVALUATIONS = 41 * 4


def opened(url: str, request: bytes) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=60)
    connection.sendall(request)
    return connection


def test_a_server_with_streams_uploads_and_evaluations(
    tmp_path: Path, small_data: Path, thorough: bool, tell: Tell
) -> None:
    knobs = {"steps": 400, "batch_size": 20, "hidden": [8], "save_every": 10, "data": str(small_data)}
    store = store_of(tmp_path)
    run_id = store.create_run(parse_config(knobs), worker="nobody").id
    assert run(resume, tmp_path, run_id) == 0
    slowest, times = 0.0, 10 if thorough else 1
    head = b" HTTP/1.1\r\nHost: localhost\r\n"
    for number in range(times):
        before = counts(store)["evaluations"]
        with server(tmp_path, tmp_path / "log", LEASE) as (serving, url), ExitStack() as stack:
            requests = [f"GET /runs/{run_id}/events?runs=true&after=m0-c0-e0".encode() + head + b"\r\n"] * 50
            requests += [b"GET /events" + head + b"\r\n"] * 10
            requests += [b"POST /predict" + head + b"Content-Length: 99\r\n\r\nx"] * 5
            requests += [b"GET /healthz" + head] * 5
            requests += [f"GET /evaluate?run={run_id}&step=400&ema=true".encode() + head + b"\r\n"]
            for request in requests:
                stack.enter_context(opened(url, request))
            some = min(before + 1, EVALUATIONS)
            wait_for(lambda some=some: counts(store)["evaluations"] >= some, pause=0.01)
            began = time.monotonic()
            send(serving, signal.SIGINT if number % 2 else signal.SIGTERM)
            serving.join(60)
            slowest = max(slowest, time.monotonic() - began)
            assert serving.exitcode == 0
        assert counts(store)["claims"] == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
    store.close()
    if thorough:
        assert slowest < 5
    tell("SIGTERM or SIGINT to a server with 60 streams", times, f"a clean end within {slowest:.1f} s")


def test_a_worker_in_training(tmp_path: Path, small_data: Path, thorough: bool, tell: Tell) -> None:
    knobs = {"steps": 50_000_000, "batch_size": 20, "hidden": [64, 64], "data": str(small_data)}
    store = store_of(tmp_path)
    run_id = store.create_run(parse_config(knobs | {"save_every": 10_000_000})).id
    slowest, times = 0.0, 10 if thorough else 1
    for _ in range(times):
        stood = store.run(run_id).step
        with process(work, tmp_path, LEASE, tmp_path / "log") as worker:
            wait_for(lambda stood=stood: store.run(run_id).step > stood, pause=0.01)
            began = time.monotonic()
            send(worker, signal.SIGTERM)
            worker.join(60)
            slowest = max(slowest, time.monotonic() - began)
            assert worker.exitcode == 0
        left = store.run(run_id)
        assert (left.state, left.worker, left.latest_checkpoint) == ("queued", None, left.step)
    store.close()
    if thorough:
        assert slowest < 5
    tell("SIGTERM to a worker in training", times, f"saved and queued within {slowest:.1f} s")
