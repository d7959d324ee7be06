"""The words of a search protocol, in German and English: criteria as people say them, days as each writes them."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from mappings import terminology
from mappings.local_time import zone_name
from mappings.terminology import Language
from mappings.vacancy import ZONE

__all__ = ["TEXTS", "criterion", "day", "day_and_time", "language_of", "value"]

TEXTS: Mapping[Language, Mapping[str, str]] = {
    "de": {
        "title": "Suchprotokoll freie Pflegeplätze",
        "lead": "Nachweis einer Suche. Er nennt keine Patientin und keinen Patienten.",
        "when": "Gesucht am",
        "asked": "Gesucht wurde",
        "criterion": "Kriterium",
        "value": "Angabe",
        "unless_said": "{} (wenn nichts angegeben ist)",
        "result": "Ergebnis",
        "found_none": "Kein Angebot passte.",
        "found": "{} Angebote passten; {} davon stehen hier, in der Reihenfolge der Antwort.",
        "found_one": "Ein Angebot passte.",
        "public": "Öffentliche Sicht: „2+“ heißt zwei oder mehr freie Plätze.",
        "professional": "Sicht für Fachleute: genaue Zahlen.",
        "number": "Nr.",
        "facility": "Einrichtung",
        "offer": "Angebot",
        "free": "Frei",
        "as_of": "Stand",
        "contact": "Telefon, E-Mail",
        "now": "ab sofort",
        "from": "ab {}",
        "until": "bis {}",
        "yes": "ja",
        "nothing": "keine Angabe",
        "why_not": "Was nicht passte, und womit mehr passen würde",
        "made_by": "Erstellt von",
        "made_by_text": "Platzfrei {} ({}), maschinell, auf Anforderung. Der Server speichert weder die Suche noch "
        "dieses Protokoll.",
        "id": "Kennung",
        "signature": "Signatur",
        "fingerprint": "Fingerabdruck des Schlüssels",
        "document_signature": "Signatur des Protokolls",
        "page_signature": "Signatur dieser Seite",
        "check": "Prüfen: diese Datei, wie sie gespeichert wurde, mit „platzfrei protocol verify DATEI“; das geht ohne "
        "Netz. Der Fingerabdruck muss der sein, den {} nennt. Ein Ausdruck lässt sich nicht prüfen: die Datei "
        "aufbewahren.",
        "female": "Frauen",
        "male": "Männer",
        "other": "divers",
        "refused": "Diese Suche ist so nicht möglich",
        "not_searched": "Es wurde nicht gesucht, und es gibt kein Protokoll. Bitte die Angaben berichtigen und noch "
        "einmal suchen.",
        "later": "Das Protokoll ist gerade nicht zu haben",
        "ask_again": "An den Angaben liegt es nicht: bitte in einigen Sekunden noch einmal versuchen.",
        "place": "Wo",
        "expected": "Was dazu zu sagen ist",
        "everywhere": "Anfrage",
    },
    "en": {
        "title": "Search protocol: free care places",
        "lead": "Evidence of a search. It names no patient.",
        "when": "Searched on",
        "asked": "What was asked",
        "criterion": "Criterion",
        "value": "Value",
        "unless_said": "{} (unless said otherwise)",
        "result": "Result",
        "found_none": "No offer fitted.",
        "found": "{} offers fitted; {} of them are listed here, in the order of the answer.",
        "found_one": "One offer fitted.",
        "public": "Public view: “2+” means two or more free places.",
        "professional": "Professional view: exact numbers.",
        "number": "No.",
        "facility": "Facility",
        "offer": "Offer",
        "free": "Free",
        "as_of": "As of",
        "contact": "Phone, e-mail",
        "now": "from now",
        "from": "from {}",
        "until": "until {}",
        "yes": "yes",
        "nothing": "not stated",
        "why_not": "What did not fit, and what would",
        "made_by": "Made by",
        "made_by_text": "Platzfrei {} ({}), by machine, on request. The server stores neither the search nor this "
        "protocol.",
        "id": "Identifier",
        "signature": "Signature",
        "fingerprint": "Fingerprint of the key",
        "document_signature": "Signature of the protocol",
        "page_signature": "Signature of this page",
        "check": "To check: this file, as it was saved, by “platzfrei protocol verify FILE”; no network is needed. The "
        "fingerprint must be the one that {} tells. A printout cannot be checked: keep the file.",
        "female": "women",
        "male": "men",
        "other": "diverse",
        "refused": "This search is not possible",
        "not_searched": "Nothing was searched, and there is no protocol. Please correct what was asked, and search "
        "again.",
        "later": "The protocol cannot be had just now",
        "ask_again": "It is not because of what was asked: please try again in a few seconds.",
        "place": "Where",
        "expected": "What there is to say",
        "everywhere": "Request",
    },
}

_CRITERIA: Mapping[str, tuple[str, str]] = {
    "near": ("Um den Punkt", "Around the point"),
    "postal-code": ("Um die Postleitzahl", "Around the postal code"),
    "city": ("Um den Ort", "Around the town"),
    "district": ("Landkreis oder Gemeinde", "District or municipality"),
    "distance": ("Umkreis", "Distance"),
    "care-form": ("Versorgungsform", "Care form"),
    "start": ("Ab", "From"),
    "end": ("Bis", "Until"),
    "duration": ("Dauer", "Duration"),
    "places": ("Plätze", "Places"),
    "care-grade": ("Pflegegrad", "Care grade"),
    "need": ("Bedarf", "Need"),
    "prefer": ("Bevorzugt", "Preferred"),
    "sex": ("Geschlecht", "Sex"),
    "room": ("Zimmer", "Room"),
    "operator": ("Träger", "Operator"),
    "language": ("Sprache", "Language"),
    "state": ("Stand des Angebots", "State of the offer"),
    "payer": ("Kostenträger", "Payer"),
    "own-share": ("Eigenanteil im Monat höchstens", "Own share a month at most"),
    "max-age": ("Höchstes Alter der Angabe", "Highest age of the statement"),
    "_sort": ("Reihenfolge", "Order"),
}
_CODES: Mapping[str, Sequence[str]] = {
    "care-form": ("care-form",),
    "need": ("need",),
    "prefer": ("need", "room-type"),
    "room": ("room-type",),
    "payer": ("payer",),
    "state": ("vacancy-state",),
}
"""Parameter → our code systems that its values are of."""
_SORTS = {
    "distance": ("Entfernung", "distance"),
    "freshness": ("Aktualität", "freshness"),
    "start": ("Beginn", "start"),
    "score": ("Bewertung", "score"),
}
_SPANS = {"h": ("Stunden", "hours"), "d": ("Tage", "days")}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def criterion(name: str, language: Language) -> str:
    """What people call a parameter of the search."""
    return _CRITERIA[name][language == "en"] if name in _CRITERIA else name


def value(name: str, told: str, language: Language) -> str:
    """What people call a value of a parameter."""
    for system in _CODES.get(name, ()):
        if told in terminology.codes(system):
            return terminology.display(system, told, language)
    if name == "_sort" and told in _SORTS:
        return _SORTS[told][language == "en"]
    if name == "max-age" and (age := re.fullmatch(r"(\d+)([hd])", told)):
        return f"{age[1]} {_SPANS[age[2]][language == 'en']}"
    if name == "duration":
        return f"{told} {_SPANS['d'][language == 'en']}"
    if name == "own-share":
        return f"{_decimal(told, language)} €"
    if name in ("start", "end") and re.fullmatch(r"\d{4}-\d\d-\d\d", told):
        return day(date.fromisoformat(told), language)
    if name == "distance":
        return f"{_decimal(told, language)} km"
    if name == "near":
        latitude, longitude, *rest = [*told.split("|"), ""]
        return f"{latitude} N, {longitude} E" + (
            f", {_decimal(rest[0], language)} {rest[1] or 'km'}" if rest[0] else ""
        )
    if name == "sex" and told in ("female", "male", "other"):
        return TEXTS[language][told]
    return told


def day(told: date, language: Language) -> str:
    """A day of the calendar."""
    return f"{told:%d.%m.%Y}" if language == "de" else f"{told.day} {_MONTHS[told.month - 1]} {told.year}"


def day_and_time(moment: datetime, language: Language) -> str:
    """A moment by the clock of Germany."""
    local = moment.astimezone(ZONE)
    clock = f"{local:%H:%M} Uhr" if language == "de" else f"{local:%H:%M}"
    return f"{day(local, language)}, {clock} ({zone_name(moment, language)})"


def language_of(accepted: str) -> Language:
    """The first language that a client accepts and we speak, else German."""
    for part in accepted.split(","):
        spoken = part.partition(";")[0].strip().lower()[:2]
        if spoken in ("de", "en"):
            return "en" if spoken == "en" else "de"
    return "de"


def _decimal(number: str, language: Language) -> str:
    return number.replace(".", ",") if language == "de" else number
