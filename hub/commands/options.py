"""What every command shares: its parser, `--database`, and how an error reaches the terminal."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy.exc import DatabaseError

from hub.commands.receipt_text import in_german
from hub.commands.usage import Parser, Usage, language_of
from hub.settings import Settings
from mappings.errors import Issue, PlatzfreiError, Rejected
from mappings.terminology import Language

if TYPE_CHECKING:
    from hub.hub import Hub

__all__ = ["Command", "existing", "opened", "parser", "read", "run", "settings", "text"]

Command = Callable[[argparse.Namespace], int]


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A command's parser, with the options that all commands have."""
    made = Parser(prog=f"platzfrei {name}", description=description, allow_abbrev=False)
    made.add_argument(
        "--database",
        metavar="URL",
        help="sqlite:///FILE or postgresql://… (also PLATZFREI_DATABASE; default sqlite:///platzfrei-data/platzfrei.db)",
    )
    made.add_argument(
        "--language",
        choices=("de", "en"),
        default=language_of(),
        help="language of what is printed (default: yours, or de)",
    )
    return made


def settings(options: argparse.Namespace) -> Settings:
    """The settings that the options ask for."""
    return Settings.of(database=options.database)


def run(made: argparse.ArgumentParser, arguments: Sequence[str], command: Command) -> int:
    """Parse, run, and print our errors as sentences; any other is a fault and keeps its traceback."""
    try:
        options = made.parse_args(arguments)
    except Usage as wrong:
        _end(wrong, language_of(arguments))
    try:
        return command(options)
    except Usage as wrong:
        _end(wrong, options.language)
    except PlatzfreiError as error:
        for issue in error.issues:
            # Where in an HTTP request it would stand is of no use here: the sentence names the parameter.
            place = f"{issue.place}: " if issue.place and not issue.place.startswith("http") else ""
            if options.language == "de" and place.startswith(("line ", "lines ", "row ", "message ", "byte ")):
                place = in_german(place)
            print(f"platzfrei: {place}{text(options, issue.text_de, issue.text_en)}", file=sys.stderr)
        return 2
    except DatabaseError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig is not None else ""
        told = text(options, "die Datenbank antwortet nicht", "the database does not answer")
        print(f"platzfrei: --database: {told} ({reason})", file=sys.stderr)
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return _unread()
        told = text(options, "nicht zu lesen oder zu schreiben", "cannot be read or written")
        print(f"platzfrei: {error.filename}: {told} ({error.strerror})", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _end(wrong: Usage, language: Language) -> NoReturn:
    print(wrong.told(language), file=sys.stderr)
    raise SystemExit(2) from None


def _unread() -> int:
    """Whoever read our output has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def opened(options: argparse.Namespace, chosen: Settings | None = None, *, of_sources: bool = False) -> "Hub":
    """The hub that the options name; `of_sources`: the command is about sources, so it is told that something is wrong
    with maps and code tables, and what is with feeds."""
    # Half a second's imports: only for those who want all of a hub.
    from hub.hub import Hub

    hub = Hub.open(chosen or settings(options))
    if of_sources:
        if hub.sources.wrong:
            listed = ", ".join(hub.sources.wrong)
            told = text(
                options,
                f"in eigenen Karten oder Codetabellen ist etwas falsch oder offen ({listed}): platzfrei map check",
                f"something is wrong or open in source maps or code tables of your own ({listed}): platzfrei map check",
            )
            print(f"platzfrei: {told}", file=sys.stderr)
        for issue in hub.fetcher.feeds.problems:
            print(f"platzfrei: {issue.place}: {text(options, issue.text_de, issue.text_en)}", file=sys.stderr)
    return hub


def existing(options: argparse.Namespace) -> Settings:
    """The settings that the options ask for; `Rejected` where there is no database yet to read."""
    chosen = settings(options)
    if chosen.file is not None and not chosen.file.exists():
        raise Rejected(
            Issue(
                code="no-database",
                place=str(chosen.file),
                text_de="hier ist keine Datenbank; --database oder das Verzeichnis prüfen, oder erst: platzfrei demo",
                text_en="there is no database here; check --database or the folder, or first: platzfrei demo",
            )
        )
    return chosen


def read(path: Path) -> bytes:
    """What is in a file that was named; `Rejected` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Rejected(
            Issue(
                code="file-unreadable",
                place=str(path),
                text_de="die Datei ist nicht lesbar; Pfad und Rechte prüfen",
                text_en="the file cannot be read; check its path and permissions",
            )
        ) from error


def text(options: argparse.Namespace, german: str, english: str) -> str:
    """The text in the language asked for."""
    return english if options.language == "en" else german
