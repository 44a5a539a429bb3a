"""Studies in the store: runs that were queued together, each the variant of one recipe with one seed."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, true

from shadowboard import transitions
from shadowboard.database import Database
from shadowboard.errors import RunBusy, StoreUnavailable, StudyMissing
from shadowboard.printable import in_a_line
from shadowboard.records import Run, Standing
from shadowboard.run_rows import RUN, new_id, new_row, readable
from shadowboard.schema import checkpoints, evaluations, runs, studies, study_runs
from shadowboard.scores import standings
from shadowboard.variants import FULL, StudyPlan, Variant, plan_name, run_name

log = logging.getLogger(__name__)

_BETWEEN_SECONDS = 1e-5  # from run to run, so that the queue has them in the plan's order


@dataclass(frozen=True)
class Study:
    """A study: what it is called and what it is to train. `created_at`: seconds since 1970, UTC."""

    id: str
    name: str
    plan: StudyPlan
    created_at: float


class Member(NamedTuple):
    """A run of a study."""

    variant: Variant
    run: Run

    @property
    def seed(self) -> int:
        """The seed with which it is trained: runs of one seed start from the same weights."""
        return self.run.recipe.seed


class CurvePoint(NamedTuple):
    """What some weights (`average` empty: raw) of a study's run read right at one step."""

    variant: Variant
    run_id: str
    average: str
    step: int
    correct: int
    n: int


