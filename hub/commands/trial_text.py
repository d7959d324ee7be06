"""A trial of a source map as a person reads it at the terminal, and as JSON."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import orjson

from adapters.receipt import in_language
from hub.commands.receipt_text import in_german
from hub.commands.report_text import told
from hub.trial import Trial, Tried
from mappings.local_time import moment_text
from mappings.terminology import Language
from mappings.trace import Cell
from mappings.view import View

__all__ = ["record_json", "record_lines", "summary_lines", "uncounted_text"]

_MARKS = {"error": "✗", "warning": "!", "information": "·"}
_WIDEST = 60
_OUTCOMES = {
    "de": (
        ("würde übernommen", "würden übernommen"),
        ("kein Angebot", "kein Angebot"),
        ("würde beiseitegelegt", "würden beiseitegelegt"),
    ),
    "en": (
        ("would be taken", "would be taken"),
        ("no offer", "no offer"),
        ("would be set aside", "would be set aside"),
    ),
}
"""What becomes of records, of one and of several."""


def record_lines(tried: Tried, language: Language) -> Iterator[str]:
    """What became of a record: its cells, what nobody read, what is wrong, what it says."""
    english = language == "en"
    yield tried.place if english else in_german(tried.place)
    width = min(max((len(cell.field) for cell in tried.cells), default=0), 28)
    for cell in tried.cells:
        yield f"  {cell.field or ('(map)' if english else '(Karte)'):<{width}}  {_cell(cell, language)}"
    if tried.unread:
        yield f"  {'read by nobody' if english else 'liest niemand'}: {', '.join(tried.unread)}"
    for issue in tried.issues:
        place = issue.place if english else in_german(issue.place)
        yield f"  {_MARKS[issue.severity]} {place}: {issue.text_en if english else issue.text_de}"
    if tried.event is not None:
        event = tried.event
        taken_back = (" (taken back)" if english else " (zurückgenommen)") if event.cancels else ""
        beds = " → ".join(f"{bed.ward} {bed.name}".strip() for bed in (event.from_bed, event.to_bed) if bed)
        yield f"  = {event.kind}{taken_back} {beds} {moment_text(event.occurred_at, language, seconds=True)}"
    if tried.left_out:
        yield f"  = {'no offer' if english else 'kein Angebot'}: {in_language(tried.left_out, language)}"
    for report in tried.reports:
        yield f"  = {told(report, language)}"
    if tried.is_set_aside:
        yield f"  = {'would be set aside' if english else 'würde beiseitegelegt'}"


def _perhaps(may_be: Sequence[str], language: Language) -> str:
    """What an unknown code may mean; blank where nothing is near."""
    return f"{'perhaps' if language == 'en' else 'vielleicht'} {', '.join(may_be)}" if may_be else ""


def uncounted_text(names: Sequence[str], language: Language) -> str:
    """Of fields that seem to count places and are in no rule: what comes of it, and what to do."""
    listed = ", ".join(names)
    if language == "en":
        verb = "seems to count places and is" if len(names) == 1 else "seem to count places and are"
        return (
            f"{listed}: {verb} in no rule of the map, so what is free there would be lost. "
            "Put it into a rule, or, where these are no places, into unread: {ignore: […]}"
        )
    verb = "zählt wohl Plätze und steht" if len(names) == 1 else "zählen wohl Plätze und stehen"
    return (
        f"{listed}: {verb} in keiner Regel der Karte; was darin frei ist, ginge verloren. "
        "In eine Regel damit, oder, wo es keine Plätze sind, in unread: {ignore: […]}"
    )


def _cell(cell: Cell, language: Language) -> str:
    english = language == "en"
    way = cell.conversion + (f" · {cell.table}" if cell.table else "")
    start = f"{_shown(cell.value, language)} → {cell.target} ({way}"
    if cell.is_default:
        start += ", default" if english else ", Vorgabe"
    start += ")"
    if cell.is_unreadable:
        expected = cell.expected_en if english else cell.expected_de
        may_be = "; ".join(filter(None, (_cut(expected), _perhaps(cell.candidates, language))))
        return f"{start} ✗ {'expected' if english else 'erwartet'}: {may_be}"
    if cell.left_out:
        return f"{start} = – ({in_language(cell.left_out, language)})"
    doubt = cell.doubt_en if english else cell.doubt_de
    return f"{start} = {_shown(cell.result, language)}" + (f" ! {doubt}" if doubt else "")


def _shown(value: Any, language: Language) -> str:
    if isinstance(value, str):
        return _cut(value) if value.isprintable() else _cut(repr(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime) and value.tzinfo is not None:
        return moment_text(value, language, seconds=True)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return _cut(", ".join(_shown(each, language) for each in value))
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def summary_lines(trial: Trial, language: Language) -> Iterator[str]:
    """The whole file in a few lines."""
    english = language == "en"
    whole = trial.summary()
    one = whole["records"] == 1
    head = ("record" if one else "records") if english else ("Datensatz" if one else "Datensätze")
    numbers = zip(_OUTCOMES[language], (trial.taken, trial.left_out.total(), trial.set_aside), strict=True)
    told_of = (f"{count} {words[count != 1]}" for words, count in numbers if count)
    yield f"{head} {whole['records']}: " + ", ".join(told_of)
    for reason, count in trial.left_out.most_common():
        yield f"  {in_language(reason, language)} ({count})"
    if trial.unread:
        listed = ", ".join(f"{name} ({count})" for name, count in trial.unread.most_common())
        yield f"{'read by nobody' if english else 'liest niemand'}: {listed}"
    for code, may_be in trial.unknown.items():
        proposal = _perhaps(may_be, language) or ("nothing like it is known" if english else "nichts Ähnliches bekannt")
        yield f"{'unknown code' if english else 'unbekannter Code'} {code} · {proposal}"
    yield f"{'offers' if english else 'Angebote'} {trial.reports}"
    if trial.uncounted:
        yield "✗ " + uncounted_text(trial.uncounted, language)
    for view in View:
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(trial.fhir_counts(view).items()))
        if counts:
            yield f"FHIR ({view.value}): {counts}"
    yield "nothing was stored" if english else "gespeichert ist davon nichts"


def record_json(tried: Tried) -> dict[str, Any]:
    """The same for machines."""
    return {
        "place": tried.place,
        "setAside": tried.is_set_aside,
        "cells": [
            {
                "field": cell.field,
                "target": cell.target,
                "as": cell.conversion,
                "table": cell.table,
                "value": _plain(cell.value),
                "result": _plain(cell.result),
                "default": cell.is_default,
                "expected": {"de": cell.expected_de, "en": cell.expected_en} if cell.is_unreadable else None,
                "candidates": list(cell.candidates),
            }
            for cell in tried.cells
        ],
        "unread": list(tried.unread),
        "leftOut": tried.left_out,
        "issues": [issue.to_json() for issue in tried.issues],
        "event": tried.event.to_json() if tried.event is not None else None,
        "reports": [_plain(report) for report in tried.reports],
    }


def _plain(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value, default=str))
