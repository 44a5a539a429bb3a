"""A SQLite file that is no good: every way of using it ends in a sentence that says what to do."""

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shadowboard.configuration import RunConfig
from shadowboard.errors import RunMissing, StoreUnavailable
from shadowboard.records import Metric, Score
from shadowboard.store import Store

ROOT = Path(__file__).parents[2]
PAGE = 4096


def fill(store: Store, count: int) -> list[str]:
    """The ids of runs with rows in every table."""
    ids = []
    for seed in range(count):
        run = store.create_run(RunConfig(seed=seed), worker="w")
        ids.append(run.id)
        store.add_progress(run.id, "w", 60, 1.0, [Metric(step, 0.5) for step in range(1, 61)])
        store.add_checkpoint(run.id, "w", 60, 1)
        for step in range(3):
            store.add_evaluation(run.id, Score(step, "", "test", 2, 1, 0.5, 0.01), b"\1" * 500, b"\2" * 2000)
        store.release(run.id, "w", "finished", "")
    return ids


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a good store."""
    path = tmp_path_factory.mktemp("whole") / "shadowboard.db"
    with closing(Store(f"sqlite:///{path}")) as store:
        fill(store, 12)
    return path


def read_all(path: Path) -> None:
    with closing(Store(f"sqlite:///{path}")) as store:
        store.cursor()
        store.standings()
        list(store.finished_runs())
        for run in store.runs():
            store.metrics(run.id, most=10)
            store.checkpoints(run.id)
            for score in store.scores(run.id):
                store.evaluation(run.id, score.step, score.average, score.split)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no database": lambda whole: b"not a database" * (len(whole) // 14),
    "cut off": lambda whole: whole[: len(whole) // 4],
    "cut off in the header": lambda whole: whole[:100],
    "first page": lambda whole: bytes(PAGE) + whole[PAGE:],
    "pages": lambda whole: whole[:PAGE] + b"\xa5" * 8 * PAGE + whole[9 * PAGE :],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_and_the_way_out(whole: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "shadowboard.db"
    path.write_bytes(DAMAGES[damage](whole.read_bytes()))
    with pytest.raises(StoreUnavailable) as caught:
        read_all(path)
    said = str(caught.value)
    assert said.startswith(f"The database sqlite:///{path} cannot be used: ")
    assert "It is damaged. Stop Shadowboard, and `shadowboard recover` saves what can be read" in said
    assert f"`shadowboard evaluate --folder {tmp_path}/runs/<run>` reads those" in said


@settings(deadline=None, max_examples=40)
@given(
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 2 * PAGE)), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
)
def test_whatever_is_overwritten_nothing_but_a_sentence_comes_of_it(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, places: list[tuple[float, int]], seed: int
) -> None:
    content = bytearray(whole.read_bytes())
    for place, length in places:
        start = int(place * (len(content) - length))
        content[start : start + length] = random.Random(seed).randbytes(length)
    path = tmp_path_factory.mktemp("damaged") / "shadowboard.db"
    path.write_bytes(content)
    try:
        read_all(path)
    except (StoreUnavailable, RunMissing):
        return  # RunMissing: a row is gone


COMMANDS = {
    "up": ["--port", "0"],
    "serve": ["--port", "0"],
    "work": [],
    "train": ["--steps", "1"],
    "runs": [],
}
EVERY_COMMAND = """
import json, sys
from shadowboard.cli import run

home, commands = sys.argv[1], json.loads(sys.argv[2])
for name, options in commands.items():
    sys.argv = ["shadowboard", name, *options, "--home", home]
    print(name, run(), flush=True)
"""


def test_every_command_ends_in_that_sentence(tmp_path: Path) -> None:
    (tmp_path / "shadowboard.db").write_bytes(b"not a database" * 500)
    done = subprocess.run(
        [sys.executable, "-c", EVERY_COMMAND, str(tmp_path), json.dumps(COMMANDS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.splitlines() == [f"{name} 1" for name in COMMANDS]
    lines = done.stderr.splitlines()
    assert len(lines) == len(COMMANDS)
    for line in lines:
        assert line.startswith("shadowboard: The database ")
        assert "It is damaged." in line


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.db").mkdir()
    with pytest.raises(StoreUnavailable, match=r"s\.db is a folder; expected a file"):
        Store(f"sqlite:///{tmp_path / 's.db'}")
    with pytest.raises(StoreUnavailable, match="cannot be created: Not a directory"):
        Store("sqlite:////dev/null/x/s.db")


AS_ANYBODY = """
import os, sys
from shadowboard.configuration import RunConfig
from shadowboard.errors import StoreUnavailable
from shadowboard.store import Store

own, *others = sys.argv[1:]
Store(own).create_run(RunConfig())  # from here on all that is needed is imported
if os.getuid() == 0:
    os.seteuid(65534)
for url in others:
    try:
        Store(url).create_run(RunConfig())
    except StoreUnavailable as error:
        print(error)
"""


def test_a_file_that_may_not_be_used_is_told(tmp_path: Path, whole: Path) -> None:
    open_folder = Path(tempfile.mkdtemp())  # unlike pytest's, all may look into it
    open_folder.chmod(0o755)
    paths = [open_folder / name / "s.db" for name in ("read", "hidden", "closed")]
    try:
        for path, mode, of_folder in zip(paths, (0o444, 0, 0o666), (0o755, 0o755, 0o555), strict=True):
            path.parent.mkdir()
            shutil.copy(whole, path)
            path.chmod(mode)
            path.parent.chmod(of_folder)
        urls = [f"sqlite:///{path}" for path in (tmp_path / "own.db", *paths)]
        done = subprocess.run(
            [sys.executable, "-c", AS_ANYBODY, *urls], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for line, path in zip(done.stdout.splitlines(), paths, strict=True):
            assert f"This user must be allowed to read and write {path}" in line
    finally:
        paths[-1].parent.chmod(0o755)
        shutil.rmtree(open_folder)


def test_a_full_disk_loses_nothing_and_is_told(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 's.db'}")) as store:
        (run_id,) = fill(store, 1)
        before = store.scores(run_id)
        with store._database.begin() as connection:  # SQLite's own limit ends as a full disk does
            connection.execute(text("PRAGMA max_page_count = 1"))
        large = (b"\1" * 10_000, b"\2" * 40_000)
        with pytest.raises(StoreUnavailable, match=r"is full\. Free some space on the disk of"):  # noqa: PT012
            for step in range(3, 100):
                store.add_evaluation(run_id, Score(step, "", "test", 2, 1, 0.5, 0.01), *large)
        assert store.scores(run_id)[:3] == before
        with store._database.begin() as connection:
            connection.execute(text("PRAGMA max_page_count = 100000"))
        store.add_evaluation(run_id, Score(100, "", "test", 2, 1, 0.5, 0.01), *large)
        assert store.scores(run_id)[-1].step == 100


def test_a_file_that_was_taken_away_is_told_and_taken_up_again(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "s.db"
    shutil.copy(whole, path)
    with closing(Store(f"sqlite:///{path}")) as store:
        before = store.runs()
        with store._database.begin() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        path.write_bytes(b"not a database" * 1000)
        with pytest.raises(StoreUnavailable, match="It is damaged"):
            store.runs()
        path.unlink()
        with pytest.raises(StoreUnavailable, match="It is not the file that was there before: put that back"):
            store.runs()
        shutil.copy(whole, path)
        assert store.runs() == before
