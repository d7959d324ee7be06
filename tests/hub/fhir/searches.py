"""Searches drawn from all that the registry knows: right ones, and ones with something in them that is not."""

from collections import Counter
from typing import Any
from urllib.parse import quote

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from hub.search.parameter import SearchParameter
from hub.search.registry import ALL_TYPES, Registry
from tests.hub.fhir.attacks import INJECTIONS
from tests.hub.fhir.hostility import Attack, complaints, sent
from tests.hub.search.universe import universe

__all__ = ["fill", "fuzz"]

_REGISTRY = Registry.shipped()
_HELD = ("Location", "Observation", "Patient", "RiskAssessment", "ValueSet")
_PREFIXES = ("", "eq", "ne", "lt", "le", "gt", "ge", "sa", "eb", "ap")
_DATES = ("2026", "2026-03", "2026-03-15", "2026-03-15T10:00Z", "2026-03-15T10:00:00+01:00", "0001", "9999-12-31")
_NUMBERS = ("0", "1", "5.40", "-3", "1e2", "0.5", "100", "1e-9", "123456789012345678")
_TOKENS = ("x", "|x", "http://a.example|x", "http://a.example|", "true", "male", "final", "a b", "\\|", "\\,")
_TEXTS = ("m", "Müller", "100%", "a_b", "strasse", "doppelt  leer", "\\,", "\\$", "ß", "\U0001f600")
_REFERENCES = ("p1", "Patient/p1", "http://127.0.0.1:8080/fhir/Patient/p1", "Group/1", "urn:uuid:1", "#a")
_URLS = ("http://a.example/fhir", "http://a.example/fhir/ValueSet/1", "urn:oid:1.2.3", "http://a.example/|1")
_SETS = ("http://hl7.org/fhir/ValueSet/administrative-gender", "http://hl7.org/fhir/ValueSet/none")


def fill(app: ASGIApp) -> None:
    """Gives the searches something to find."""
    entries = [
        {"resource": tree, "request": {"method": "PUT", "url": f"{tree['resourceType']}/{tree['id']}"}}
        for tree in universe(1)
    ]
    body = orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries}, default=float)
    assert sent(app, Attack(name="fill", method="POST", path="/fhir", body=body)).status == 200


def fuzz(app: ASGIApp, *, examples: int) -> Counter[int]:
    """Sends so many searches, of which none may fail; how many were answered with which status."""
    fill(app)
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(attack=attacks())
    def search(attack: Attack) -> None:
        outcome = sent(app, attack)
        statuses[outcome.status] += 1
        assert complaints(attack, outcome) == [], f"{attack.path}?{attack.query}"

    search()
    assert statuses[200] > examples // 5, "hardly a search was right"
    return statuses


@st.composite
def attacks(draw: st.DrawFn) -> Attack:
    """A search of a type or of all, by GET or by POST, lenient or strict."""
    kind = draw(st.sampled_from(_HELD) | st.sampled_from(ALL_TYPES))
    pairs = draw(st.lists(_criteria(kind), min_size=1, max_size=3))
    pairs += draw(st.lists(_results(kind), max_size=3))
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(pairs) - 1))
        pairs[at] = draw(_spoilt(*pairs[at]))
    query = "&".join(f"{quote(name, safe=':._-')}={quote(value, safe=':,|$')}" for name, value in pairs)
    headers = draw(st.sampled_from(((), (), (("prefer", "handling=strict"),), (("accept", "application/fhir+xml"),))))
    where = f"/fhir/{kind}" if draw(st.integers(0, 9)) else "/fhir"
    if draw(st.booleans()):
        return Attack(name="search", path=where, query=query, headers=headers, answers="24")
    form = (*headers, ("content-type", "application/x-www-form-urlencoded"))
    return Attack(
        name="search", method="POST", path=f"{where}/_search", headers=form, body=query.encode(), answers="24"
    )


