"""Studies: sets of runs that belong together. It stays as it is: what changes later is another migration."""

from alembic import op
from sqlalchemy import Column, Float, ForeignKey, String, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of studies and of their runs."""
    op.create_table(
        "studies",
        Column("id", String(16), primary_key=True),
        Column("name", Text, nullable=False),
        Column("plan", Text, nullable=False),
        Column("created_at", Float, nullable=False),
    )
    op.create_index("studies_by_age", "studies", ["created_at"])
    op.create_table(
        "study_runs",
        Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        Column("study_id", String(16), ForeignKey("studies.id", ondelete="CASCADE"), nullable=False),
        Column("variant", String(32), nullable=False),
    )
    op.create_index("study_runs_by_study", "study_runs", ["study_id"])
