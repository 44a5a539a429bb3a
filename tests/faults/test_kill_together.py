"""SIGKILL of a worker, of a server, or of all at once: no evaluation is lost, doubled or different."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from shadowboard.checkpoints import list_checkpoints
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import load_dataset
from shadowboard.evaluation import Evaluation, evaluate
from shadowboard.schema import claims, evaluations, readings
from shadowboard.store import Store
from shadowboard.weights import restore
from tests.faults.checkpoint_reader import all_tensors
from tests.faults.processes import pipe, process, run, send, wait_for
from tests.faults.test_up import child_of, get, up
from tests.faults.workers import resume, serve, store_of

Tell = Callable[[str, int, str], None]
Key = tuple[int, str, str]
"""Step, average and split of an evaluation."""

CHECKPOINTS = 20
KILLS_OF_A_RUN = 10
LEASE = 0.5
KINDS = ("", "ExponentialMovingAverage")
VICTIMS = (("worker",), ("server",), ("worker", "server"))


@pytest.fixture(scope="module")
def config(small_data: Path, pytestconfig: pytest.Config) -> RunConfig:
    every = 3_000 if pytestconfig.getoption("--kills") > 10 else 800
    knobs = {"steps": CHECKPOINTS * every, "save_every": every, "batch_size": 20, "hidden": [16]}
    return parse_config(knobs | {"data": str(small_data)})


class Undisturbed:
    """What a run that nothing happens to leaves: its tensors, and what anybody makes of each checkpoint."""

    def __init__(self, home: Path, config: RunConfig) -> None:
        store = store_of(home)
        run_id = store.create_run(config, worker="nobody").id
        store.close()
        assert run(resume, home, run_id) == 0
        folder, dataset = home / "runs" / run_id, load_dataset(config.data)
        self.tensors = all_tensors(folder)
        self.evaluations: dict[Key, Evaluation] = {
            (checkpoint.step, kind, name): evaluate(weights, split, config.activation)
            for checkpoint in list_checkpoints(folder)
            for kind in KINDS
            for weights in [restore(checkpoint, kind or None)]
            for name, split in (("validation", dataset.validation), ("test", dataset.test))
        }

    def check(self, store: Store, home: Path, run_id: str) -> int:
        """The run has ended alike, and is evaluated alike; how many evaluations that are."""
        assert store.run(run_id).state == "finished"
        assert all_tensors(home / "runs" / run_id) == self.tensors
        scores = store.scores(run_id)
        assert sorted((s.step, s.average, s.split) for s in scores) == sorted(self.evaluations)
        for score in scores:
            expected = self.evaluations[score.step, score.average, score.split]
            stored = store.evaluation(run_id, score.step, score.average, score.split)
            assert stored is not None
            assert (score.n, score.correct) == (expected.n, expected.correct)
            assert stored.predictions == expected.predictions.tobytes()
        return len(scores)


@pytest.fixture(scope="module")
def undisturbed(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"), config)


def rows(store: Store) -> dict[str, int]:
    with store._database.begin() as connection:
        tables = (claims, evaluations, readings)
        return {table.name: len(connection.execute(table.select()).all()) for table in tables}


def newest_id(store: Store) -> int:
    """Greater than the number of evaluations, if ever one was deleted or made again."""
    return store.cursor().evaluation


def serve_at_once(home: Path, told: Connection, log: Path) -> None:
    """Without warming anything up."""
    from server.engine import EngineLoader

    EngineLoader._load_images = EngineLoader._warm_up = lambda self: None  # type: ignore[method-assign]
    serve(home, LEASE, told, log)


@contextmanager
def serving(home: Path) -> Iterator[BaseProcess]:
    here, there = pipe()
    with process(serve_at_once, home, there, home / "log") as started:
        assert here.poll(60), "it did not start within a minute"
        here.recv()
        yield started


class Pair:
    """A worker on one run and a server, of which any can be killed and started again."""

    def __init__(self, home: Path, run_id: str) -> None:
        self._ways = {"worker": lambda: process(resume, home, run_id), "server": lambda: serving(home)}
        self._alive: dict[str, tuple[ExitStack, BaseProcess]] = {}

    def start(self) -> None:
        """Whichever is not there."""
        for name in self._ways.keys() - self._alive.keys():
            stack = ExitStack()
            self._alive[name] = stack, stack.enter_context(self._ways[name]())

    def kill(self, *names: str) -> None:
        """All of them at once."""
        for name in names:
            send(self._alive[name][1], signal.SIGKILL)
        for name in names:
            stack, killed = self._alive.pop(name)
            killed.join()
            assert killed.exitcode == -signal.SIGKILL
            stack.close()

    def close(self) -> None:
        """End both."""
        for stack, _ in self._alive.values():
            stack.close()


class Victim:
    """A run whose worker and server are killed until it has ended all the same."""

    def __init__(self, store: Store, home: Path, config: RunConfig) -> None:
        self._store = store
        self.id = store.create_run(config, worker="nobody").id
        self._pair = Pair(home, self.id)

    def kill(self, names: tuple[str, ...], pause: float, *, amid_evaluations: bool) -> bool:
        """Once the run has got on since; False where it has ended before."""
        before, stood = rows(self._store)["evaluations"], self._store.run(self.id).step
        self._pair.start()
        wait_for(lambda: self._store.run(self.id).step > stood or self._has_ended(), pause=0.01)
        if amid_evaluations:
            wait_for(lambda: rows(self._store)["evaluations"] > before, pause=0.01)
        time.sleep(pause)
        if self._has_ended():
            return False
        self._pair.kill(*names)
        return True

    def end(self, evaluated: int) -> None:
        """Let it end, and be evaluated to the last: then there are so many evaluations."""
        self._pair.start()
        wait_for(self._has_ended, pause=0.05)
        expected = {"claims": 0, "evaluations": evaluated, "readings": evaluated}
        wait_for(lambda: rows(self._store) == expected)

    def _has_ended(self) -> bool:
        return self._store.run(self.id).state == "finished"

    def close(self) -> None:
        """End its worker and its server."""
        self._pair.close()


@pytest.mark.timeout(0)
def test_no_evaluation_is_lost_doubled_or_different(
    tmp_path: Path,
    config: RunConfig,
    undisturbed: Undisturbed,
    pytestconfig: pytest.Config,
    thorough: bool,
    tell: Tell,
) -> None:
    kills = pytestconfig.getoption("--kills") if thorough else len(VICTIMS)
    moments, done, made, runs = random.Random(20240609), 0, 0, 0
    store = store_of(tmp_path)
    while done < kills:
        with closing(Victim(store, tmp_path, config)) as victim:
            for number in range(min(KILLS_OF_A_RUN, kills - done)):
                names = moments.choice(VICTIMS) if thorough else VICTIMS[done]
                if not victim.kill(names, moments.uniform(0, 0.2), amid_evaluations=number % 2 == 0):
                    break
                done += 1
            victim.end(made + len(undisturbed.evaluations))
        made += undisturbed.check(store, tmp_path, victim.id)
        assert newest_id(store) == made
        runs += 1
    store.close()
    tell(
        "SIGKILL of a worker, a server or both at random",
        done,
        f"{made:,} evaluations: 0 lost, 0 doubled, 0 different; {len(undisturbed.tensors) * runs:,} "
        f"checkpoints of {runs:,} resumed runs verified: the same bytes",
    )


@pytest.mark.timeout(0)
def test_all_of_up_is_killed_at_once_and_started_again(
    tmp_path: Path, config: RunConfig, undisturbed: Undisturbed, thorough: bool, tell: Tell
) -> None:
    if not thorough:
        pytest.skip("takes half a minute for each time that it is started: with --kills beyond the default")
    times, home, moments = 10, tmp_path / "home", random.Random(20240610)
    longer = config.model_copy(update={"steps": 200_000, "save_every": 2_000})
    expected = Undisturbed(tmp_path / "undisturbed", longer)
    store = store_of(home)
    run_id = store.create_run(longer).id

    def has_ended() -> bool:
        return store.run(run_id).state == "finished"

    for _ in range(times):
        stood = store.run(run_id).step
        with up(home) as (started, url):
            wait_for(lambda stood=stood: store.run(run_id).step > stood or has_ended(), pause=0.02)
            time.sleep(moments.uniform(0, 2))
            for pid in (started.pid, child_of(started)):
                os.kill(pid, signal.SIGKILL)
            started.wait()
        if has_ended():
            break
    with up(home) as (_, url):
        wait_for(lambda: get(f"{url}/runs/{run_id}")["state"] == "finished", 600)
        wait_for(lambda: rows(store)["evaluations"] == len(expected.evaluations), 600)
    made = expected.check(store, home, run_id)
    assert newest_id(store) == made == rows(store)["readings"]
    store.close()
    tell(
        "SIGKILL of all processes of `shadowboard up`", times, f"same bytes; {made:,} evaluations, each once"
    )
