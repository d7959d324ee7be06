"""By what else than form, state, place and days an offer is chosen.

Of what was said before nothing is known of it: each source's next statement of an offer is written again.
"""

import sqlalchemy as sa
from alembic import op

GERMAN = "Wonach ein Angebot sonst gewählt wird, außer nach Form, Zustand, Ort und Tagen."
revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
CRITERIA = (
    ("needs", sa.BigInteger()),
    ("care_grades", sa.Integer()),
    ("rooms", sa.Integer()),
    ("sexes", sa.Integer()),
    ("operator", sa.BigInteger()),
    ("languages", TEXT),
    ("payers", sa.BigInteger()),
    ("own_share", sa.Integer()),
    ("ags", sa.Integer()),
    ("by_area", sa.Integer()),
)


def upgrade() -> None:
    for view in ("public", "professional"):
        table = f"{view}_vacancy"
        for name, kind in CRITERIA:
            nothing = {"languages": "", "own_share": "-1"}.get(name, "0")
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=nothing))
        op.drop_index(f"{view}_vacancy_near", table_name=table)
        op.create_index(
            f"{view}_vacancy_near",
            table,
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
                *(name for name, _ in CRITERIA),
            ],
        )
        op.create_table(
            f"{view}_service_area",
            sa.Column("postal_code", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.PrimaryKeyConstraint("postal_code", "rid"),
            sqlite_with_rowid=False,
        )
        op.create_index(f"{view}_service_area_rid", f"{view}_service_area", ["rid"])
    op.execute(sa.text("UPDATE statement SET digest = :none, public_digest = :none").bindparams(none=b""))