class Studies:
    """The studies of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, plan: StudyPlan, name: str = "") -> Study:
        """Queue all runs of the plan, in its order; all of them or none."""
        study = Study(new_id(), in_a_line(name or plan_name(plan)), plan, time.time())
        row = {**study.__dict__, "plan": plan.model_dump_json()}
        run_rows, places = [], []
        for number, (variant, config) in enumerate(plan.runs()):
            created_at = study.created_at + number * _BETWEEN_SECONDS
            run = new_row(config, run_name(variant, config.seed, study.id), "queued", created_at=created_at)
            run_rows.append(run)
            places.append({"run_id": run["id"], "study_id": study.id, "variant": variant})
        with self._database.begin() as connection:
            connection.execute(insert(studies).values(row))
            connection.execute(insert(runs), run_rows)
            connection.execute(insert(study_runs), places)
        return study

    def all(self) -> list[Study]:
        """All studies that can be read, newest first; the others are logged."""
        query = select(studies).order_by(studies.c.created_at.desc(), studies.c.id)
        with self._database.begin() as connection:
            rows = connection.execute(query).all()
        found = []
        for row in rows:
            try:
                found.append(_study(row))
            except StoreUnavailable as error:
                log.warning("%s", error)
        return found

    def one(self, study_id: str) -> Study:
        """The study with this id, or else the newest with this name.

        Raises StudyMissing, StoreUnavailable (its plan cannot be read).
        """
        newest = studies.c.created_at.desc(), studies.c.id
        of_id = select(studies).where(studies.c.id == study_id)
        named = select(studies).where(studies.c.name == study_id).order_by(*newest).limit(1)
        with self._database.begin() as connection:
            row = connection.execute(of_id).first() or connection.execute(named).first()
        if row is None:
            raise StudyMissing(f"There is no study {study_id!r}; GET /studies lists them.")
        return _study(row)

    def of_plan(self, plan: StudyPlan, name: str = "") -> Study | None:
        """The newest study of this very plan, and of this name where one is given."""
        return next((s for s in self.all() if s.plan == plan and name in ("", s.name)), None)

    def members(self, study_id: str) -> list[Member]:
        """The runs of a study, in the order of the queue.

        Those that were deleted, or that this version cannot read, are not among them.
        """
        return self._members(study_runs.c.study_id == study_id).get(study_id, [])

    def members_of_all(self) -> Mapping[str, list[Member]]:
        """The same by the ids of all studies that have any."""
        return self._members(true())

    def _members(self, condition: ColumnElement[bool]) -> Mapping[str, list[Member]]:
        query = (
            select(study_runs.c.variant, *RUN)
            .join(runs, runs.c.id == study_runs.c.run_id)
            .where(condition)
            .order_by(runs.c.created_at, runs.c.id)
        )
        found: dict[str, list[Member]] = defaultdict(list)
        with self._database.begin() as connection:
            for row in connection.execute(query):
                if run := readable(row):
                    found[row.study_id].append(Member(row.variant, run))
        return found

    def standings(self, study_id: str) -> Mapping[str, Mapping[str, Standing]]:
        """Run → average (empty: raw) → how these weights have done."""
        found: dict[str, dict[str, Standing]] = defaultdict(dict)
        with self._database.begin() as connection:
            for standing in standings(connection, evaluations.c.run_id.in_(_run_ids(study_id))):
                found[standing.run_id][standing.average] = standing
        return found

    def saved_and_evaluated(self, study_id: str | None = None) -> Mapping[str, tuple[int, int]]:
        """Run → how many checkpoints it has saved, and how many evaluations there are of them.

        Of the runs of a study, or of all studies.
        """
        counts: list[dict[str, int]] = []
        with self._database.begin() as connection:
            for table in (checkpoints, evaluations):
                query = (
                    select(table.c.run_id, func.count())
                    .where(table.c.run_id.in_(_run_ids(study_id)))
                    .group_by(table.c.run_id)
                )
                counts.append({row[0]: row[1] for row in connection.execute(query)})
        saved, evaluated = counts
        return {run_id: (number, evaluated.get(run_id, 0)) for run_id, number in saved.items()}

    def curve_points(self, study_id: str, split: str) -> list[CurvePoint]:
        """All that is evaluated of a study on the images of `split`, by step."""
        e = evaluations.c
        query = (
            select(study_runs.c.variant, e.run_id, e.average, e.step, e.correct, e.n)
            .join(study_runs, study_runs.c.run_id == e.run_id)
            .where(study_runs.c.study_id == study_id, e.split == split)
            .order_by(e.step)
        )
        with self._database.begin() as connection:
            return [CurvePoint(*row) for row in connection.execute(query)]

    def stop(self, study_id: str) -> None:
        """Stop what is queued, and ask the workers of what is in training to stop."""
        with self._database.begin() as connection:
            transitions.stop_all(connection, runs.c.id.in_(_run_ids(study_id)))

    def resume(self, study_id: str) -> None:
        """Queue again what was stopped or has failed."""
        with self._database.begin() as connection:
            transitions.requeue_all(connection, runs.c.id.in_(_run_ids(study_id)))

    def delete(self, study_id: str, mark: Callable[[Sequence[str]], None] = lambda ids: None) -> list[str]:
        """Delete a study and all rows of its runs, whose ids it gives; `mark` these just before.

        Raises RunBusy, StudyMissing; then nothing is marked.
        """
        of_study = runs.c.id.in_(_run_ids(study_id))
        with self._database.begin(durable=True) as connection:
            ids = list(connection.execute(_run_ids(study_id)).scalars())
            connection.execute(delete(runs).where(of_study, runs.c.state != "training"))
            left = list(connection.execute(_run_ids(study_id)).scalars())
            if left:
                raise RunBusy(f"The run {left[0]} of the study is in training; stop the study first.")
            if not connection.execute(delete(studies).where(studies.c.id == study_id)).rowcount:
                raise StudyMissing(
                    f"There is no study with the id {study_id!r}; deletion takes no name, "
                    "for several studies may share it."
                )
            mark(ids)
        return ids


def is_in_study() -> ColumnElement[bool]:
    """Of the table of runs: part of a study."""
    return select(study_runs.c.run_id).where(study_runs.c.run_id == runs.c.id).exists()


def is_no_variant() -> ColumnElement[bool]:
    """Of the table of runs: not one that a study has only to be compared with its full recipe."""
    variant = select(study_runs.c.run_id).where(
        study_runs.c.run_id == runs.c.id, study_runs.c.variant != FULL
    )
    return ~variant.exists()


def _run_ids(study_id: str | None) -> Any:
    """Those of a study, or of all."""
    meant = true() if study_id is None else study_runs.c.study_id == study_id
    return select(study_runs.c.run_id).where(meant)


def _study(row: Row[Any]) -> Study:
    try:
        plan = _plan(row.plan)
    except ValidationError as error:
        raise StoreUnavailable(f"The study {row.id} has a plan that this version cannot read.") from error
    return Study(row.id, row.name, plan, row.created_at)


@lru_cache(maxsize=1_000)
def _plan(text: str) -> StudyPlan:
    return StudyPlan.model_validate_json(text)
