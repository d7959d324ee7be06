"""Every setting of the hub: name, default, one sentence."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["DEFAULT_BASE_URL", "Settings"]

DEFAULT_FOLDER = Path("platzfrei-data")
DEFAULT_BASE_URL = "http://127.0.0.1:8080"
DEFAULT_DATABASE = "sqlite:///platzfrei-data/platzfrei.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can decide; each from a command's option or from the environment."""

    database: str = DEFAULT_DATABASE
    """Where the data lies, as a URL: `sqlite:///FILE` or `postgresql://…` (PLATZFREI_DATABASE, `--database`)."""
    folder: Path = DEFAULT_FOLDER
    """Where the key file and the folders `sources/` and `feeds/` lie (PLATZFREI_FOLDER); unless said, beside an SQLite
    file, or in `platzfrei-data/NAME` for a PostgreSQL database."""

    base_url: str = DEFAULT_BASE_URL
    """Where people reach this hub: what mailed links begin with (PLATZFREI_BASE_URL)."""
    office: str = ""
    """Whom a home asks for help, as its page says it: name, phone, address (PLATZFREI_OFFICE)."""
    smtp: str = field(default="", repr=False)
    """The mail server: `smtps://USER:PASSWORD@HOST`, or `smtp://…` with STARTTLS (PLATZFREI_SMTP); blank: no mail."""
    mail_from: str = ""
    """The sender of mails (PLATZFREI_MAIL_FROM)."""
    trusted_proxies: str = ""
    """Addresses of reverse proxies whose X-Forwarded-* count, commas between (PLATZFREI_TRUSTED_PROXIES)."""

    @classmethod
    def of(cls, *, database: str | None = None, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings from an option, else from the environment, else the defaults."""
        url = database or environment.get("PLATZFREI_DATABASE") or DEFAULT_DATABASE
        folder = environment.get("PLATZFREI_FOLDER")
        return cls(
            database=url,
            folder=Path(folder) if folder else _beside(url),
            base_url=(environment.get("PLATZFREI_BASE_URL") or DEFAULT_BASE_URL).rstrip("/"),
            office=environment.get("PLATZFREI_OFFICE", ""),
            smtp=environment.get("PLATZFREI_SMTP", ""),
            mail_from=environment.get("PLATZFREI_MAIL_FROM", ""),
            trusted_proxies=environment.get("PLATZFREI_TRUSTED_PROXIES", ""),
        )

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL, and for what is no URL."""
        try:
            parsed = make_url(self.database)
        except ArgumentError:
            return None
        return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None

    @property
    def key_file(self) -> Path:
        """The secret that visit numbers are hashed with; never in the database."""
        return self.folder / "platzfrei.key"

    @property
    def sources(self) -> Path:
        """The folder of the operator's own source maps."""
        return self.folder / "sources"

    @property
    def feeds(self) -> Path:
        """The folder of the feeds: where deliveries are fetched."""
        return self.folder / "feeds"


def _beside(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError:
        return DEFAULT_FOLDER  # what is wrong with the URL, the database says
    if parsed.database is None:
        return DEFAULT_FOLDER
    if parsed.get_backend_name() == "sqlite":
        return Path(parsed.database).parent
    # What belongs to two databases must not lie in one folder.
    return DEFAULT_FOLDER / parsed.database
