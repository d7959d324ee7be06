"""The index of the search for places goes by bands of latitude, and then by longitude."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Der Index der Platzsuche geht nach Breitenstreifen, dann nach der Länge."
revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for view in ("public", "professional"):
        op.drop_index(f"{view}_vacancy_near", table_name=f"{view}_vacancy")
        op.create_index(
            f"{view}_vacancy_near",
            f"{view}_vacancy",
            [
                "state",
                "care_form",
                sa.text("CAST(latitude * 8 AS INTEGER)"),
                "longitude",
                "latitude",
                "starts",
                "ends",
                "places",
                "rid",
            ],
        )
        if op.get_bind().dialect.name == "sqlite":
            _without_rowid(f"{view}_freshness")


def _without_rowid(table: str) -> None:
    """What is found by its key is then found by one look, and not by a second for its row."""
    op.rename_table(table, f"{table}_before")
    op.create_table(
        table,
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("aging_at", sa.BigInteger(), nullable=False),
        sa.Column("stale_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rid"),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO {table} SELECT rid, valid_at, confirmed_at, aging_at, stale_at, expires_at "
        f"FROM {table}_before ORDER BY rid"
    )
    op.drop_table(f"{table}_before")
