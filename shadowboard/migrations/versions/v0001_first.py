"""The first version. It stays as it is: what changes later is another migration."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Text,
    text,
)

revision = "0001"
down_revision = None

_COUNTER = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", _COUNTER, primary_key=True, autoincrement=True)


def _run_id(*, primary_key: bool = False) -> Column[str]:
    to_runs = ForeignKey("runs.id", ondelete="CASCADE")
    return Column("run_id", String(16), to_runs, nullable=False, primary_key=primary_key)


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "runs",
        Column("id", String(16), primary_key=True),
        Column("name", Text, nullable=False),
        Column("config", Text, nullable=False),
        Column("state", String(16), nullable=False),
        Column("message", Text, nullable=False),
        Column("step", BigInteger, nullable=False),
        Column("steps_per_second", Float, nullable=False),
        Column("stop_requested", Boolean, nullable=False),
        Column("worker", String(64)),
        Column("beat", BigInteger, nullable=False),
        Column("heartbeat_at", Float),
        Column("created_at", Float, nullable=False),
        Column("started_at", Float),
        Column("finished_at", Float),
    )
    op.create_index("runs_by_age", "runs", ["created_at"])
    op.create_index("runs_by_state", "runs", ["state", "created_at"])
    op.create_index("runs_by_name", "runs", ["name"])
    op.create_table(
        "checkpoints",
        _id(),
        _run_id(),
        Column("step", BigInteger, nullable=False),
        Column("bytes", BigInteger, nullable=False),
        Column("saved_at", Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("checkpoints_by_run", "checkpoints", ["run_id", "step"], unique=True)
    op.create_table(
        "training_metrics",
        _id(),
        _run_id(),
        Column("step", BigInteger, nullable=False),
        Column("loss", Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("training_metrics_by_run", "training_metrics", ["run_id", "step"], unique=True)
    op.create_table(
        "evaluations",
        _id(),
        _run_id(),
        Column("step", BigInteger, nullable=False),
        Column("average", String(64), nullable=False),
        Column("split", String(16), nullable=False),
        Column("n", Integer, nullable=False),
        Column("correct", Integer, nullable=False),
        Column("loss", Float),
        Column("seconds", Float, nullable=False),
        Column("created_at", Float, nullable=False),
        sqlite_autoincrement=True,
    )
    weights = ["run_id", "average", "step", "split"]
    op.create_index("evaluations_by_weights", "evaluations", weights, unique=True)
    best_first = text("correct DESC")
    op.create_index("evaluations_by_rank", "evaluations", ["run_id", "average", "split", best_first, "step"])
    op.create_table(
        "readings",
        Column("evaluation_id", _COUNTER, ForeignKey("evaluations.id", ondelete="CASCADE"), primary_key=True),
        Column("predictions", LargeBinary, nullable=False),
        Column("confidences", LargeBinary, nullable=False),
    )
    op.create_table(
        "claims",
        _run_id(primary_key=True),
        Column("step", BigInteger, primary_key=True, autoincrement=False),
        Column("average", String(64), primary_key=True),
        Column("split", String(16), primary_key=True),
        Column("server", String(16), nullable=False),
        Column("beat", BigInteger, nullable=False),
    )
