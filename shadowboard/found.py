"""The rows of what another program trains: its run, and the checkpoints that it has saved."""

from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from shadowboard import transitions
from shadowboard.printable import in_a_line
from shadowboard.records import SavedCheckpoint
from shadowboard.run_queries import all_runs
from shadowboard.run_rows import new_row
from shadowboard.schema import checkpoints, evaluations, runs
from shadowboard.watched import WatchedConfig

_SAME_SECONDS = 0.001  # what a database may lose of a time


def watch(connection: Connection, config: WatchedConfig, name: str) -> str:
    """The id of the run that watches a folder: of a new one, or of that of before, which is watched again.

    `name`: what it is to be called; empty: as before, or as the folder. For whoever is `alone`.
    """
    for run in all_runs(connection):
        if isinstance(run.config, WatchedConfig) and run.config.is_of(config):
            if run.state != "watched":
                transitions.requeue(connection, run.id, "watched")
            values = {"name": in_a_line(name)} if name else {}
            if run.config.activation_is_assumed and config.activation_from == "given":
                said = run.config.model_copy(update={"activation_from": "given"})
                values["config"] = said.model_dump_json()
            if values:
                connection.execute(update(runs).where(runs.c.id == run.id).values(values))
            return run.id
    row = new_row(config, name or Path(config.folder).name or config.folder, "watched")
    connection.execute(insert(runs).values(row))
    return str(row["id"])


def add_found(
    connection: Connection, run_id: str, found: Sequence[SavedCheckpoint], anew: Collection[int]
) -> None:
    """Record checkpoints by their step, time and size; those that are recorded already stay.

    One that was written anew is another one: its row and its evaluations go, as they are of other weights.
    `anew`: the steps of which that is known, whatever time and size say.
    """
    c = checkpoints.c
    rows = connection.execute(select(c.step, c.bytes, c.saved_at).where(c.run_id == run_id))
    known = {row.step: row for row in rows}
    for saved in found:
        if (row := known.get(saved.step)) is not None:
            same = saved.bytes == row.bytes and abs(saved.saved_at - row.saved_at) < _SAME_SECONDS
            if same and saved.step not in anew:
                continue
            for table in (evaluations, checkpoints):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step == saved.step))
        values = {"run_id": run_id, "step": saved.step, "bytes": saved.bytes, "saved_at": saved.saved_at}
        connection.execute(insert(checkpoints).values(values))
