"""The migrations make the schema that the code reads, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub.store.database import Database
from hub.store.schema import HEAD, migrate
from hub.store.tables import PROFESSIONAL, PUBLIC, metadata


# Whether it is used is tested where it is searched: "the index alone answers".
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrations_make_the_schema(bare_database_url: str) -> None:
    database = Database(bare_database_url)
    migrate(database)
    migrate(database)
    with database.writing() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    database.close()
    assert differences == []


def test_head_is_the_newest_migration() -> None:
    versions = Path(__file__).parents[2] / "hub/store/migrations/versions"
    assert max(path.name.split("_")[0] for path in versions.glob("0*.py")) == HEAD


def test_both_projections_have_the_same_tables() -> None:
    for public, professional in zip(PUBLIC.indexes.values(), PROFESSIONAL.indexes.values(), strict=True):
        assert public.name.removeprefix("public") == professional.name.removeprefix("professional")
        assert [column.name for column in public.columns] == [column.name for column in professional.columns]
