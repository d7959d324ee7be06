"""`platzfrei find`: free places near a place, as a table or as the Bundle that the API answers."""

import argparse
from collections.abc import Sequence

import orjson

from hub.commands import find_options
from hub.commands.find_text import found_text
from hub.commands.options import existing, parser, run, text
from hub.fhir.vacancy_search import prepare
from hub.opening import open_database
from hub.store.tables import PUBLIC
from mappings.errors import Rejected

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser(
        "find", "Find free places near a postal code, a town or a point, or in a district, in the public view."
    )
    find_options.add_options(made)
    made.add_argument("--json", action="store_true", help="the FHIR Bundle")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    place, understood, kilometres = find_options.place(options)
    asked = [*place, *find_options.criteria(options)]
    chosen = existing(options)
    found = open_database(chosen)
    try:
        now = found.clock()
        try:
            search = prepare(asked, PUBLIC, now=now, base=f"{chosen.base_url}/fhir")
            with found.database.snapshot() as reader:
                content = search(reader)
        except Rejected as refused:
            raise find_options.of_option(refused) from None
    finally:
        found.database.close()
    if options.json:
        print(content.decode())
        return 0
    print(found_text(orjson.loads(content), asked, language=options.language, now=now))
    if understood is not None:
        name = understood.name
        if kilometres:
            told = text(options, f"Gesucht {kilometres} km um {name}.", f"Searched {kilometres} km around {name}.")
        else:
            told = text(options, f"Gesucht in: {name}.", f"Searched in: {name}.")
        print(told)
    return 0
