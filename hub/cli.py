"""The command `platzfrei`: a table of subcommands, each loaded when it is named."""

import importlib
import sys
from collections.abc import Sequence

from hub.commands.usage import language_of

__all__ = ["COMMANDS", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("hub.commands.demo", "build a synthetic region, take it in, and serve it"),
    "serve": ("hub.commands.serve", "serve the FHIR API on 127.0.0.1"),
    "listen": ("hub.commands.listen", "take HL7 v2 messages in by MLLP"),
    "sources": ("hub.commands.sources", "list the sources; make a token for one"),
    "feeds": ("hub.commands.feeds", "list where deliveries are fetched; run one now"),
    "search-parameters": ("hub.commands.search_parameters", "list the search parameters added here; add one"),
    "homes": ("hub.commands.homes", "homes without software: links, reminders, reports on their behalf"),
    "backup": ("hub.commands.backup", "write the database as it is now to a file"),
    "restore": ("hub.commands.restore", "put a backup in the place of the database"),
    "upgrade": ("hub.commands.upgrade", "bring the database to this version's schema, after a backup"),
    "ingest": ("hub.commands.ingest", "take files in and print a receipt"),
    "export": ("hub.commands.export", "write all offers as a table, as HSDS or as EDXL-HAVE"),
    "map": ("hub.commands.map", "draft a source map, try it on a file, check its examples"),
    "drift": ("hub.commands.drift", "deliveries that are held because they are unlike those before; accept, refuse"),
    "identity": ("hub.commands.identity", "decide which facilities of several sources are one"),
    "phantoms": ("hub.commands.phantoms", "free places that seem to be none, with the evidence; dismiss, confirm"),
    "report": (
        "hub.commands.report",
        "who reports in each district, how many places are free, whom to ring",
    ),
    "protocol": ("hub.commands.protocol", "check a search protocol that was saved"),
    "still-free": ("hub.commands.still_free", "how likely reported places are still free, and how good that is"),
    "find": ("hub.commands.find", "find free places near a postal code, a town or a point, or in a district"),
}
"""Name → (module with `main(arguments) -> exit status`, one line of help)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit status: 0 good, 1 something to correct, 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0
    if given[0] not in COMMANDS:
        told = {
            "de": f"platzfrei: einen Befehl {given[0]} gibt es nicht; siehe: platzfrei --help",
            "en": f"platzfrei: there is no command {given[0]}; see: platzfrei --help",
        }
        print(told[language_of(given)], file=sys.stderr)
        return 2
    module, _ = COMMANDS[given[0]]
    try:
        command = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in ("hub", "adapters", "mappings", "conformance"):
            raise
        print(f"platzfrei: {error.name} is missing; install platzfrei[server]", file=sys.stderr)
        return 2
    status: int = command.main(given[1:])
    return status


def _usage() -> str:
    lines = [f"  {name:<19}{help_}" for name, (_, help_) in COMMANDS.items()]
    return "usage: platzfrei COMMAND …    (platzfrei COMMAND --help says more)\n\n" + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
