"""Why so few places fit, as the outcome entry of a searchset: what keeps offers out, and what to ask instead.

One issue each (https://hl7.org/fhir/R4/operationoutcome.html), with the facts in the extension `why-not`; where asking
otherwise helps, `diagnostics` is the relative URL to GET.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import orjson

from conformance.spec import canonical
from hub.fhir.outcome import outcome
from hub.fhir.vacancy_parameters import Told
from hub.search.query import encoded
from hub.search.why_not import Change, KeptOut, WhyNot
from hub.store.clock import date_of
from mappings import terminology
from mappings.errors import Issue

__all__ = ["asked_instead", "why_not_outcome"]

WHY_NOT = canonical("StructureDefinition", "why-not")
_NAMES: Mapping[str, tuple[str, str]] = {
    "care-grade": ("Pflegegrad", "care grade"),
    "sex": ("Geschlecht", "sex"),
    "room": ("Zimmer", "room"),
    "operator": ("Träger", "operator"),
    "language": ("Sprache", "language"),
    "payer": ("Kostenträger", "payer"),
    "own-share": ("Eigenanteil", "own share"),
    "max-age": ("Alter der Meldung", "age of the statement"),
    "district": ("Landkreis oder Gemeinde", "district or municipality"),
    "start": ("Beginn", "start"),
    "duration": ("Dauer", "length of the stay"),
    "places": ("Zahl der Plätze", "number of places"),
    "care-form": ("Versorgungsform", "care form"),
}


def why_not_outcome(found: WhyNot, told: Told, path: str) -> bytes:
    """The OperationOutcome, serialised; `path` is that of the operation, below the base."""
    issues: list[tuple[Issue, list[dict[str, Any]], str]] = [_kept_out(one) for one in found.kept_out]
    for change in found.changes:
        text_de, text_en = _said(change)
        more = change.total - found.total
        issues.append(
            (
                _issue(
                    f"{text_de}: {_offers_de(change.total)} ({more} mehr)",
                    f"{text_en}: {_offers(change.total)} ({more} more)",
                ),
                [*_facts(change.criterion, change.code), {"url": "total", "valueInteger": change.total}],
                f"{path}?{encoded(asked_instead(change, told))}",
            )
        )
    if not issues:
        issues.append((_nothing(found.total, in_district="district" in told and "city" not in told), [], ""))
    resource = outcome(issue for issue, _, _ in issues)
    for written, (_, facts, url) in zip(resource["issue"], issues, strict=True):
        if facts:
            written["extension"] = [{"url": WHY_NOT, "extension": facts}]
        if url:
            written["diagnostics"] = url
    return orjson.dumps(resource)


def asked_instead(change: Change, told: Told) -> list[tuple[str, str]]:
    """The parameters of the search that a change stands for."""
    asked = {name: list(values) for name, values in told.items() if name not in ("_after", "why-not")}
    name, value = change.criterion, change.value
    if name == "need":
        asked["need"] = [code for code in asked["need"] if code != change.code]
    elif name == "care-form":
        asked["care-form"] = [*asked.get("care-form", ()), str(value)]
    elif name == "state":
        asked["state"] = str(value).split(",")
    elif name == "distance":
        if "near" in asked:
            latitude, longitude, *_ = asked["near"][0].split("|")
            asked["near"] = [f"{latitude}|{longitude}|{value}|km"]
        else:
            asked["distance"] = [str(value)]
    elif name == "start":
        first = date_of(int(value or 0))
        if "end" in asked:
            asked["end"] = [(first + timedelta(days=change.days - 1)).isoformat()]
        asked["start"] = [first.isoformat()]
    elif name == "duration" and "end" in asked:
        end = date.fromisoformat(asked["end"][0])
        asked["end"] = [(end - timedelta(days=change.days - int(value or 0))).isoformat()]
    elif value is None:
        asked.pop(name, None)
    else:
        asked[name] = [str(value)]
    return [(name, value) for name, values in asked.items() for value in values]


def _kept_out(one: KeptOut) -> tuple[Issue, list[dict[str, Any]], str]:
    facts = [*_facts(one.criterion, one.code), {"url": "keptOut", "valueInteger": one.offers}]
    if one.unstated:
        facts.append({"url": "unstated", "valueInteger": one.unstated})
    if one.criterion == "state":
        german, english = (terminology.display("vacancy-state", one.code, language) for language in ("de", "en"))
        issue = _issue(
            f"{_offers_de(one.offers)} hier, sonst passend, mit dem Stand: {german}",
            f"{_offers(one.offers)} here that would fit, with the state: {english}",
        )
    elif one.criterion == "district":
        issue = _issue(
            f"{_offers_de(one.offers)} in der Nähe, sonst passend, außerhalb des Gebiets",
            f"{_offers(one.offers)} nearby that would fit, outside of the area",
        )
    else:
        german, english = _name(one.criterion, one.code)
        silent_de, silent_en = _unstated(one)
        issue = _issue(
            f"{_offers_de(one.offers)} hier: nicht passend allein wegen {german}{silent_de}",
            f"{_offers(one.offers)} here: not fitting for one reason alone, {english}{silent_en}",
        )
    return issue, facts, ""


def _unstated(one: KeptOut) -> tuple[str, str]:
    """How many of them one can ask, because they say neither yes nor no."""
    if not one.unstated:
        return "", ""
    german, english = ("zu Bedarfen", "needs") if one.criterion == "need" else ("dazu", "that")
    if one.unstated == one.offers:
        return f"; {german} ist nichts gesagt: nachfragen", f"; nothing is said of {english}: ask"
    says_de, says_en = ("sagt", "says") if one.unstated == 1 else ("sagen", "say")
    return (
        f"; {one.unstated} davon {says_de} {german} nichts: nachfragen",
        f"; {one.unstated} of them {says_en} nothing of {english}: ask",
    )


def _said(change: Change) -> tuple[str, str]:
    """What a change is, in German and English."""
    value, code = change.value, change.code
    german, english = _name(change.criterion, code)
    match change.criterion:
        case "distance":
            return f"Umkreis {value} km", f"{value} km around"
        case "start":
            first = date_of(int(value or 0))
            return f"Ab {first:%d.%m.%Y}", f"From {first.isoformat()}"
        case "duration":
            return f"Für {value} Tag{'' if value == 1 else 'e'}", f"For {value} day{'' if value == 1 else 's'}"
        case "places":
            return f"{value} {'Platz' if value == 1 else 'Plätze'}", f"{value} {'place' if value == 1 else 'places'}"
        case "max-age":
            return (
                (f"Meldungen bis {_hours(value)} alt", f"Statements up to {_hours(value)} old")
                if value
                else (f"Ohne: {german}", f"Without: {english}")
            )
        case "own-share" if value is not None:
            return f"Eigenanteil bis {value} € im Monat", f"Own share up to {value} € a month"
        case "state" | "care-form":
            system = "vacancy-state" if change.criterion == "state" else "care-form"
            return (
                f"Auch: {terminology.display(system, code, 'de')}",
                f"Also: {terminology.display(system, code, 'en')}",
            )
        case _:
            return f"Ohne: {german}", f"Without: {english}"


def _hours(age: str | int) -> str:
    return f"{str(age).removesuffix('h')} h"


def _name(criterion: str, code: str) -> tuple[str, str]:
    if criterion == "need":
        return terminology.display("need", code, "de"), terminology.display("need", code, "en")
    return _NAMES.get(criterion, (criterion, criterion))


def _facts(criterion: str, code: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{"url": "criterion", "valueString": criterion}]
    return [*told, {"url": "code", "valueString": code}] if code else told


def _nothing(total: int, *, in_district: bool) -> Issue:
    if total:
        return _issue(
            "Mehr Angebote dieser Art sind im Umkreis nicht bekannt.", "No more such offers are known in reach."
        )
    if in_district:
        return _issue(
            "In diesem Gebiet ist kein passendes Angebot bekannt, auch nicht mit einem Kriterium weniger. "
            "Darüber hinaus sucht, wer statt des Gebiets einen Ort und einen Umkreis angibt.",
            "No offer that fits is known in this area, not even with one criterion less. To look beyond it, give a "
            "town and a distance instead of the area.",
        )
    return _issue(
        "Bis 200 km weit ist kein passendes Angebot bekannt, und im Umkreis keines, dem nur ein Kriterium fehlt. "
        "Helfen kann, mehreres zugleich zu ändern, etwa den Umkreis und ein Kriterium.",
        "No offer that fits is known up to 200 km away, and none in reach that lacks one criterion alone. "
        "Changing several at once may help, such as the distance and one criterion.",
    )


def _issue(text_de: str, text_en: str) -> Issue:
    return Issue(code="why-not", severity="information", fhir_code="informational", text_de=text_de, text_en=text_en)


def _offers_de(number: int) -> str:
    return "1 Angebot" if number == 1 else f"{number} Angebote"


def _offers(number: int) -> str:
    return "1 offer" if number == 1 else f"{number} offers"
