"""How a source stands, as a person reads it at the terminal."""

from collections.abc import Sequence
from datetime import datetime

from hub.commands.counted import counted
from hub.commands.receipt_text import in_german
from hub.source_status import Reason, SourceStatus
from mappings.local_time import moment_text
from mappings.terminology import Language

__all__ = ["render", "stands"]

_REASONS_SHOWN = 10

_WORDS: dict[Language, dict[str, str]] = {
    "de": {
        "last": "letzte Lieferung",
        "number": "Nummer",
        "never": "noch keine",
        "due": "nächste erwartet bis",
        "overdue": "überfällig",
        "offers": "Angebote",
        "fresh": "aktuell",
        "aging": "alternd",
        "stale": "veraltet",
        "expired": "abgelaufen",
        "records": "Datensätze",
        "taken": "übernommen",
        "setAside": "beiseitegelegt",
        "rejected": "abgelehnt",
        "aside": "beiseite liegen",
        "look": "einzeln und mit Abhilfe",
        "waiting": "zurückgehalten, nichts davon gilt",
        "decide": "ansehen und entscheiden",
        "refused": "abgelehnt (von den letzten 1.000)",
        "feed": "Abruf",
        "every": "alle",
        "succeeded": "zuletzt gelungen",
        "failed": "misslungen",
        "running": "läuft seit",
        "more": "… und {}",
    },
    "en": {
        "last": "last delivery",
        "number": "number",
        "never": "none yet",
        "due": "next expected by",
        "overdue": "overdue",
        "offers": "offers",
        "fresh": "fresh",
        "aging": "aging",
        "stale": "stale",
        "expired": "expired",
        "records": "records",
        "taken": "taken",
        "setAside": "set aside",
        "rejected": "rejected",
        "aside": "lying aside",
        "look": "one by one, with what helps",
        "waiting": "held, nothing of it is in effect",
        "decide": "look and decide",
        "refused": "rejected (of the last 1,000)",
        "feed": "feed",
        "every": "every",
        "succeeded": "last success",
        "failed": "failed",
        "running": "running since",
        "more": "… and {}",
    },
}

_STANDS: dict[Language, dict[str, str]] = {
    "de": {
        "arriving": "kommt gerade an",
        "received": "angenommen, noch nicht fertig",
        "done": "fertig",
        "held": "zurückgehalten",
        "rejected": "abgelehnt",
    },
    "en": {
        "arriving": "arriving just now",
        "received": "received, not finished yet",
        "done": "done",
        "held": "held",
        "rejected": "rejected",
    },
}
"""How a delivery stands in the ledger (`hub.store.tables.delivery`, column `status`)."""


def stands(status: str, language: Language) -> str:
    """How a delivery stands, by its status in the ledger."""
    return _STANDS[language][status]


def render(status: SourceStatus, language: Language) -> str:
    """The status in a few lines."""
    words = _WORDS[language]
    lines = [f"{status.source} · {_time(status.at, language)}"]
    if status.last is None:
        lines.append(f"  {words['last']}: {words['never']}")
    else:
        how = status.last["status"]
        received_at = _time(datetime.fromisoformat(status.last["receivedAt"]), language)
        told = [received_at, f"{words['number']} {status.last['delivery']}", stands(how, language)]
        # Of one that is held nothing was decided yet.
        records = status.last.get("records", {}) if how != "held" else {}
        told += [f"{records[name]} {words[name]}" for name in ("taken", "setAside", "rejected") if records.get(name)]
        lines.append(f"  {words['last']}: {', '.join(told)}")
    if status.due_at is not None:
        late = f" ({words['overdue']})" if status.overdue else ""
        lines.append(f"  {words['due']}: {_time(status.due_at, language)}{late}")
    steps = ", ".join(f"{count} {words[step]}" for step, count in status.offers.items() if count)
    lines.append(f"  {words['offers']} {sum(status.offers.values())}" + (f": {steps}" if steps else ""))
    if status.held:
        numbers = [str(number) for number in status.held_numbers] + ["…"] * (status.held > len(status.held_numbers))
        lines.append(f"  {words['waiting']}: {counted(status.held, 'delivery', language)} ({', '.join(numbers)})")
        lines.append(f"    {words['decide']}: platzfrei drift --source {status.source}")
    if status.set_aside:
        lines.append(f"  {words['aside']}: {counted(status.set_aside, 'record', language)}")
        lines += _reasons(status.set_aside_reasons, language)
        lines.append(f"    {words['look']}: platzfrei ingest --aside --source {status.source}")
    if status.rejected:
        lines.append(f"  {words['refused']}: {counted(status.rejected, 'delivery', language)}")
        lines += _reasons(status.rejected_reasons, language)
    for feed, state in status.feeds:
        runs = "" if state.running_since is None else f", {words['running']} {_time(state.running_since, language)}"
        lines.append(
            f"  {words['feed']} {feed.name}: {words['every']} {feed.interval}, "
            f"{words['succeeded']} {_time(state.succeeded_at, language)}{runs}"
        )
        if state.failures:
            lines.append(f"    {state.failures}× {words['failed']}")
        lines += [f"    ✗ {issue.text_en if language == 'en' else issue.text_de}" for issue in state.issues]
    return "\n".join(lines)


def _reasons(reasons: Sequence[Reason], language: Language) -> list[str]:
    lines = []
    for reason in reasons[:_REASONS_SHOWN]:
        place = reason.place if language == "en" else in_german(reason.place)
        lines.append(f"    ✗ {reason.count}× {reason.text[language]} [{reason.code}]" + (f": {place}" if place else ""))
    if (left := len(reasons) - _REASONS_SHOWN) > 0:
        lines.append("    " + _WORDS[language]["more"].format(counted(left, "reason", language)))
    return lines


def _time(moment: datetime | None, language: Language) -> str:
    return "–" if moment is None else moment_text(moment, language, seconds=True)
