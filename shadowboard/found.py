"""The rows of checkpoints that another program has saved."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from shadowboard.records import SavedCheckpoint
from shadowboard.schema import checkpoints, evaluations

_SAME_SECONDS = 0.001  # what a database may lose of a time


def add_found(connection: Connection, run_id: str, found: Sequence[SavedCheckpoint]) -> None:
    """Record checkpoints by their step and time; those that are recorded already stay.

    One that was written anew is another one: its row and its evaluations go, as they are of other weights.
    """
    known = select(checkpoints.c.step, checkpoints.c.saved_at).where(checkpoints.c.run_id == run_id)
    times: dict[int, float] = {row.step: row.saved_at for row in connection.execute(known)}
    for saved in found:
        if saved.step in times:
            if abs(saved.saved_at - times[saved.step]) < _SAME_SECONDS:
                continue
            for table in (evaluations, checkpoints):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step == saved.step))
        row = {"run_id": run_id, "step": saved.step, "bytes": saved.bytes, "saved_at": saved.saved_at}
        connection.execute(insert(checkpoints).values(row))
