"""The version of a store's tables, and how it is brought to that of this program."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
)

from shadowboard.diagnosis import kept_checkpoints, shown
from shadowboard.errors import StoreUnavailable
from shadowboard.printable import said_by
from shadowboard.schema import VERSION, metadata

log = logging.getLogger(__name__)

_SCRIPTS = "shadowboard:migrations"
_FIRST = "0001"
_TURNS = 5_274_811  # names a lock; any number that is always the same

# Alembic's own, under its name, so that its tools work too.
_versions = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def is_current(connection: Connection) -> bool:
    """Whether the tables are of this program's version. Raises StoreUnavailable where of no older one."""
    version = _version(connection)
    if version is None or version == VERSION:
        return version == VERSION
    if not re.fullmatch(r"\d{4}", version):
        raise StoreUnavailable(_not_ours(connection.engine, f"its tables are of version {version!r}"))
    if version > VERSION:
        raise StoreUnavailable(_too_new(connection.engine, version))
    return False


def upgrade(engine: Engine) -> None:
    """Create what is not there, and upgrade what is older: in one transaction, one process at a time.

    Whatever fails leaves all as it was. A SQLite file is copied beforehand, for those who want to go back.
    Raises StoreUnavailable, SQLAlchemyError.
    """
    with _alone(engine) as connection:
        if is_current(connection):  # another process has done it meanwhile
            return
        version = _version(connection) or _begin(connection)
        if version != VERSION:
            _migrate(connection, version)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.detach()  # so that the next line holds for nobody else
            # A table that is rebuilt is dropped, and would take along all that hangs on its rows.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(select(func.pg_advisory_xact_lock(_TURNS)))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection
        connection.commit()


def _begin(connection: Connection) -> str:
    """Create the tables, or see that they are the first version's; the version that they have."""
    there = _shape(connection)
    if not there:
        metadata.create_all(connection)
        version = VERSION
    elif unlike := [name for name, shape in _first_shape().items() if there.get(name) != shape]:
        names = ", ".join(unlike)
        raise StoreUnavailable(_not_ours(connection.engine, f"not as expected: its tables {names}"))
    else:
        version = _FIRST
    _versions.create(connection)
    connection.execute(insert(_versions).values(version_num=version))
    return version


def _migrate(connection: Connection, version: str) -> None:
    name = _name(connection.engine)
    try:
        copied = _copy(connection.engine, version)
        _run_migrations(connection, VERSION)
    except Exception as error:
        cause = said_by(getattr(error, "orig", None) or error)
        raise StoreUnavailable(
            f"The database {name} could not be upgraded from version {version} to {VERSION}: {cause}. "
            "It is as it was."
        ) from error
    log.warning("The database %s is upgraded from version %s to %s.%s", name, version, VERSION, copied)


def _copy(engine: Engine, version: str) -> str:
    """Copy a SQLite file, and say so."""
    if engine.dialect.name != "sqlite":
        return ""
    copy = _copy_of(engine, version)
    unfinished = copy.with_name(f"{copy.name}.part")
    unfinished.unlink(missing_ok=True)
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(unfinished),))
    unfinished.replace(copy)
    return f" As it was before, it is kept as {copy}."


def _version(connection: Connection) -> str | None:
    """The version of the tables; None where there are none, or none that tell it."""
    if not inspect(connection).has_table(_versions.name):
        return None
    version: str | None = connection.execute(select(_versions.c.version_num)).scalar()
    return version


def _not_ours(engine: Engine, why: str) -> str:
    said = (
        f"The database {_name(engine)} is of another program, or of a Shadowboard from before its first "
        f"version ({why}). Give Shadowboard a database of its own with --database-url, or move this one away."
    )
    if engine.dialect.name == "sqlite":
        return f"{said} {kept_checkpoints(_path(engine).parent)}"
    return said


def _too_new(engine: Engine, version: str) -> str:
    said = (
        f"The database {_name(engine)} is of version {version}, made by a newer Shadowboard; this one knows "
        f"versions up to {VERSION}. Start the newer one"
    )
    if engine.dialect.name == "sqlite" and (copy := _copy_of(engine, VERSION)).exists():
        return f"{said}, or put {copy} in its place, which is how it was before."
    return f"{said}, or choose another database with --database-url."


def _name(engine: Engine) -> str:
    return shown(engine.url)


def _path(engine: Engine) -> Path:
    """Of a SQLite file."""
    return Path(engine.url.database or "").absolute()


def _copy_of(engine: Engine, version: str) -> Path:
    """Where a SQLite file is kept as it was at `version`."""
    return _path(engine).with_name(f"{_path(engine).name}.version-{version}")


def _run_migrations(connection: Connection, version: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", _SCRIPTS)
    command.upgrade(config, version)


def _first_shape() -> dict[str, set[str]]:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        _run_migrations(connection, _FIRST)
        shape = _shape(connection)
    engine.dispose()
    return shape


def _shape(connection: Connection) -> dict[str, set[str]]:
    """The names of columns and indexes of each of our tables that is there."""
    inspector = inspect(connection)
    ours = metadata.tables.keys() & inspector.get_table_names()
    return {
        table: {str(one["name"]) for one in (*inspector.get_columns(table), *inspector.get_indexes(table))}
        for table in sorted(ours)
    }
