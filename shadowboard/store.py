"""Runs, training metrics, checkpoints and evaluations in one SQL database: where worker and server meet."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from shadowboard import transitions
from shadowboard.configuration import RunConfig, describe
from shadowboard.database import LOCK_SECONDS, Database, alone, in_order
from shadowboard.errors import RunMissing, StoreUnavailable
from shadowboard.found import add_found
from shadowboard.printable import in_a_line
from shadowboard.records import (
    Cursor,
    Metric,
    PairedReadings,
    Run,
    SavedCheckpoint,
    Score,
    Standing,
    State,
    StoredEvaluation,
)
from shadowboard.run_rows import LATEST, new_row, run_of
from shadowboard.schema import checkpoints, evaluations, runs, training_metrics
from shadowboard.scores import find_evaluation, insert_evaluation, paired_readings, standings
from shadowboard.studies import Studies, is_no_variant
from shadowboard.thinning import thinned
from shadowboard.watched import WatchedConfig

_READ_AT_ONCE = 100  # steps: bounds the memory that all readings of a run need

_NEWEST_FIRST = (runs.c.created_at.desc(), runs.c.id)


class Store:
    """The database. Every change is one transaction; any number of processes and threads may use it."""

    def __init__(self, url: str, lock_seconds: float = LOCK_SECONDS) -> None:
        """Open the database at the SQLAlchemy `url`, new, old or current. Raises StoreUnavailable.

        A change waits for up to `lock_seconds` while another process writes.
        """
        self._database = Database(url, lock_seconds)
        self.studies = Studies(self._database)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    # Runs

    def create_run(self, config: RunConfig, name: str = "", worker: str | None = None) -> Run:
        """Queue a run, or with a `worker` hand it to that one at once."""
        state: State = "training" if worker else "queued"
        started_at = time.time() if worker else None
        row = new_row(config, name or describe(config), state, worker=worker, started_at=started_at)
        with self._database.begin() as connection:
            connection.execute(insert(runs).values(row))
        return self.run(row["id"])

    def watch(self, config: WatchedConfig, name: str = "") -> Run:
        """Watch a training that another program does; where that was done before, go on with that run."""
        new = new_row(config, name or Path(config.folder).name or config.folder, "watched")
        with self._database.begin() as connection:
            alone(connection)  # of two that watch it at the same moment, the second finds the first one's run
            rows = connection.execute(select(runs, LATEST).order_by(*_NEWEST_FIRST)).all()
            for run in map(run_of, rows):
                if isinstance(run.config, WatchedConfig) and run.config.is_of(config):
                    if run.state != "watched":
                        transitions.requeue(connection, run.id, "watched")
                    if name:
                        named = update(runs).where(runs.c.id == run.id).values(name=in_a_line(name))
                        connection.execute(named)
                    run_id = run.id
                    break
            else:
                connection.execute(insert(runs).values(new))
                run_id = new["id"]
        return self.run(run_id)

    @contextmanager
    def watching(self, config: WatchedConfig, name: str = "") -> Iterator[Run]:
        """The same, undone where the block ends with an error."""
        before = {run.id: run.state for run in self.runs()}
        run = self.watch(config, name)
        try:
            yield run
        except Exception:
            if run.id not in before:
                self.delete_run(run.id)
            elif before[run.id] != "watched":
                self.request_stop(run.id)
            raise

    def runs(self, state: State | None = None) -> list[Run]:
        """All runs, or those in one state; newest first."""
        query = select(runs, LATEST).order_by(*_NEWEST_FIRST)
        if state:
            query = query.where(runs.c.state == state)
        with self._database.begin() as connection:
            return [run_of(row) for row in connection.execute(query)]

    def newest_runs(self, limit: int | None) -> tuple[list[Run], int]:
        """The newest `limit` runs, newest first, and how many there were in all at that moment."""
        total = select(func.count()).select_from(runs.alias()).scalar_subquery()
        query = select(runs, LATEST, total.label("total")).order_by(*_NEWEST_FIRST).limit(limit)
        with self._database.begin() as connection:
            rows = connection.execute(query).all()
        return [run_of(row) for row in rows], rows[0].total if rows else 0

    def run(self, run_id: str) -> Run:
        """The run with this id, or else the newest with this name. Raises RunMissing."""
        query = (
            select(runs, LATEST)
            .where((runs.c.id == run_id) | (runs.c.name == run_id))
            .order_by((runs.c.id == run_id).desc(), runs.c.created_at.desc())
            .limit(1)
        )
        with self._database.begin() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise transitions.missing(run_id)
        return run_of(row)

    def newest_run(self) -> Run:
        """The newest run that has a checkpoint, or else the newest. Raises RunMissing where there is none."""
        run = next(self.saved_runs(), None) or next(self._newest_first(true()), None)
        if run is None:
            raise RunMissing("There is no run yet; `shadowboard up` or `shadowboard train` starts one.")
        return run

    def saved_runs(self) -> Iterator[Run]:
        """The runs that have a checkpoint, whether or not its files are still there; newest first.

        Without those that a study has only for comparison.
        """
        saved = exists().where(checkpoints.c.run_id == runs.c.id)
        return self._newest_first(saved & is_no_variant())

    def finished_runs(self) -> Iterator[Run]:
        """The finished runs of which anything is evaluated, newest first; so without some of a study's."""
        evaluated = exists().where(evaluations.c.run_id == runs.c.id)
        return self._newest_first((runs.c.state == "finished") & evaluated & is_no_variant())

    def _newest_first(self, condition: ColumnElement[bool]) -> Iterator[Run]:
        """Each is looked up when it is asked for, as most callers need no second."""
        query = select(runs, LATEST).where(condition).order_by(runs.c.created_at.desc(), runs.c.id).limit(1)
        older: ColumnElement[bool] = true()
        while True:
            with self._database.begin() as connection:
                row = connection.execute(query.where(older)).first()
            if row is None:
                return
            run = run_of(row)
            yield run
            at_once = (runs.c.created_at == run.created_at) & (runs.c.id > run.id)
            older = (runs.c.created_at < run.created_at) | at_once

    def rename_run(self, run_id: str, name: str) -> None:
        """Call the run `name`. Raises RunMissing."""
        with self._database.begin() as connection:
            renamed = update(runs).where(runs.c.id == run_id).values(name=in_a_line(name))
            if not connection.execute(renamed).rowcount:
                raise transitions.missing(run_id)

    def request_stop(self, run_id: str) -> None:
        """Ask that a run stop: its worker sees it within a second; a queued run stops at once.

        Raises RunMissing, RunBusy.
        """
        with self._database.begin() as connection:
            transitions.request_stop(connection, run_id)

    def stop_silent(self, run: Run) -> bool:
        """Stop a run in training whose worker is silent; False where it has moved since `run` was read.

        Whatever the worker writes afterwards is refused, as it no longer holds the run.
        """
        with self._database.begin() as connection:
            return transitions.stop_silent(connection, run)

    def requeue(self, run_id: str) -> None:
        """Put a run that was stopped or has failed back into the queue; a watched one is watched again.

        Raises RunMissing, RunBusy.
        """
        state: State = "watched" if self.run(run_id).folder else "queued"
        with self._database.begin() as connection:
            transitions.requeue(connection, run_id, state)

    def delete_run(self, run_id: str) -> None:
        """Delete all rows of the run with this id, which is not in training. Raises RunMissing, RunBusy."""
        with self._database.begin() as connection:
            transitions.delete_idle(connection, run_id)

    # The lease

    def claim(self, worker: str) -> Run | None:
        """Take the oldest queued run for `worker`, or None where there is none (left)."""
        oldest = (
            select(runs.c.id).where(runs.c.state == "queued").order_by(runs.c.created_at, runs.c.id).limit(1)
        )
        while True:
            with self._database.begin() as connection:
                run_id = connection.execute(oldest).scalar()
            if run_id is None:
                return None
            with self._database.begin() as connection:
                taken = transitions.take(connection, run_id, worker, runs.c.state == "queued")
            if taken:
                return self.run(run_id)

    def take_over(self, run: Run, worker: str, message: str = "") -> bool:
        """Take a run from the worker that held it when `run` was read; False where it has moved since.

        `message`: what there is to say of that.
        """
        with self._database.begin() as connection:
            return transitions.take(connection, run.id, worker, transitions.unmoved(run), message)

    def heartbeat(self, run_id: str, worker: str) -> bool:
        """Say that `worker` lives; True where a stop was asked for. Raises LeaseLost."""
        with self._database.begin() as connection:
            transitions.write_as(connection, run_id, worker, {})
            return transitions.stop_requested(connection, run_id)

    def release(self, run_id: str, worker: str, state: State, message: str) -> None:
        """End the worker's hold on the run, which goes to `state`. Raises LeaseLost."""
        with self._database.begin() as connection:
            transitions.write_as(connection, run_id, worker, transitions.ended(state, message))

    # What the worker writes

    def begin_at(self, run_id: str, worker: str, step: int) -> None:
        """The worker starts at `step`: forget what an earlier one recorded beyond it. Raises LeaseLost.

        Evaluations stay: the steps will be trained again to the same bytes.
        """
        with self._database.begin() as connection:
            transitions.write_as(connection, run_id, worker, {"step": step})
            for table in (training_metrics, checkpoints):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step > step))

    def add_progress(
        self, run_id: str, worker: str, step: int, steps_per_second: float, metrics: Sequence[Metric]
    ) -> bool:
        """Record how far the run is, and its losses; True where a stop was asked for. Raises LeaseLost."""
        rows = [{"run_id": run_id, "step": m.step, "loss": m.loss} for m in metrics]
        with self._database.begin() as connection:
            transitions.write_as(
                connection, run_id, worker, {"step": step, "steps_per_second": steps_per_second}
            )
            if rows:
                in_order(connection)
                connection.execute(insert(training_metrics), rows)
            return transitions.stop_requested(connection, run_id)

    def add_checkpoint(self, run_id: str, worker: str, step: int, size: int) -> None:
        """Record a checkpoint of `size` bytes; one that is recorded already stays. Raises LeaseLost."""
        there = (checkpoints.c.run_id == run_id) & (checkpoints.c.step == step)
        row = {"run_id": run_id, "step": step, "bytes": size, "saved_at": time.time()}
        with self._database.begin() as connection:
            transitions.write_as(connection, run_id, worker, {})
            if connection.execute(select(checkpoints.c.id).where(there)).first() is None:
                in_order(connection)
                connection.execute(insert(checkpoints).values(row))

    # What watching a folder finds

    def add_sight(
        self, run_id: str, config: WatchedConfig, message: str, found: Sequence[SavedCheckpoint]
    ) -> None:
        """Record what is known of a watched run by now, and checkpoints that are new or written anew.

        The evaluations of the latter go. Nothing is recorded where the run is not watched any more.
        """
        with self._database.begin() as connection:
            values = {"config": config.model_dump_json(), "message": message}
            if transitions.write_watched(connection, run_id, values, found):
                in_order(connection)
                add_found(connection, run_id, found)

    # Evaluations

    def add_evaluation(self, run_id: str, score: Score, predictions: bytes, confidences: bytes) -> None:
        """Store an evaluation; one that is there already stays, since both are of the same weights.

        Raises RunMissing where the run was deleted meanwhile.
        """
        try:
            with self._database.begin() as connection:
                insert_evaluation(connection, run_id, score, predictions, confidences)
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            if self.evaluation(run_id, score.step, score.average, score.split) is None:
                raise RunMissing(f"The run {run_id} was deleted while it was evaluated.") from None

    def evaluation(self, run_id: str, step: int, average: str, split: str) -> StoredEvaluation | None:
        """The stored evaluation of these weights on this split, or None."""
        with self._database.begin() as connection:
            return find_evaluation(connection, run_id, step, average, split)

    def paired_readings(self, run_id: str, average: str, split: str) -> Iterator[PairedReadings]:
        """What the raw weights and an average read at each step at which both are evaluated, by step."""
        page: list[PairedReadings] = []
        while True:
            with self._database.begin() as connection:
                page = paired_readings(
                    connection, run_id, average, split, page[-1].step if page else -1, _READ_AT_ONCE
                )
            yield from page
            if len(page) < _READ_AT_ONCE:
                return

    def standings(self, run_id: str | None = None) -> list[Standing]:
        """How the raw weights and each average have done, of one run or of all; by run and average."""
        with self._database.begin() as connection:
            return standings(connection, None if run_id is None else evaluations.c.run_id == run_id)

    # What the server reads

    def cursor(self) -> Cursor:
        """The end of the store as it is now."""
        tables = (training_metrics, checkpoints, evaluations)
        with self._database.begin() as connection:
            ids = [connection.execute(select(func.max(table.c.id))).scalar() or 0 for table in tables]
        return Cursor(*ids)

    def metrics(self, run_id: str, after: int = 0, most: int | None = None) -> list[Metric]:
        """The run's training metrics with ids beyond `after`, by step.

        At most `most` (≥ 1), evenly by index; the last is always among them, and from two on the first.
        """
        if most is None:
            return self._rows(Metric, training_metrics, run_id, after)
        query = thinned(run_id, after, most)
        with self._database.begin() as connection:
            return [Metric(*row) for row in connection.execute(query)]

    def checkpoints(self, run_id: str, after: int = 0) -> list[SavedCheckpoint]:
        """The run's checkpoints with ids beyond `after`, by step."""
        return self._rows(SavedCheckpoint, checkpoints, run_id, after)

    def scores(self, run_id: str, after: int = 0) -> list[Score]:
        """The run's evaluations with ids beyond `after`, by step."""
        return self._rows(Score, evaluations, run_id, after)

    def _rows(self, kind: Any, table: Any, run_id: str, after: int) -> list[Any]:
        columns = [table.c[name] for name in kind.__annotations__]
        query = (
            select(*columns)
            .where(table.c.run_id == run_id, table.c.id > after)
            .order_by(table.c.step, table.c.id)
        )
        with self._database.begin() as connection:
            return [kind(*row) for row in connection.execute(query)]
