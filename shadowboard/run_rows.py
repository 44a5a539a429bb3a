"""A row of the table of runs ↔ a Run."""

import logging
import secrets
import time
from collections.abc import Iterable
from dataclasses import fields
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Row, func, select

from shadowboard.configuration import RunConfig
from shadowboard.errors import StoreUnavailable
from shadowboard.printable import in_a_line
from shadowboard.records import Run, State, StudyOfRun
from shadowboard.schema import checkpoints, runs, studies, study_runs
from shadowboard.watched import WatchedConfig

log = logging.getLogger(__name__)

# No vowels and no look-alikes: an id is no word and reads well aloud.
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
_ID_LENGTH = 6

_CONFIG: TypeAdapter[RunConfig | WatchedConfig] = TypeAdapter(RunConfig | WatchedConfig)
_FIELDS = [field.name for field in fields(Run) if field.name != "study"]

_STEP = select(func.max(checkpoints.c.step)).where(checkpoints.c.run_id == runs.c.id)
_STUDY = select(studies.c.id, studies.c.name).where(
    studies.c.id == study_runs.c.study_id, study_runs.c.run_id == runs.c.id
)

RUN: tuple[Any, ...] = (
    runs,
    _STEP.scalar_subquery().label("latest_checkpoint"),
    *(
        _STUDY.with_only_columns(column).correlate(runs).scalar_subquery().label(f"study_{column.name}")
        for column in (studies.c.id, studies.c.name)
    ),
)
"""What a Run is read from."""


def new_id() -> str:
    """An id that nothing else has."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))


def new_row(config: RunConfig | WatchedConfig, name: str, state: State, **more: Any) -> dict[str, Any]:
    """The row of a new run; `more` goes before what is as usual."""
    return {
        "id": new_id(),
        "name": in_a_line(name),
        "config": config.model_dump_json(),
        "state": state,
        "created_at": time.time(),
        **more,
    }


def run_of(row: Row[Any]) -> Run:
    """The run of a row of RUN. Raises StoreUnavailable."""
    values = {name: row._mapping[name] for name in _FIELDS}
    try:
        config = _config(values["config"])
    except ValidationError as error:
        raise StoreUnavailable(
            f"The run {values['id']} has a configuration that this version cannot read."
        ) from error
    study = StudyOfRun(row.study_id, row.study_name) if row.study_id else None
    return Run(**values | {"config": config, "study": study})


def readable(row: Row[Any]) -> Run | None:
    """The run of such a row; None, and a warning once, where this version cannot read it."""
    try:
        return run_of(row)
    except StoreUnavailable as error:
        _warn(str(error))
        return None


def runs_of(rows: Iterable[Row[Any]]) -> list[Run]:
    """The runs of the rows that this version can read: one that it cannot hides no other."""
    return [run for row in rows if (run := readable(row))]


@lru_cache(maxsize=1_000)  # lists are asked for again and again
def _warn(sentence: str) -> None:
    log.warning("%s", sentence)


@lru_cache(maxsize=10_000)  # runs are listed often, their configurations never change, and parsing is slow
def _config(text: str) -> RunConfig | WatchedConfig:
    return _CONFIG.validate_json(text)
