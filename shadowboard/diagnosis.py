"""What is the matter with a database that cannot be used, and the way out, in sentences."""

import sqlite3
from pathlib import Path

from sqlalchemy import URL

from shadowboard.printable import said_by

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_UNUSABLE = (*_DAMAGED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY)


def shown(url: URL) -> str:
    """The URL without its passwords."""
    hidden = {name: "***" for name in url.query if "password" in name}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def sentences(url: URL, error: Exception) -> str:
    """What a person should know of an `error` of the database at `url`, and do."""
    cause = said_by(getattr(error, "orig", None) or error)
    said = f"The database {shown(url)} cannot be used: {cause}."
    way_out = _way_out(Path(url.database).absolute(), error) if _code(error) and url.database else ""
    return f"{said} {way_out}".strip()


def is_of_the_file(error: Exception) -> bool:
    """Whether a file that was opened is no good, and another in its place may be."""
    return _code(error) in _UNUSABLE or _has_no_tables(error)


def kept_checkpoints(folder: Path) -> str:
    """What is not lost with a database in `folder`."""
    return f"Checkpoints stay: `shadowboard evaluate --folder {folder / 'runs'}/<run>` reads those of a run."


def _code(error: Exception) -> int:
    """SQLite's primary result code; 0 where it is no error of SQLite's."""
    return int(getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)) & 0xFF


def _has_no_tables(error: Exception) -> bool:
    return _code(error) == sqlite3.SQLITE_ERROR and "no such table" in str(error)


def _way_out(path: Path, error: Exception) -> str:
    name, folder, code = path.name, path.parent, _code(error)
    if code in _DAMAGED:
        return (
            "It is damaged. Stop Shadowboard, and `shadowboard recover` saves what can be read in a new one; "
            f"or move {name} away, with {name}-wal and {name}-shm, to begin anew. {kept_checkpoints(folder)}"
        )
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return f"Free some space on the disk of {folder}, or see why it fails; what was stored is not lost."
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return "Another process keeps it locked; try again when that has ended."
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
        return _about_the_file(path)
    if _has_no_tables(error):
        return "It is not the file that was there before: put that back, or start Shadowboard anew."
    return ""


def _about_the_file(path: Path) -> str:
    try:
        is_folder = path.is_dir()
    except OSError as error:  # its name is too long, say
        return f"{path.name}: {error.strerror}."
    if is_folder:
        return f"{path} is a folder; expected a file, or nothing."
    if not path.parent.is_dir():
        return f"There is no folder {path.parent} any more: put it back, or start Shadowboard anew."
    return (
        f"This user must be allowed to read and write {path} and, for {path.name}-wal beside it, the folder."
    )
