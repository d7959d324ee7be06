"""Homes that report by link, their reminders, and when jobs ran."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Häuser, die per Link melden, ihre Erinnerungen, und wann Aufgaben liefen."
revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "home",
        sa.Column("number", SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("facility", sa.LargeBinary(), nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("sending_since", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id", name="home_by_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reminder",
        sa.Column("home", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("period", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("try_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("home", "period"),
    )
    op.create_table(
        "job",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.drop_index("delivery_by_status", table_name="delivery")
    op.create_index("delivery_by_status", "delivery", ["status", "source", "id"])
