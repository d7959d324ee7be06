"""Fetching: how each feed stands, and the deliveries of a source in their order."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Abrufe: wie jeder steht, und die Lieferungen einer Quelle in ihrer Reihenfolge."
revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "feed",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("mark", TEXT, nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("attempted_at", sa.BigInteger()),
        sa.Column("claimed_until", sa.BigInteger(), nullable=False),
        sa.Column("led", sa.Boolean(), nullable=False),
        sa.Column("succeeded_at", sa.BigInteger()),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.LargeBinary()),
        sa.Column("memory", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("delivery_by_source", "delivery", ["source", "id"])
