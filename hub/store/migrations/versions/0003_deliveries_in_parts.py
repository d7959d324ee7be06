"""Deliveries in parts, bodies that crash us, and what of an offer and a facility is shown.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

GERMAN = "Lieferungen in Teilen, Inhalte, an denen wir abstürzen, und was von Angebot und Einrichtung gezeigt wird."
revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("statement", sa.Column("offer_digest", sa.LargeBinary()))
    op.create_table(
        "shown_facility",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("facility", TEXT, nullable=False),
        sa.Column("public_digest", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "facility"),
        sqlite_with_rowid=False,
    )
    op.add_column("delivery", sa.Column("parts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("delivery", sa.Column("parts_done", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "delivery_part",
        sa.Column("delivery", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery", "ordinal"),
    )
    op.create_table(
        "suspect",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
