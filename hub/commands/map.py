"""`platzfrei map`: draft a source map from a sample file, try one on a file, check one's examples."""

import argparse
import json
import re
import sys
import unicodedata
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

from adapters.sketch import Sketch, drafted, sketch
from hub.commands import options as shared
from hub.commands.counted import counted
from hub.commands.options import read, run, settings, text
from hub.commands.trial_text import record_json, record_lines, summary_lines, uncounted_text
from hub.errors import NotFound
from hub.hub import now
from hub.own_maps import TERMINOLOGY, OwnMaps, read_map, read_own
from hub.trial import Trial
from mappings.draft import Proposal, propose
from mappings.draft_text import concept_map_text, render, table_name
from mappings.errors import Issue, Rejected
from mappings.language import load, shipped
from mappings.rehearsal import rehearse
from mappings.source_map import SourceMap

__all__ = ["main"]

_ROWS = 3


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 1 where something would be set aside or lost, or an example does not come true."""
    made = shared.parser("map", "Draft a source map from a sample file, try one on a file, check the examples of one.")
    actions = made.add_subparsers(dest="action", required=True, metavar="draft|try|check")
    draft = actions.add_parser("draft", help="propose a source map for a sample export (--name, --output)")
    draft.add_argument("file", metavar="FILE", type=Path)
    draft.add_argument("--name", metavar="NAME", help="the source's name; default: made of the file's")
    draft.add_argument("--output", metavar="PATH", type=Path, help="write the map there instead of to the terminal")
    trying = actions.add_parser("try", help="show cell by cell what comes from where; nothing is stored (--source)")
    trying.add_argument("file", metavar="FILE", type=Path)
    trying.add_argument("--source", metavar="NAME", required=True, help="a source's name, or the path of a map (.yaml)")
    trying.add_argument("--rows", metavar="N", type=int, default=_ROWS, help=f"show so many records; default {_ROWS}")
    trying.add_argument("--json", action="store_true", help="a record a line as JSON, the summary last")
    check = actions.add_parser("check", help="run the examples of your own maps, or of the named one")
    check.add_argument("name", metavar="NAME", nargs="?")
    for action in (draft, trying, check):  # what all commands have may stand behind the action, too
        action.add_argument("--database", metavar="URL", default=argparse.SUPPRESS)
        action.add_argument("--language", choices=("de", "en"), default=argparse.SUPPRESS)
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    own = read_own(settings(options).sources)
    if options.action == "draft":
        return _draft(options, own)
    return _try(options, own) if options.action == "try" else _check(options, own)


def _try(options: argparse.Namespace, own: OwnMaps) -> int:
    trial = Trial(source_map=_named(options.source, own), body=read(options.file), at=now())
    good = True
    for number, tried in enumerate(trial.records()):
        good = good and not tried.is_set_aside
        # What is wrong is worth a line wherever it stands; the cells of the first records show the way.
        if options.json:
            if number < options.rows or tried.is_set_aside:
                print(json.dumps(record_json(tried), ensure_ascii=False))
        elif number < options.rows:
            print("\n".join(record_lines(tried, options.language)), end="\n\n")
        elif tried.is_set_aside:
            errors = [issue for issue in tried.issues if issue.severity == "error"]
            for issue in islice(errors, 3):
                print(f"✗ {issue.place}: {text(options, issue.text_de, issue.text_en)}")
    if options.json:
        print(json.dumps({"summary": trial.summary()}, ensure_ascii=False))
    else:
        print("\n".join(summary_lines(trial, options.language)))
    return 0 if good and not trial.uncounted else 1


def _check(options: argparse.Namespace, own: OwnMaps) -> int:
    maps: Sequence[SourceMap] = tuple(own.maps.values())
    problems = own.problems
    if options.name is not None:
        one = _named(options.name, own)
        maps = (one,)
        problems = own.concerning(one.name) if own.maps.get(one.name) is one else rehearse(one)
    for issue in problems:
        mark = "✗" if issue.severity == "error" else "!"
        print(f"{mark} {issue.place}: {text(options, issue.text_de, issue.text_en)}")
    for one in maps:
        examples = len(one.examples)
        unlike = len(rehearse(one))
        verdict = [counted(examples, "example", options.language)]
        if unlike:
            verdict.append(counted(unlike, "difference", options.language))
        elif examples:
            all_good = text(options, "alle stimmen", "all come true") if examples > 1 else None
            verdict.append(all_good or text(options, "es stimmt", "it comes true"))
        print(f"{one.name}: {', '.join(verdict)}")
    if not maps and not problems:
        print(text(options, "keine eigenen Quellenkarten", "no source maps of your own"))
    return 1 if problems else 0


def _named(name: str, own: OwnMaps) -> SourceMap:
    if name.endswith((".yaml", ".yml")):
        return read_map(Path(name), own.tables)
    maps = {**shipped(), **own.maps}
    if name in maps:
        return maps[name]
    # A map that cannot be used is no source; what is wrong with it is what its writer needs to hear.
    broken = own.concerning(name)
    if broken:
        raise Rejected(*broken)
    listed = ", ".join(sorted(maps))
    raise NotFound(
        Issue(
            code="unknown-source",
            fhir_code="not-found",
            text_de=f"diese Quelle gibt es nicht; bekannt: {listed}",
            text_en=f"there is no such source; known: {listed}",
        )
    )


def _draft(options: argparse.Namespace, own: OwnMaps) -> int:
    body = read(options.file)
    found = sketch(body)
    if found is None or not found.records:
        listed = ", ".join(drafted())
        raise Rejected(
            Issue(
                code="no-sketch",
                place=str(options.file),
                text_de=f"weder Tabelle noch JSON, und kein anderes Format, das sich entwerfen lässt ({listed}); "
                "gebraucht wird eine Datei mit Kopfzeile und wenigstens einem Datensatz",
                text_en=f"neither a table nor JSON, nor another format that can be drafted ({listed}); it takes a file "
                "with a header line and at least one record",
            )
        )
    name = options.name or _name_of(options.file)
    proposal = propose(found.records)
    written = render(
        proposal,
        name=name,
        format=found.format,
        options=found.options,
        columns=found.columns,
        notes=(*found.notes, *_dated(proposal)),
        language=options.language,
        own_tables=options.output is not None,
    )
    tables = {table_name(codes, name): concept_map_text(codes, name) for codes in proposal.codes}
    if options.output is None:
        print(written)
        load(written.encode(), origin=name, tables=own.tables)  # A draft that does not load is our fault, and says so.
        _tell_what_is_open(options, found, proposal, sys.stderr)
        return 0
    terminology = options.output.parent.parent / TERMINOLOGY
    for path in (options.output, *(terminology / f"{table}.json" for table in tables)):
        if path.exists():
            raise Rejected(_is_there(path))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(written, "utf-8")
    print(text(options, f"geschrieben: {options.output}", f"written: {options.output}"))
    for table, content in tables.items():
        terminology.mkdir(parents=True, exist_ok=True)
        path = terminology / f"{table}.json"
        path.write_text(content, "utf-8")
        print(text(options, f"unbekannte Codes: {path}", f"unknown codes: {path}"))
    _tell_what_is_open(options, found, proposal, sys.stdout)
    print(
        text(
            options,
            f"weiter: die Karte ansehen, dann platzfrei map try {options.file} --source {name}",
            f"next: look at the map, then platzfrei map try {options.file} --source {name}",
        )
    )
    return 0


def _tell_what_is_open(options: argparse.Namespace, found: Sketch, proposal: Proposal, stream: TextIO) -> None:
    """What a person has to look at before the map is used: what would be lost first."""
    if proposal.uncounted:
        print(f"✗ {uncounted_text(proposal.uncounted, options.language)}", file=stream)
    for german, english in (*found.notes, *_dated(proposal)):
        print(f"! {text(options, german, english)}", file=stream)
    unsure = proposal.unsure
    if unsure:
        german = "1 Zeile ist" if unsure == 1 else f"{unsure} Zeilen sind"
        english = "1 line is" if unsure == 1 else f"{unsure} lines are"
        print(
            text(
                options,
                f"! {german} mit PRÜFEN markiert: unsicher, wer die Datei kennt, sieht nach",
                f"! {english} marked CHECK: unsure, for whoever knows the file to look at",
            ),
            file=stream,
        )


def _dated(proposal: Proposal) -> list[tuple[str, str]]:
    """What to say of columns that are called something else next week."""
    if not proposal.dated:
        return []
    listed = ", ".join(proposal.dated)
    german = (
        f"{listed}: der Name nennt eine Woche oder einen Tag; heißt die Spalte nächstes Mal anders, findet die Karte "
    )
    english = f"{listed}: named after a week or a day; called otherwise next time, the map does not find the column: "
    return [
        (
            f"{german}sie nicht: im Export oder vor dem Senden gleichbleibend benennen",
            f"{english}give it a lasting name in the export or before sending",
        )
    ]


def _name_of(path: Path) -> str:
    plain = unicodedata.normalize("NFKD", path.stem.casefold().replace("ß", "ss"))
    return re.sub("[^a-z0-9]+", "-", plain.encode("ascii", "ignore").decode()).strip("-") or "source"


def _is_there(path: Path) -> Issue:
    return Issue(
        code="file-exists",
        place=str(path),
        text_de="diese Datei gibt es schon; sie wird nicht überschrieben",
        text_en="this file is there already; it is not overwritten",
    )
