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
from hub.search.query_string import encoded
from hub.search.why_not import Change, KeptOut, WhyNot
from hub.store.clock import date_of
from mappings import terminology
from mappings.errors import Issue

__all__ = ["asked_instead", "why_not_outcome"]

WHY_NOT = canonical("StructureDefinition", "why-not")
_NAMES: Mapping[str, tuple[str, str]] = {
    "care-grade": ("den Pflegegrad", "the care grade"),
    "sex": ("das Geschlecht", "the sex"),
    "room": ("die Zimmerart", "the room type"),
    "operator": ("den Träger", "the operator"),
    "language": ("die Sprache", "the language"),
    "payer": ("den Kostenträger", "the payer"),
    "own-share": ("den Eigenanteil", "the own share"),
    "max-age": ("das Alter der Meldung", "the age of the statement"),
    "start": ("den Beginn", "the start date"),
    "duration": ("die Dauer", "the length of the stay"),
    "places": ("die Zahl der Plätze", "the number of places"),
    "care-form": ("die Versorgungsform", "the care form"),
}
"""As they stand in a sentence: the German in the accusative."""
_BUT: Mapping[str, tuple[str, str]] = {
    "some": ("dort sind Plätze frei", "places are free there"),
    "none": ("dort ist nichts frei", "no places are free there"),
    "ask": ("dort muss erst angefragt werden", "you have to ask there first"),
    "unknown": ("ob dort etwas frei ist, ist nicht bekannt", "whether places are free there is not known"),
}
"""What is to be said of an offer in a state that was not asked for."""
_ALSO: Mapping[str, tuple[str, str]] = {
    "some": ("Auch Angebote mit freien Plätzen", "Including offers with places free"),
    "ask": ("Auch Angebote, bei denen erst angefragt werden muss", "Including offers where you have to ask first"),
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
    elif name == "district":
        del asked["district"]
        asked["near"] = [str(value)]
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
    offers_de, offers_en = f"{_offers_de(one.offers)} hier", f"{_offers(one.offers)} here"
    fits_de = "passt" if one.offers == 1 else "passen"
    if one.criterion == "state":
        but_de, but_en = _BUT[one.code]
        issue = _issue(f"{offers_de} {fits_de} sonst; {but_de}", f"{offers_en} would otherwise fit; {but_en}")
    elif one.criterion == "district":
        lies_de, lies_en = ("liegt", "lies") if one.offers == 1 else ("liegen", "lie")
        issue = _issue(
            f"{_offers_de(one.offers)} in der Nähe {fits_de}, {lies_de} aber außerhalb des Gebiets",
            f"{_offers(one.offers)} nearby would fit, but {lies_en} outside the area",
        )
    else:
        german, english = _name(one.criterion, one.code)
        silent_de, silent_en = _unstated(one)
        issue = _issue(
            f"{offers_de} {fits_de} bis auf {german}{silent_de}",
            f"{offers_en} would fit except for {english}{silent_en}",
        )
    return issue, facts, ""


def _unstated(one: KeptOut) -> tuple[str, str]:
    """How many of them one can ask, because they say neither yes nor no."""
    if not one.unstated:
        return "", ""
    german, english = ("zu Bedarfen", "needs") if one.criterion == "need" else ("dazu", "it")
    if one.unstated == one.offers:
        return f"; {german} fehlt jede Angabe: bitte nachfragen", f"; nothing is said about {english}: please ask"
    says_de, says_en = ("macht", "says") if one.unstated == 1 else ("machen", "say")
    return (
        f"; {one.unstated} davon {says_de} {german} keine Angabe: bitte nachfragen",
        f"; {one.unstated} of them {says_en} nothing about {english}: please ask",
    )


def _said(change: Change) -> tuple[str, str]:
    """What a change is, in German and English."""
    value, code = change.value, change.code
    match change.criterion:
        case "distance":
            return f"Im Umkreis von {value} km", f"Within {value} km"
        case "district":
            kilometres = str(value).split("|")[2]
            return (
                f"Im Umkreis von {kilometres} km um die Mitte des Kreises",
                f"Within {kilometres} km of the middle of the district",
            )
        case "start":
            first = date_of(int(value or 0))
            return f"Ab {first:%d.%m.%Y}", f"From {first.isoformat()}"
        case "duration":
            return f"Für {value} Tag{'' if value == 1 else 'e'}", f"For {value} day{'' if value == 1 else 's'}"
        case "places":
            return (
                f"Nur {value} {'Platz' if value == 1 else 'Plätze'}",
                f"Only {value} {'place' if value == 1 else 'places'}",
            )
        case "max-age" if value is not None:
            hours = int(str(value).removesuffix("h"))
            return (
                f"Meldungen bis {hours} Stunde{'' if hours == 1 else 'n'} alt",
                f"Statements up to {hours} hour{'' if hours == 1 else 's'} old",
            )
        case "own-share" if value is not None:
            return f"Eigenanteil bis {value} € im Monat", f"Own share up to {value} € a month"
        case "state":
            return _ALSO[code]
        case "care-form":
            return (
                f"Auch {terminology.display('care-form', code, 'de')}",
                f"Also {terminology.display('care-form', code, 'en')}",
            )
        case _:
            german, english = _name(change.criterion, code)
            return f"Ohne Rücksicht auf {german}", f"Regardless of {english}"


def _name(criterion: str, code: str) -> tuple[str, str]:
    if criterion == "need":
        german, english = (terminology.display("need", code, language) for language in ("de", "en"))
        return f"den Bedarf „{german}“", f"the need “{english}”"
    return _NAMES[criterion]


def _facts(criterion: str, code: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{"url": "criterion", "valueString": criterion}]
    return [*told, {"url": "code", "valueString": code}] if code else told


def _nothing(total: int, *, in_district: bool) -> Issue:
    if total:
        return _issue("Weitere passende Angebote sind hier nicht bekannt.", "No other offers that fit are known here.")
    if in_district:
        return _issue(
            "In diesem Gebiet ist kein passendes Angebot bekannt, auch nicht, wenn ein Kriterium wegfällt. Wer weiter "
            "suchen will, gibt statt des Gebiets einen Ort mit einem Umkreis an.",
            "No offer that fits is known in this area, not even if one criterion is dropped. To look further, give a "
            "town and a distance instead of the area.",
        )
    return _issue(
        "Bis 200 km weit ist kein passendes Angebot bekannt, und hier auch keines, das bis auf ein Kriterium passt. "
        "Vielleicht hilft es, mehreres zugleich zu ändern, etwa den Umkreis und ein Kriterium.",
        "No offer that fits is known within 200 km, and none here would fit except for one criterion. It may help to "
        "change several things at once, such as the distance and one criterion.",
    )


def _issue(text_de: str, text_en: str) -> Issue:
    return Issue(code="why-not", severity="information", fhir_code="informational", text_de=text_de, text_en=text_en)


def _offers_de(number: int) -> str:
    return "1 Angebot" if number == 1 else f"{number} Angebote"


def _offers(number: int) -> str:
    return "1 offer" if number == 1 else f"{number} offers"
