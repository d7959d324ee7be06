"""The first schema."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Das erste Schema."
revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "about",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "census_event",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("stay", TEXT, nullable=False),
        sa.Column("from_ward", TEXT, nullable=True),
        sa.Column("to_ward", TEXT, nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key"),
    )
    op.create_index("census_event_by_from_ward", "census_event", ["source", "from_ward"], unique=False)
    op.create_index("census_event_by_stay", "census_event", ["source", "stay"], unique=False)
    op.create_index("census_event_by_to_ward", "census_event", ["source", "to_ward"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "message_id", name="delivery_by_message_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("delivery_by_status", "delivery", ["status", "id"], unique=False)
    op.create_table(
        "professional_date",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("low", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("high", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "low", "high", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("professional_date_by_rid", "professional_date", ["rid"], unique=False)
    op.create_table(
        "professional_freshness",
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("aging_at", sa.BigInteger(), nullable=False),
        sa.Column("stale_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rid"),
    )
    op.create_table(
        "professional_history",
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("rid", "version"),
    )
    op.create_table(
        "professional_member",
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("rid", "member"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "professional_position",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("latitude", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("longitude", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "latitude", "longitude", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("professional_position_by_rid", "professional_position", ["rid"], unique=False)
    op.create_table(
        "professional_reference",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("target", TEXT, autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "target", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("professional_reference_by_rid", "professional_reference", ["rid"], unique=False)
    op.create_table(
        "professional_resource",
        sa.Column("rid", SERIAL, autoincrement=True, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("rid"),
        sa.UniqueConstraint("type", "id", name="professional_resource_by_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("professional_resource_by_update", "professional_resource", ["type", "updated"], unique=False)
    op.create_table(
        "professional_string",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("folded", TEXT, autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "folded", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("professional_string_by_rid", "professional_string", ["rid"], unique=False)
    op.create_table(
        "professional_token",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", TEXT, autoincrement=False, nullable=False),
        sa.Column("system", TEXT, autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "code", "system", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("professional_token_by_rid", "professional_token", ["rid"], unique=False)
    op.create_table(
        "professional_vacancy",
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("care_form", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("rid", "ordinal"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "professional_vacancy_near",
        "professional_vacancy",
        ["state", "care_form", "latitude", "longitude", "starts", "ends", "places", "rid"],
        unique=False,
    )
    op.create_table(
        "public_date",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("low", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("high", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "low", "high", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("public_date_by_rid", "public_date", ["rid"], unique=False)
    op.create_table(
        "public_freshness",
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("valid_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("aging_at", sa.BigInteger(), nullable=False),
        sa.Column("stale_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rid"),
    )
    op.create_table(
        "public_history",
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("delivery", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("rid", "version"),
    )
    op.create_table(
        "public_member",
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("member", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("rid", "member"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "public_position",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("latitude", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("longitude", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "latitude", "longitude", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("public_position_by_rid", "public_position", ["rid"], unique=False)
    op.create_table(
        "public_reference",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("target", TEXT, autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "target", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("public_reference_by_rid", "public_reference", ["rid"], unique=False)
    op.create_table(
        "public_resource",
        sa.Column("rid", SERIAL, autoincrement=True, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("rid"),
        sa.UniqueConstraint("type", "id", name="public_resource_by_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("public_resource_by_update", "public_resource", ["type", "updated"], unique=False)
    op.create_table(
        "public_string",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("folded", TEXT, autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "folded", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("public_string_by_rid", "public_string", ["rid"], unique=False)
    op.create_table(
        "public_token",
        sa.Column("param", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", TEXT, autoincrement=False, nullable=False),
        sa.Column("system", TEXT, autoincrement=False, nullable=False),
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("param", "code", "system", "rid"),
        sqlite_with_rowid=False,
    )
    op.create_index("public_token_by_rid", "public_token", ["rid"], unique=False)
    op.create_table(
        "public_vacancy",
        sa.Column("rid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("care_form", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("rid", "ordinal"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "public_vacancy_near",
        "public_vacancy",
        ["state", "care_form", "latitude", "longitude", "starts", "ends", "places", "rid"],
        unique=False,
    )
    op.create_table(
        "set_aside",
        sa.Column("delivery", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("issues", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery", "ordinal"),
    )
    op.create_index("set_aside_by_source", "set_aside", ["source", "delivery"], unique=False)
    op.create_table(
        "source_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "statement",
        sa.Column("offer", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("facility", TEXT, nullable=False),
        sa.Column("care_form", TEXT, nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=True),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("public_digest", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.Boolean(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("offer"),
    )
    op.create_index("statement_by_expiry", "statement", ["expired", "expires_at"], unique=False)
    op.create_index("statement_by_facility", "statement", ["source", "facility", "care_form"], unique=False)


def downgrade() -> None:
    op.drop_index("statement_by_facility", table_name="statement")
    op.drop_index("statement_by_expiry", table_name="statement")
    op.drop_table("statement")
    op.drop_table("source_token")
    op.drop_index("set_aside_by_source", table_name="set_aside")
    op.drop_table("set_aside")
    op.drop_index("public_vacancy_near", table_name="public_vacancy")
    op.drop_table("public_vacancy")
    op.drop_index("public_token_by_rid", table_name="public_token")
    op.drop_table("public_token")
    op.drop_index("public_string_by_rid", table_name="public_string")
    op.drop_table("public_string")
    op.drop_index("public_resource_by_update", table_name="public_resource")
    op.drop_table("public_resource")
    op.drop_index("public_reference_by_rid", table_name="public_reference")
    op.drop_table("public_reference")
    op.drop_index("public_position_by_rid", table_name="public_position")
    op.drop_table("public_position")
    op.drop_table("public_member")
    op.drop_table("public_history")
    op.drop_table("public_freshness")
    op.drop_index("public_date_by_rid", table_name="public_date")
    op.drop_table("public_date")
    op.drop_index("professional_vacancy_near", table_name="professional_vacancy")
    op.drop_table("professional_vacancy")
    op.drop_index("professional_token_by_rid", table_name="professional_token")
    op.drop_table("professional_token")
    op.drop_index("professional_string_by_rid", table_name="professional_string")
    op.drop_table("professional_string")
    op.drop_index("professional_resource_by_update", table_name="professional_resource")
    op.drop_table("professional_resource")
    op.drop_index("professional_reference_by_rid", table_name="professional_reference")
    op.drop_table("professional_reference")
    op.drop_index("professional_position_by_rid", table_name="professional_position")
    op.drop_table("professional_position")
    op.drop_table("professional_member")
    op.drop_table("professional_history")
    op.drop_table("professional_freshness")
    op.drop_index("professional_date_by_rid", table_name="professional_date")
    op.drop_table("professional_date")
    op.drop_index("delivery_by_status", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index("census_event_by_to_ward", table_name="census_event")
    op.drop_index("census_event_by_stay", table_name="census_event")
    op.drop_index("census_event_by_from_ward", table_name="census_event")
    op.drop_table("census_event")
    op.drop_table("about")
