"""SIGKILL at random moments: what is there is always readable, and the end is the same to the byte."""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shadowboard.configuration import RunConfig, parse_config
from shadowboard.store import Store
from tests.faults.checkpoint_reader import all_tensors, reader
from tests.faults.processes import process, run, wait_for
from tests.faults.workers import resume, store_of

KILLS_OF_A_RUN = 10
LAST_KILL = 25_000  # of 30,000 steps: the last kill must not come after the end


@pytest.fixture
def config(small_data: Path) -> RunConfig:
    averages = [{"decay": 0.99}, {"decay": 0.999, "num_updates": False}]
    knobs = {"steps": 30_000, "batch_size": 20, "hidden": [32], "save_every": 250, "averages": averages}
    slots = {"optimizer": "momentum", "learning_rate": 0.05}
    return parse_config(knobs | slots | {"data": str(small_data)})


def kill_at(step: int, store: Store, home: Path, run_id: str, pause: float) -> int:
    """Resumes the run, kills it once it is past `step` and past where it stood, and gives its step then."""
    step = max(step, store.run(run_id).step + 1)
    with process(resume, home, run_id) as worker:
        wait_for(lambda: worker.exitcode is not None or store.run(run_id).step >= step, pause=0.001)
        time.sleep(pause)
        worker.kill()
        worker.join()
        assert worker.exitcode == -signal.SIGKILL
    return store.run(run_id).step


@pytest.mark.timeout(0)
def test_a_run_killed_again_and_again_ends_like_one_left_alone(
    tmp_path: Path, config: RunConfig, request: pytest.FixtureRequest, tell: Callable[[str, int, str], None]
) -> None:
    store = store_of(tmp_path)
    alone = store.create_run(config, worker="nobody").id
    assert run(resume, tmp_path, alone) == 0
    expected = all_tensors(tmp_path / "runs" / alone)
    assert len(expected) == 121
    losses = {metric.step: metric.loss for metric in store.metrics(alone)}
    moments = random.Random(20240607)
    kills, reads = request.config.getoption("--kills"), 0
    for _ in range(kills // KILLS_OF_A_RUN):
        killed = store.create_run(config, worker="nobody").id
        folder = tmp_path / "runs" / killed
        stood, saved = [0], [0]
        with reader(folder) as read:
            for step in sorted(moments.sample(range(LAST_KILL), KILLS_OF_A_RUN)):
                stood.append(kill_at(step, store, tmp_path, killed, moments.uniform(0, 0.05)))
                saved.append(len(list(folder.glob("*.index"))))
            assert store.run(killed).state == "training"
            assert run(resume, tmp_path, killed) == 0
        # Every kill met a run that had gone on since the one before, most of them one that had saved since.
        assert sorted(set(stood)) == stood
        assert len(set(saved)) > KILLS_OF_A_RUN / 2
        assert len(set(read)) > 60
        reads += len(read)
        assert store.run(killed).state == "finished"
        assert all_tensors(folder) == expected
        assert not list(folder.glob(".saving-*"))
        metrics = store.metrics(killed)
        assert metrics[-1].step == 30_000
        common = [metric for metric in metrics if metric.step % 250 == 0]
        assert len(common) >= 120
        assert all(metric.loss == losses[metric.step] for metric in common)
    resumed = kills // KILLS_OF_A_RUN
    tell(
        "SIGKILL of a worker at random",
        kills,
        f"{len(expected) * resumed:,} checkpoints of {resumed:,} resumed runs verified: the same bytes; "
        f"{reads:,} reads of the newest one meanwhile, all good; its clock jumps by hours",
    )
