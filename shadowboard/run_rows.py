"""A row of the table of runs ↔ a Run."""

import secrets
import time
from dataclasses import fields
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Row, func, select

from shadowboard.configuration import RunConfig
from shadowboard.errors import StoreUnavailable
from shadowboard.printable import in_a_line
from shadowboard.records import Run, State
from shadowboard.schema import checkpoints, runs
from shadowboard.watched import WatchedConfig

# No vowels and no look-alikes: an id is no word and reads well aloud.
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
_ID_LENGTH = 6

_CONFIG: TypeAdapter[RunConfig | WatchedConfig] = TypeAdapter(RunConfig | WatchedConfig)
_FIELDS = [field.name for field in fields(Run)]

LATEST = (
    select(func.max(checkpoints.c.step)).where(checkpoints.c.run_id == runs.c.id).scalar_subquery()
).label("latest_checkpoint")
"""The column that a Run has beside those of its table."""


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
    """The run of a row with all columns of the table, and LATEST. Raises StoreUnavailable."""
    values = {name: row._mapping[name] for name in _FIELDS}
    try:
        config = _config(values["config"])
    except ValidationError as error:
        raise StoreUnavailable(
            f"The run {values['id']} has a configuration that this version cannot read: {values['config']}."
        ) from error
    return Run(**values | {"config": config})


@lru_cache(maxsize=10_000)  # runs are listed often, their configurations never change, and parsing is slow
def _config(text: str) -> RunConfig | WatchedConfig:
    return _CONFIG.validate_json(text)
