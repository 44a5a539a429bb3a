"""A server killed while it deletes a run or a study: what is left is whole, or gone once it starts again."""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, event

from server.routes.runs import delete_run
from server.routes.studies import delete_study
from shadowboard.deletion import remove_deleted
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.studies import Study
from shadowboard.variants import parse_plan
from tests.faults.processes import run
from tests.faults.workers import store_of

Tell = Callable[[str, int, str], None]

FILES = ["checkpoint", "model.ckpt-1.data-00000-of-00001", "model.ckpt-1.index"]


class Killed(BaseException):
    """Ends a deletion as a kill does: there is nothing that would catch it."""


@contextmanager
def ended_at(stage: int, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` before the change of files or of the database that has this number."""
    stages, own = count(), threading.get_ident()

    def reached(*_: object) -> None:
        if threading.get_ident() == own and next(stages) == stage:  # servers of other tests may be at work
            end()

    def stopping(change: Callable[..., None]) -> Callable[..., None]:
        def changed(*arguments: Any, **named: Any) -> None:
            reached()
            change(*arguments, **named)

        return changed

    event.listen(Engine, "commit", reached)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("mkdir", "rename", "unlink", "rmdir"):
                patch.setattr(os, name, stopping(getattr(os, name)))
            yield
    finally:
        event.remove(Engine, "commit", reached)


def delete(home: Path, study_id: str, run_id: str, stage: int, end: Callable[[], None]) -> None:
    """Delete the run, then the study, as the server does; until `stage`."""
    store = store_of(home)
    services: Any = SimpleNamespace(store=store, settings=Settings(home=home))
    with ended_at(stage, end):
        delete_run(services, run_id)
        delete_study(services, study_id)
    store.close()


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise Killed


def is_cut_off(home: Path, study_id: str, run_id: str, stage: int, killed: bool) -> bool:
    """Whether there was such a stage at which to end the deletion; with `killed` in a process of its own."""
    if killed:
        return run(delete, home, study_id, run_id, stage, kill) == -signal.SIGKILL
    try:
        delete(home, study_id, run_id, stage, fail)
    except Killed:
        return True
    return False


def queued(store: Store, home: Path) -> tuple[Study, str]:
    """A study, of which one run never had a checkpoint, and the id of a run beside it; each has its files."""
    study = store.studies.create(parse_plan({}, 2, ["without_averaging"]))
    alone = store.create_run(study.plan.config).id
    for run_id in [alone, *(member.run.id for member in store.studies.members(study.id)[1:])]:
        folder = home / "runs" / run_id
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).write_bytes(b"x")
    return study, alone


def test_killed_at_each_stage(
    tmp_path: Path, thorough: bool, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shadowboard.deletion._YOUNG_SECONDS", 0)  # it starts a minute later
    store, runs = store_of(tmp_path), tmp_path / "runs"
    left = set()
    for stage in count():
        study, alone = queued(store, tmp_path)
        members = [member.run.id for member in store.studies.members(study.id)]
        if not is_cut_off(tmp_path, study.id, alone, stage, killed=thorough):
            break
        remove_deleted(runs, store.has_run)  # as a server does when it starts
        there = {found.id for found in store.runs()}
        assert there in (set(), set(members), {alone, *members})
        assert {folder.name for folder in runs.iterdir()} == there - {members[0]}
        assert all(sorted(file.name for file in folder.iterdir()) == FILES for folder in runs.iterdir())
        left.add(len(there))
        for run_id in there:
            store.delete_run(run_id)
            shutil.rmtree(runs / run_id, ignore_errors=True)
    assert left == {5, 4, 0}
    assert list(runs.iterdir()) == []
    assert store.runs() == []
    store.close()
    tell("SIGKILL at each stage of a deletion", stage, "each run whole, or gone with all its files")


@pytest.mark.parametrize("emptied", [True, False])
def test_rows_that_come_back_find_what_is_left(tmp_path: Path, emptied: bool) -> None:
    """As when the power fails just after a commit, which SQLite then undoes."""
    folder, hidden = tmp_path / "k7m2xd", tmp_path / ".deleted-k7m2xd"
    hidden.mkdir()
    if not emptied:
        (hidden / "model.ckpt-1.index").touch()
    remove_deleted(tmp_path, lambda run_id: run_id == "k7m2xd")
    assert (folder.exists(), hidden.exists()) == (True, False)
    assert (folder / "model.ckpt-1.index").exists() != emptied
