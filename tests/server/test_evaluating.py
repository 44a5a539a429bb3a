"""More requests than can be answered at once."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from shadowboard.dataset import Split
from shadowboard.records import Run
from shadowboard.settings import Settings
from tests.server.conftest import in_a_loop

Make = Callable[..., Run]

pytestmark = pytest.mark.usefixtures("no_backlog")
DIGIT = np.eye(28).tolist()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that gives nothing out before this is set."""
    from server import restoring

    opened, restore = threading.Event(), restoring.restore

    def held(*arguments: Any) -> Any:
        opened.wait(30)
        return restore(*arguments)

    monkeypatch.setattr(restoring, "restore", held)
    yield opened
    opened.set()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of images of each evaluation that was really made."""
    from server import evaluating

    done: list[int] = []
    evaluate = evaluating.evaluate

    def counted(weights: Any, split: Split, *rest: Any) -> Any:
        done.append(len(split))
        return evaluate(weights, split, *rest)

    monkeypatch.setattr(evaluating, "evaluate", counted)
    return done


@contextmanager
def flood(client: httpx2.Client, requests: list[tuple[str, str, Any]]) -> Iterator[list[Future[Any]]]:
    """Sends all of (method, path, JSON body) at once; yields the answers to come."""
    limits = httpx2.Limits(max_connections=len(requests))
    with (
        httpx2.Client(base_url=client.base_url, timeout=60, limits=limits) as many,
        ThreadPoolExecutor(len(requests)) as pool,
    ):
        yield [pool.submit(many.request, method, path, json=body) for method, path, body in requests]


def test_a_hundred_cold_requests_hold_nobody_else_up(
    client: httpx2.Client, make_run: Make, small_data: Path, gate: threading.Event, made: list[int]
) -> None:
    run = make_run(tuple(range(0, 250, 10)), data=str(small_data), batch_size=10)
    kinds = product(range(0, 250, 10), ("true", "false"), ("validation", "test"))
    evaluations: list[tuple[str, str, Any]] = [
        ("GET", f"/evaluate?run={run.id}&step={step}&ema={ema}&split={split}", None)
        for step, ema, split in kinds
    ]
    readings: list[tuple[str, str, Any]] = [
        ("POST", f"/predict?run={run.id}&step={step}", {"image": DIGIT}) for step in range(0, 250, 10)
    ]
    with flood(client, evaluations + readings * 4) as answers:
        for _ in range(20):
            for path in ("/healthz", "/runs", f"/runs/{run.id}", f"/runs/{run.id}/history"):
                assert client.get(path).status_code == 200
        assert not any(answer.done() for answer in answers)
        gate.set()
        assert Counter(answer.result().status_code for answer in answers) == {200: 200}
    assert sorted(made) == [100] * 50 + [200] * 50


def test_a_hundred_equal_requests_cost_one_restore_and_one_evaluation(
    client: httpx2.Client, make_run: Make, monkeypatch: pytest.MonkeyPatch, made: list[int]
) -> None:
    from server import restoring

    client.get("/evaluate")  # there is none; but TensorFlow is loaded then
    run = make_run((0,))
    restored, all_are_in, restore = [], threading.Event(), restoring.restore

    def counted(*arguments: Any) -> Any:
        restored.append(arguments)
        all_are_in.wait(1)
        return restore(*arguments)

    monkeypatch.setattr(restoring, "restore", counted)
    with flood(client, [("GET", f"/evaluate?run={run.id}&ema=true", None)] * 100) as answers:
        bodies = [answer.result().json() for answer in answers]
    assert len(restored) == 1
    assert made == [5000]
    assert sum(not body.pop("cached") for body in bodies) > 1  # they did meet
    assert all(body == bodies[0] for body in bodies)


def test_too_many_are_told_when_to_come_again(
    client: httpx2.Client,
    make_run: Make,
    small_data: Path,
    gate: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.evaluating._WAITING", 4)
    run = make_run(tuple(range(0, 200, 10)), data=str(small_data), batch_size=10)
    asked: list[tuple[str, str, Any]] = [
        ("GET", f"/evaluate?run={run.id}&step={step}", None) for step in range(0, 200, 10)
    ]
    with flood(client, asked) as answers:
        deadline = time.monotonic() + 30
        while sum(answer.done() for answer in answers) < 15:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        gate.set()
        refused = [answer.result() for answer in answers if answer.result().status_code != 200]
    assert len(refused) == 15  # one is made, four wait
    for answer in refused:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["detail"] == "4 evaluations are waiting already; try again in a few seconds."
    assert client.get(f"/evaluate?run={run.id}&step=190").status_code == 200


def test_threads_refuse_what_would_wait_too_long() -> None:
    import asyncio

    from server.threads import Threads
    from shadowboard.errors import Busy

    async def many() -> list[Any]:
        threads, go_on = Threads(threads=2, waiting=3), threading.Event()
        calls = [asyncio.ensure_future(threads.run(go_on.wait, 10)) for _ in range(7)]
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    answers = in_a_loop(many())
    assert answers[:5] == [True] * 5
    assert [type(answer) for answer in answers[5:]] == [Busy] * 2


def test_whoever_waits_at_the_end_is_told_so(
    make_run: Make, settings: Settings, store: Any, gate: threading.Event
) -> None:
    from server.backlog import Job
    from server.datasets import Datasets
    from server.evaluating import Evaluator
    from server.restoring import Restorer
    from shadowboard.claims import Claims
    from shadowboard.database import Database
    from shadowboard.errors import Busy

    run = make_run((0, 10))
    restorer = Restorer(settings.run_folder, 2**20)
    evaluator = Evaluator(store, restorer, Datasets(), Claims(Database(settings.store_url)))
    states = [evaluator.state]
    evaluator.start()
    first, second = (evaluator.request(Job(run, c, "", "test")) for c in restorer.checkpoints(run))
    while evaluator.waiting == 2:
        time.sleep(0.02)
    states.append(evaluator.state)
    threading.Timer(0.2, gate.set).start()
    evaluator.close()
    assert first.result(10).evaluation.n == 10_000
    with pytest.raises(Busy, match="The server is ending"):
        second.result(10)
    with pytest.raises(Busy, match="The server is ending"):
        evaluator.request(Job(run, restorer.find(run, 10), "", "test"))
    assert [*states, evaluator.state] == ["ended", "busy", "ended"]


@pytest.fixture
def evaluator(store: Any, settings: Settings) -> Any:
    """One that has not begun, and whose claims another server holds."""
    from server.datasets import Datasets
    from server.evaluating import Evaluator
    from server.restoring import Restorer
    from shadowboard.claims import Claims
    from shadowboard.database import Database

    claims = Claims(Database(settings.store_url))
    claims.take = lambda key: False  # type: ignore[method-assign]
    return Evaluator(store, Restorer(settings.run_folder, 2**20), Datasets(), claims)


def test_what_another_server_makes_waits_as_well(
    evaluator: Any, make_run: Make, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.backlog import Job
    from shadowboard import checkpoints
    from shadowboard.errors import Busy

    monkeypatch.setattr("server.evaluating._WAITING", 2)
    monkeypatch.setattr("server.evaluating._LOOK_SECONDS", 60.0)
    run = make_run((0, 10, 20))
    first, second, third = (
        Job(run, checkpoint, "", "test")
        for checkpoint in checkpoints.list_checkpoints(settings.run_folder(run.id))
    )
    evaluator.start()
    try:
        for job in (first, second):
            evaluator.request(job)
            while evaluator._requests or job not in evaluator._elsewhere:
                time.sleep(0.02)
        with pytest.raises(Busy, match="2 evaluations are waiting already"):
            evaluator.request(third)
    finally:
        evaluator.close()


def test_what_is_written_anew_while_the_database_is_locked(
    evaluator: Any, store: Any, tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is looked into before what was made of the old file is stored."""
    from server.backlog import Job
    from server.folders import Folders
    from shadowboard.errors import CheckpointMissing
    from shadowboard.watched import watched_config
    from tests.server.folders import save

    theirs = tmp_path / "theirs"
    save(theirs, 5)
    run = store.watch(watched_config(theirs, data=str(small_data), activation="relu"))
    folders, add = Folders(store, lambda: None), store.add_evaluation
    folders._look()

    def late(*arguments: Any) -> None:
        os.utime(save(theirs, 5, seed=6).index, (1_000_000_000, 1_000_000_000))
        folders._look()
        add(*arguments)

    job = Job(store.run(run.id), evaluator._restorer.find(run, 5), "", "test")
    monkeypatch.setattr(store, "add_evaluation", late)
    with pytest.raises(CheckpointMissing, match="step 5 is recorded as another file than was evaluated"):
        evaluator._make(job)
    assert store.scores(run.id) == []
    monkeypatch.setattr(store, "add_evaluation", add)
    made = evaluator._make(job)
    assert [score.correct for score in store.scores(run.id)] == [made.evaluation.correct]


