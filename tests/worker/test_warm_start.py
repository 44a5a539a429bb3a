"""Runs that start from another's checkpoint: breaks change nothing, and what is gone is told."""

import shutil
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from shadowboard import checkpoints
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.dataset import Split, load_dataset
from shadowboard.errors import CheckpointUnsuitable
from shadowboard.listing import find
from shadowboard.records import Run
from shadowboard.store import Store
from worker.loop import run_once
from worker.trainer import Trainer
from worker.training import Advanced, Changing, Event, Saved, Started, train

SMALL = {"steps": 130, "batch_size": 20, "hidden": [16], "save_every": 50}
MAPPINGS = ["layer2/weights=layer2/weights*0.5"]


@pytest.fixture(scope="module")
def split(small_data: Path) -> Split:
    return load_dataset(str(small_data)).train


def save_source(folder: Path, split: Split) -> None:
    checkpoints.save(folder, 100, Trainer(parse_config(SMALL | {"seed": 1}), split).initial().tensors())


@pytest.fixture(scope="module")
def before(split: Split, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of the run that others start from."""
    folder = tmp_path_factory.mktemp("before")
    save_source(folder, split)
    return folder


@pytest.fixture(scope="module")
def config(before: Path) -> RunConfig:
    return parse_config(SMALL | {"start_from": {"folder": str(before), "step": 100, "map": MAPPINGS}})


def all_bytes(folder: Path) -> dict[tuple[int, str], bytes]:
    return {
        (c.step, name): value.tobytes()
        for c in checkpoints.list_checkpoints(folder)
        for name, value in checkpoints.read(c).items()
    }


def is_before_the_first_checkpoint(event: Event) -> bool:
    return isinstance(event, Started)


def is_before_it_is_shown(event: Event) -> bool:
    return isinstance(event, Changing)


def is_after_it(event: Event) -> bool:
    return isinstance(event, Saved)


def is_in_the_midst(event: Event) -> bool:
    return isinstance(event, Advanced) and event.step > 50


BREAKS = [is_before_it_is_shown, is_before_the_first_checkpoint, is_after_it, is_in_the_midst]


def test_breaks_change_nothing_and_the_source_is_needed_for_the_start_alone(
    split: Split, before: Path, config: RunConfig, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(before, source)

    def events(folder: str) -> Generator[Event, None, None]:
        return train(config, split, tmp_path / folder, lambda: False, lambda start: find(source, start.step))

    first = [event for event in events("whole") if isinstance(event, Started)]
    assert [(e.step, e.start and len(e.start.taken)) for e in first] == [(0, 4)]
    for breaks in BREAKS:
        for event in events("broken"):
            if breaks(event):
                break
        if breaks is is_after_it:
            shutil.rmtree(source)
    _, last, *_ = events("broken")
    assert isinstance(last, Started)
    assert (last.step, last.start) == (50, None)
    assert all_bytes(tmp_path / "broken") == all_bytes(tmp_path / "whole")
    with pytest.raises(
        CheckpointUnsuitable, match=r"This run is to start from step 100 of the folder .* There is no"
    ):
        list(events("another"))


@pytest.fixture
def train_one(store: Store, small_data: Path, tmp_path: Path) -> Callable[..., Run]:
    def one(**knobs: Any) -> Run:
        run = store.create_run(parse_config(SMALL | {"data": str(small_data)} | knobs), worker="worker")
        return run_once(store, run, "worker", tmp_path / run.id, threading.Event(), interrupted="stopped")

    return one


def test_a_worker_finds_the_run_and_tells_where_it_is_gone(
    store: Store, tmp_path: Path, split: Split, train_one: Callable[..., Run]
) -> None:
    source = store.create_run(parse_config(SMALL), worker="another worker")
    save_source(tmp_path / source.id, split)
    store.release(source.id, "another worker", "finished", "")
    start = {"run": source.id, "step": 100, "partial": True}
    warm = train_one(hidden=[16, 8], start_from=start, steps=1)
    assert (warm.state, warm.message) == ("finished", "")
    read = [checkpoints.read(find(tmp_path / run.id, step)) for run, step in ((source, 100), (warm, 0))]
    assert (read[0]["layer1/weights"] == read[1]["layer1/weights"]).all()
    store.delete_run(source.id)
    failed = train_one(start_from=start)
    assert failed.state == "failed"
    assert failed.message == (
        f"This run is to start from step 100 of the run {source.id}, which is not possible: There is no run "
        f"{source.id!r}; `shadowboard runs` and GET /runs list them."
    )
