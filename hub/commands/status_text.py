"""How a source stands, as a person reads it at the terminal."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.source_status import Reason, SourceStatus

__all__ = ["render"]

_REASONS_SHOWN = 10

_WORDS = {
    "de": {
        "last": "letzte Lieferung",
        "never": "noch keine",
        "due": "nächste erwartet",
        "overdue": "überfällig",
        "offers": "Angebote",
        "fresh": "frisch",
        "aging": "alternd",
        "stale": "veraltet",
        "expired": "abgelaufen",
        "records": "Datensätze",
        "taken": "übernommen",
        "setAside": "beiseitegelegt",
        "rejected": "abgelehnt",
        "aside": "Beiseite liegen",
        "refused": "abgelehnte Lieferungen (von den letzten 1.000)",
        "feed": "Abruf",
        "every": "alle",
        "succeeded": "zuletzt gelungen",
        "failed": "misslungen",
        "more": "… und {} weitere Gründe",
        "received": "angenommen, noch nicht fertig",
        "done": "fertig",
    },
    "en": {
        "last": "last delivery",
        "never": "none yet",
        "due": "next expected",
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
        "aside": "set aside",
        "refused": "rejected deliveries (of the last 1,000)",
        "feed": "feed",
        "every": "every",
        "succeeded": "last success",
        "failed": "failed",
        "more": "… and {} more reasons",
        "received": "received, not finished yet",
        "done": "done",
    },
}


def render(status: SourceStatus, language: str) -> str:
    """The status in a few lines."""
    words = _WORDS[language]
    lines = [f"{status.source} · {_time(status.at)}"]
    if status.last is None:
        lines.append(f"  {words['last']}: {words['never']}")
    else:
        told = [f"{status.last['receivedAt']}", f"{status.last['delivery']}", words[status.last["status"]]]
        records = status.last.get("records", {})
        told += [f"{records[name]} {words[name]}" for name in ("taken", "setAside", "rejected") if records.get(name)]
        lines.append(f"  {words['last']}: {', '.join(told)}")
    if status.due_at is not None:
        late = f" ({words['overdue']})" if status.overdue else ""
        lines.append(f"  {words['due']}: {_time(status.due_at)}{late}")
    steps = ", ".join(f"{count} {words[step]}" for step, count in status.offers.items() if count)
    lines.append(f"  {words['offers']} {sum(status.offers.values())}" + (f": {steps}" if steps else ""))
    lines += _reasons(words["aside"], status.set_aside, status.set_aside_reasons, words["more"])
    lines += _reasons(words["refused"], status.rejected, status.rejected_reasons, words["more"])
    for feed, state in status.feeds:
        lines.append(
            f"  {words['feed']} {feed.name}: {words['every']} {feed.interval}, "
            f"{words['succeeded']} {_time(state.succeeded_at)}"
        )
        if state.failures:
            lines.append(f"    {state.failures}× {words['failed']}")
        lines += [f"    ✗ {issue.text_en if language == 'en' else issue.text_de}" for issue in state.issues]
    return "\n".join(lines)


def _reasons(noun: str, count: int, reasons: Sequence[Reason], more: str) -> list[str]:
    if not count:
        return []
    lines = [f"  {noun}: {count}"]
    lines += [
        f"    ✗ {reason.count}× {reason.code}" + (f" ({reason.place})" if reason.place else "")
        for reason in reasons[:_REASONS_SHOWN]
    ]
    if left := len(reasons) - _REASONS_SHOWN:
        lines += ["    " + more.format(left)] if left > 0 else []
    return lines


def _time(moment: datetime | None) -> str:
    return (
        "–" if moment is None else (moment - timedelta(microseconds=moment.microsecond)).strftime("%Y-%m-%dT%H:%M:%SZ")
    )
