"""How a run goes from one state to another: queued, training, ended, and back.

Each way is one conditional statement, so that of two at the same moment the second finds nothing to change.
"""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, func, select, update

from shadowboard.errors import LeaseLost, RunBusy, RunMissing
from shadowboard.records import Run, SavedCheckpoint, State
from shadowboard.schema import runs


def missing(run_id: str) -> RunMissing:
    """The error for a run that is not there."""
    return RunMissing(f"There is no run {run_id!r}; `shadowboard runs` and GET /runs list them.")


def take(
    connection: Connection, run_id: str, worker: str, condition: ColumnElement[bool], message: str = ""
) -> bool:
    """Hand the run to `worker`, with a message where there is something to say; False where it does not meet
    the condition.
    """
    values = {
        "state": "training",
        "message": message,
        "worker": worker,
        "beat": runs.c.beat + 1,
        "heartbeat_at": time.time(),
        "steps_per_second": 0.0,
        "started_at": func.coalesce(runs.c.started_at, time.time()),
        "finished_at": None,
    }
    return _changed(connection, (runs.c.id == run_id) & condition, values)


def unmoved(run: Run) -> ColumnElement[bool]:
    """The run is as it was when `run` was read: its worker the same and not heard of since."""
    held = runs.c.worker.is_(None) if run.worker is None else runs.c.worker == run.worker
    return (runs.c.id == run.id) & held & (runs.c.beat == run.beat) & (runs.c.state == run.state)


def write_as(connection: Connection, run_id: str, worker: str, values: dict[str, Any]) -> None:
    """Write `values` on behalf of the worker that holds the run. Raises LeaseLost for any other."""
    mine = (runs.c.id == run_id) & (runs.c.worker == worker) & (runs.c.state == "training")
    beat = {"beat": runs.c.beat + 1, "heartbeat_at": time.time()}
    if not _changed(connection, mine, beat | values):
        raise LeaseLost(f"The run {run_id} was taken over, stopped or deleted; nothing more is written.")


def stop_requested(connection: Connection, run_id: str) -> bool:
    """Whether somebody wants the run to stop."""
    return bool(connection.execute(select(runs.c.stop_requested).where(runs.c.id == run_id)).scalar())


def write_watched(
    connection: Connection, run_id: str, values: dict[str, Any], found: Sequence[SavedCheckpoint]
) -> bool:
    """Write `values`, and how far the `found` checkpoints are, of a watched run; False where it is none."""
    if found:
        newest = max(found, key=lambda checkpoint: checkpoint.saved_at)
        values = values | {
            "step": case((runs.c.step > newest.step, runs.c.step), else_=newest.step),
            "heartbeat_at": case(
                (runs.c.heartbeat_at > newest.saved_at, runs.c.heartbeat_at), else_=newest.saved_at
            ),
            "started_at": func.coalesce(runs.c.started_at, newest.saved_at),
        }
    return _changed(connection, (runs.c.id == run_id) & (runs.c.state == "watched"), values)


def ended(state: State, message: str) -> dict[str, Any]:
    """What a run is once no worker holds it any more."""
    return {
        "state": state,
        "message": message,
        "worker": None,
        "finished_at": None if state in {"queued", "watched"} else time.time(),
        "stop_requested": False,
    }


def request_stop(connection: Connection, run_id: str) -> None:
    """Stop a queued run, or tell the worker of one in training. Raises RunMissing, RunBusy."""
    mine = runs.c.id == run_id
    if _changed(connection, mine & (runs.c.state == "queued"), ended("stopped", "Stopped in the queue.")):
        return
    if _changed(connection, mine & (runs.c.state == "watched"), ended("stopped", "No longer watched.")):
        return
    if not _changed(connection, mine & (runs.c.state == "training"), {"stop_requested": True}):
        _state(connection, run_id)
        raise RunBusy(f"The run {run_id} is neither queued nor in training, so it cannot be stopped.")


def stop_silent(connection: Connection, run: Run) -> bool:
    """Stop a run in training that is as `run` says; False where it is not."""
    message = f"Stopped at step {run.step} while nothing was heard of its worker."
    return _changed(connection, (runs.c.state == "training") & unmoved(run), ended("stopped", message))


def requeue(connection: Connection, run_id: str, state: State = "queued") -> None:
    """Queue a run that was stopped or has failed, or watch it again. Raises RunMissing, RunBusy."""
    over = (runs.c.id == run_id) & runs.c.state.in_(["stopped", "failed"])
    if not _changed(connection, over, ended(state, "")):
        found = _state(connection, run_id)
        raise RunBusy(
            f"The run {run_id} is {found}; only a run that was stopped or has failed can be resumed."
        )


def stop_all(connection: Connection, condition: ColumnElement[bool]) -> None:
    """Stop those of the runs that are queued, and tell the workers of those in training."""
    queued, training = (condition & (runs.c.state == state) for state in ("queued", "training"))
    _changed(connection, queued, ended("stopped", "Stopped in the queue."))
    _changed(connection, training, {"stop_requested": True})  # second: one may have been taken meanwhile


def requeue_all(connection: Connection, condition: ColumnElement[bool]) -> None:
    """Queue those of the runs that were stopped or have failed."""
    _changed(connection, condition & runs.c.state.in_(["stopped", "failed"]), ended("queued", ""))


def delete_idle(connection: Connection, run_id: str) -> None:
    """Delete a run that is not in training, and all that hangs on it. Raises RunMissing, RunBusy."""
    idle = delete(runs).where(runs.c.id == run_id, runs.c.state != "training")
    if connection.execute(idle).rowcount:
        return
    if connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first() is None:
        raise RunMissing(
            f"There is no run with the id {run_id!r}; deletion takes no name, for several runs may share it."
        )
    raise RunBusy(f"The run {run_id} is in training; stop it first.")


def _changed(connection: Connection, condition: ColumnElement[bool], values: dict[str, Any]) -> bool:
    return bool(connection.execute(update(runs).where(condition).values(values)).rowcount)


def _state(connection: Connection, run_id: str) -> str:
    """The state that a run is in. Raises RunMissing."""
    state: str | None = connection.execute(select(runs.c.state).where(runs.c.id == run_id)).scalar()
    if state is None:
        raise missing(run_id)
    return state
