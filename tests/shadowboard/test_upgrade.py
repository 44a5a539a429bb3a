"""Versions of the store: made, told, upgraded once and whole, and refused where they are not known."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from shadowboard import upgrade
from shadowboard.configuration import RunConfig
from shadowboard.errors import StoreUnavailable
from shadowboard.records import Metric, Score
from shadowboard.schema import VERSION, metadata
from shadowboard.store import Store
from tests.shadowboard.processes import together

SCRIPTS = Path(upgrade.__file__).parent / "migrations"
LATER = f"{int(VERSION) + 2:04}"
"""Two versions on."""

# As the first version wrote them, whatever the tables have become since.
ROWS = (
    """INSERT INTO runs VALUES ('k7m2xd', 'old', '{"steps": 40, "seed": 5}', 'finished', 'well', 40, 7.5,
       FALSE, NULL, 9, 3.5, 1.5, 2.5, 4.5)""",
    "INSERT INTO checkpoints VALUES (3, 'k7m2xd', 40, 1000, 4.25)",
    "INSERT INTO training_metrics VALUES (7, 'k7m2xd', 20, 0.5), (8, 'k7m2xd', 40, 0.25)",
    "INSERT INTO evaluations VALUES (5, 'k7m2xd', 40, '', 'test', 2, 1, 0.5, 0.01, 4.375)",
    "INSERT INTO readings VALUES (5, {bytes}'0102', {bytes}'3132333435363738')",
)
# What the next version may be like: a table rebuilt on which others hang, data moved, a table more.
NEXT = """
from alembic import op
from sqlalchemy import Column, Text, Integer, text

revision, down_revision = "{revision}", "{before}"

def upgrade():
    rebuilt = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("runs", recreate=rebuilt) as batch:
        batch.add_column(Column("note{revision}", Text, nullable=False, server_default=""))
    op.execute(text("UPDATE runs SET note{revision} = 'was ' || name"))
    op.create_table("times{revision}", Column("id", Integer, primary_key=True))
    {then}
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def first(engine: Engine, database_url: str) -> str:
    """The URL of a store of the first version with a row in each table."""
    with engine.begin() as connection:
        upgrade._run_migrations(connection, "0001")
        for row in ROWS:
            bytes_ = "X'" if engine.dialect.name == "sqlite" else r"'\x"
            connection.exec_driver_sql(row.replace("{bytes}'", bytes_))
    return database_url