def test_complaints_are_forgotten_in_the_end(evaluator: Any) -> None:
    for i in range(2000):
        evaluator._complain(f"run {i}", MemoryError("no more"))
    assert len(evaluator._complaints) <= 1000


@pytest.mark.skipif(sys.platform != "linux", reason="only there threads have a priority of their own")
def test_tensorflow_yields_and_requests_do_not(settings: Settings, make_run: Make) -> None:
    make_run((0,))
    code = (
        "from pathlib import Path; import sys\n"
        "from server.serving import serve\n"
        "from shadowboard.settings import Settings\n"
        "serve(Settings(home=Path(sys.argv[1]), port=0), lambda url: print(url, flush=True))\n"
    )
    command = [sys.executable, "-c", code, str(settings.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert httpx2.get(f"{url}/evaluate", timeout=60).status_code == 200
            threads = (t / "stat" for t in Path(f"/proc/{process.pid}/task").iterdir())
            nice = Counter(int(thread.read_text().rpartition(")")[2].split()[16]) for thread in threads)
            mine = os.getpriority(os.PRIO_PROCESS, 0)
        finally:
            process.terminate()
    assert nice[mine + 5] >= len(os.sched_getaffinity(0))
    assert nice[mine] >= 4  # the main thread, the evaluator's two, those of requests
    assert nice.total() == nice[mine] + nice[mine + 5]
