"""Which runs there are: one by its id or name, the newest, those that meet a condition.

Where several are asked for, one that this version cannot read hides no other.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select, true

from shadowboard import transitions
from shadowboard.database import Database
from shadowboard.records import NewestRuns, Run, State
from shadowboard.run_rows import RUN, readable, run_of, runs_of
from shadowboard.schema import checkpoints, evaluations, runs
from shadowboard.studies import is_in_study, is_no_variant

_NEWEST_FIRST = (runs.c.created_at.desc(), runs.c.id)

IS_SAVED = exists().where(checkpoints.c.run_id == runs.c.id) & is_no_variant()
"""It has a checkpoint, whether or not its files are still there, and no study has it only for comparison."""

IS_FINISHED = (
    (runs.c.state == "finished") & exists().where(evaluations.c.run_id == runs.c.id) & is_no_variant()
)
"""It is finished, anything of it is evaluated, and no study has it only for comparison."""


def find_run(connection: Connection, run_id: str) -> Run:
    """The run with this id, or else the newest with this name. Raises RunMissing, StoreUnavailable."""
    query = (
        select(*RUN)
        .where((runs.c.id == run_id) | (runs.c.name == run_id))
        .order_by((runs.c.id == run_id).desc(), runs.c.created_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        raise transitions.missing(run_id)
    return run_of(row)


def all_runs(connection: Connection, state: State | None = None) -> list[Run]:
    """All runs, or those in one state; newest first."""
    query = select(*RUN).order_by(*_NEWEST_FIRST)
    return runs_of(connection.execute(query.where(runs.c.state == state) if state else query))


def newest_runs(connection: Connection, limit: int | None, *, outside_studies: bool) -> NewestRuns:
    """The newest, and how many there are; with `outside_studies` only of those that are part of no study."""
    counted = ~is_in_study() if outside_studies else true()
    total = select(func.count()).select_from(runs).where(counted).correlate(None).scalar_subquery()
    query = select(*RUN, total.label("total")).where(counted).order_by(*_NEWEST_FIRST)
    found: list[Run] = []
    unreadable: list[str] = []
    rows: Sequence[Any] = connection.execute(query.limit(limit)).all()
    in_all = rows[0].total if rows else 0
    while rows:
        for row in rows:
            run = readable(row)
            found.append(run) if run else unreadable.append(row.id)
        missing = limit - len(found) if limit else 0
        rows = connection.execute(query.where(_comes_after(rows[-1])).limit(missing)).all() if missing else []
    return NewestRuns(found, sorted(unreadable), in_all)


def oldest_queued(connection: Connection) -> Run | None:
    """The run that is the next to be trained, if there is one."""
    query = select(*RUN).where(runs.c.state == "queued").order_by(runs.c.created_at, runs.c.id)
    return next(filter(None, map(readable, connection.execute(query))), None)


def newest_first(database: Database, condition: ColumnElement[bool]) -> Iterator[Run]:
    """The runs that meet the condition; each is looked up when it is asked for, as most need no second."""
    query = select(*RUN).where(condition).order_by(*_NEWEST_FIRST).limit(1)
    older: ColumnElement[bool] = true()
    while True:
        with database.begin() as connection:
            row = connection.execute(query.where(older)).first()
        if row is None:
            return
        if run := readable(row):
            yield run
        older = _comes_after(row)


def _comes_after(row: Row[Any]) -> ColumnElement[bool]:
    """Where the newest are first."""
    at_once = (runs.c.created_at == row.created_at) & (runs.c.id > row.id)
    older: ColumnElement[bool] = (runs.c.created_at < row.created_at) | at_once
    return older
