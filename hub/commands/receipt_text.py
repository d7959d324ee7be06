"""A receipt as a person reads it at the terminal."""

import re
from datetime import datetime

from adapters.receipt import Receipt, in_language
from adapters.unread import GERMAN
from hub.commands.counted import counted
from mappings.errors import Severity
from mappings.local_time import moment_text
from mappings.terminology import Language

__all__ = ["in_german", "render"]

_ISSUES_SHOWN = 20

_WORDS = {
    "de": {
        "records": "Datensätze",
        "taken": "übernommen",
        "left_out": "kein Angebot",
        "set_aside": "beiseitegelegt",
        "rejected": "abgelehnt",
        "offers": "Angebote",
        "applied": "geändert",
        "unchanged": "unverändert",
        "superseded": "überholt",
        "unread": "nicht gelesen",
        "why": "kein Angebot, weil",
        "delivery": "Lieferung",
        "more": "… und",
        "resend": "neu senden",
        "kept": "Was beiseiteliegt, liest „platzfrei ingest --rerun“ erneut, sobald die Quellenkarte stimmt.",
        "held": "Zurückgehalten, nichts davon gilt: „platzfrei drift“ zeigt warum, „platzfrei drift accept {0}“ "
        "übernimmt sie, „platzfrei drift refuse {0}“ lehnt sie ab.",
        "duplicate": "(diese Lieferung kam schon einmal; das war die Antwort)",
    },
    "en": {
        "records": "records",
        "taken": "taken",
        "left_out": "no offer",
        "set_aside": "set aside",
        "rejected": "rejected",
        "offers": "offers",
        "applied": "applied",
        "unchanged": "unchanged",
        "superseded": "superseded",
        "unread": "unread",
        "why": "no offer because",
        "delivery": "delivery",
        "more": "… and",
        "resend": "send again",
        "kept": "'platzfrei ingest --rerun' reads again what lies aside, once the source map is mended.",
        "held": "Held, nothing of it is in effect: 'platzfrei drift' shows why, 'platzfrei drift accept {0}' applies "
        "it, 'platzfrei drift refuse {0}' refuses it.",
        "duplicate": "(this delivery came before; this was the answer)",
    },
}
_MARK: dict[Severity, str] = {"error": "✗", "warning": "!", "information": "·"}


def render(receipt: Receipt, name: str, language: Language) -> str:
    """The receipt in a few lines, what has to be done at the end; `name`: what the delivery is called, if anything."""
    words = _WORDS[language]
    lines = [
        " · ".join(
            part
            for part in (receipt.source, name, f"{words['delivery']} {receipt.delivery}", _received(receipt, language))
            if part
        ),
        _line(
            words["records"],
            receipt.records,
            [
                (words["taken"], receipt.taken),
                (words["left_out"], receipt.left_out.total()),
                (words["set_aside"], receipt.set_aside),
                (words["rejected"], receipt.rejected),
            ],
        ),
    ]
    if offers := receipt.applied + receipt.unchanged + receipt.superseded:
        told_of_offers = [
            (words["applied"], receipt.applied),
            (words["unchanged"], receipt.unchanged),
            (words["superseded"], receipt.superseded),
        ]
        lines.append(_line(words["offers"], offers, told_of_offers))
    if receipt.duplicate:
        lines.insert(1, f"  {words['duplicate']}")
    lines += [
        f"  {words['why']}: {in_language(reason, language)} ({count})"
        for reason, count in receipt.left_out.most_common()
    ]
    if receipt.unread:
        told = ", ".join(f"{_name(field, language)} ({count})" for field, count in receipt.unread.most_common())
        lines.append(f"  {words['unread']}: {told}")
    findings = sorted(receipt.issues, key=lambda issue: ("error", "warning", "information").index(issue.severity))
    for issue in findings[:_ISSUES_SHOWN]:
        said = issue.text_en if language == "en" else issue.text_de
        place = issue.place if language == "en" else in_german(issue.place)
        lines.append(f"  {_MARK[issue.severity]} {place + ': ' if place else ''}{said}")
    if more := len(findings[_ISSUES_SHOWN:]) + receipt.issues_not_shown:
        lines.append(f"  {words['more']} {counted(more, 'finding', language)}")
    if receipt.held:
        lines.append(f"  {words['held'].format(receipt.delivery)}")
    elif not receipt.good and receipt.kept_whole:
        lines.append(f"  {words['kept']}")
    resend = receipt.resend
    lines.append(f"  {words['resend']}: {resend.text_en if language == 'en' else resend.text_de}")
    return "\n".join(lines)


def _received(receipt: Receipt, language: Language) -> str:
    told = receipt.received_at
    return moment_text(datetime.fromisoformat(told), language, seconds=True) if told else ""


def _line(noun: str, total: int, parts: list[tuple[str, int]]) -> str:
    told = ", ".join(f"{count} {word}" for word, count in parts if count) or "0"
    return f"  {noun} {total}: {told}"


def _name(field: str, language: Language) -> str:
    return GERMAN.get(field, field) if language == "de" else field


def in_german(place: str) -> str:
    """Places are told in English, as FHIR and HL7 name them; the few words between have German ones."""
    place = re.sub(r"\b(lines?|row|column|message|feature|byte)(?= )", lambda word: _PLACES[word[0]], place)
    return re.sub(r"(?<=[\d#]) to (?=[\d#])", " bis ", place)


_PLACES = {
    "line": "Zeile",
    "row": "Zeile",
    "lines": "Zeilen",
    "column": "Spalte",
    "message": "Nachricht",
    "feature": "Objekt",
    "byte": "Byte",
}
