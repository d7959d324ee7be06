"""Every FHIR type: more ways of indexing, histories by time, and counters.

Index tables hold nothing that cannot be made again: the hub fills them when it opens next.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

GERMAN = "Alle FHIR-Typen: mehr Wege zu suchen, Verläufe nach der Zeit, und Zähler."
revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
VIEWS = ("public", "professional")
REPLACED = ("token", "string", "reference", "date", "position")
INDEXES: dict[str, tuple[tuple[str, Any], ...]] = {
    "token": (("code", TEXT), ("system", TEXT)),
    "string": (("folded", TEXT), ("exact", TEXT)),
    "reference": (("target_id", TEXT), ("target_type", TEXT)),
    "date": (("low", sa.BigInteger()), ("high", sa.BigInteger())),
    "number": (("low", sa.Double()), ("high", sa.Double())),
    "quantity": (("low", sa.Double()), ("high", sa.Double()), ("code", TEXT), ("system", TEXT)),
    "uri": (("uri", TEXT),),
    "position": (("latitude", sa.Double()), ("longitude", sa.Double())),
    "composite": (
        ("component", sa.Integer()),
        ("text", TEXT),
        ("low", sa.Double()),
        ("high", sa.Double()),
        ("system", TEXT),
        ("ordinal", sa.Integer()),
    ),
}


def upgrade() -> None:
    for view in VIEWS:
        for kind in REPLACED:
            op.drop_table(f"{view}_{kind}")
        for kind, columns in INDEXES.items():
            op.create_table(
                f"{view}_{kind}",
                sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
                *(sa.Column(name, column, autoincrement=False, nullable=False) for name, column in columns),
                sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
                sa.PrimaryKeyConstraint("param", *(name for name, _ in columns), "rid"),
                sqlite_with_rowid=False,
            )
            op.create_index(f"{view}_{kind}_by_rid", f"{view}_{kind}", ["rid", "param"])
        op.create_table(
            f"{view}_count",
            sa.Column("type", TEXT, nullable=False),
            sa.Column("resources", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("type"),
            sqlite_with_rowid=False,
        )
        op.execute(
            f"INSERT INTO {view}_count (type, resources) "
            f"SELECT type, count(*) FROM {view}_resource WHERE NOT deleted GROUP BY type"
        )
        op.add_column(f"{view}_history", sa.Column("type", TEXT, nullable=False, server_default=""))
        op.execute(
            f"UPDATE {view}_history SET type = (SELECT r.type FROM {view}_resource r WHERE r.rid = {view}_history.rid)"
        )
        op.add_column(f"{view}_history", sa.Column("change", TEXT, nullable=False, server_default="updated"))
        op.execute(f"UPDATE {view}_history SET change = 'created' WHERE version = 1")
        op.execute(f"UPDATE {view}_history SET change = 'deleted' WHERE content IS NULL")
        op.create_index(f"{view}_history_by_time", f"{view}_history", ["updated", "rid", "version"])
        op.create_index(f"{view}_history_by_type", f"{view}_history", ["type", "updated", "rid", "version"])
    op.create_table(
        "offer_part",
        sa.Column("type", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("type", "id"),
        sqlite_with_rowid=False,
    )
    op.execute("DELETE FROM about WHERE name = 'search_parameters'")
