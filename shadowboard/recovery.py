"""What can still be read of a damaged SQLite file, saved in a new one."""

import shutil
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from shadowboard.diagnosis import kept_checkpoints
from shadowboard.errors import StoreUnavailable
from shadowboard.schema import metadata
from shadowboard.settings import sqlite_url
from shadowboard.store import Store

_ENDS = ("", "-wal", "-shm")  # of the files of a database
_LAST_ROW = 2**62
_MOST_SPANS = 200_000  # of numbers of rows: some seconds, however large the hole


class Recovered(NamedTuple):
    """How many rows of each table are in the new file, and where the damaged one is kept.

    `unreadable`: of how many of the runs this version cannot read the configuration.
    """

    rows: dict[str, int]
    unreadable: int
    kept: Path


def recover(path: Path) -> Recovered:
    """Put a new file in the place of the damaged one at `path`.

    Raises StoreUnavailable where nothing can be read, or somebody uses it; then all is as it was.
    """
    try:
        if not path.is_file():
            raise FileNotFoundError("there is no such file")
        with TemporaryDirectory(prefix=f"{path.name}.recovering-", dir=path.parent) as folder:
            saved = Path(folder) / path.name
            _save(path, saved)
            rows, unreadable = _usable(saved)
            kept = _in_its_place(saved, path)
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:
            raise StoreUnavailable(f"{path} is in use; stop Shadowboard first.") from error
        raise StoreUnavailable(
            f"Nothing can be saved of {path}: {error}. Move it away, and a new one is begun. "
            f"{kept_checkpoints(path.parent)}"
        ) from error
    return Recovered(rows, unreadable, kept)


def _in_its_place(saved: Path, path: Path) -> Path:
    """Put the new file at `path`; where the damaged one is kept. Raises StoreUnavailable, having undone it.

    Killed meanwhile, the damaged one is still at `path`, and perhaps a copy of it where it would be kept,
    with its -wal: commits that SQLite could not bring into the file itself.
    """
    kept = _free_name(path)
    aside = {path.with_name(path.name + end): kept.with_name(kept.name + end) for end in _ENDS[1:]}
    try:
        shutil.copyfile(path, kept)
        for file, there in aside.items():  # SQLite would take them for the new file's
            if file.exists():
                file.rename(there)
        saved.replace(path)
    except OSError as error:
        for file, there in aside.items():
            if there.exists():
                there.rename(file)
        kept.unlink(missing_ok=True)
        raise StoreUnavailable(
            f"What can be read of {path} cannot be put in its place: {error.strerror}. All is as it was."
        ) from error
    return kept


def _save(path: Path, saved: Path) -> None:
    with closing(sqlite3.connect(path, timeout=0)) as damaged, closing(sqlite3.connect(saved)) as new:
        damaged.execute("PRAGMA locking_mode=EXCLUSIVE")  # which it refuses while anybody else has it open
        # Tables first, then their indexes: a row that is there twice is left out the second time.
        schema = "SELECT name, type, sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"
        parts = sorted(damaged.execute(schema), key=lambda part: part[1] != "table")
        for _, _, sql in parts:
            new.execute(sql)
        for table in (name for name, kind, _ in parts if kind == "table"):
            _copy(damaged, new, table)
        while orphans := new.execute("PRAGMA foreign_key_check").fetchall():
            for table, row, *_ in orphans:
                new.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row,))  # noqa: S608
        new.commit()


def _copy(damaged: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    for row in _rows(damaged, table):
        places = ", ".join("?" * len(row))
        new.execute(f'INSERT OR IGNORE INTO "{table}" VALUES ({places})', row)  # noqa: S608


def _rows(damaged: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """The rows that can be read: where one cannot, ever more are skipped until one can, and then looked at.

    Beyond the last that can be read nobody knows how many there were.
    """
    read, after, skip = 0, 0, 1  # all up to `read` is done with; go on after `after`
    while after < _LAST_ROW:
        try:
            for row_id, row in _between(damaged, table, after, _LAST_ROW):
                if after > read:
                    yield from _what_can_be_read(damaged, table, read, after + 1)
                yield row
                read = after = row_id
                skip = 1
        except sqlite3.DatabaseError:
            after, skip = after + skip, 2 * skip
        else:
            yield from _what_can_be_read(damaged, table, read, after + 1)
            return


def _what_can_be_read(
    damaged: sqlite3.Connection, table: str, low: int, high: int
) -> Iterator[tuple[Any, ...]]:
    """Between two rows: forwards to what cannot be read, backwards to it, then the halves of what is left."""
    spans = deque([(low, high)])
    for _ in range(_MOST_SPANS):
        if not spans:
            return
        low, high = spans.popleft()
        try:
            for row_id, row in _between(damaged, table, low, high):
                yield row
                low = row_id
        except sqlite3.DatabaseError:
            try:
                for row_id, row in _between(damaged, table, low, high, backwards=True):
                    yield row
                    high = row_id
            except sqlite3.DatabaseError:
                if (middle := (low + high) // 2) > low + 1:
                    spans += [(low, middle), (middle - 1, high)]


def _between(
    damaged: sqlite3.Connection, table: str, low: int, high: int, *, backwards: bool = False
) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows with `low` < number < `high`, with their numbers."""
    order = "DESC" if backwards else "ASC"
    # Of numbers that are in it, as SQLite looks for both ends, and need not be able to read what is beyond.
    query = f'SELECT rowid, * FROM "{table}" WHERE rowid BETWEEN ? AND ? ORDER BY rowid {order}'  # noqa: S608
    try:
        for row_id, *row in damaged.execute(query, (low + 1, high - 1)):
            yield row_id, tuple(row)
            low, high = (low, row_id) if backwards else (row_id, high)
    except sqlite3.DatabaseError:
        # Before Python gives a row it looks for the next, and gives none where that cannot be read.
        for row_id, *row in damaged.execute(f"{query} LIMIT 1", (low + 1, high - 1)):
            yield row_id, tuple(row)
        raise


def _usable(saved: Path) -> tuple[dict[str, int], int]:
    """Bring the new file up to date; how many rows of each table are in it, and how many unreadable runs."""
    with closing(sqlite3.connect(saved)) as new, closing(Store(sqlite_url(saved))) as store:
        new.execute("PRAGMA foreign_keys=ON")
        for (study_id,) in new.execute("SELECT id FROM studies").fetchall():
            try:
                store.studies.one(study_id)
            except StoreUnavailable:  # its runs stay
                new.execute("DELETE FROM studies WHERE id = ?", (study_id,))
                new.commit()
        # Without what it read of each image an evaluation is of no use; now it is made again.
        new.execute("DELETE FROM evaluations WHERE id NOT IN (SELECT evaluation_id FROM readings)")
        new.commit()
        rows = {name: new.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in metadata.tables}  # noqa: S608
        unreadable = len(store.newest_runs(None).unreadable)
    if not rows["runs"]:
        raise sqlite3.DatabaseError("no run in it can be read")
    return rows, unreadable


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.damaged{number or ''}") for number in range(1000))
    return next(name for name in names if not any(name.with_name(name.name + end).exists() for end in _ENDS))
