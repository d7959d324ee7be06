"""Identity: which facilities of several sources are one, why, and who decided it."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Identität: welche Einrichtungen mehrerer Quellen eine sind, warum, und wer das entschieden hat."
revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "facility",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("joined", TEXT),
        sa.Column("withdrawn", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("facility_by_joined", "facility", ["joined"])
    op.create_table(
        "facility_match_key",
        sa.Column("match_key", TEXT, nullable=False),
        sa.Column("facility", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("match_key", "facility"),
        sqlite_with_rowid=False,
    )
    op.create_index("facility_match_key_by_facility", "facility_match_key", ["facility"])
    op.create_table(
        "facility_likeness",
        sa.Column("one", TEXT, nullable=False),
        sa.Column("other", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", "other"),
        sqlite_with_rowid=False,
    )
    op.create_index("facility_likeness_by_other", "facility_likeness", ["other"])
    op.create_index("facility_likeness_open", "facility_likeness", ["is_open", "score"])
    op.create_table(
        "identity_decision",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("one", TEXT, nullable=False),
        sa.Column("other", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("undoes", sa.BigInteger()),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("identity_decision_by_one", "identity_decision", ["one", "stands"])
    op.create_index("identity_decision_by_other", "identity_decision", ["other", "stands"])
    op.create_table(
        "joined_offer",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("joined", TEXT, nullable=False),
        sa.Column("location", TEXT, nullable=False),
        sa.Column("schedule", TEXT, nullable=False),
        sa.Column("winner", TEXT, nullable=False),
        sa.Column("public_digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("joined_offer_by_joined", "joined_offer", ["joined"])
    op.create_table(
        "pool_bound",
        sa.Column("offer", TEXT, nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("offer"),
        sqlite_with_rowid=False,
    )
