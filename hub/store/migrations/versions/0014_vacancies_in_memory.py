"""The search for places reads from memory, and a list of changes tells it what to read again."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Die Platzsuche liest aus dem Speicher, und eine Liste von Änderungen sagt, was neu zu lesen ist."
revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for view in ("public", "professional"):
        table = f"{view}_vacancy"
        op.drop_index(f"{table}_near", table_name=table)
        op.create_index(f"{table}_by_latitude", table, ["latitude"])
        op.create_table(
            f"{view}_change",
            sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
            sa.Column("rid", sa.BigInteger(), nullable=False),
            sa.Column("kind", sa.Integer(), nullable=False),
            sa.PrimaryKeyConstraint("seq"),
            sqlite_autoincrement=True,
        )
