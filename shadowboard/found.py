"""The rows of what another program trains: its run, and the checkpoints that it has saved."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from shadowboard import transitions
from shadowboard.errors import CheckpointMissing
from shadowboard.printable import in_a_line
from shadowboard.records import SavedCheckpoint
from shadowboard.run_queries import all_runs, find_run
from shadowboard.run_rows import new_row
from shadowboard.schema import checkpoints, evaluations, runs
from shadowboard.watched import WatchedConfig

_SAME_SECONDS = 0.001  # what a database may lose of a time


class Evaluated(NamedTuple):
    """What an evaluation was made of, where others may change it meanwhile."""

    checkpoint: SavedCheckpoint
    activation: str


def is_same_time(one: float, other: float) -> bool:
    """Whether two times in seconds are the same, as far as a database keeps them."""
    return abs(one - other) < _SAME_SECONDS


def watch(connection: Connection, config: WatchedConfig, name: str) -> str:
    """The id of the run that watches a folder: of a new one, or of that of before, which is watched again.

    `name`: what it is to be called; empty: as before, or as the folder. An activation that was assumed,
    or that a graph has told, gives way to one that is given. For whoever is `alone`.
    """
    same = [
        (run, run.config)
        for run in all_runs(connection)
        if isinstance(run.config, WatchedConfig) and run.config.is_of(config)
    ]
    for run, before in sorted(same, key=lambda one: one[1].graph_may_tell):  # those go last
        if run.state != "watched":
            transitions.requeue(connection, run.id, "watched")
        if name:
            connection.execute(update(runs).where(runs.c.id == run.id).values(name=in_a_line(name)))
        if before.graph_may_tell and config.activation_from == "given":
            said = {"activation": config.activation, "activation_from": "given"}
            _configure(connection, run.id, before, before.model_copy(update=said))
        return run.id
    row = new_row(config, name or Path(config.folder).name or config.folder, "watched")
    connection.execute(insert(runs).values(row))
    return str(row["id"])


def learn(connection: Connection, run_id: str, config: WatchedConfig) -> None:
    """Record what a look has told of a watched run.

    The activation stays as anybody may have said meanwhile, unless a checkpoint tells it.
    """
    before = find_run(connection, run_id).config
    if isinstance(before, WatchedConfig):
        if config.activation_from != "checkpoint" and not before.graph_may_tell:
            as_before = {"activation": before.activation, "activation_from": before.activation_from}
            config = config.model_copy(update=as_before)
        _configure(connection, run_id, before, config)


def _configure(connection: Connection, run_id: str, before: WatchedConfig, config: WatchedConfig) -> None:
    """Where the activation is another one by now, all that was evaluated goes: it is of another network."""
    if config.activation != before.activation:
        connection.execute(delete(evaluations).where(evaluations.c.run_id == run_id))
    values = {"config": config.model_dump_json()}
    connection.execute(update(runs).where(runs.c.id == run_id).values(values))


def require(connection: Connection, run_id: str, of: Evaluated) -> None:
    """Raises CheckpointMissing where the checkpoint or the activation is recorded as another one by now.

    A checkpoint that is not recorded yet is from here on. For whoever is `alone`.
    """
    activation = find_run(connection, run_id).config.activation
    if activation != of.activation:
        raise CheckpointMissing(f"The activation of the run {run_id} is {activation} by now; try again.")
    c = checkpoints.c
    there = select(c.bytes, c.saved_at).where(c.run_id == run_id, c.step == of.checkpoint.step)
    if (row := connection.execute(there).first()) is None:
        add_found(connection, run_id, [of.checkpoint], ())
    elif row.bytes != of.checkpoint.bytes or not is_same_time(row.saved_at, of.checkpoint.saved_at):
        raise CheckpointMissing(
            f"The checkpoint of step {of.checkpoint.step} is recorded as another file than was evaluated; "
            "it was written anew."
        )


def add_found(
    connection: Connection, run_id: str, found: Sequence[SavedCheckpoint], anew: Collection[int]
) -> None:
    """Record checkpoints by their step, time and size; those that are recorded already stay.

    One that was written anew is another one: its row and its evaluations go, as they are of other weights.
    Time and size tell, whoever has recorded them. `anew`: the steps of which it is known although these are
    the same.
    """
    c = checkpoints.c
    rows = connection.execute(select(c.step, c.bytes, c.saved_at).where(c.run_id == run_id))
    known = {row.step: row for row in rows}
    for saved in found:
        if (row := known.get(saved.step)) is not None:
            same = saved.bytes == row.bytes and is_same_time(saved.saved_at, row.saved_at)
            if same and saved.step not in anew:
                continue
            for table in (evaluations, checkpoints):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step == saved.step))
        values = {"run_id": run_id, "step": saved.step, "bytes": saved.bytes, "saved_at": saved.saved_at}
        connection.execute(insert(checkpoints).values(values))
