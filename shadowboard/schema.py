"""The tables of the store. Times are seconds since 1970, UTC; losses are in nats."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

# SQLite only counts up by itself in a column declared INTEGER.
_Counter = BigInteger().with_variant(Integer, "sqlite")


def _run_id() -> Column[str]:
    return Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False)


runs = Table(
    "runs",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("step", BigInteger, nullable=False, default=0),
    Column("steps_per_second", Float, nullable=False, default=0.0),
    Column("stop_requested", Boolean, nullable=False, default=False),
    # The lease: the worker that holds the run, and a count that it keeps raising while it lives.
    Column("worker", String(64)),
    Column("beat", BigInteger, nullable=False, default=0),
    Column("heartbeat_at", Float),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Index("runs_by_age", "created_at"),
    Index("runs_by_state", "state"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    _run_id(),
    Column("step", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("saved_at", Float, nullable=False),
    Index("checkpoints_by_run", "run_id", "step", unique=True),
    sqlite_autoincrement=True,
)

# One row for some twenty steps: the mean loss of the steps since the row before.
training_metrics = Table(
    "training_metrics",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    _run_id(),
    Column("step", BigInteger, nullable=False),
    Column("loss", Float, nullable=False),
    Index("training_metrics_by_run", "run_id", "step", unique=True),
    sqlite_autoincrement=True,
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    _run_id(),
    Column("step", BigInteger, nullable=False),
    Column("average", String(64), nullable=False),  # empty: the raw weights
    Column("split", String(16), nullable=False),
    Column("n", Integer, nullable=False),
    Column("correct", Integer, nullable=False),
    Column("loss", Float),  # null where it is not a finite number
    Column("predictions", LargeBinary, nullable=False),  # uint8 [n]
    Column("confidences", LargeBinary, nullable=False),  # float32 [n], little-endian
    Column("seconds", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("evaluations_by_run", "run_id", "step", "average", "split", unique=True),
    sqlite_autoincrement=True,
)
