"""Homes without software as the coordination office reads of them at the terminal."""

from collections.abc import Mapping
from datetime import datetime

from hub.homes.home import Home, HomeOffer
from hub.homes.reminders import Due
from hub.homes.standing import Standing
from hub.homes.texts import ago, day_and_time
from hub.store.clock import moment
from mappings.terminology import Language, display

__all__ = ["TEXTS", "attribute", "changes", "due_row", "reported", "row", "withdrawn"]

TEXTS: Mapping[str, str] = {
    "--name": "add, change: what people call it",
    "--postal-code": "add, change",
    "--city": "add, change",
    "--street": "add, change",
    "--house-number": "add, change",
    "--phone": "add, change: shown to everybody",
    "--email": "add, change: where reminders go, shown to nobody",
}
"""The options that say of a home what is one text."""


def attribute(option: str) -> str:
    """What an option is called in the program."""
    return option.removeprefix("--").replace("-", "_")


def row(standing: Standing, now: datetime, language: Language) -> tuple[str, ...]:
    """A home in the list of all."""
    home = standing.home
    free = "; ".join(
        f"{display('care-form', care_form, language)} {'?' if number is None else number}"
        for care_form, number in standing.free.items()
    )
    return home.id, home.name, f"{home.postal_code} {home.city}".strip(), free, _as_of(standing, now, language)


def due_row(due: Due, now: datetime, language: Language) -> tuple[str, ...]:
    """A home in the list of those whose report is due."""
    standing, home, stale_at = due.standing, due.standing.home, due.standing.stale_at
    never = " (never yet)" if language == "en" else " (noch nie)"
    care_forms = (
        display("care-form", care_form, language) + ("" if standing.said[care_form] else never)
        for care_form in due.care_forms
    )
    if due.reminded_at is not None:
        reminded = ago(moment(due.reminded_at), now, language)
    elif due.attempts:
        reminded = f"{due.attempts}× failed" if language == "en" else f"{due.attempts}× misslungen"
    else:
        reminded = "–"
    return (
        home.id,
        home.name,
        home.phone or "–",
        "; ".join(care_forms),
        _as_of(standing, now, language),
        day_and_time(moment(stale_at), language) if stale_at is not None else "–",
        reminded,
    )


def reported(standing: Standing, now: datetime, language: Language) -> str:
    """How a home stands once something was reported for it, and when that is due again."""
    lines = []
    for care_form, said in standing.said.items():
        if said is None:
            told = "never reported yet" if language == "en" else "noch nie gemeldet"
        else:
            told = f"{said.free} {'free' if language == 'en' else 'frei'}, {ago(moment(said.said_at), now, language)}"
        lines.append(f"  {display('care-form', care_form, language)}: {told}")
    if standing.stale_at is not None:
        due = "next report due by" if language == "en" else "nächste Meldung spätestens"
        lines.append(f"  {due} {day_and_time(moment(standing.stale_at), language)}")
    return "\n".join(lines)


def changes(before: Home, after: Home, language: Language) -> list[str]:
    """What of a home is another now: old → new."""
    texts = [(option, getattr(before, attribute(option)), getattr(after, attribute(option))) for option in TEXTS]
    was, is_now = ({one.care_form: one for one in home.offers} for home in (before, after))
    return [f"{option}: {old or '–'} → {new or '–'}" for option, old, new in texts if old != new] + [
        f"{display('care-form', care_form, language)}: {_places(was.get(care_form), language)} → "
        f"{_places(is_now.get(care_form), language)}"
        for care_form in {**was, **is_now}
        if was.get(care_form) != is_now.get(care_form)
    ]


def withdrawn(offers: int, language: Language) -> str:
    """That so many offers of a home are no more."""
    if language == "en":
        several = "one offer" if offers == 1 else f"{offers} offers"
        told = f"Withdrawn: what it reported of {several}; nobody finds or counts it any more."
        return told if offers else "There was nothing to withdraw."
    several = "einem Angebot" if offers == 1 else f"{offers} Angeboten"
    told = f"Zurückgenommen: was es zu {several} gemeldet hat; niemand findet oder zählt es mehr."
    return told if offers else "Zurückzunehmen war nichts."


def _as_of(standing: Standing, now: datetime, language: Language) -> str:
    """When its care forms were reported last; where at several times, which when."""
    told = {
        display("care-form", care_form, language): ago(moment(said.said_at), now, language)
        for care_form, said in standing.said.items()
        if said is not None
    }
    if len(set(told.values())) <= 1:
        return next(iter(told.values()), "–")
    return "; ".join(f"{name} {when}" for name, when in told.items())


def _places(offer: HomeOffer | None, language: Language) -> str:
    if offer is None:
        return "no offer" if language == "en" else "kein Angebot"
    number = "?" if offer.licensed is None else offer.licensed
    return f"{number} places" if language == "en" else f"{number} Plätze"
