"""What criteria mean, in plain Python over resource trees: slow, and written without the search engine."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.hub.search.universe import BASE, NOW, Tree, at, bare, span

__all__ = ["CRITERIA", "fulfils"]

Says = Callable[[Tree, str], bool]
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def fulfils(tree: Tree, criterion: str, value: str) -> bool:
    """Whether a resource fulfils a criterion: one of the values, or none of them where it says `not`."""
    if criterion.endswith(":missing"):
        return (not list(_values(tree, criterion.partition(":")[0]))) == (value == "true")
    says = CRITERIA[tree["resourceType"], criterion]
    if criterion.endswith(":not"):
        return all(says(tree, one) for one in value.split(","))
    return any(says(tree, one) for one in value.split(","))


_PATHS: dict[str, Sequence[tuple[str, ...]]] = {
    "active": [("active",)],
    "birthdate": [("birthDate",)],
    "code": [("code",)],
    "date": [("effectiveDateTime",), ("effectivePeriod",)],
    "email": [("telecom", "value")],
    "family": [("name", "family")],
    "gender": [("gender",)],
    "given": [("name", "given")],
    "identifier": [("identifier",)],
    "method": [("method",)],
    "name": [("name",), ("name", "family"), ("name", "given")],
    "near": [("position",)],
    "probability": [("prediction", "probabilityDecimal")],
    "subject": [("subject", "reference"), ("subject", "identifier")],
    "url": [("url",)],
    "value-quantity": [("valueQuantity",)],
}


def _values(tree: Tree, code: str) -> Iterator[Any]:
    for path in _PATHS[code]:
        for value in at(tree, *path):
            if (
                code == "subject"
                and isinstance(value, dict | str)
                and (value == "#contained" or isinstance(value, dict))
            ):
                continue
            if isinstance(value, dict) and code == "name":
                continue
            yield value


def _string(code: str, test: Callable[[str, str], bool]) -> Says:
    return lambda tree, text: any(test(one, text) for one in _values(tree, code) if isinstance(one, str))


def _begins(value: str, text: str) -> bool:
    return bare(value).startswith(bare(text))


def _contains(value: str, text: str) -> bool:
    return bare(text) in bare(value)


def _exact(value: str, text: str) -> bool:
    return value == text


def _codings(tree: Tree, code: str) -> list[tuple[str, str]]:
    found = []
    for value in _values(tree, code):
        if isinstance(value, bool):
            found.append(("", str(value).lower()))
        elif isinstance(value, str):
            found.append(("", value.lower() if code == "email" else value))
        elif "coding" in value:
            found += [(one.get("system", ""), one["code"]) for one in value["coding"]]
        else:
            found.append((value.get("system", ""), value["value"]))
    return found


def _is_token(tree: Tree, code: str, text: str) -> bool:
    text = text.lower() if code == "email" else text
    system, bar, wanted = text.rpartition("|")
    if bar and code == "gender" and system == "http://hl7.org/fhir/administrative-gender":
        bar = ""
    return any((not wanted or one == wanted) and (not bar or own == system) for own, one in _codings(tree, code))


def _token(code: str) -> Says:
    return lambda tree, text: _is_token(tree, code, text)


def _not_token(code: str) -> Says:
    return lambda tree, text: not _is_token(tree, code, text)


def _text(tree: Tree, text: str) -> bool:
    shown = [*at(tree, "code", "text"), *at(tree, "code", "coding", "display")]
    return any(_begins(one, text) for one in shown)


def _of_type(tree: Tree, text: str) -> bool:
    system, code, value = text.split("|")
    return any(
        one["value"] == value and coding.get("system", "") == system and coding["code"] == code
        for one in at(tree, "identifier")
        for coding in one["type"]["coding"]
    )


def _subject(only: str = "") -> Says:
    def says(tree: Tree, text: str) -> bool:
        wanted = text.removeprefix(f"{BASE}/")
        if only and "/" not in wanted:
            wanted = f"{only}/{wanted}"
        for written in at(tree, "subject", "reference"):
            own = written.removeprefix(f"{BASE}/").partition("/_history")[0]
            if own == wanted or (
                not only and "/" not in wanted and not own.startswith("http") and own.endswith(f"/{wanted}")
            ):
                return True
        return False

    return says


def _subject_identifier(tree: Tree, text: str) -> bool:
    system, bar, wanted = text.rpartition("|")
    return any(
        one["value"] == wanted and (not bar or one.get("system", "") == system)
        for one in at(tree, "subject", "identifier")
    )


def _date(code: str, prefix: str) -> Says:
    def says(tree: Tree, text: str) -> bool:
        low, high = span(text)
        for value in _values(tree, code):
            if isinstance(value, str):
                first, end = span(value)
            elif not value:
                continue
            else:
                first = span(value["start"])[0] if "start" in value else _FIRST
                end = span(value["end"])[1] if "end" in value else _LAST
            if _compared(prefix, first, end, low, high):
                return True
        return False

    return says


def _compared(prefix: str, first: datetime, end: datetime, low: datetime, high: datetime) -> bool:
    match prefix:
        case "" | "eq":
            return low <= first and end <= high
        case "ne":
            return not (low <= first and end <= high)
        case "gt":
            return end > high
        case "lt":
            return first < low
        case "ge":
            return end > high or (low <= first and end <= high)
        case "le":
            return first < low or (low <= first and end <= high)
        case "sa":
            return first >= high
        case "eb":
            return end <= low
        case _:
            slack = abs(NOW - low) / 10
            moment = timedelta(microseconds=1)
            return first <= high - moment + slack and end - moment >= low - slack


def _number(tree: Tree, code: str, prefix: str, text: str, unit: Callable[[Any], bool]) -> bool:
    wanted = Decimal(text)
    exponent = wanted.as_tuple().exponent
    half = Decimal(1).scaleb(int(exponent)) / 2
    for value in _values(tree, code):
        number = value["value"] if isinstance(value, dict) else value
        within = wanted - half <= number < wanted + half
        near = abs(number - wanted) <= abs(wanted) / 10
        tests = {
            "": within,
            "eq": within,
            "ne": not within,
            "lt": number < wanted,
            "gt": number > wanted,
            "le": number <= wanted,
            "ge": number >= wanted,
            "sa": number > wanted,
            "eb": number < wanted,
            "ap": near,
        }
        if tests[prefix] and unit(value):
            return True
    return False


def _probability(prefix: str) -> Says:
    return lambda tree, text: _number(tree, "probability", prefix, text, lambda _: True)


def _quantity(prefix: str) -> Says:
    def says(tree: Tree, text: str) -> bool:
        number, _, unit = text.partition("|")
        system, _, code = unit.partition("|")

        def fits(value: Tree) -> bool:
            if not unit:
                return True
            if not system:
                return code in (value.get("code"), value.get("unit"))
            return (value.get("system"), value.get("code")) == (system, code)

        return _number(tree, "value-quantity", prefix, number, fits)

    return says


def _uri(test: Callable[[str, str], bool]) -> Says:
    return lambda tree, text: any(test(value, text) for value in _values(tree, "url"))


def _above(value: str, text: str) -> bool:
    return text == value or text.startswith(value.rstrip("/") + "/")


PREFIXES = ("", "eq", "ne", "lt", "gt", "le", "ge", "sa", "eb", "ap")

CRITERIA: dict[tuple[str, str], Says] = {
    ("Patient", "active"): _token("active"),
    ("Patient", "active:not"): _not_token("active"),
    ("Patient", "email"): _token("email"),
    ("Patient", "family"): _string("family", _begins),
    ("Patient", "family:contains"): _string("family", _contains),
    ("Patient", "family:exact"): _string("family", _exact),
    ("Patient", "gender"): _token("gender"),
    ("Patient", "identifier"): _token("identifier"),
    ("Patient", "identifier:of-type"): _of_type,
    ("Patient", "name"): _string("name", _begins),
    ("Patient", "name:contains"): _string("name", _contains),
    ("Observation", "code"): _token("code"),
    ("Observation", "code:not"): _not_token("code"),
    ("Observation", "code:text"): _text,
    ("Observation", "subject"): _subject(),
    ("Observation", "subject:Patient"): _subject("Patient"),
    ("Observation", "subject:identifier"): _subject_identifier,
    ("Questionnaire", "url"): _uri(_exact),
    ("Questionnaire", "url:above"): _uri(_above),
    ("Questionnaire", "url:below"): _uri(str.startswith),
    **{("Observation", f"date={prefix}"): _date("date", prefix) for prefix in PREFIXES},
    **{("Patient", f"birthdate={prefix}"): _date("birthdate", prefix) for prefix in PREFIXES},
    **{("RiskAssessment", f"probability={prefix}"): _probability(prefix) for prefix in PREFIXES},
    **{("Observation", f"value-quantity={prefix}"): _quantity(prefix) for prefix in PREFIXES},
}
"""Type and criterion, the prefix of its values behind `=`: what it says."""
