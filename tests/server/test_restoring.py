import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shadowboard.errors import CheckpointDamaged, CheckpointMissing
from shadowboard.records import Run
from shadowboard.settings import Settings

BYTES = 4 * (784 * 8 + 8 + 8 * 10 + 10)

Make = Callable[..., Run]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What has really been read from disk."""
    from server import restoring

    done: list[Any] = []
    restore = restoring.restore

    def counted(checkpoint: Any, average: str | None) -> Any:
        done.append((checkpoint.step, average))
        return restore(checkpoint, average)

    monkeypatch.setattr(restoring, "restore", counted)
    return done


def newest_good(restorer: Any, run: Run) -> int:
    """Its step."""
    step: int = restorer.first_good(run, restorer.checkpoints(run)[::-1], [None]).checkpoint.step
    return step


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def test_weights_used_last_are_kept_within_the_capacity(
    settings: Settings, make_run: Make, reads: list[Any]
) -> None:
    from server.restoring import Restorer

    run = make_run((0, 10, 20))
    restorer = Restorer(settings.run_folder, capacity=2 * BYTES)
    for step in (0, 10, 0, 20, 0, 10):
        weights = restorer.weights(restorer.find(run, step), None)
        assert sum(w.numpy().nbytes for w in weights.values()) == BYTES
    assert reads == [(0, None), (10, None), (20, None), (10, None)]
    assert restorer._size == 2 * BYTES


def test_weights_larger_than_the_capacity_are_read_each_time_and_displace_nothing(
    settings: Settings, make_run: Make, reads: list[Any]
) -> None:
    from server.restoring import Restorer

    small, large = make_run((0,)), make_run((0,), hidden=[9])
    restorer = Restorer(settings.run_folder, capacity=BYTES)
    for run in (small, large, large, small):
        assert restorer.weights(restorer.find(run, 0), "ExponentialMovingAverage")
    assert len(reads) == 3
    assert restorer._size == BYTES


def test_damage_is_remembered_for_a_while(
    settings: Settings, make_run: Make, reads: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.restoring import Restorer

    run = make_run((0, 10))
    truncate(settings.run_folder(run.id) / "model.ckpt-10.data-00000-of-00001")
    restorer = Restorer(settings.run_folder, 2**20)
    for _ in range(20):
        assert newest_good(restorer, run) == 0
    assert reads == [(10, None), (0, None)]
    monkeypatch.setattr("server.restoring._DAMAGE_SECONDS", 0.0)
    with pytest.raises(CheckpointDamaged):
        restorer.weights(restorer.find(run, 10), None)
    assert len(reads) == 3


def test_a_checkpoint_that_is_written_anew_is_read_anew(
    settings: Settings, make_run: Make, reads: list[Any]
) -> None:
    from server.restoring import Restorer
    from shadowboard import checkpoints

    run = make_run((0, 10))
    folder = settings.run_folder(run.id)
    restorer = Restorer(settings.run_folder, 2**20)
    whole = checkpoints.read(restorer.find(run, 10))
    truncate(folder / "model.ckpt-10.data-00000-of-00001")
    assert newest_good(restorer, run) == 0
    time.sleep(0.01)
    checkpoints.save(folder, 10, whole)
    assert newest_good(restorer, run) == 10


def test_a_checkpoint_that_is_deleted_is_missing(settings: Settings, make_run: Make) -> None:
    from server.restoring import Restorer

    run = make_run((0,))
    restorer = Restorer(settings.run_folder, 2**20)
    checkpoint = restorer.find(run, 0)
    restorer.weights(checkpoint, None)
    (settings.run_folder(run.id) / "model.ckpt-0.index").unlink()
    with pytest.raises(CheckpointMissing, match="is gone"):
        restorer.weights(checkpoint, None)
    with pytest.raises(CheckpointMissing, match=f"The checkpoints of the run {run.id} are gone"):
        newest_good(restorer, run)