@pytest.fixture
def future(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Makes this program one of a later version; each has one migration more."""
    scripts = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))

    def make(*ends: str) -> Path:
        for number, then in enumerate(ends, int(VERSION) + 1):
            revision, before = f"{number:04}", f"{number - 1:04}"
            script = NEXT.format(revision=revision, before=before, then=then or "pass")
            (scripts / "versions" / f"v{revision}.py").write_text(script)
        monkeypatch.setattr(upgrade, "_SCRIPTS", str(scripts))
        monkeypatch.setattr(upgrade, "VERSION", f"{int(VERSION) + len(ends):04}")
        return scripts

    return make


def contents(engine: Engine) -> dict[str, list[Any]]:
    """All rows of all tables, as they are."""
    with engine.begin() as connection:
        names = sorted(upgrade.inspect(connection).get_table_names())
        return {
            name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {name}"))))  # noqa: S608
            for name in names
        }


def definitions(connection: Connection) -> set[tuple[Any, ...]]:
    """All that the database itself says of its tables."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE name <> 'alembic_version'"
        found = {(name, *words(sql)) for name, sql in connection.execute(text(query)) if sql}
        assert any("AUTOINCREMENT" in definition for definition in found)
        return found
    queries = (
        """SELECT table_name, column_name, ordinal_position, data_type, character_maximum_length,
        is_nullable, column_default FROM information_schema.columns WHERE table_schema = current_schema""",
        """SELECT tablename, replace(indexdef, schemaname, '') FROM pg_indexes
        WHERE schemaname = current_schema""",
        """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = current_schema::regnamespace""",
    )
    rows = [tuple(row) for query in queries for row in connection.execute(text(query))]
    return {row for row in rows if "alembic_version" not in row}


def words(sql: str) -> list[str]:
    return sorted(sql.replace("(", " ( ").replace(")", " ) ").replace(",", " ").replace('"', "").split())


def test_migrations_lead_to_the_tables_of_the_program(
    engine: Engine, new_database: Callable[[], str]
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.begin() as connection:
        upgrade._run_migrations(connection, "head")
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert upgrade._version(connection) == VERSION
        migrated = definitions(connection)
    other = create_engine(url := new_database())
    Store(url).close()
    with other.begin() as connection:
        assert definitions(connection) == migrated
    other.dispose()


def test_a_store_of_the_first_version_keeps_its_data(first: str) -> None:
    with closing(Store(first)) as store:
        (run,) = store.runs()
        assert (run.id, run.name, run.state, run.message, run.step) == (
            "k7m2xd",
            "old",
            "finished",
            "well",
            40,
        )
        assert (run.config, run.steps_per_second) == (RunConfig(steps=40, seed=5), 7.5)
        assert (run.created_at, run.started_at, run.finished_at) == (1.5, 2.5, 4.5)
        assert store.metrics(run.id) == [Metric(20, 0.5, 7), Metric(40, 0.25, 8)]
        (saved,) = store.checkpoints(run.id)
        assert (saved.step, saved.bytes, saved.saved_at, saved.id) == (40, 1000, 4.25, 3)
        found = store.evaluation(run.id, 40, "", "test")
        assert found is not None
        assert found.score == Score(40, "", "test", 2, 1, 0.5, 0.01, 4.375, 5)
        assert (found.predictions, found.confidences) == (b"\1\2", b"12345678")


def test_a_store_from_before_versions_is_taken_as_the_first(first: str, engine: Engine) -> None:
    before = contents(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    Store(first).close()
    after = contents(engine)
    new: dict[str, list[Any]] = {name: [] for name in after.keys() - before.keys()}
    assert after == before | new | {"alembic_version": [(VERSION,)]}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        # As it was while the readings stood in the evaluations.
        (["ALTER TABLE evaluations ADD predictions TEXT", "DROP TABLE readings"], "evaluations, readings"),
        (["DROP INDEX runs_by_name"], "runs"),
        (["DROP TABLE claims", "CREATE TABLE claims (id INTEGER)"], "claims"),
    ],
    ids=["older", "index", "another program's"],
)
def test_tables_that_are_no_known_ones_are_left_alone(
    first: str, engine: Engine, changes: list[str], named: str
) -> None:
    with engine.begin() as connection:
        for change in (*changes, "DROP TABLE alembic_version"):
            connection.execute(text(change))
    before = contents(engine)
    with pytest.raises(StoreUnavailable, match=rf"another program, .*expected: its tables {named}\). Give"):
        Store(first)
    assert contents(engine) == before


def test_a_version_of_another_program_is_refused(first: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'acf3f17fdcc7'"))
    with pytest.raises(StoreUnavailable, match=r"is of another program, .*'acf3f17fdcc7'"):
        Store(first)


def test_a_newer_store_is_refused_and_left_alone(
    first: str, engine: Engine, future: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(first).close()
    future("")
    Store(first).close()
    monkeypatch.undo()
    before = contents(engine)
    version = f"{int(VERSION) + 1:04}"
    sentence = (
        rf"is of version {version}, made by a newer Shadowboard; this one knows versions up to {VERSION}\."
    )
    other = "choose another database"
    way_out = rf"put \S+\.version-{VERSION} in" if engine.dialect.name == "sqlite" else other
    with pytest.raises(StoreUnavailable, match=f"{sentence} Start the newer one, or {way_out}"):
        Store(first)
    assert contents(engine) == before


def test_an_upgrade_keeps_all_rows_and_a_copy(
    first: str, engine: Engine, future: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    before = contents(engine)
    future("", "")
    with closing(Store(first)) as store:
        assert store.run("old").latest_checkpoint == 40
        with store._database.begin() as connection:
            if engine.dialect.name == "sqlite":
                assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        store.delete_run("k7m2xd")  # and all that hangs on it hangs on it still
    after = contents(engine)
    assert not any(after[name] for name in ("runs", "readings", "evaluations", "checkpoints"))
    assert after["alembic_version"] == [(LATER,)]
    (line,) = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert f"is upgraded from version 0001 to {LATER}." in line
    if engine.dialect.name == "sqlite":
        copy = Path(f"{make_url(first).database}.version-0001")
        assert str(copy) in line
        kept = create_engine(f"sqlite:///{copy}")
        assert contents(kept) == before
        kept.dispose()
        assert not list(copy.parent.glob("*.part"))


@pytest.mark.parametrize(
    "then", ["raise KeyError('no way')", "op.execute(text('SELECT * FROM nowhere'))"], ids=["raises", "SQL"]
)
def test_a_migration_that_fails_leaves_all_as_it_was(
    first: str, engine: Engine, future: Callable[..., Path], then: str
) -> None:
    with engine.begin() as connection:
        shape = definitions(connection)
    before = contents(engine)
    future("", then)
    for _ in range(2):
        with pytest.raises(
            StoreUnavailable, match=rf"upgraded from version 0001 to {LATER}: .*\. It is as it was\."
        ):
            Store(first)
    assert contents(engine) == before
    with engine.begin() as connection:
        assert definitions(connection) == shape


def test_of_many_that_open_an_old_store_one_upgrades_it(
    first: str, future: Callable[..., Path], tmp_path: Path
) -> None:
    scripts = future("", "")
    code = "upgrade._SCRIPTS, upgrade.VERSION = arguments[1:]; print(Store(arguments[0]).run('old').step)"
    outs, errors = together(tmp_path / "told", code, *[[first, str(scripts), LATER]] * 6)
    assert outs == ["40\n"] * 6, errors
    assert ["is upgraded from" in error for error in sorted(errors)] == [False] * 5 + [True]


def test_who_opens_a_current_store_needs_no_alembic(database_url: str) -> None:
    code = "import sys; from shadowboard.store import Store\n"
    code += "for _ in ('new', 'there'): Store(sys.argv[1]); print('alembic' in sys.modules)"
    command = [sys.executable, "-c", code, database_url]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert told.stdout == "False\nFalse\n"


def test_the_version_is_that_of_the_last_migration() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(SCRIPTS)).get_heads() == [VERSION]
