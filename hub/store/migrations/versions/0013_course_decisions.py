"""What people decided about offers and sources whose free places seem to be none."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Was Menschen über Angebote und Quellen entschieden, deren freie Plätze keine zu sein scheinen."
revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "course_decision",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("phantom", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("course_decision_by_phantom", "course_decision", ["phantom"])
