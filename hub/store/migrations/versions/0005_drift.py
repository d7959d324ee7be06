"""What the deliveries of a source usually look like."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Wie die Lieferungen einer Quelle sonst aussehen."
revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "source_profile",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source"),
    )
