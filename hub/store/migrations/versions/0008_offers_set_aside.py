"""Of which offers the records speak that lie aside."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Von welchen Angeboten die Datensätze sprechen, die beiseiteliegen."
revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "set_aside_offer",
        sa.Column("delivery", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offer", TEXT, nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("delivery", "ordinal", "offer"),
        sqlite_with_rowid=False,
    )
    op.create_index("set_aside_offer_by_offer", "set_aside_offer", ["offer"])
