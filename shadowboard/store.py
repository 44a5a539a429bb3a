"""Runs, training metrics, checkpoints and evaluations in one SQL database: where worker and server meet."""

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, Row, create_engine, delete, event, func, insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from shadowboard.configuration import RunConfig, describe
from shadowboard.errors import LeaseLost, RunBusy, RunMissing, StoreUnavailable
from shadowboard.records import Cursor, Metric, Run, SavedCheckpoint, Score, State, StoredEvaluation
from shadowboard.schema import checkpoints, evaluations, metadata, runs, training_metrics

# No vowels and no look-alikes: an id is no word and reads well aloud.
_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
_ID_LENGTH = 6
_PATIENCE_SECONDS = 5.0


_SCORE = [evaluations.c[name] for name in Score.__annotations__]
_LATEST = (
    select(func.max(checkpoints.c.step)).where(checkpoints.c.run_id == runs.c.id).scalar_subquery()
).label("latest_checkpoint")


class Store:
    """The database. Every method is one transaction; any number of processes and threads may use it."""

    def __init__(self, url: str) -> None:
        """Open the database at the SQLAlchemy `url`, creating it where it is new. Raises StoreUnavailable."""
        self._engine = _open(url)
        self._create_tables()

    def _create_tables(self) -> None:
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with self._begin() as connection:
                    metadata.create_all(connection)
                    return
            except StoreUnavailable as error:
                # Another process is creating them at this moment.
                meanwhile = any(word in str(error) for word in ("already exists", "locked"))
                if not meanwhile or time.monotonic() > give_up:
                    raise
            time.sleep(0.1)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).splitlines()[0]
            url = self._engine.url.render_as_string(hide_password=True)
            raise StoreUnavailable(f"The database {url} cannot be used: {cause}.") from error

    # Runs

    def create_run(self, config: RunConfig, name: str = "", worker: str | None = None) -> Run:
        """Queue a run, or with a `worker` hand it to that one at once."""
        run_id = "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))
        row = {
            "id": run_id,
            "name": name or describe(config),
            "config": config.model_dump_json(),
            "state": "training" if worker else "queued",
            "worker": worker,
            "created_at": time.time(),
            "started_at": time.time() if worker else None,
        }
        with self._begin() as connection:
            connection.execute(insert(runs).values(row))
        return self.run(run_id)

    def runs(self, limit: int | None = None, state: State | None = None) -> list[Run]:
        """All runs, or the newest `limit`, or those in one state; newest first."""
        query = select(runs, _LATEST).order_by(runs.c.created_at.desc(), runs.c.id).limit(limit)
        if state:
            query = query.where(runs.c.state == state)
        with self._begin() as connection:
            return [_run(row) for row in connection.execute(query)]

    def run(self, run_id: str) -> Run:
        """The run with this id, or else the newest with this name. Raises RunMissing."""
        query = (
            select(runs, _LATEST)
            .where((runs.c.id == run_id) | (runs.c.name == run_id))
            .order_by((runs.c.id == run_id).desc(), runs.c.created_at.desc())
            .limit(1)
        )
        with self._begin() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise RunMissing(f"There is no run {run_id!r}; `shadowboard runs` and GET /runs list them.")
        return _run(row)

    def newest_run(self) -> Run:
        """The newest run that has a checkpoint, or else the newest. Raises RunMissing where there is none."""
        query = select(runs, _LATEST).order_by(_LATEST.is_(None), runs.c.created_at.desc()).limit(1)
        with self._begin() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise RunMissing("There is no run yet; `shadowboard up` or `shadowboard train` starts one.")
        return _run(row)

    def request_stop(self, run_id: str) -> None:
        """Ask that a run stop: its worker sees it within a second; a queued run stops at once."""
        with self._begin() as connection:
            mine = runs.c.id == run_id
            at_once = {"state": "stopped", "message": "Stopped in the queue.", "finished_at": time.time()}
            queued = connection.execute(update(runs).where(mine, runs.c.state == "queued").values(at_once))
            if not queued.rowcount:
                training = update(runs).where(mine, runs.c.state == "training").values(stop_requested=True)
                if not connection.execute(training).rowcount:
                    raise RunBusy(
                        f"The run {run_id} is neither queued nor in training, so it cannot be stopped."
                    )

    # The lease

    def claim(self, worker: str) -> Run | None:
        """Take the oldest queued run for `worker`, or None where there is none (left)."""
        oldest = (
            select(runs.c.id).where(runs.c.state == "queued").order_by(runs.c.created_at, runs.c.id).limit(1)
        )
        while True:
            with self._begin() as connection:
                run_id = connection.execute(oldest).scalar()
            if run_id is None:
                return None
            if self._take(run_id, worker, runs.c.state == "queued"):
                return self.run(run_id)

    def take_over(self, run: Run, worker: str) -> bool:
        """Take a run from the worker that held it when `run` was read; False where it has moved since."""
        held = runs.c.worker.is_(None) if run.worker is None else runs.c.worker == run.worker
        return self._take(run.id, worker, held & (runs.c.beat == run.beat) & (runs.c.state == run.state))

    def _take(self, run_id: str, worker: str, condition: Any) -> bool:
        values = {
            "state": "training",
            "message": "",
            "worker": worker,
            "beat": runs.c.beat + 1,
            "heartbeat_at": time.time(),
            "started_at": func.coalesce(runs.c.started_at, time.time()),
            "finished_at": None,
        }
        with self._begin() as connection:
            taken = connection.execute(update(runs).where(runs.c.id == run_id, condition).values(values))
            return bool(taken.rowcount)

    def heartbeat(self, run_id: str, worker: str) -> bool:
        """Say that `worker` lives; True where a stop was asked for. Raises LeaseLost."""
        with self._begin() as connection:
            self._fence(connection, run_id, worker, {})
            return _stop_requested(connection, run_id)

    def _fence(self, connection: Connection, run_id: str, worker: str, values: dict[str, Any]) -> None:
        """Write `values` on behalf of the worker that holds the run; nothing at all for any other."""
        mine = (runs.c.id == run_id) & (runs.c.worker == worker) & (runs.c.state == "training")
        beat = {"beat": runs.c.beat + 1, "heartbeat_at": time.time()}
        if not connection.execute(update(runs).where(mine).values(beat | values)).rowcount:
            raise LeaseLost(f"The run {run_id} was taken over, stopped or deleted; nothing more is written.")

    def release(self, run_id: str, worker: str, state: State, message: str) -> None:
        """End the worker's hold on the run, which goes to `state`. Raises LeaseLost."""
        done = None if state == "queued" else time.time()
        values = {
            "state": state,
            "message": message,
            "worker": None,
            "finished_at": done,
            "stop_requested": False,
        }
        with self._begin() as connection:
            self._fence(connection, run_id, worker, values)

    # What the worker writes

    def begin_at(self, run_id: str, worker: str, step: int) -> None:
        """The worker starts at `step`: forget what an earlier one recorded beyond it. Raises LeaseLost.

        Evaluations stay: the steps will be trained again to the same bytes.
        """
        with self._begin() as connection:
            self._fence(connection, run_id, worker, {"step": step})
            for table in (training_metrics, checkpoints):
                connection.execute(delete(table).where(table.c.run_id == run_id, table.c.step > step))

    def add_progress(
        self, run_id: str, worker: str, step: int, steps_per_second: float, metrics: Sequence[Metric]
    ) -> bool:
        """Record how far the run is, and its losses; True where a stop was asked for. Raises LeaseLost."""
        rows = [{"run_id": run_id, "step": m.step, "loss": m.loss} for m in metrics]
        with self._begin() as connection:
            self._fence(connection, run_id, worker, {"step": step, "steps_per_second": steps_per_second})
            if rows:
                connection.execute(insert(training_metrics), rows)
            return _stop_requested(connection, run_id)

    def add_checkpoint(self, run_id: str, worker: str, step: int, size: int) -> None:
        """Record a checkpoint of `size` bytes; one that is recorded already stays. Raises LeaseLost."""
        there = (checkpoints.c.run_id == run_id) & (checkpoints.c.step == step)
        row = {"run_id": run_id, "step": step, "bytes": size, "saved_at": time.time()}
        with self._begin() as connection:
            self._fence(connection, run_id, worker, {})
            if connection.execute(select(checkpoints.c.id).where(there)).first() is None:
                connection.execute(insert(checkpoints).values(row))

    # Evaluations

    def add_evaluation(self, run_id: str, score: Score, predictions: bytes, confidences: bytes) -> None:
        """Store an evaluation; one that is there already stays, since both are of the same weights.

        Raises RunMissing where the run was deleted meanwhile.
        """
        values = {name: getattr(score, name) for name in Score.__annotations__ if name != "id"}
        values |= {"run_id": run_id, "created_at": time.time()}
        values |= {"predictions": predictions, "confidences": confidences}
        try:
            with self._begin() as connection:
                connection.execute(insert(evaluations).values(values))
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            if self.evaluation(run_id, score.step, score.average, score.split) is None:
                raise RunMissing(f"The run {run_id} was deleted while it was evaluated.") from None

    def evaluation(self, run_id: str, step: int, average: str, split: str) -> StoredEvaluation | None:
        """The stored evaluation of these weights on this split, or None."""
        query = select(*_SCORE, evaluations.c.predictions, evaluations.c.confidences).where(
            evaluations.c.run_id == run_id,
            evaluations.c.step == step,
            evaluations.c.average == average,
            evaluations.c.split == split,
        )
        with self._begin() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        *score, predictions, confidences = row
        return StoredEvaluation(Score(*score), predictions, confidences)

    # What the server reads

    def cursor(self) -> Cursor:
        """The end of the store as it is now."""
        tables = (training_metrics, checkpoints, evaluations)
        with self._begin() as connection:
            ids = [connection.execute(select(func.max(table.c.id))).scalar() or 0 for table in tables]
        return Cursor(*ids)

    def metrics(self, run_id: str, after: int = 0) -> list[Metric]:
        """The run's training metrics with ids beyond `after`, by step."""
        return self._rows(Metric, training_metrics, run_id, after)

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
        with self._begin() as connection:
            return [kind(*row) for row in connection.execute(query)]


def _stop_requested(connection: Connection, run_id: str) -> bool:
    return bool(connection.execute(select(runs.c.stop_requested).where(runs.c.id == run_id)).scalar())


def _open(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
    except (ArgumentError, SQLAlchemyError, ModuleNotFoundError) as error:
        raise StoreUnavailable(f"The database URL cannot be used: {error}.") from error
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {Path(parsed.database or '').parent} cannot be created: {error.strerror}."
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # WAL lets the server read while the worker writes; 30 s outlast any sane lock.
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)
    try:
        config = RunConfig.model_validate_json(values["config"])
    except ValidationError as error:
        raise StoreUnavailable(
            f"The run {values['id']} has a configuration that this version cannot read: {values['config']}."
        ) from error
    return Run(**values | {"config": config})
