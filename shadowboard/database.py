"""One SQL database: how it is opened, its tables brought up to date, and a transaction begun."""

import sqlite3  # loaded before TensorFlow, beside which another SQLite would be taken
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from shadowboard import diagnosis
from shadowboard.errors import StoreUnavailable
from shadowboard.printable import said_by
from shadowboard.upgrade import is_current, upgrade

LOCK_SECONDS = 30.0  # outlast any sane lock

_PATIENCE_SECONDS = 5.0

# PostgreSQL's own way to end who holds locks and is not heard of: before the others have waited in vain.
_SILENT_SECONDS = 10.0
_CONNECT_SECONDS = 10
_CONNECTIONS = 40  # as many as a server has threads
_EXPECTED = "a file, sqlite:///path/to/file.db, or PostgreSQL, postgresql+psycopg://user@host/database"
_ORDER = 5_274_810  # names a lock; any number that is always the same


class Database:
    """The database at a SQLAlchemy URL. Any number of processes and threads may use it."""

    def __init__(self, url: str, lock_seconds: float = LOCK_SECONDS) -> None:
        """Open it, creating it where it is new, and upgrading it where it is old. Raises StoreUnavailable.

        Who finds what it needs locked waits for up to `lock_seconds`.
        """
        self._engine = _open(url, lock_seconds)
        self.url = diagnosis.shown(self._engine.url)
        try:
            with self.begin() as connection:
                current = is_current(connection)
            if not current:
                with self._said_in_sentences():
                    upgrade(self._engine)
        except StoreUnavailable:
            self.close()
            raise

    @contextmanager
    def begin(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, undone by an error. Raises StoreUnavailable.

        With `durable` it is on the disk then; without, SQLite may undo it where the power fails.
        """
        with self._said_in_sentences(), self._engine.begin() as connection:
            if durable and connection.dialect.name == "sqlite":
                connection.detach()  # closed afterwards: the others need not wait for the disk
                connection.exec_driver_sql("PRAGMA synchronous=FULL")
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _said_in_sentences(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            if diagnosis.is_of_the_file(error):
                self._engine.dispose()  # the next one opens whatever is there by then
            raise StoreUnavailable(diagnosis.sentences(self._engine.url, error)) from error


def in_order(connection: Connection) -> None:
    """Let rows that are added from here on become visible in the order of their ids: none is missed.

    In SQLite they do. PostgreSQL gives an id before the commit, so that of two writers the second may commit
    first, and a reader who has seen the greater id would never ask for the smaller. So they take turns.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ORDER)))


def alone(connection: Connection) -> None:
    """Begin to write before anything is read: others that ask for this wait, and read what was committed."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        in_order(connection)


def parse_url(url: str) -> URL:
    """Raises StoreUnavailable, in whose sentence there is nothing of a password."""
    with suppress(ArgumentError, ValueError):
        if "@" not in ((parsed := make_url(url)).host or ""):  # else it is the end of a password
            return parsed
    raise StoreUnavailable(
        f"The database URL cannot be read; expected {_EXPECTED}, where : @ / and % within a name or a "
        "password are written %3A %40 %2F %25."
    )


def _open(url: str, lock_seconds: float) -> Engine:
    parsed = parse_url(url)
    try:
        kind = parsed.get_backend_name()
        if kind == "sqlite" and parsed.database not in {None, "", ":memory:"}:
            Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
            # As many connections as threads use: whoever reads must not wait for those that wait for a lock.
            engine = create_engine(parsed, poolclass=QueuePool, pool_size=0)
            event.listen(engine, "connect", partial(_prepare_sqlite, lock_seconds))
        elif kind == "postgresql":
            engine = create_engine(
                parsed,
                isolation_level="READ COMMITTED",
                pool_pre_ping=True,
                max_overflow=_CONNECTIONS - 5,
                connect_args={"connect_timeout": _CONNECT_SECONDS} if "psycopg" in parsed.drivername else {},
            )
            event.listen(engine, "connect", partial(_prepare_postgresql, lock_seconds))
        else:
            raise StoreUnavailable(f"The database URL is {diagnosis.shown(parsed)!r}; expected {_EXPECTED}.")
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"The database URL cannot be used: {error}. PostgreSQL needs a driver: "
            'pip install "psycopg[binary]", and postgresql+psycopg://user@host/database as the URL.'
        ) from error
    except (SQLAlchemyError, ValueError) as error:
        raise StoreUnavailable(f"The database URL cannot be used: {said_by(error)}.") from error
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {Path(parsed.database or '').parent} cannot be created: {error.strerror}."
        ) from error
    return engine


def _prepare_sqlite(lock_seconds: float, connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA busy_timeout={lock_seconds * 1000:.0f}")
    give_up = time.monotonic() + min(lock_seconds, _PATIENCE_SECONDS)
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")  # lets the server read while the worker writes
            break
        except sqlite3.OperationalError as error:
            # Of those that make a new file WAL at once, SQLite lets one go on and none wait.
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(0.01)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(lock_seconds: float, connection: Any, _record: object) -> None:
    limits = {"lock_timeout": lock_seconds, "idle_in_transaction_session_timeout": _SILENT_SECONDS}
    with connection.cursor() as cursor:
        for name, seconds in limits.items():
            cursor.execute(f"SET {name} = {seconds * 1000:.0f}")
    connection.commit()
