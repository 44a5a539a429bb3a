"""Servers and workers that share one store, while they are killed, suspended, and their files deleted."""

import json
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from shadowboard.checkpoints import find, list_checkpoints
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import load_dataset
from shadowboard.evaluation import evaluate
from shadowboard.schema import claims, evaluations
from shadowboard.store import Store
from shadowboard.weights import restore
from tests.faults.checkpoint_reader import all_tensors
from tests.faults.processes import process, run, send, server, wait_for
from tests.faults.workers import resume, store_of, work

Tell = Callable[[str, int, str], None]

LEASE = 1.5
KINDS = ("", "ExponentialMovingAverage")
SPLITS = ("validation", "test")


@pytest.fixture(scope="module")
def config(small_data: Path) -> RunConfig:
    knobs = {"steps": 300, "batch_size": 20, "hidden": [8], "save_every": 25, "data": str(small_data)}
    return parse_config(knobs)


def counts(store: Store) -> dict[str, int]:
    """Rows of the tables that an evaluation goes through."""
    with store._database.begin() as connection:
        return {table.name: len(connection.execute(table.select()).all()) for table in (claims, evaluations)}


def check_evaluations(store: Store, home: Path, config: RunConfig, run_id: str) -> int:
    """Each checkpoint's evaluations are there, once, and are those that anybody else makes of it."""
    dataset = load_dataset(config.data)
    scores = {(s.step, s.average, s.split): s for s in store.scores(run_id)}
    there = list_checkpoints(home / "runs" / run_id)
    assert scores.keys() == {(c.step, kind, split) for c in there for kind in KINDS for split in SPLITS}
    assert len(scores) == len(store.scores(run_id))
    for (step, kind, split), score in scores.items():
        images = dataset.validation if split == "validation" else dataset.test
        weights = restore(find(home / "runs" / run_id, step), kind or None)
        expected = evaluate(weights, images, config.activation)
        stored = store.evaluation(run_id, step, kind, split)
        assert stored is not None
        assert (score.n, score.correct) == (expected.n, expected.correct)
        assert stored.predictions == expected.predictions.tobytes()
        np.testing.assert_allclose(score.loss, expected.loss, rtol=1e-5)
    return len(scores)


