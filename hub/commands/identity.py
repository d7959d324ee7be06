"""`platzfrei identity`: which facilities of several sources may be one, side by side; and what a person decides."""

import argparse
import getpass
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from hub.commands.options import opened, parser, run, text
from hub.identity_work import ACTIONS, IdentityWork
from mappings.local_time import moment_text

__all__ = ["main"]

_READS = ("list", "explain", "decisions")
_HEADS = {
    "source": ("Quelle", "source"),
    "name": ("Name", "name"),
    "operator": ("Träger", "operator"),
    "address": ("Adresse", "address"),
    "ik": ("IK", "IK"),
    "telematikId": ("Telematik-ID", "Telematik-ID"),
    "phone": ("Telefon", "phone"),
}
_WIDE, _HEAD = 44, 13


def main(arguments: Sequence[str]) -> int:
    """The command."""
    made = parser(
        "identity",
        "List the facilities of several sources that may be one; confirm or refuse that, merge, split, undo, explain.",
    )
    made.add_argument("action", nargs="?", choices=(*_READS, *ACTIONS), default="list")
    made.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="an Organization's id, its beginning, or source:key; a decision's number",
    )
    made.add_argument("--who", metavar="NAME", default="", help="who decides; default: who is logged in here")
    made.add_argument("--why", metavar="TEXT", default="", help="why: is kept with the decision")
    made.add_argument("--count", type=int, default=20, metavar="N", help="how many to show; default 20")
    made.add_argument("--json", action="store_true", help="for machines")
    return run(made, arguments, lambda options: _command(made, options))


def _command(made: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    expected = {"list": 0, "decisions": 0, "explain": 1, **ACTIONS}[options.action]
    if len(options.names) != expected:
        made.error(f"expected: platzfrei identity {options.action}" + " NAME" * expected)
    if options.action in ACTIONS and not options.why:
        made.error('expected --why "…": whoever asks later finds it there')
    hub = opened(options)
    try:
        work = IdentityWork(hub.database, hub.identity, hub.clock)
        if options.action == "list":
            found = work.proposals(most=max(options.count, 1))
        elif options.action == "decisions":
            found = work.decisions(most=max(options.count, 1))
        elif options.action == "explain":
            found = work.explain(options.names[0])
        else:
            who = options.who or getpass.getuser()
            found = work.act(options.action, options.names, who=who, why=options.why)
    finally:
        hub.close()
    if options.json:
        print(orjson.dumps(found).decode())
    else:
        print("\n".join(_told(options, found)))
    return 0


def _told(options: argparse.Namespace, found: Mapping[str, Any]) -> list[str]:
    if options.action == "list":
        return _proposals(options, found)
    if options.action == "decisions":
        lines = [_decision(options, one) for one in found["decisions"]]
        return lines or [text(options, "noch keine Entscheidung", "no decision yet")]
    if options.action == "explain":
        return _explained(options, found)
    numbers = ", ".join(str(number) for number in found["decisions"])
    told = [text(options, f"entschieden, Nummer {numbers}", f"decided, number {numbers}")]
    told += [
        f"  {one['id'][:8]} ({one['source']}) {one['name']}: {_standing(options, one)}"
        for one in found.get("facilities", ())
    ]
    undo = f'platzfrei identity undo {found["decisions"][0]} --why "…"'
    return [*told, text(options, f"zurück mit: {undo}", f"taken back by: {undo}")]


def _standing(options: argparse.Namespace, one: Mapping[str, Any]) -> str:
    if one["joined"] is None:
        return text(options, "steht für sich", "stands for itself")
    return text(options, f"gezeigt als {one['joined']}", f"shown as {one['joined']}")


def _proposals(options: argparse.Namespace, found: Mapping[str, Any]) -> list[str]:
    if not found["proposals"]:
        return [text(options, "Nichts zu entscheiden.", "Nothing to decide.")]
    lines = []
    for one in found["proposals"]:
        lines += [*_pair(options, one), ""]
        first, second = (each["id"][:8] for each in one["facilities"])
        lines[-1:] = [f'  platzfrei identity confirm {first} {second} --why "…"', ""]
    shown, waiting = len(found["proposals"]), found["waiting"]
    return [*lines, text(options, f"{shown} von {waiting} Vorschlägen", f"{shown} of {waiting} proposals")]


def _pair(options: argparse.Namespace, one: Mapping[str, Any]) -> list[str]:
    """Both side by side, and why."""
    first, second = one["facilities"]
    lines = [f"{one['score']:>3}  {'':<{_HEAD - 5}}{first['id'][:8]:<{_WIDE}}{second['id'][:8]}"]
    for name, heads in _HEADS.items():
        left, right = _cell(first[name]), _cell(second[name])
        if left or right:
            lines.append(f"  {text(options, *heads):<{_HEAD}} {left[: _WIDE - 2]:<{_WIDE}}{right}"[: _HEAD + 2 * _WIDE])
    language = options.language
    for head, said in (
        (text(options, "dafür", "for"), [each for each in one["evidence"] if each["points"] > 0]),
        (text(options, "dagegen", "against"), [each for each in one["evidence"] if each["points"] < 0]),
    ):
        if said:
            lines.append(
                f"  {head:<{_HEAD}} " + ", ".join(f"{one['text'][language]} ({one['points']:+})" for one in said)
            )
    if one["certain"] and first["joined"] is None:
        lines.append(
            text(
                options,
                "  sicher wäre es, doch zöge es zwei zusammen, die verschieden sind: welche es ist, entscheidet jemand",
                "  it would be certain, but would pull two together that differ: which of them it is, a person decides",
            )
        )
    return lines


def _explained(options: argparse.Namespace, found: Mapping[str, Any]) -> list[str]:
    lines = [
        text(options, f"eine Einrichtung: {found['joined']}", f"one facility: {found['joined']}")
        if found["joined"]
        else text(options, "steht für sich", "stands for itself")
    ]
    lines += [f"  {one['id']} {one['source']}:{one['key']} {one['name']}, {one['address']}" for one in found["members"]]
    for head, ties in (
        (text(options, "weil", "because"), found["ties"]),
        (text(options, "ähnlich", "alike"), found["alike"]),
    ):
        for tie in ties:
            lines += ["", head, *_pair(options, tie)]
    if found["decisions"]:
        lines += ["", *(_decision(options, one) for one in found["decisions"])]
    return lines


def _decision(options: argparse.Namespace, one: Mapping[str, Any]) -> str:
    verdict = {
        "same": text(options, "dieselbe", "same"),
        "different": text(options, "verschieden", "different"),
        "undone": text(options, f"nimmt {one['undoes']} zurück", f"undoes {one['undoes']}"),
    }[one["verdict"]]
    stands = "" if one["stands"] or one["undoes"] else text(options, " (gilt nicht mehr)", " (stands no more)")
    first, second = (each[:8] for each in one["facilities"])
    at = moment_text(datetime.fromisoformat(one["at"]), options.language)
    return f"{one['number']:>4}  {at}  {first} {second}  {verdict}{stands}  {one['who']}: {one['why']}"


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
