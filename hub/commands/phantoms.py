"""`platzfrei phantoms`: free places that seem to be none, with what to say and to ask; and what the office decides."""

import argparse
import getpass
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.commands.json_list import json_list
from hub.commands.options import opened, parser, run, text
from hub.phantom_work import ACTIONS, PhantomWork
from mappings.local_time import day_text, local_day, moment_text

__all__ = ["main"]

_MOST = 100


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser(
        "phantoms",
        "List offers and sources whose free places seem to be none, with the evidence to be read out on the telephone.",
    )
    made.add_argument("action", nargs="?", choices=("list", "decisions", *ACTIONS), default="list")
    made.add_argument("id", nargs="?", metavar="ID", help="of what is listed: what to confirm or dismiss")
    made.add_argument("--source", metavar="NAME", help="list what is found of one source")
    made.add_argument("--who", metavar="NAME", default="", help="who decides; default: who is logged in here")
    made.add_argument("--why", metavar="TEXT", default="", help="why: is kept with the decision")
    made.add_argument("--json", action="store_true", help="for machines")
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if (options.action in ACTIONS) != (options.id is not None):
        made.error("expected: platzfrei phantoms, platzfrei phantoms confirm ID, or platzfrei phantoms dismiss ID")
    if options.action in ACTIONS and not options.why:
        made.error('expected --why "…": whoever asks later finds it there')
    hub = opened(options)
    try:
        if options.source is not None:
            hub.sources.named(options.source)
        work = PhantomWork(hub.database, hub.clock)
        if options.action == "list":
            told = work.found(source=options.source)["phantoms"]
            shown = [line for one in told for line in _phantom(options, one)]
            nothing = text(options, "nichts gefunden", "nothing found")
        elif options.action == "decisions":
            told = work.decisions(most=_MOST)["decisions"]
            shown = [line for one in told for line in _decision(options, one)]
            nothing = text(options, "noch keine Entscheidung", "no decision yet")
        else:
            who = options.who or getpass.getuser()
            told = [work.act(options.action, options.id, who=who, why=options.why)]
            number = told[0]["decision"]
            shown = [text(options, f"entschieden, Nummer {number}", f"decided, number {number}")]
            nothing = ""
    finally:
        hub.close()
    print(json_list(told) if options.json else "\n".join(shown) or nothing)
    return 0


def _phantom(options: argparse.Namespace, one: Mapping[str, Any]) -> list[str]:
    language = options.language
    lines = [f"{one['id']} · {one['source']}", f"  {one['text'][language]}", f"  {one['question'][language]}"]
    if one["decided"] is not None:
        verdict = _verdict(options, one["decided"]["verdict"])
        day = day_text(local_day(datetime.fromisoformat(one["decided"]["at"])), language)
        lines.append(
            text(
                options,
                f"  {verdict} am {day} ({one['decided']['why']}); seitdem ist mehr dazugekommen",
                f"  {verdict} on {day} ({one['decided']['why']}); there is more since",
            )
        )
    return [*lines, ""]


def _decision(options: argparse.Namespace, one: Mapping[str, Any]) -> list[str]:
    verdict = _verdict(options, one["verdict"])
    at = moment_text(datetime.fromisoformat(one["at"]), options.language)
    return [
        f"{one['number']:>4}  {at}  {one['phantom']['id']}  {verdict}  {one['who']}: {one['why']}",
        f"      {one['phantom']['text'][options.language]}",
    ]


def _verdict(options: argparse.Namespace, verdict: str) -> str:
    german = {"confirmed": "bestätigt", "dismissed": "abgewiesen"}[verdict]
    return text(options, german, verdict)
