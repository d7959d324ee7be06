"""Of a feed it is known which delivery of its last files was not taken whole."""

import sqlalchemy as sa
from alembic import op

GERMAN = "Von einem Abruf ist bekannt, welche Lieferung seiner letzten Dateien nicht ganz übernommen wurde."
revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed", sa.Column("not_taken", sa.BigInteger(), nullable=True))
