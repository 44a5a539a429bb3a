"""Runs, training metrics, checkpoints and evaluations in one SQL database: where worker and server meet."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import insert, select, true, update
from sqlalchemy.exc import IntegrityError

from shadowboard import history, transitions
from shadowboard.configuration import RunConfig, describe
from shadowboard.database import LOCK_SECONDS, Database, alone
from shadowboard.errors import RunMissing, StoreUnavailable
from shadowboard.found import Evaluated, add_found, learn, require, watch
from shadowboard.printable import in_a_line
from shadowboard.records import (
    Cursor,
    Metric,
    NewestRuns,
    PairedReadings,
    Run,
    SavedCheckpoint,
    Score,
    Standing,
    State,
    StoredEvaluation,
)
from shadowboard.run_queries import (
    IS_FINISHED,
    IS_SAVED,
    all_runs,
    find_run,
    newest_first,
    newest_runs,
    oldest_queued,
)
from shadowboard.run_rows import new_row
from shadowboard.schema import evaluations, runs
from shadowboard.scores import find_evaluation, insert_evaluation, paired_readings, standings
from shadowboard.studies import Studies
from shadowboard.watched import WatchedConfig


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
        with self._database.begin() as connection:
            alone(connection)  # of two that watch it at the same moment, the second finds the first one's run
            run_id = watch(connection, config, name)
        return self.run(run_id)

    def runs(self, state: State | None = None) -> list[Run]:
        """All runs, or those in one state, that this version can read; newest first."""
        with self._database.begin() as connection:
            return all_runs(connection, state)

    def newest_runs(self, limit: int | None, *, outside_studies: bool = False) -> NewestRuns:
        """The newest `limit` runs that this version can read, and how many there were in all at that moment.

        With `outside_studies` only those that are part of no study, and how many of these.
        """
        with self._database.begin() as connection:
            return newest_runs(connection, limit, outside_studies=outside_studies)

    def run(self, run_id: str) -> Run:
        """The run with this id, or else the newest with this name. Raises RunMissing."""
        with self._database.begin() as connection:
            return find_run(connection, run_id)

    def newest_run(self) -> Run:
        """The newest run that has a checkpoint, or else the newest. Raises RunMissing where there is none."""
        run = next(self.saved_runs(), None) or next(newest_first(self._database, true()), None)
        if run is None:
            raise RunMissing("There is no run yet; `shadowboard up` or `shadowboard train` starts one.")
        return run

    def saved_runs(self) -> Iterator[Run]:
        """The runs that have a checkpoint, whether or not its files are still there; newest first.

        Without those that a study has only for comparison.
        """
        return newest_first(self._database, IS_SAVED)

    def finished_runs(self) -> Iterator[Run]:
        """The finished runs of which anything is evaluated, newest first; so without some of a study's."""
        return newest_first(self._database, IS_FINISHED)

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

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run with this id, be it one that this version cannot read."""
        with self._database.begin() as connection:
            return connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first() is not None

    def delete_run(self, run_id: str, mark: Callable[[Sequence[str]], None] = lambda ids: None) -> None:
        """Delete all rows of the run with this id, which is not in training; `mark` it just before.

        Raises RunMissing, RunBusy; then nothing is marked.
        """
        with self._database.begin(durable=True) as connection:
            transitions.delete_idle(connection, run_id)
            mark([run_id])

    # The lease

    def claim(self, worker: str) -> Run | None:
        """Take the oldest queued run for `worker`, or None where there is none (left) that it can read."""
        while True:
            with self._database.begin() as connection:
                oldest = oldest_queued(connection)
            if oldest is None:
                return None
            with self._database.begin() as connection:
                taken = transitions.take(connection, oldest.id, worker, runs.c.state == "queued")
            if taken:
                return self.run(oldest.id)

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
            history.forget_beyond(connection, run_id, step)

    def add_progress(
        self, run_id: str, worker: str, step: int, steps_per_second: float, metrics: Sequence[Metric]
    ) -> bool:
        """Record how far the run is, and its losses; True where a stop was asked for. Raises LeaseLost."""
        with self._database.begin() as connection:
            transitions.write_as(
                connection, run_id, worker, {"step": step, "steps_per_second": steps_per_second}
            )
            history.add_metrics(connection, run_id, metrics)
            return transitions.stop_requested(connection, run_id)

    def add_checkpoint(self, run_id: str, worker: str, step: int, size: int) -> None:
        """Record a checkpoint of `size` bytes; one that is recorded already stays. Raises LeaseLost."""
        with self._database.begin() as connection:
            transitions.write_as(connection, run_id, worker, {})
            history.add_checkpoint(connection, run_id, step, size)

    # What watching a folder finds

    def add_sight(
        self,
        run_id: str,
        config: WatchedConfig,
        message: str,
        found: Sequence[SavedCheckpoint],
        anew: Collection[int] = (),
    ) -> None:
        """Record what is known of a watched run by now, and checkpoints that are new or written anew.

        The evaluations of the latter go: of those of another time or size than is recorded, and of the steps
        `anew`; all of them where the activation is another one by now. Nothing is recorded where the run is
        not watched any more.
        """
        with self._database.begin() as connection:
            alone(connection)
            if transitions.write_watched(connection, run_id, {"message": message}, found):
                learn(connection, run_id, config)
                add_found(connection, run_id, found, anew)

    # Evaluations

    def add_evaluation(
        self,
        run_id: str,
        score: Score,
        predictions: bytes,
        confidences: bytes,
        of: Evaluated | None = None,
    ) -> None:
        """Store an evaluation; one that is there already stays, since both are of the same weights.

        `of`: what it was made of, of a watched run. Raises CheckpointMissing where that is another by now,
        RunMissing where the run was deleted meanwhile.
        """
        try:
            with self._database.begin() as connection:
                if of:
                    alone(connection)
                    require(connection, run_id, of)
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
        return paired_readings(self._database, run_id, average, split)

    def standings(self, run_id: str | None = None) -> list[Standing]:
        """How the raw weights and each average have done, of one run or of all; by run and average."""
        with self._database.begin() as connection:
            return standings(connection, None if run_id is None else evaluations.c.run_id == run_id)

    # What the server reads

    def cursor(self) -> Cursor:
        """The end of the store as it is now."""
        with self._database.begin() as connection:
            return history.end_of_all(connection)

    def metrics(self, run_id: str, after: int = 0, most: int | None = None) -> list[Metric]:
        """The run's training metrics with ids beyond `after`, by step.

        At most `most` (≥ 1), evenly by index; the last is always among them, and from two on the first.
        """
        if most is None:
            return self._rows(Metric, run_id, after)
        with self._database.begin() as connection:
            return history.thinned_metrics(connection, run_id, after, most)

    def checkpoints(self, run_id: str, after: int = 0) -> list[SavedCheckpoint]:
        """The run's checkpoints with ids beyond `after`, by step."""
        return self._rows(SavedCheckpoint, run_id, after)

    def scores(self, run_id: str, after: int = 0) -> list[Score]:
        """The run's evaluations with ids beyond `after`, by step."""
        return self._rows(Score, run_id, after)

    def _rows(self, kind: Any, run_id: str, after: int) -> list[Any]:
        with self._database.begin() as connection:
            return history.rows(connection, kind, run_id, after)