def test_a_server_killed_while_it_evaluates(
    tmp_path: Path, config: RunConfig, request: pytest.FixtureRequest, tell: Tell
) -> None:
    store, moments = store_of(tmp_path), random.Random(20240608)
    more = config.model_copy(update={"save_every": 6})  # 51 checkpoints
    run_id = store.create_run(more, worker="nobody").id
    assert run(resume, tmp_path, run_id) == 0
    kills = max(2, request.config.getoption("--kills") // 20)
    for kill in range(kills):
        some = 204 * kill // kills  # so that every server makes some
        with server(tmp_path, tmp_path / "log", LEASE) as (serving, _):
            wait_for(lambda some=some: counts(store)["evaluations"] > some)
            time.sleep(moments.uniform(0, 0.05))
            send(serving, signal.SIGKILL)
            serving.join()
    with server(tmp_path, tmp_path / "log", LEASE):
        wait_for(lambda: counts(store) == {"claims": 0, "evaluations": 204})
    assert check_evaluations(store, tmp_path, more, run_id) == 204
    store.close()
    tell("SIGKILL of a server that evaluates", kills, "none of 204 evaluations lost, doubled or different")


@contextmanager
def readers(urls: list[str], paths: list[str]) -> Iterator[dict[int, int]]:
    """Ask for everything over and over; yields how often each status was the answer."""
    seen: dict[int, int] = {}
    over = threading.Event()

    def read(url: str) -> None:
        while not over.is_set():
            for path in paths:
                status = ask(url + path)[0]
                seen[status] = seen.get(status, 0) + 1

    threads = [threading.Thread(target=read, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join()


def ask(url: str, method: str = "GET") -> tuple[int, Any]:
    """Status and answer; status 0 where nobody answers."""
    try:
        with urlopen(Request(url, method=method), timeout=60) as answer:
            return answer.status, json.load(answer) if method == "GET" else None
    except HTTPError as error:
        with error:
            return error.code, json.load(error)
    except (URLError, OSError):
        return 0, None


def test_two_servers_and_three_workers(tmp_path: Path, config: RunConfig, tell: Tell) -> None:
    store = store_of(tmp_path)
    longer = config.model_copy(update={"steps": 12_000, "save_every": 1_000})
    alike = [store.create_run(longer).id for _ in range(2)]
    others = [store.create_run(config.model_copy(update={"seed": seed})).id for seed in (1, 2)]
    doomed = store.create_run(config.model_copy(update={"seed": 3})).id
    paths = [
        path
        for run_id in (*alike, *others, doomed)
        for path in (
            f"/runs/{run_id}",
            f"/runs/{run_id}/checkpoints",
            f"/runs/{run_id}/checkpoints/25/variables",
            f"/runs/{run_id}/history",
            f"/evaluate?run={run_id}&ema=true",
            f"/compare?run={run_id}&step=latest",
        )
    ]
    with ExitStack() as stack:
        workers = [stack.enter_context(process(work, tmp_path, LEASE, tmp_path / "log")) for _ in range(3)]
        servers = [stack.enter_context(server(tmp_path, tmp_path / "log", LEASE)) for _ in range(2)]
        with readers([one.url for one in servers], paths) as seen:
            wait_for(lambda: store.run(alike[0]).step > 1000)
            holder = next(w for w in workers if f"-{w.pid}-" in str(store.run(alike[0]).worker))
            send(holder, signal.SIGSTOP)
            wait_for(lambda: f"-{holder.pid}-" not in str(store.run(alike[0]).worker))
            wait_for(lambda: store.run(doomed).state == "finished")
            with suppress(FileNotFoundError):  # a checkpoint and a whole folder, under whoever reads them
                for file in (tmp_path / "runs" / others[0]).glob("model.ckpt-50.*"):
                    file.unlink()
            assert ask(f"{servers[0].url}/runs/{doomed}", "DELETE")[0] == 204
            servers[1].process.kill()
            for run_id in (*alike, *others):
                wait_for(lambda run_id=run_id: store.run(run_id).state == "finished")
            send(holder, signal.SIGCONT)
            wait_for(lambda: seen.get(404, 0) > 0)
        url = servers[0].url
        for run_id in (*alike, *others):
            wait_for(lambda run_id=run_id: ask(f"{url}/runs/{run_id}")[0] == 200)
        wait_for(lambda: counts(store) == {"claims": 0, "evaluations": expected_evaluations(store, tmp_path)})
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(30)
            if worker.exitcode is None:
                send(worker, signal.SIGUSR1)
                time.sleep(1)  # until it has written where it is
            assert worker.exitcode == 0, (tmp_path / "log").read_text()
    assert set(seen) <= {0, 200, 404, 409, 503}
    assert all_tensors(tmp_path / "runs" / alike[0]) == all_tensors(tmp_path / "runs" / alike[1])
    assert check_evaluations(store, tmp_path, longer, alike[0]) == 13 * 4
    assert not (tmp_path / "runs" / doomed).exists()
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert f"The run {alike[0]} was taken over, stopped or deleted; nothing more is written." in log
    store.close()
    tell(
        "requests to two servers while runs are trained, taken over and deleted", sum(seen.values()), "no 500"
    )


def expected_evaluations(store: Store, home: Path) -> int:
    """Of the checkpoints that are there, and those of the deleted one that were made before."""
    there = {run.id: {c.step for c in list_checkpoints(home / "runs" / run.id)} for run in store.runs()}
    gone = sum(s.step not in there[run.id] for run in store.runs() for s in store.scores(run.id))
    return 4 * sum(map(len, there.values())) + gone