@st.composite
def _criteria(draw: st.DrawFn, kind: str, depth: int = 0) -> tuple[str, str]:
    known = _REGISTRY.parameters(kind)
    parameter = known[draw(st.sampled_from(sorted(known)))]
    turn = draw(st.integers(0, 9)) if depth < 3 else 9
    if turn == 0:
        source = draw(st.sampled_from(_HELD))
        links = [one.code for one in _REGISTRY.parameters(source).values() if one.type == "reference"]
        if links:
            name, value = draw(_criteria(source, depth + 1))
            return f"_has:{source}:{draw(st.sampled_from(links))}:{name}", value
    if turn in (1, 2) and parameter.type == "reference":
        target = draw(st.sampled_from(parameter.targets or _HELD))
        name, value = draw(_criteria(target if target in ALL_TYPES else "Patient", depth + 1))
        return f"{parameter.code}:{target}.{name}", value
    modifier = draw(st.sampled_from(("", "", *parameter.modifiers)))
    values = draw(st.lists(_value(parameter, modifier), min_size=1, max_size=3))
    return f"{parameter.code}{':' if modifier else ''}{modifier}", ",".join(
        values[:1] if modifier == "missing" else values
    )


@st.composite
def _value(draw: st.DrawFn, parameter: SearchParameter, modifier: str) -> str:
    if modifier == "missing":
        return draw(st.sampled_from(("true", "false")))
    if modifier in ("in", "not-in"):
        return draw(st.sampled_from(_SETS))
    if modifier == "of-type":
        return draw(st.sampled_from(("http://a.example|x|1", "|x|1", "http://a.example|x|")))
    if parameter.type == "composite":
        return "$".join(draw(_plain(one.type)) for one in parameter.components)
    return draw(_plain("token" if modifier == "identifier" else parameter.type))


@st.composite
def _plain(draw: st.DrawFn, kind: str) -> str:
    prefix = draw(st.sampled_from(_PREFIXES)) if kind in ("date", "number", "quantity") else ""
    choices: dict[str, Any] = {
        "date": _DATES,
        "number": _NUMBERS,
        "quantity": [
            f"{number}{unit}" for number in _NUMBERS for unit in ("", "||mg", "|http://unitsofmeasure.org|mg")
        ],
        "token": _TOKENS,
        "reference": _REFERENCES,
        "uri": _URLS,
        "special": ("52|8|25|km", "52.27|8.05|1000|km", "-90|180|1|m", "0|0"),
    }
    chosen: str = draw(st.sampled_from(choices.get(kind, _TEXTS)))
    return prefix + chosen


@st.composite
def _results(draw: st.DrawFn, kind: str) -> tuple[str, str]:
    known = sorted(_REGISTRY.parameters(kind))
    choices: dict[str, list[str]] = {
        "_sort": [*known, *(f"-{code}" for code in known)],
        "_count": ["0", "1", "2", "100", "1000000000"],
        "_summary": ["true", "text", "data", "count", "false"],
        "_elements": ["id", "name", "name,status", "meta"],
        "_total": ["accurate", "none", "estimate"],
        "_include": ["*", f"{kind}:*", *(f"{kind}:{code}" for code in known)],
        "_revinclude": ["*", "Observation:patient", "Observation:subject:Patient"],
        "_include:iterate": ["Observation:subject", "Patient:link"],
        "_type": ["Patient", "Patient,Observation"],
    }
    name = draw(st.sampled_from(sorted(choices)))
    return name, draw(st.sampled_from(choices[name]))


@st.composite
def _spoilt(draw: st.DrawFn, name: str, value: str) -> tuple[str, str]:
    text = draw(st.sampled_from([one for one in INJECTIONS if len(one) < 100]) | st.text(max_size=5))
    text = "".join(one for one in text if not 0xD800 <= ord(one) < 0xE000)
    at = draw(st.integers(0, len(value)))
    return draw(
        st.sampled_from(
            [(name, text), (name, value[:at] + text + value[at:]), (name + text, value), (f"{name}:{text}", value)]
        )
    )
