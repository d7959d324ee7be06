"""What lies aside, as a person reads it at the terminal."""

from datetime import datetime
from itertools import groupby

from adapters.resend import of_codes
from hub.commands.counted import counted
from hub.commands.receipt_text import in_german
from hub.records_aside import Aside, RecordsAside
from mappings.errors import Issue
from mappings.local_time import moment_text
from mappings.terminology import Language

__all__ = ["render"]

_WORDS = {
    "de": {
        "none": "nichts liegt beiseite",
        "delivery": "Lieferung",
        "resend": "neu senden",
        "rerun": "liest „platzfrei ingest --rerun“ erneut, sobald die Quellenkarte stimmt",
        "more": "… und {} (alle: --json)",
        "discard": "Was erledigt ist, vergisst „platzfrei ingest --discard --delivery NUMMER“.",
    },
    "en": {
        "none": "nothing is set aside",
        "delivery": "delivery",
        "resend": "send again",
        "rerun": "'platzfrei ingest --rerun' reads it again once the source map is mended",
        "more": "… and {} (all: --json)",
        "discard": "What is done with, 'platzfrei ingest --discard --delivery NUMBER' forgets.",
    },
}


def render(aside: RecordsAside, language: Language) -> str:
    """A line for each reason, below its record and delivery."""
    words = _WORDS[language]
    if not aside.records:
        return words["none"]
    lines: list[str] = []
    for (source, delivery, at), records in groupby(
        aside.records, lambda one: (one.source, one.delivery, one.received_at)
    ):
        received_at = moment_text(datetime.fromisoformat(at), language, seconds=True)
        lines.append(f"{source} · {words['delivery']} {delivery} · {received_at}")
        for record in records:
            lines += _record(record, words, language)
    if aside.not_shown:
        lines.append(words["more"].format(counted(aside.not_shown, "more record", language)))
    lines.append(words["discard"])
    return "\n".join(lines)


def _record(record: Aside, words: dict[str, str], language: str) -> list[str]:
    lines = [
        f"  ✗ {_place(issue, record, language)} [{issue.code}]: {_text(issue, language)}" for issue in record.errors
    ]
    resend = of_codes(issue.code for issue in record.errors)
    lines.append(f"    {words['resend']}: {resend.text_en if language == 'en' else resend.text_de}")
    if record.rerun:
        lines.append(f"    {words['rerun']}")
    return lines


def _place(issue: Issue, record: Aside, language: str) -> str:
    place = issue.place or record.place
    return place if language == "en" else in_german(place)


def _text(issue: Issue, language: str) -> str:
    return issue.text_en if language == "en" else issue.text_de
