"""The figures of districts day by day, and how many searches found nothing."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Die Zahlen der Kreise Tag für Tag, und wie viele Suchen nichts fanden."
revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_FIGURES = (
    *("offers", "reporting", "last_day", "fresh", "aging", "stale", "expired"),
    *("some", "none", "ask", "unknown", "free", "uncounted", "licensed"),
)


def upgrade() -> None:
    op.create_table(
        "region_taken",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "region_day",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("district", _TEXT, nullable=False),
        sa.Column("care_form", _TEXT, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _FIGURES),
        sa.PrimaryKeyConstraint("day", "district", "care_form"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "search_tally",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("district", _TEXT, nullable=False),
        sa.Column("municipality", _TEXT, nullable=False),
        sa.Column("care_forms", _TEXT, nullable=False),
        sa.Column("needs", _TEXT, nullable=False),
        sa.Column("searches", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "district", "municipality", "care_forms", "needs"),
        sqlite_with_rowid=False,
    )
