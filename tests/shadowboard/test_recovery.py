"""`shadowboard recover`: what is left of a damaged store goes on."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shadowboard.configuration import RunConfig
from shadowboard.errors import StoreUnavailable
from shadowboard.records import Metric, Score
from shadowboard.recovery import _in_its_place, recover
from shadowboard.settings import sqlite_url
from shadowboard.store import Store
from shadowboard.variants import PARTS, parse_plan

PAGE = 4096
METRICS = 200
Damage = Callable[[Path], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store of 40 runs: on each page lies one table or index alone."""
    path = tmp_path / "which?mode=ro, 100%25 #1" / "shadowboard.db"
    with closing(Store(sqlite_url(path))) as store:
        for seed in range(40):
            run = store.create_run(RunConfig(seed=seed), f"run {seed}", worker="w")
            store.add_progress(run.id, "w", 60, 1.0, [Metric(step, 0.5) for step in range(METRICS)])
            store.add_checkpoint(run.id, "w", 60, 1)
            store.add_evaluation(run.id, Score(60, "", "test", 2, 1, 0.5, 0.01), b"\1" * 500, b"\2" * 2000)
            store.release(run.id, "w", "finished", "")
    return path


def pages_of(path: Path, name: str) -> list[int]:
    """The leaf pages of a table or index, by SQLite's own account."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno"
            return [page for (page,) in connection.execute(query, (name,))]
        except sqlite3.OperationalError:
            pytest.skip("This SQLite does not tell which page is whose.")


def overwrite(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


def everything(path: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """By each run's name what there is of it."""
    with closing(Store(sqlite_url(path))) as store:
        found = {}
        for run in store.runs():
            evaluation = store.evaluation(run.id, 60, "", "test")
            found[run.name] = (
                len(store.metrics(run.id)),
                len(store.checkpoints(run.id)),
                len(store.scores(run.id)),
                evaluation.confidences if evaluation else b"",
            )
        return found


@pytest.mark.parametrize(
    "name", ["training_metrics", "readings", "runs", "runs_by_age", "evaluations_by_rank"]
)
def test_all_is_saved_but_what_lay_on_the_page(path: Path, name: str) -> None:
    before = everything(path)
    pages = pages_of(path, name)
    overwrite(path, pages[len(pages) // 2])
    damaged = path.read_bytes()
    rows, _, kept = recover(path)
    assert (kept, kept.read_bytes()) == (path.with_name("shadowboard.db.damaged"), damaged)
    after = everything(path)
    assert rows["runs"] == len(after)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    if name in {"runs_by_age", "evaluations_by_rank"}:  # they are made anew of the rows
        assert after == before
    elif name == "runs":
        assert 0 < len(after) < len(before)
        assert after.items() < before.items()
    else:
        assert after.keys() == before.keys()
        hurt = [run for run in before if after[run] != before[run]]
        assert 0 < len(hurt) < 10
        # An evaluation goes with what it read of each image, so that it is made again.
        assert all(bool(scores) == bool(read) for _, _, scores, read in after.values())
    with closing(Store(sqlite_url(path))) as store:  # and it goes on
        store.create_run(RunConfig(), "next")
        assert store.claim("w") == store.run("next")


@pytest.mark.parametrize(
    "places", [(10, 11, 12, 14, 15, 16, 17, 18, 20), (-4, -3, -2), (-1,), (0, -1)], ids=str
)
def test_between_damaged_pages_everything_is_saved(path: Path, places: tuple[int, ...]) -> None:
    pages = pages_of(path, "training_metrics")
    broken = [pages[place] for place in places]
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT pageno, ncell FROM dbstat WHERE name = 'training_metrics'"
        rows_of = dict(connection.execute(query).fetchall())
    for page in broken:
        overwrite(path, page)
    rows = recover(path).rows
    assert rows["training_metrics"] == 40 * METRICS - sum(rows_of[page] for page in broken)


def test_studies_that_make_no_sense_any_more_are_left_out_and_runs_are_counted(path: Path) -> None:
    with closing(Store(sqlite_url(path))) as store:
        whole, broken = (store.studies.create(parse_plan({}, 2, [part])) for part in PARTS[:2])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE runs SET config = '{\x07' WHERE name = 'run 7'")
        connection.execute("UPDATE studies SET plan = '{\x07' WHERE id = ?", (broken.id,))
        connection.commit()
    rows, unreadable, _ = recover(path)
    assert unreadable == 1  # another version may read it
    assert rows == {
        "runs": 40 + 4 + 4,  # those of the study go on as runs
        "checkpoints": 40,
        "training_metrics": 40 * METRICS,
        "studies": 1,
        "study_runs": 4,
        "evaluations": 40,
        "readings": 40,
        "claims": 0,
    }
    with closing(Store(sqlite_url(path))) as store:
        assert store.studies.all() == [whole]
        assert len(store.runs()) == 47


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda path: path.write_bytes(b"not a database" * 1000), "file is not a database"),
        (lambda path: path.write_bytes(path.read_bytes()[:PAGE]), "database disk image is malformed"),
        (lambda path: [overwrite(path, page) for page in pages_of(path, "runs")], "no run in it can be read"),
        (lambda path: path.unlink(), "there is no such file"),
    ],
    ids=["no database", "one page", "no run", "no file"],
)
def test_where_nothing_can_be_saved_all_stays_as_it_was(path: Path, damage: Damage, sentence: str) -> None:
    damage(path)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(
        StoreUnavailable, match=f"{sentence}. Move it away, and a new one is begun. Checkpoints"
    ):
        recover(path)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_a_store_in_use_is_left_alone(path: Path) -> None:
    with closing(Store(sqlite_url(path))) as store:
        store.runs()
        with pytest.raises(StoreUnavailable, match="is in use; stop Shadowboard first"):
            recover(path)
        store.create_run(RunConfig())
    assert not path.with_name("shadowboard.db.damaged").exists()


