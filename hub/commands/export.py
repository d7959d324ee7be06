"""`platzfrei export`: all offers of one view, as other registers and spreadsheets read them."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters import registry
from hub.commands.counted import counted
from hub.commands.options import existing, opened, parser, run
from hub.hub import Hub
from mappings.vacancy import VacancyReport
from mappings.view import View

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser("export", "Write all offers as other registers and spreadsheets read them.")
    made.add_argument("--format", required=True, choices=registry.exports())
    made.add_argument(
        "--view",
        choices=[view.value for view in View],
        default=View.PUBLIC.value,
        help="public (default), or professional: exact numbers, to be passed on to professionals alone",
    )
    made.add_argument(
        "--output", metavar="FILE", type=Path, help="a file, replaced when all is written; default: stdout"
    )
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    hub = opened(options, existing(options))
    try:
        written = _Counted()
        pieces = _pieces(hub, options, written)
        if options.output is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.flush()
            return 0
        part = options.output.with_name(f"{options.output.name}.part")
        with part.open("wb") as file:
            file.writelines(pieces)
        part.replace(options.output)
        print(f"{counted(written.offers, 'offer', options.language)} in {options.output}", file=sys.stderr)
    finally:
        hub.close()
    return 0


class _Counted:
    """Counts the offers on their way."""

    def __init__(self) -> None:
        self.offers = 0

    def __call__(self, reports: Iterator[VacancyReport]) -> Iterator[VacancyReport]:
        for report in reports:
            self.offers += 1
            yield report


def _pieces(hub: Hub, options: argparse.Namespace, written: _Counted) -> Iterator[bytes]:
    exports, now = hub.exports(View(options.view)), hub.clock()
    with hub.database.reading() as connection:
        at = exports.stand(connection, now=now).at
        reports = written(exports.reports(connection, now=now))
        yield from registry.encoder(options.format).encode(reports, at=at)
