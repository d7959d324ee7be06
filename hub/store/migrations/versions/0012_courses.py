"""How long sources said the same of an offer, and how likely a place is still free."""

import orjson
import sqlalchemy as sa
from alembic import op

GERMAN = "Wie lange Quellen dasselbe von einem Angebot sagten, und wie wahrscheinlich ein Platz noch frei ist."
revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SOME = 2_000


def upgrade() -> None:
    op.add_column("statement", sa.Column("since", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("statement", sa.Column("said", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("statement", sa.Column("state", TEXT, nullable=False, server_default="unknown"))
    op.add_column("statement", sa.Column("accepting", sa.Integer(), nullable=True))
    _tell_of_what_stands()
    op.create_table(
        "course_run",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("offer", TEXT, nullable=False),
        sa.Column("care_form", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("accepting", sa.Integer(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("course_run_by_offer", "course_run", ["offer", "ended", "id"])
    op.create_table(
        "still_free",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("care_form", TEXT, nullable=False),
        sa.Column("places", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reported", TEXT, nullable=False),
        sa.Column("age", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source", "care_form", "places", "reported", "age"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "still_free_score",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("care_form", TEXT, nullable=False),
        sa.Column("places", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looks", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("brier", sa.Double(), nullable=False),
        sa.Column("baseline", sa.Double(), nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("source", "care_form", "places"),
        sqlite_with_rowid=False,
    )


def _tell_of_what_stands() -> None:
    """What was said before runs were recorded, as far as the report says it."""
    connection = op.get_bind()
    connection.execute(
        sa.text(
            "UPDATE statement SET since = CASE WHEN changed_at < ordered_at THEN changed_at ELSE ordered_at END, "
            "said = CASE WHEN confirmed_at > changed_at AND ordered_at > changed_at THEN 2 ELSE 1 END"
        )
    )
    some = sa.text("SELECT offer, report FROM statement WHERE offer > :after ORDER BY offer LIMIT :some")
    put = sa.text("UPDATE statement SET state = :state, accepting = :accepting WHERE offer = :offer")
    after = ""
    while rows := connection.execute(some, {"after": after, "some": SOME}).all():
        connection.execute(put, [{"offer": row.offer, **_said(orjson.loads(row.report))} for row in rows])
        after = rows[-1].offer


def _said(report: dict[str, object]) -> dict[str, object]:
    """As `places_said` had it when this was written."""
    state, counts, blocks = report["state"], report["counts"], report["blocks"]
    assert isinstance(counts, dict) and isinstance(blocks, list)
    accepting = counts.get("accepting")
    if state in ("none", "unknown"):
        return {"state": state, "accepting": 0 if state == "none" else None}
    if accepting is None or (accepting <= 0 and state == "some"):
        listed = sum(block["count"] for block in blocks if block["status"] == "free" and block["count"] > 0)
        if listed:
            return {"state": state, "accepting": listed}
        if accepting is not None:
            return {"state": "none", "accepting": 0}
    return {"state": state, "accepting": None if accepting is None else max(accepting, 0)}