def test_killed_just_before_its_end_it_begins_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill that no test could time: what puts the new file in its place does not come about."""
    overwrite(path, pages_of(path, "training_metrics")[1])
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            recover(path)
    assert path.read_bytes() == before
    assert recover(path).rows["runs"] == 40
    damaged = sorted(path.parent.glob("*.damaged*"))
    assert [file.name for file in damaged] == ["shadowboard.db.damaged", "shadowboard.db.damaged1"]
    assert [file.read_bytes() for file in damaged] == [before, before]
    assert {file.name for file in path.parent.iterdir()} == {path.name, *(file.name for file in damaged)}


def test_what_lies_beside_the_damaged_file_is_not_left_to_the_new_one(path: Path) -> None:
    contents = {"": b"damaged", "-wal": b"commits", "-shm": b"index"}
    for end, content in contents.items():
        path.with_name(path.name + end).write_bytes(content)
    saved = path.with_name("saved")
    saved.write_bytes(b"new")
    kept = _in_its_place(saved, path)
    assert {end: kept.with_name(kept.name + end).read_bytes() for end in contents} == contents
    assert {file.name for file in path.parent.iterdir()} == {
        path.name,
        *(kept.name + end for end in contents),
    }
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("method", ["rename", "replace"])
def test_where_the_new_file_cannot_be_put_in_its_place_all_stays_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def refuse(_file: Path, there: Path) -> None:
        if there.name in {"shadowboard.db", "shadowboard.db.damaged-shm"}:
            raise PermissionError(1, "Operation not permitted")
        (there.parent / _file.name).replace(there)

    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).write_bytes(b"")
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    saved = path.parent.parent / "saved"
    saved.write_bytes(b"new")
    with monkeypatch.context() as patch:
        patch.setattr(Path, method, refuse)
        with pytest.raises(StoreUnavailable, match=r"in its place: Operation not permitted\. All"):
            _in_its_place(saved, path)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_the_command_says_what_it_has_saved(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from shadowboard import cli

    overwrite(path, pages_of(path, "training_metrics")[1])
    for number, hurt in (("", ""), ("1", " Of 1 of the runs this version cannot read the configuration.")):
        if hurt:
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("UPDATE runs SET config = '{\x07' WHERE name = 'run 7'")
        monkeypatch.setattr("sys.argv", ["shadowboard", "recover", "--home", str(path.parent)])
        assert cli.run() == 0
        said = capsys.readouterr().out
        assert said.startswith("Saved: 40 runs, 40 checkpoints, ")
        assert said.endswith(f"0 claims.{hurt} The damaged file is kept as {path}.damaged{number}.\n")
