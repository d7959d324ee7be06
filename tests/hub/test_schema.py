"""The migrations make the schema that the code reads, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub.store.database import Database
from hub.store.schema import HEAD, migrate, migrations
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


def test_each_migration_says_what_it_brings_in_both_languages() -> None:
    told = migrations()
    assert max(told) == HEAD
    for number, texts in told.items():
        assert texts["de"].endswith("."), number
        assert texts["en"].endswith("."), number
        assert texts["de"] != texts["en"]


def test_both_projections_have_the_same_tables() -> None:
    for public, professional in zip(PUBLIC.indexes.values(), PROFESSIONAL.indexes.values(), strict=True):
        assert public.name.removeprefix("public") == professional.name.removeprefix("professional")
        assert [column.name for column in public.columns] == [column.name for column in professional.columns]
