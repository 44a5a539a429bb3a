"""Servers on one store."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shadowboard.dataset import Split
from shadowboard.records import Run
from shadowboard.settings import Settings
from shadowboard.store import Store

Make = Callable[..., Run]
STEPS = tuple(range(0, 120, 10))
EVALUATIONS = len(STEPS) * 4


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def evaluator(store: Store, settings: Settings) -> Iterator[Callable[[], Any]]:
    """Makes the evaluator of another server."""
    from server.datasets import Datasets
    from server.evaluating import Evaluator
    from server.restoring import Restorer
    from shadowboard.claims import Claims
    from shadowboard.database import Database

    made: list[Evaluator] = []

    def make() -> Evaluator:
        restorer = Restorer(settings.run_folder, 2**20)
        claims = Claims(Database(settings.store_url))
        made.append(Evaluator(store, restorer, Datasets(), claims))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads that make evaluations, one entry for each; none is done before two threads have begun."""
    from server import evaluating

    evaluate, begun, both = evaluating.evaluate, [], threading.Event()

    def counted(*arguments: Any) -> Any:
        begun.append(threading.get_ident())
        if len(set(begun)) == 2:
            both.set()
        both.wait(10)
        return evaluate(*arguments)

    monkeypatch.setattr(evaluating, "evaluate", counted)
    return begun


def test_evaluators_share_a_backlog(
    evaluator: Callable[[], Any], make_run: Make, store: Store, small_data: Path, made: list[int]
) -> None:
    run = make_run(STEPS, data=str(small_data), batch_size=10)
    one, other = evaluator(), evaluator()
    one.start()
    other.start()
    until(lambda: one.state == other.state == "idle")
    assert len(store.scores(run.id)) == EVALUATIONS
    assert len(made) == EVALUATIONS
    assert min(Counter(made).values()) > 1


@pytest.mark.usefixtures("no_backlog")
def test_what_another_makes_is_waited_for(
    evaluator: Callable[[], Any],
    make_run: Make,
    settings: Settings,
    small_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from server import evaluating
    from server.backlog import Job
    from shadowboard import checkpoints

    run = make_run((0,), data=str(small_data), batch_size=10)
    jobs = [
        Job(run, checkpoints.find(settings.run_folder(run.id), 0), "", split)
        for split in ("validation", "test")
    ]
    evaluate, begun, go_on = evaluating.evaluate, [], threading.Event()

    def held(weights: Any, images: Split, *rest: Any) -> Any:
        begun.append(len(images))
        if len(images) == 100:
            go_on.wait(10)
        return evaluate(weights, images, *rest)

    monkeypatch.setattr(evaluating, "evaluate", held)
    one, other = evaluator(), evaluator()
    one.start()
    other.start()
    first = one.request(jobs[0])
    until(lambda: bool(begun))
    waiting, another = (other.request(job) for job in jobs)
    assert another.result(10).evaluation.n == 200  # it does not hold up what comes after it
    assert other.waiting == 1
    go_on.set()
    assert waiting.result(10).evaluation.correct == first.result(10).evaluation.correct
    assert (waiting.result().cached, first.result().cached) == (True, False)
    assert begun == [100, 200]


SERVER = """
import sys, threading, time
from pathlib import Path
from server import evaluating
from server.serving import serve
from shadowboard import claims
from shadowboard.settings import Settings

home, log, name, hangs_at = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
claims.LEASE_SECONDS = 2.5
evaluate, made = evaluating.Evaluator._make, []

def counted(self, job):
    made.append(job)
    with log.open("a") as file:
        file.write(f"{name} {job.key}\\n")
    while len({line.split()[0] for line in log.read_text().splitlines()}) < 2:
        time.sleep(0.01)
    time.sleep(0.02)
    if len(made) == hangs_at:
        threading.Event().wait()
    return evaluate(self, job)

evaluating.Evaluator._make = counted
serve(Settings(home=home, port=0), lambda url: print(url, flush=True))
"""


def test_processes_share_a_backlog_and_finish_it_when_one_is_killed(
    make_run: Make, store: Store, settings: Settings, small_data: Path, tmp_path: Path
) -> None:
    run = make_run(STEPS, data=str(small_data), batch_size=10)
    log = tmp_path / "evaluations.log"
    log.touch()

    def lines(name: str) -> list[str]:
        return [line.partition(" ")[2] for line in log.read_text().splitlines() if line.startswith(name)]

    def start(name: str, hangs_at: int) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", SERVER, str(settings.home), str(log), name, str(hangs_at)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with start("killed", 3) as killed, start("other", 0) as other:
        try:
            assert other.stdout is not None
            url = other.stdout.readline().strip()
            until(lambda: len(lines("killed")) == 3 and len(store.scores(run.id)) == EVALUATIONS - 1)
            held = lines("killed")[-1]
            _, step, average, split = eval(held)  # noqa: S307
            asked = {"run": run.id, "step": step, "split": split, "average": average, "ema": bool(average)}
            with ThreadPoolExecutor(1) as pool:
                answer = pool.submit(httpx2.get, f"{url}/evaluate", params=asked, timeout=30)
                time.sleep(3)  # longer than the lease
                assert not answer.done()
                killed.kill()
                assert answer.result().status_code == 200
            assert len(store.scores(run.id)) == EVALUATIONS
            counts = Counter(lines("killed") + lines("other"))
            assert counts.pop(held) == 2
            assert set(counts.values()) == {1}
            assert len(counts) == EVALUATIONS - 1
            other.send_signal(signal.SIGTERM)
            assert other.wait(20) == 0
        finally:
            killed.kill()
            other.kill()
