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

VERSION = "0002"
"""Of these tables: that of the last file in migrations/versions."""

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
    Index("runs_by_state", "state", "created_at"),
    Index("runs_by_name", "name"),
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
    Column("seconds", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("evaluations_by_weights", "run_id", "average", "step", "split", unique=True),
    sqlite_autoincrement=True,
)
# The first of some weights on a split is their best: of equals, the earliest.
Index(
    "evaluations_by_rank",
    evaluations.c.run_id,
    evaluations.c.average,
    evaluations.c.split,
    evaluations.c.correct.desc(),
    evaluations.c.step,
)

# What each image was read as. Apart from the scores, which are listed often and must lie close together.
readings = Table(
    "readings",
    metadata,
    Column("evaluation_id", _Counter, ForeignKey("evaluations.id", ondelete="CASCADE"), primary_key=True),
    Column("predictions", LargeBinary, nullable=False),  # uint8 [n]
    Column("confidences", LargeBinary, nullable=False),  # float32 [n], little-endian
)

# Runs that were queued together: a recipe with and without each of its parts, with several seeds.
studies = Table(
    "studies",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("studies_by_age", "created_at"),
)

study_runs = Table(
    "study_runs",
    metadata,
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("study_id", String(16), ForeignKey("studies.id", ondelete="CASCADE"), nullable=False),
    Column("variant", String(32), nullable=False),
    Index("study_runs_by_study", "study_id"),
)

# Evaluations that a server is making at this moment; a lease as that of a run.
claims = Table(
    "claims",
    metadata,
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("average", String(64), primary_key=True),
    Column("split", String(16), primary_key=True),
    Column("server", String(16), nullable=False),
    Column("beat", BigInteger, nullable=False),
)
