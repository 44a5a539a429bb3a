"""A run's history: metrics, checkpoints, evaluations, appended as they come and read on from a cursor."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from shadowboard.database import in_order
from shadowboard.records import Cursor, Metric, SavedCheckpoint, Score
from shadowboard.schema import checkpoints, evaluations, training_metrics
from shadowboard.thinning import thinned

_TABLES = {Metric: training_metrics, SavedCheckpoint: checkpoints, Score: evaluations}


def forget_beyond(connection: Connection, run_id: str, step: int) -> None:
    """Delete metrics and checkpoints of later steps; evaluations stay: the same bytes come again."""
    for table in (training_metrics, checkpoints):
        connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step > step))


def add_metrics(connection: Connection, run_id: str, metrics: Sequence[Metric]) -> None:
    """Append them."""
    if metrics:
        in_order(connection)
        rows = [{"run_id": run_id, "step": metric.step, "loss": metric.loss} for metric in metrics]
        connection.execute(insert(training_metrics), rows)


def add_checkpoint(connection: Connection, run_id: str, step: int, size: int) -> None:
    """Append a checkpoint of `size` bytes; one that is recorded already stays."""
    there = (checkpoints.c.run_id == run_id) & (checkpoints.c.step == step)
    if connection.execute(select(checkpoints.c.id).where(there)).first() is None:
        in_order(connection)
        row = {"run_id": run_id, "step": step, "bytes": size, "saved_at": time.time()}
        connection.execute(insert(checkpoints).values(row))


def end_of_all(connection: Connection) -> Cursor:
    """Where all histories end at this moment."""
    return Cursor(*(connection.execute(select(func.max(t.c.id))).scalar() or 0 for t in _TABLES.values()))


def rows(connection: Connection, kind: Any, run_id: str, after: int) -> list[Any]:
    """A run's rows of one kind (Metric, SavedCheckpoint, Score) with ids beyond `after`, by step."""
    table = _TABLES[kind]
    query = (
        select(*(table.c[name] for name in kind.__annotations__))
        .where(table.c.run_id == run_id, table.c.id > after)
        .order_by(table.c.step, table.c.id)
    )
    return [kind(*row) for row in connection.execute(query)]


def thinned_metrics(connection: Connection, run_id: str, after: int, most: int) -> list[Metric]:
    """At most `most` (≥ 1) of them, evenly by index; the last is always among them, from two on the first."""
    return [Metric(*row) for row in connection.execute(thinned(run_id, after, most))]
