"""One SQL database: how it is opened, its tables created, and a transaction begun."""

import sqlite3  # noqa: F401 - loaded before TensorFlow, beside which another SQLite would be taken
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from shadowboard.errors import StoreUnavailable
from shadowboard.schema import metadata

LOCK_SECONDS = 30.0  # outlast any sane lock

_PATIENCE_SECONDS = 5.0


class Database:
    """The database at a SQLAlchemy URL. Any number of processes and threads may use it."""

    def __init__(self, url: str, lock_seconds: float = LOCK_SECONDS) -> None:
        """Open it, creating it where it is new. Raises StoreUnavailable.

        SQLite has one writer at a time: the others wait for up to `lock_seconds`.
        """
        self._engine = _open(url, lock_seconds)
        self.url = self._engine.url.render_as_string(hide_password=True)
        self._create_tables()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, undone by an error. Raises StoreUnavailable."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise StoreUnavailable(f"The database {self.url} cannot be used: {cause}.") from error

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _create_tables(self) -> None:
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with self.begin() as connection:
                    metadata.create_all(connection)
                    return
            except StoreUnavailable as error:
                # Another process is creating them at this moment.
                meanwhile = any(word in str(error) for word in ("already exists", "duplicate key", "locked"))
                if not meanwhile or time.monotonic() > give_up:
                    raise
            time.sleep(0.1)


def _open(url: str, lock_seconds: float) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
            # As many connections as threads use: whoever reads must not wait for those that wait for a lock.
            engine = create_engine(parsed, poolclass=QueuePool, pool_size=0)
        else:
            engine = create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, SQLAlchemyError, ModuleNotFoundError) as error:
        raise StoreUnavailable(f"The database URL cannot be used: {error}.") from error
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {Path(parsed.database or '').parent} cannot be created: {error.strerror}."
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_prepare_sqlite, lock_seconds))
    return engine


def _prepare_sqlite(lock_seconds: float, connection: Any, _record: object) -> None:
    wait = f"busy_timeout={lock_seconds * 1000:.0f}"
    # WAL lets the server read while the worker writes.
    for pragma in (wait, "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
