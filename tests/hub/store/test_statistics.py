"""PostgreSQL plans by what it knows of its tables: where it has never looked at one, the hub has it look."""

from pathlib import Path

import pytest
from sqlalchemy import text

from hub.errors import TooCostly
from hub.hub import Hub
from hub.settings import Settings
from hub.store.clock import micros
from hub.store.database import Database
from hub.store.draft import Draft
from hub.store.repository import Repository
from hub.store.statistics import unknown
from hub.store.tables import PROFESSIONAL
from tests.conftest import NOW
from tests.hub.search.universe import REGISTRY, page, universe

DEEP = "&".join(["_has:Patient:link:" * 5 + "name=mu"] * 4)


@pytest.mark.parametrize("bare_database_url", ["postgresql"], indirect=True)
def test_a_hub_that_opens_has_tables_looked_at_that_nobody_knows(bare_database_url: str, tmp_path: Path) -> None:
    settings = Settings(database=bare_database_url, folder=tmp_path)
    Hub.open(settings).close()
    database = Database(bare_database_url)
    with database.writing() as connection:
        # Or PostgreSQL might look at it by itself meanwhile.
        connection.execute(text("ALTER TABLE professional_reference SET (autovacuum_enabled = false)"))
    with database.transaction() as transaction:
        Repository(PROFESSIONAL, REGISTRY).store(transaction, map(Draft.of, universe(3)), at=micros(NOW))
    with database.writing() as connection:
        assert "professional_reference" in unknown(connection)
    with pytest.raises(TooCostly):
        page(database, "Patient", DEEP)
    Hub.open(settings).close()
    with database.writing() as connection:
        assert unknown(connection) == []
    assert page(database, "Patient", DEEP).total is not None
    database.close()
