"""FHIRPath against another engine: search expressions and invariants of R4 over resources of many types."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from conformance.formats import fhirpath, r4_types
from conformance.formats.fhirpath import Node

fhirpathpy = pytest.importorskip("fhirpathpy", reason="the other engine is not installed")

SAMPLES: list[dict[str, Any]] = [
    {
        "resourceType": "Organization",
        "id": "o1",
        "meta": {"profile": ["http://example.org/p"], "tag": [{"system": "http://example.org/t", "code": "x"}]},
        "identifier": [{"system": "http://example.org/ik", "value": "510512349"}, {"value": "2"}],
        "active": True,
        "type": [{"coding": [{"system": "http://example.org/c", "code": "prov"}, {"code": "b"}], "text": "T"}],
        "name": "Haus am Moor",
        "alias": ["Moorhaus", "Haus am Moor"],
        "telecom": [{"system": "phone", "value": "04471 555-0"}],
        "address": [{"use": "work", "line": ["Weg 1"], "city": "Cloppenburg", "postalCode": "49661", "country": "DE"}],
        "partOf": {"reference": "Organization/o0"},
        "endpoint": [{"reference": "Endpoint/e1"}],
    },
    {
        "resourceType": "Location",
        "status": "active",
        "name": "Haus am Moor",
        "alias": ["Moorhaus"],
        "mode": "instance",
        "type": [{"coding": [{"code": "NH"}]}],
        "address": {"city": "Cloppenburg", "state": "NI", "postalCode": "49661"},
        "position": {"longitude": 8, "latitude": 52},
        "managingOrganization": {"reference": "Organization/o1"},
        "partOf": {"reference": "Location/l0"},
        "operationalStatus": {"system": "http://terminology.hl7.org/CodeSystem/v2-0116", "code": "O"},
    },
    {
        "resourceType": "HealthcareService",
        "active": True,
        "providedBy": {"reference": "Organization/o1"},
        "category": [{"text": "care"}],
        "type": [{"coding": [{"system": "http://example.org/form", "code": "kurzzeitpflege"}]}],
        "specialty": [{"coding": [{"code": "s"}]}],
        "location": [{"reference": "Location/l1"}, {"reference": "Location/l2"}],
        "name": "Short-term care",
        "characteristic": [{"coding": [{"code": "wheelchair"}]}],
        "program": [{"text": "p"}],
        "coverageArea": [{"reference": "Location/l9"}],
    },
    {
        "resourceType": "PractitionerRole",
        "active": True,
        "period": {"start": "2020-01-01", "end": "2026-12-31"},
        "practitioner": {"reference": "Practitioner/d1"},
        "organization": {"reference": "Organization/o1"},
        "code": [{"coding": [{"code": "doctor"}]}],
        "telecom": [{"system": "email", "value": "a@example.org"}, {"system": "phone", "value": "1"}],
    },
    {
        "resourceType": "Practitioner",
        "identifier": [{"value": "1"}],
        "name": [{"family": "Moor", "given": ["Anne", "Berta"], "prefix": ["Dr."], "text": "Dr. Anne Moor"}],
        "gender": "female",
        "telecom": [{"system": "phone", "value": "2"}],
        "communication": [{"coding": [{"code": "de"}]}],
        "address": [{"city": "Vechta", "use": "home"}],
    },
    {
        "resourceType": "OrganizationAffiliation",
        "active": False,
        "period": {"start": "2026-01-01"},
        "organization": {"reference": "Organization/o1"},
        "participatingOrganization": {"reference": "Organization/o2"},
        "network": [{"reference": "Organization/n1"}],
        "location": [{"reference": "Location/l1"}],
        "healthcareService": [{"reference": "HealthcareService/h1"}],
        "code": [{"coding": [{"code": "member"}]}],
        "telecom": [{"system": "email", "value": "b@example.org"}],
    },
    {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": {"system": "http://example.org/ct", "code": "hl7-fhir-rest"},
        "name": "E",
        "managingOrganization": {"reference": "Organization/o1"},
        "payloadType": [{"text": "any"}],
        "address": "https://example.org/fhir",
    },
    {
        "resourceType": "Schedule",
        "active": True,
        "serviceType": [{"coding": [{"code": "kzp"}]}],
        "actor": [{"reference": "HealthcareService/h1"}, {"reference": "Location/l1"}],
        "planningHorizon": {"start": "2026-11-22T08:00:00+01:00"},
    },
    {
        "resourceType": "Slot",
        "identifier": [{"value": "s"}],
        "serviceType": [{"coding": [{"code": "kzp"}]}],
        "schedule": {"reference": "Schedule/s1"},
        "status": "free",
        "start": "2026-12-01T00:00:00+01:00",
        "end": "2099-12-31T23:59:59Z",
    },
    {
        "resourceType": "Patient",
        "name": [{"family": "Moor", "given": ["Anne"]}, {"family": "Heide", "use": "maiden"}],
        "telecom": [{"system": "phone", "value": "3"}, {"system": "email", "value": "c@example.org"}],
        "birthDate": "1940-12-25",
        "deceasedDateTime": "2026-01-01",
        "address": [{"city": "Vechta"}],
        "contact": [{"name": {"family": "Moor"}}, {"gender": "male"}],
        "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
    },
    {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}], "text": "BP"},
        "subject": {"reference": "Patient/1"},
        "effectivePeriod": {"start": "2026-11-01", "end": "2026-11-02"},
        "valueCodeableConcept": {"coding": [{"code": "x"}], "text": "X"},
        "component": [
            {"code": {"text": "s"}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
        ],
        "referenceRange": [{"low": {"value": 90}}, {"text": "normal"}],
    },
    {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": "c"},
        "subject": {"reference": "Patient/1"},
        "onsetAge": {"value": 70, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"},
        "abatementString": "soon",
        "stage": [{"summary": {"text": "II"}}, {"type": {"text": "t"}}],
        "evidence": [{"code": [{"text": "e"}]}],
    },
    {
        "resourceType": "Questionnaire",
        "status": "draft",
        "url": "http://example.org/q",
        "useContext": [
            {"code": {"system": "http://example.org/u", "code": "focus"}, "valueCodeableConcept": {"text": "f"}}
        ],
        "item": [
            {"linkId": "1", "type": "group", "item": [{"linkId": "1.1", "type": "string", "maxLength": 5}]},
            {"linkId": "2", "type": "display", "required": True},
            {"linkId": "2", "type": "choice", "answerOption": [{"valueString": "a"}], "answerValueSet": "http://x.y"},
        ],
    },
    {
        "resourceType": "ValueSet",
        "status": "active",
        "url": "http://example.org/v",
        "version": "1",
        "compose": {
            "include": [
                {"system": "http://example.org/c", "concept": [{"code": "a"}]},
                {"concept": [{"code": "b"}]},
                {"valueSet": ["http://example.org/w"]},
            ]
        },
        "expansion": {"timestamp": "2026-11-22", "contains": [{"system": "http://x.y", "code": "q", "abstract": True}]},
    },
    {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-22",
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {"service": [{"text": "none"}]},
                "resource": [
                    {"type": "Slot", "searchParam": [{"name": "a", "type": "token"}, {"name": "a", "type": "date"}]},
                    {"type": "Slot", "profile": "http://example.org/p", "supportedProfile": ["http://example.org/q"]},
                ],
            }
        ],
        "document": [{"mode": "producer", "profile": "http://x.y"}, {"mode": "consumer", "profile": "http://x.y"}],
    },
    {
        "resourceType": "Bundle",
        "type": "transaction",
        "total": 3,
        "timestamp": "2026-11-22T08:00:00Z",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Slot", "id": "1"}, "request": {"method": "POST"}},
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Slot", "id": "2"}},
            {"search": {"mode": "match"}, "response": {"status": "200"}},
        ],
    },
]


def _names(sample: Mapping[str, Any]) -> str:
    return str(sample["resourceType"])


def _text(values: list[Any]) -> list[str]:
    return sorted(json.dumps(value, sort_keys=True) for value in values)


@pytest.mark.parametrize("sample", SAMPLES, ids=_names)
def test_search_expressions_find_what_the_other_engine_finds(sample: dict[str, Any]) -> None:
    name = sample["resourceType"]
    compared = 0
    for parameter in r4_types.search_parameters():
        if name not in parameter["base"] or "resolve()" in parameter.get("expression", "resolve()"):
            continue
        # The other engine evaluates the paths of other types on this one too.
        own = [part for part in parameter["expression"].split(" | ") if part.strip(" (").split(".")[0] == name]
        wanted = fhirpathpy.evaluate(sample, " | ".join(own), model=_model()) if own else []
        expression = fhirpath.compile(parameter["expression"], of=name)
        assert _text([value for _, value in expression.values(sample)]) == _text(wanted), parameter["url"]
        assert _text([node.value for node in expression.nodes(sample)]) == _text(wanted), parameter["url"]
        compared += 1
    assert compared > 1


BEYOND_IT = frozenset({"txt-1", "txt-2", "que-7", "ref-1", "dom-3", "ctm-1"})
"""Rules that need htmlChecks, resolve, %rootResource or a System type by its bare name: the other engine lacks them."""


@pytest.mark.parametrize("sample", SAMPLES, ids=_names)
def test_invariants_hold_where_the_other_engine_says_so(sample: dict[str, Any]) -> None:
    compared = 0
    for node, key in _rules(fhirpath.root(sample)):
        expression = r4_types.invariant(key).expression
        if key in BEYOND_IT or "hasValue" in expression or "as(canonical)" in expression:
            continue
        wanted = fhirpathpy.evaluate(
            node.value, {"base": node.type, "expression": expression}, {"resource": sample}, _model()
        )
        assert fhirpath.compile(expression, of=node.type).holds(node) is (wanted != [False]), (key, node)
        compared += 1
    assert compared > 3


def _rules(node: Node) -> Iterator[tuple[Node, str]]:
    for key in r4_types.named(node.type).invariants:
        yield node, key
    for child in node.children():
        if r4_types.named(child.type).kind != "primitive":
            yield from _rules(child)


def _model() -> Any:
    from fhirpathpy.models import models

    return models["r4"]


def test_the_samples_break_some_rules() -> None:
    broken = {
        key
        for sample in SAMPLES
        for node, key in _rules(fhirpath.root(sample))
        if not fhirpath.compile(r4_types.invariant(key).expression, of=node.type).holds(node)
    }
    assert broken >= {"bdl-1", "bdl-3", "bdl-7", "con-1", "cpb-9", "cpb-12", "que-2", "vsd-1"}
