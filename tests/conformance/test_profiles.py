"""Profiles are kept: what they ask beyond R4 is found, at its place, and nothing else."""

import copy
import json
import time
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import spec
from conformance.formats import profiles, r4, strict_json
from conformance.formats.fhirpath import root
from conformance.formats.profiles.values import follows, is_same
from conformance.formats.r4_types import resource_types
from tests.strategies import json_values

Resource = dict[str, Any]
Found = list[tuple[str, str]]
SHARED = Path(__file__).parents[2] / "../shared/data"
GERMAN = ("de.basisprofil.r4", "gematik-isik", "gematik-vzd", "gematik-isip")
CORE = "http://hl7.org/fhir/StructureDefinition/"
OURS = f"{spec.CANONICAL}/StructureDefinition/"
MINE = "http://profiles.example/StructureDefinition/"
P = f"{MINE}p"


def structure(type_name: str, *elements: Resource, url: str = P, **more: Any) -> Resource:
    """A profile by its differential."""
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": "P",
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "resource" if type_name in resource_types() else "complex-type",
        "abstract": False,
        "type": type_name,
        "baseDefinition": f"{CORE}{type_name}",
        "derivation": "constraint",
        "differential": {"element": [{"id": type_name, "path": type_name}, *elements]},
        **more,
    }


def element(name: str, **more: Any) -> Resource:
    """An element by its id, from which its path and slice follow."""
    last = name.split(".")[-1]
    path = ".".join(step.partition(":")[0] for step in name.split("."))
    slice_name = {"sliceName": last.partition(":")[2]} if ":" in last else {}
    return {"id": name, "path": path, **slice_name, **more}


def sliced(name: str, *by: tuple[str, str], rules: str = "open", **more: Any) -> Resource:
    discriminator = [{"type": kind, "path": path} for kind, path in by]
    return element(name, slicing={"discriminator": discriminator, "rules": rules, **more})


def reference(*targets: str) -> list[Resource]:
    return [{"code": "Reference", "targetProfile": list(targets)}]


def extension_definition(name: str, *elements: Resource, context: str = "Patient") -> Resource:
    url = element("Extension.url", fixedUri=f"{MINE}{name}")
    # HL7's validator passes over what does not stand in R4's order.
    in_order = sorted([*elements, url], key=lambda one: one["path"].split(".")[1] if "." in one["path"] else "")
    return structure("Extension", *in_order, url=f"{MINE}{name}", context=[{"type": "element", "expression": context}])


def patient(**more: Any) -> Resource:
    return {"resourceType": "Patient", "meta": {"profile": [P]}, **more}


def observation(**more: Any) -> Resource:
    coded = {"status": "final", "code": {"text": "a"}}
    return {"resourceType": "Observation", "meta": {"profile": [P]}, **coded, **more}


def found(
    resource: Resource, *definitions: Resource, codes: Mapping[str, frozenset[tuple[str, str]]] | None = None
) -> Found:
    """Key and place of what claimed profiles and the definitions of extensions find."""
    return [(one.key, one.expression) for one in findings(resource, *definitions, codes=codes)]


def findings(
    resource: Resource, *definitions: Resource, codes: Mapping[str, frozenset[tuple[str, str]]] | None = None
) -> list[profiles.Finding]:
    known = {one["url"]: one for one in definitions}

    def resolve(canonical: str) -> Resource | None:
        return known.get(canonical.partition("|")[0])

    heard: dict[profiles.Finding, None] = {}
    for claim in profiles.claims(resource):
        profile = resolve(claim.canonical)
        if profile is not None:
            heard |= dict.fromkeys(
                profiles.Profile(profile).findings(claim.node, resolve=resolve, codes_in=(codes or {}).get)
            )
    return list(heard)


MR, OTHER = {"system": "http://a.example", "value": "1"}, {"system": "http://b.example", "value": "1"}
BY_SYSTEM = (
    sliced("Patient.identifier", ("value", "system")),
    element("Patient.identifier:a", min=1, max="1"),
    element("Patient.identifier:a.system", min=1, fixedUri="http://a.example"),
    element("Patient.identifier:a.value", min=1),
)
CODED = {"coding": [{"system": "http://a.example", "code": "a"}, {"system": "http://a.example", "code": "b"}]}
QUANTITY = {"value": 5, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
ORDERED = (
    sliced("Patient.identifier", ("value", "system"), rules="openAtEnd", ordered=True),
    element("Patient.identifier:a", min=0),
    element("Patient.identifier:a.system", min=1, fixedUri="http://a.example"),
    element("Patient.identifier:b", min=0),
    element("Patient.identifier:b.system", min=1, fixedUri="http://b.example"),
)
CLOSED = (sliced("Patient.identifier", ("value", "system"), rules="closed"), *BY_SYSTEM[1:])
MEMBER = structure("Organization", element("Organization.name", min=1), url=f"{MINE}org")
BUNDLE = (
    sliced("Bundle.entry", ("type", "resource")),
    element("Bundle.entry:patient", min=1, max="1"),
    element("Bundle.entry:patient.resource", min=1, type=[{"code": "Patient"}]),
)
BUNDLE_BY_PROFILE = (
    sliced("Bundle.entry", ("profile", "resource")),
    element("Bundle.entry:org", min=1, max="1"),
    element("Bundle.entry:org.resource", min=1, type=[{"code": "Organization", "profile": [f"{MINE}org"]}]),
)


def bundle(*resources: Resource) -> Resource:
    entries = [
        {"fullUrl": f"http://a.example/{one['resourceType']}/{at}", "resource": one | {"id": str(at)}}
        for at, one in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "meta": {"profile": [P]}, "type": "collection", "entry": entries}


PART = extension_definition(
    "part",
    sliced("Extension.extension", ("value", "url")),
    element("Extension.extension:a", min=1, max="1"),
    element("Extension.extension:a.url", fixedUri="a"),
    element("Extension.extension:a.value[x]", min=1, type=[{"code": "string"}]),
    element("Extension.value[x]", max="0"),
)
PLAIN = extension_definition(
    "plain", element("Extension.extension", max="0"), element("Extension.value[x]", min=1, type=[{"code": "code"}])
)
ITEM = (
    element("Questionnaire.item", min=1),
    element("Questionnaire.item.text", min=1),
    element("Questionnaire.item.prefix", max="0"),
)


def questionnaire(**more: Any) -> Resource:
    item = {"linkId": "1", "type": "group", "text": "a", "item": [{"linkId": "2", "type": "display", **more}]}
    return {"resourceType": "Questionnaire", "meta": {"profile": [P]}, "status": "draft", "item": [item]}


def extended(name: str, **more: Any) -> Resource:
    return {"extension": [{"url": f"{MINE}{name}", **more}]}


CASES: dict[str, tuple[list[Resource], Resource, Found]] = {
    "required": (
        [structure("Patient", element("Patient.birthDate", min=1))],
        patient(),
        [("required", "Patient.birthDate")],
    ),
    "required below": (
        [structure("Patient", element("Patient.name.family", min=1))],
        patient(name=[{"family": "a"}, {"text": "b"}]),
        [("required", "Patient.name[1].family")],
    ),
    "required where nothing is": ([structure("Patient", element("Patient.name.family", min=1))], patient(), []),
    "two at least": (
        [structure("Patient", element("Patient.name", min=2))],
        patient(name=[{"text": "b"}]),
        [("required", "Patient.name")],
    ),
    "one at most": (
        [structure("Patient", element("Patient.name", max="1"))],
        patient(name=[{"text": "a"}, {"text": "b"}]),
        [("cardinality", "Patient.name")],
    ),
    "none": (
        [structure("Patient", element("Patient.gender", max="0"))],
        patient(gender="male"),
        [("cardinality", "Patient.gender")],
    ),
    "type": (
        [structure("Observation", element("Observation.value[x]", type=[{"code": "Quantity"}]))],
        observation(valueString="a"),
        [("type", "Observation.value.ofType(string)")],
    ),
    "type is right": (
        [structure("Observation", element("Observation.value[x]", type=[{"code": "Quantity"}]))],
        observation(valueQuantity=QUANTITY),
        [],
    ),
    "target": (
        [structure("Patient", element("Patient.generalPractitioner", type=reference(f"{CORE}Organization")))],
        patient(generalPractitioner=[{"reference": "Organization/1"}, {"reference": "Practitioner/1"}]),
        [("target", "Patient.generalPractitioner[1].reference")],
    ),
    "target is contained": (
        [structure("Patient", element("Patient.generalPractitioner", type=reference(f"{CORE}Organization")))],
        patient(contained=[{"resourceType": "Practitioner", "id": "a"}], generalPractitioner=[{"reference": "#a"}]),
        [("target", "Patient.generalPractitioner[0].reference")],
    ),
    "fixed": (
        [structure("Patient", element("Patient.gender", fixedCode="female"))],
        patient(gender="male"),
        [("fixed", "Patient.gender")],
    ),
    "pattern": (
        [
            structure(
                "Observation",
                element("Observation.code", patternCodeableConcept={"coding": [CODED["coding"][0]]}),
                element("Observation.value[x]", patternCodeableConcept={"coding": [{"code": "c"}]}),
            )
        ],
        observation(code=CODED, valueCodeableConcept=CODED),
        [("pattern", "Observation.value.ofType(CodeableConcept)")],
    ),
    "length": (
        [structure("Patient", element("Patient.name.family", maxLength=3))],
        patient(name=[{"family": "abc"}, {"family": "abcd"}]),
        [("length", "Patient.name[1].family")],
    ),
    "range": (
        [
            structure(
                "Observation",
                element("Observation.value[x]", type=[{"code": "integer"}], minValueInteger=1, maxValueInteger=3),
            )
        ],
        observation(valueInteger=4),
        [("range", "Observation.value.ofType(integer)")],
    ),
    "rule": (
        [
            structure(
                "Patient",
                element(
                    "Patient.name",
                    constraint=[
                        {
                            "key": "n-1",
                            "severity": "error",
                            "human": "a name has a family",
                            "expression": "family.exists()",
                        }
                    ],
                ),
            )
        ],
        patient(name=[{"text": "a"}]),
        [("n-1", "Patient.name[0]")],
    ),
    "slice by value": (
        [structure("Patient", *BY_SYSTEM)],
        patient(identifier=[{"system": "http://a.example"}, OTHER]),
        [("required", "Patient.identifier[0].value")],
    ),
    "slice is missing": (
        [structure("Patient", *BY_SYSTEM)],
        patient(identifier=[OTHER]),
        [("slice", "Patient.identifier")],
    ),
    "slice is there too often": (
        [structure("Patient", *BY_SYSTEM)],
        patient(identifier=[MR, MR | {"value": "2"}]),
        [("slice", "Patient.identifier")],
    ),
    "slicing is closed": (
        [structure("Patient", *CLOSED)],
        patient(identifier=[OTHER, MR]),
        [("slice", "Patient.identifier[0]")],
    ),
    "slices are in order": (
        [structure("Patient", *ORDERED)],
        patient(identifier=[MR, OTHER, {"value": "1"}]),
        [],
    ),
    "slices are out of order": (
        [structure("Patient", *ORDERED)],
        patient(identifier=[OTHER, MR]),
        [("slice", "Patient.identifier")],
    ),
    "others come last": (
        [structure("Patient", *ORDERED)],
        patient(identifier=[{"value": "1"}, MR]),
        [("slice", "Patient.identifier")],
    ),
    "slice by pattern": (
        [
            structure(
                "Observation",
                sliced("Observation.category", ("pattern", "$this")),
                element(
                    "Observation.category:a",
                    min=1,
                    max="1",
                    patternCodeableConcept={"coding": [CODED["coding"][0]]},
                ),
                element("Observation.category:a.text", min=1),
            )
        ],
        observation(category=[{"text": "x"}, CODED]),
        [("required", "Observation.category[1].text")],
    ),
    "slice by a nested path": (
        [
            structure(
                "Observation",
                sliced("Observation.category", ("value", "coding.code")),
                element("Observation.category:a", min=1, max="1"),
                element("Observation.category:a.coding.code", min=1, fixedCode="a"),
                element("Observation.category:a.text", min=1),
            )
        ],
        observation(category=[{"coding": [{"code": "a"}]}]),
        [("required", "Observation.category[0].text")],
    ),
    "slice by existence": (
        [
            structure(
                "Patient",
                sliced("Patient.identifier", ("exists", "value")),
                element("Patient.identifier:with", min=0, max="1"),
                element("Patient.identifier:with.value", min=1),
                element("Patient.identifier:without", min=0, max="1"),
                element("Patient.identifier:without.value", max="0"),
                element("Patient.identifier:without.system", min=1),
            )
        ],
        patient(identifier=[MR, {"use": "old"}]),
        [("required", "Patient.identifier[1].system")],
    ),
    "slice by type": (
        [
            structure(
                "Observation",
                sliced("Observation.value[x]", ("type", "$this")),
                element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
                element("Observation.value[x]:valueQuantity.code", min=1),
            )
        ],
        observation(valueQuantity={"value": 1}),
        [("required", "Observation.value.ofType(Quantity).code")],
    ),
    "the other type": (
        [
            structure(
                "Observation",
                sliced("Observation.value[x]", ("type", "$this")),
                element("Observation.value[x]:valueQuantity", type=[{"code": "Quantity"}]),
                element("Observation.value[x]:valueQuantity.code", min=1),
            )
        ],
        observation(valueString="a"),
        [],
    ),
    "slice by the type of a resource": (
        [structure("Bundle", *BUNDLE)],
        bundle({"resourceType": "Organization", "name": "a"}),
        [("slice", "Bundle.entry")],
    ),
    "slice of a resource is there": ([structure("Bundle", *BUNDLE)], bundle({"resourceType": "Patient"}), []),
    "slice by profile": (
        [structure("Bundle", *BUNDLE_BY_PROFILE), MEMBER],
        bundle({"resourceType": "Organization", "identifier": [MR]}),
        [("slice", "Bundle.entry")],
    ),
    "slice by profile is there": (
        [structure("Bundle", *BUNDLE_BY_PROFILE), MEMBER],
        bundle({"resourceType": "Organization", "name": "a"}),
        [],
    ),
    "slice by what is referred to": (
        [
            structure(
                "Patient",
                sliced("Patient.generalPractitioner", ("type", "resolve()")),
                element("Patient.generalPractitioner:org", min=1, max="1", type=reference(f"{CORE}Organization")),
            )
        ],
        patient(contained=[{"resourceType": "Practitioner", "id": "a"}], generalPractitioner=[{"reference": "#a"}]),
        [("slice", "Patient.generalPractitioner")],
    ),
    "extension of a profile": (
        [
            structure(
                "Patient",
                element(
                    "Patient.extension:plain", min=1, max="1", type=[{"code": "Extension", "profile": [PLAIN["url"]]}]
                ),
            ),
            PLAIN,
        ],
        patient(),
        [("slice", "Patient.extension")],
    ),
    "extension is right": ([structure("Patient"), PLAIN], patient(**extended("plain", valueCode="a")), []),
    "extension of another type": (
        [structure("Patient"), PLAIN],
        patient(**extended("plain", valueInteger=1)),
        [("type", "Patient.extension[0].value.ofType(integer)")],
    ),
    "extension stands elsewhere": (
        [structure("Patient"), PLAIN],
        patient(name=[{"text": "a", **extended("plain", valueCode="a")}]),
        [("context", "Patient.name[0].extension[0]")],
    ),
    "extension on a primitive": (
        [structure("Patient"), PLAIN],
        patient(gender="male", _gender=extended("plain", valueCode="a")),
        [("context", "Patient.gender.extension[0]")],
    ),
    "part of an extension": (
        [structure("Patient"), PART],
        patient(**extended("part", extension=[{"url": "a", "valueInteger": 1}, {"url": "b", "valueString": "a"}])),
        [
            ("type", "Patient.extension[0].extension[0].value.ofType(integer)"),
            ("slice", "Patient.extension[0].extension[1]"),
        ],
    ),
    "content that R4 defines elsewhere": (
        [structure("Questionnaire", *ITEM)],
        questionnaire(prefix="a"),
        [],
    ),
    "profile of a profile": (
        [
            structure("Patient", element("Patient.gender", min=1), baseDefinition=f"{MINE}base"),
            structure("Patient", element("Patient.birthDate", min=1), url=f"{MINE}base"),
        ],
        patient(),
        [("required", "Patient.gender"), ("required", "Patient.birthDate")],
    ),
    "profile of a profile, in a slice of it": (
        [
            structure("Patient", element("Patient.identifier:a.type", min=1), baseDefinition=f"{MINE}base"),
            structure("Patient", *BY_SYSTEM, url=f"{MINE}base"),
        ],
        patient(identifier=[MR, OTHER]),
        [("required", "Patient.identifier[0].type")],
    ),
    "profile of a type": (
        [
            structure("Patient", element("Patient.name", type=[{"code": "HumanName", "profile": [f"{MINE}name"]}])),
            structure("HumanName", element("HumanName.family", min=1), url=f"{MINE}name"),
        ],
        patient(name=[{"text": "a"}]),
        [("required", "Patient.name[0].family")],
    ),
    "one of two profiles": (
        [
            structure(
                "Patient",
                element("Patient.name", type=[{"code": "HumanName", "profile": [f"{MINE}name", f"{MINE}other"]}]),
            ),
            structure("HumanName", element("HumanName.family", min=1), url=f"{MINE}name"),
            structure("HumanName", element("HumanName.text", min=1), url=f"{MINE}other"),
        ],
        patient(name=[{"text": "a"}, {"family": "a"}, {"use": "old"}]),
        [("profile", "Patient.name[2]")],
    ),
    "profile of another type": (
        [structure("Observation")],
        patient(),
        [("profile", "Patient")],
    ),
    "in a contained resource": (
        [structure("Patient", element("Patient.generalPractitioner", min=1)), MEMBER],
        patient(
            contained=[
                {"resourceType": "Organization", "id": "a", "meta": {"profile": [MEMBER["url"]]}, "identifier": [MR]}
            ],
            generalPractitioner=[{"reference": "#a"}],
        ),
        [("required", "Patient.contained[0].name")],
    ),
}
"""What is right by HL7's validator too: definitions, a resource that claims the first, and what is wrong with it."""


@pytest.mark.parametrize("name", CASES)
def test_a_profile_is_kept(name: str) -> None:
    definitions, resource, expected = CASES[name]
    assert sorted(found(resource, *definitions)) == sorted(expected)


def test_a_snapshot_says_nothing_that_r4_says_itself() -> None:
    snapshot = [
        element("Slot", constraint=[{"key": "dom-6", "severity": "error", "human": "x", "expression": "false"}]),
        element("Slot.schedule", min=1, max="1", type=reference(f"{CORE}Schedule")),
        element(
            "Slot.status",
            min=1,
            max="1",
            binding={"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/slotstatus|4.0.1"},
        ),
        element("Slot.comment", min=1, max="1"),
    ]
    slot = {"resourceType": "Slot", "meta": {"profile": [P]}, "status": "banana"}
    profile = structure("Slot", snapshot={"element": snapshot})
    assert found(slot, profile) == [("required", "Slot.comment")]


def test_content_that_the_profile_defines_elsewhere_is_held_to_it() -> None:
    again = element("Questionnaire.item.item", min=0, max="*", contentReference="#Questionnaire.item")
    profile = structure("Questionnaire", snapshot={"element": [element("Questionnaire"), *ITEM, again]})
    place = "Questionnaire.item[0].item[0]"
    assert found(questionnaire(prefix="a"), profile) == [
        ("cardinality", f"{place}.prefix"),
        ("required", f"{place}.text"),
    ]
    assert found(questionnaire(text="a"), profile) == []


def test_a_type_is_not_the_one_that_it_comes_from() -> None:
    profile = structure("Observation", element("Observation.value[x]", type=[{"code": "string"}]))
    extension = extension_definition("text", element("Extension.value[x]", type=[{"code": "string"}]))
    assert found(observation(valueString="a"), profile) == []
    assert found(observation(**extended("text", valueCode="a")), profile, extension)[-1][0] == "type"


VALUE_SET = "http://profiles.example/ValueSet/v"
BOUND = structure(
    "Observation",
    element("Observation.code", binding={"strength": "required", "valueSet": f"{VALUE_SET}|1"}),
    element("Observation.value[x]", binding={"strength": "required", "valueSet": VALUE_SET}),
    element("Observation.method", binding={"strength": "extensible", "valueSet": VALUE_SET}),
)


@pytest.mark.parametrize(
    ("value", "is_in"),
    [
        ({"valueCodeableConcept": CODED}, True),
        ({"valueCodeableConcept": {"coding": [CODED["coding"][1]]}}, False),
        ({"valueCodeableConcept": {"text": "a"}}, True),
        ({"valueQuantity": {"value": 1, "system": "http://a.example", "code": "a"}}, True),
        ({"valueQuantity": {"value": 1, "system": "http://a.example", "code": "b"}}, False),
        ({"valueString": "a"}, True),
        ({"valueString": "b"}, False),
        ({"valueBoolean": True}, True),
    ],
)
def test_a_required_binding_is_kept(value: Resource, *, is_in: bool) -> None:
    codes = {
        VALUE_SET: frozenset({("http://a.example", "a")}),
        f"{VALUE_SET}|1": frozenset({("http://a.example", "a")}),
    }
    heard = found(observation(code=CODED, method={"coding": [{"code": "x"}]}, **value), BOUND, codes=codes)
    assert [key for key, _ in heard] == ([] if is_in else ["code"])


def test_a_binding_to_what_is_not_known_is_said_to_be_not_checked() -> None:
    (one, *_) = findings(observation(code=CODED), BOUND)
    assert (one.severity, one.key, one.expression) == ("information", "code-not-checked", "Observation.code")


def test_all_our_extensions_are_read_and_close_their_parts() -> None:
    ours = spec.load("StructureDefinition")
    for definition in ours:
        assert profiles.Profile(definition).url == definition["url"]
    vacancy = {
        "url": f"{OURS}vacancy",
        "extension": [
            {"url": "state", "valueCode": "free"},
            {"url": "accepting", "valueInteger": 3},
            {"url": "validAt", "valueDateTime": "2026-11-22"},
        ],
    }
    schedule = {"resourceType": "Schedule", "actor": [{"reference": "Location/1"}], "extension": [vacancy]}
    codes = {
        f"{spec.CANONICAL}/ValueSet/{one}": frozenset({("", "free")}) for one in ("vacancy-state", "closing-reason")
    }
    assert found(schedule, *ours, codes=codes) == []
    wrong: Any = copy.deepcopy(schedule)
    wrong["extension"][0]["extension"] = [
        {"url": "state", "valueCode": "full"},
        {"url": "accepting", "valueString": "3"},
        {"url": "acepting", "valueInteger": 3},
    ]
    place = "Schedule.extension[0].extension"
    assert found(wrong, *ours, codes=codes) == [
        ("slice", f"{place}[2]"),
        ("code", f"{place}[0].value.ofType(code)"),
        ("type", f"{place}[1].value.ofType(string)"),
    ]
    elsewhere = {"resourceType": "Slot", "extension": [vacancy]}
    assert found(elsewhere, *ours, codes=codes) == [("context", "Slot.extension[0]")]


def test_nothing_is_told_twice() -> None:
    profile = structure(
        "Patient",
        element("Patient.extension:plain", min=1, type=[{"code": "Extension", "profile": [PLAIN["url"]]}]),
    )
    heard = findings(patient(**extended("plain", valueString="a")), profile, PLAIN)
    assert [one.key for one in heard] == ["type"]


def test_no_text_repeats_a_value_of_the_resource() -> None:
    for definitions, resource, _ in CASES.values():
        marked = json.loads(json.dumps(resource).replace('"a"', '"Geheim"').replace('"abcd"', '"Geheim"'))
        for one in findings(marked, *definitions):
            assert "Geheim" not in one.text_de + one.text_en
            assert one.text_de != one.text_en
            assert ("Profil" in one.text_de) == ("profile" in one.text_en.lower())


# --- what cannot be used ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"type": ""},
        {"differential": {"element": [{"path": "Patient" + ".name" * 100}]}},
        {"differential": {"element": [{"path": "Patient.name"}] * 6000}},
    ],
)
def test_what_is_no_profile_is_refused(more: Resource) -> None:
    with pytest.raises(profiles.NotAProfile):
        profiles.Profile(structure("Patient") | more)


def test_what_is_not_known_is_said_and_no_error() -> None:
    profile = structure(
        "Patient",
        element("Patient.birthDate", min=1),
        element("Patient.name", type=[{"code": "HumanName", "profile": ["http://else.example/name"]}]),
        baseDefinition="http://else.example/patient",
    )
    heard = findings(patient(name=[{"text": "a"}]), profile)
    assert [(one.severity, one.key, one.expression) for one in heard] == [
        ("warning", "unknown-profile", "Patient"),
        ("warning", "unknown-profile", "Patient.name[0]"),
        ("error", "required", "Patient.birthDate"),
    ]


def test_a_rule_that_cannot_be_read_is_said_and_no_error() -> None:
    rule = {"key": "x-1", "severity": "error", "human": "a", "expression": "name.where("}
    heard = findings(patient(), structure("Patient", element("Patient.active"), constraint=[rule]))
    assert heard == []
    profile = structure("Patient")
    profile["differential"]["element"][0]["constraint"] = [rule]
    (one,) = findings(patient(), profile)
    assert (one.severity, one.key, one.expression) == ("information", "rule-not-checked", "Patient")


def test_a_profile_based_on_itself_ends() -> None:
    profile = structure("Patient", element("Patient.birthDate", min=1), baseDefinition=P)
    assert ("required", "Patient.birthDate") in found(patient(), profile)


def test_a_profile_whose_slices_follow_itself_ends() -> None:
    profile = structure(
        "Bundle",
        sliced("Bundle.entry", ("profile", "resource")),
        element("Bundle.entry:self", min=1),
        element("Bundle.entry:self.resource", type=[{"code": "Bundle", "profile": [P]}]),
    )
    inner = bundle()
    for _ in range(30):
        inner = bundle(inner)
    assert time_of(lambda: findings(inner, profile)) < 5


def test_an_extension_that_holds_itself_ends() -> None:
    definition = extension_definition(
        "loop", element("Extension.extension", type=[{"code": "Extension", "profile": [f"{MINE}loop"]}])
    )
    value: Resource = {"url": f"{MINE}loop", "valueString": "a"}
    for _ in range(30):
        value = {"url": f"{MINE}loop", "extension": [value]}
    assert time_of(lambda: findings(patient(extension=[value]), structure("Patient"), definition)) < 5


@pytest.mark.parametrize(
    "expression",
    [
        "name.where(name.where(%resource.name.where(%resource.name.text.exists()).exists()).exists()).exists()",
        "%resource.name.all(%resource.name.all(%resource.name.all(%resource.name.all(text = 'a'))))",
        "%resource.repeat(name).text.matches('(a+)+b')",
    ],
)
def test_the_rules_of_one_profile_share_what_they_may_cost(expression: str) -> None:
    rules = [
        {"key": f"x-{at}", "severity": "error", "human": "a", "expression": f"{expression} or {at} = 0"}
        for at in range(50)
    ]
    profile = structure("Patient", element("Patient.name", constraint=rules))
    resource = patient(name=[{"text": "a" * 50}] * 200)
    assert time_of(lambda: findings(resource, profile)) < 20


def test_a_profile_with_thousands_of_slices_ends() -> None:
    slices = [
        one
        for at in range(2000)
        for one in (
            element(f"Patient.identifier:s{at}"),
            element(f"Patient.identifier:s{at}.system", fixedUri=f"http://a.example/{at}"),
        )
    ]
    profile = structure("Patient", sliced("Patient.identifier", ("value", "system")), *slices)
    resource = patient(identifier=[{"system": f"http://a.example/{at}"} for at in range(2000)])
    assert time_of(lambda: findings(resource, profile)) < 10
    assert [one.key for one in findings(resource, profile)] == ["too-costly"]


def test_thousands_of_extensions_are_found_in_time_that_grows_with_them() -> None:
    resource = patient(name=[{"text": "a", **extended("plain", valueCode="a")}] * 20_000)
    assert time_of(lambda: list(profiles.claims(resource))) < 5
    few = patient(
        _gender=extended("plain", valueCode="a"), name=[{"given": ["a", "b"], "_given": [None, extended("plain")]}]
    )
    assert [claim.place for claim in profiles.claims(few)] == [
        "Patient.meta.profile[0]",
        "Patient.gender.extension[0].url",
        "Patient.name[0].given[1].extension[0].url",
    ]


def test_a_pattern_of_thousands_ends() -> None:
    pattern = {"coding": [{"code": str(at)} for at in range(2000)]}
    profile = structure("Observation", element("Observation.code", patternCodeableConcept=pattern))
    resource = observation(code={"coding": [{"code": str(at)} for at in range(2000)]})
    assert time_of(lambda: findings(resource, profile)) < 5
    assert [one.key for one in findings(resource, profile)] == ["too-costly"]


def test_rules_without_end_are_refused() -> None:
    rules = [
        {"key": f"x-{at}", "severity": "error", "human": "a", "expression": f"name.exists() or {at} = {at}{' ' * 500}"}
        for at in range(1000)
    ]
    with pytest.raises(profiles.NotAProfile):
        profiles.Profile(structure("Patient", element("Patient.name", constraint=rules)))


def time_of(act: Any) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


@given(json_values, json_values)
def test_any_tree_is_held_against_any_definition(resource: Any, rules: Any) -> None:
    mine = {"resourceType": "Patient", "meta": {"profile": [P]}, "name": resource, "extension": [resource]}
    if isinstance(resource, dict):
        mine |= resource | {"resourceType": "Patient"}
    profile = structure("Patient", {"path": "Patient.name", **(rules if isinstance(rules, dict) else {"min": rules})})
    list(profiles.claims(mine))
    try:
        made = profiles.Profile(profile | {"context": rules})
    except profiles.NotAProfile:
        return
    for one in made.findings(root(mine), resolve=lambda _: None, codes_in=lambda _: None):
        assert one.expression.startswith("Patient")


@given(json_values)
def test_every_value_is_itself_and_follows_itself(value: Any) -> None:
    assert is_same(value, copy.deepcopy(value))
    assert follows(value, copy.deepcopy(value))


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=4), st.text(max_size=3))
def test_a_pattern_is_followed_by_what_says_more(value: dict[str, Any], name: str) -> None:
    pattern = {key: one for key, one in value.items() if key != name}
    assert follows(value, pattern)
    assert is_same(value, pattern) == (name not in value)


def test_a_pattern_takes_items_in_any_order_and_no_truth_for_one() -> None:
    assert follows({"a": [1, {"b": 2, "c": 3}]}, {"a": [{"c": 3}, 1]})
    assert not follows({"a": [1]}, {"a": [2]})
    assert not is_same(True, 1)
    assert is_same(Decimal("1.0"), 1)


# --- profiles that others wrote ---------------------------------------------------------------------------------------


@cache
def german() -> dict[str, Resource]:
    if not SHARED.is_dir():
        pytest.skip(f"the German profiles are not here: {SHARED.name}")
    return {
        one["url"]: one
        for folder in GERMAN
        for path in sorted((SHARED / folder).glob("StructureDefinition-*.json"))
        if (one := strict_json.parse(path.read_bytes()))
    }


def example(folder: str, name: str, profile: str) -> Resource:
    german()
    tree: Resource = strict_json.parse((SHARED / folder / f"{name}.json").read_bytes())
    tree["meta"] = {**tree.get("meta", {}), "profile": [profile]}
    return tree


ISIK = "https://gematik.de/fhir/isik/StructureDefinition/"


def test_every_german_profile_is_read() -> None:
    assert len(german()) >= 20
    for one in german().values():
        assert profiles.Profile(one).url == one["url"]


@pytest.mark.parametrize(
    ("folder", "name", "profile"),
    [
        ("gematik-isik", "Location-RaumStandortBeispiel", f"{ISIK}ISiKStandort"),
        ("gematik-isik", "Location-RaumStandortBeispiel", f"{ISIK}ISiKStandortRaum"),
        ("gematik-isik", "Location-BettenstellplatzStandortBeispiel", f"{ISIK}ISiKStandortBettenstellplatz"),
        (
            "de.basisprofil.r4",
            "Observation-Example-observation-pflegegrad",
            "http://fhir.de/StructureDefinition/observation-de-pflegegrad",
        ),
    ],
)
def test_the_examples_of_german_profiles_follow_them(folder: str, name: str, profile: str) -> None:
    heard = findings(example(folder, name, profile), *german().values())
    assert [one for one in heard if one.severity != "information"] == []


def isik_organization(**more: Any) -> Resource:
    return {
        "resourceType": "Organization",
        "meta": {"profile": [f"{ISIK}ISiKOrganisation"]},
        "name": "Haus am Moor",
        "identifier": [{"system": "http://fhir.de/sid/arge-ik/iknr", "value": "260326822"}],
        **more,
    }


TELEMATIK = {"system": "https://gematik.de/fhir/sid/telematik-id"}
POSTAL = {"type": "postal", "line": ["Postfach 1"], "city": "Stadt", "postalCode": "49661", "country": "DE"}
STREET = {
    "line": ["Weg"],
    "_line": [{"extension": [{"url": f"{CORE}iso21090-ADXP-streetName", "valueString": "Weg"}]}],
}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        (
            {"identifier": [{"system": "http://fhir.de/sid/arge-ik/iknr", "value": "26"}]},
            [("ik-1", "identifier[0].value")],
        ),
        ({"identifier": []}, [("required", "identifier")]),
        ({"identifier": [TELEMATIK | {"value": "5-2-123456789"}]}, []),
        ({"identifier": [TELEMATIK | {"value": "123456789"}]}, [("telematik-id-1", "identifier[0].value")]),
        ({"address": [POSTAL]}, []),
        ({"address": [POSTAL | {"district": "a"}]}, [("cardinality", "address[0].district")]),
        # The slice for streets is that of the profile of the address, which this one closes in its slice of it.
        ({"address": [POSTAL | STREET]}, [("slice", "address[0].line[0].extension")]),
        (
            {"address": [STREET | {"type": "both", "city": "Stadt", "postalCode": "49661"}]},
            [("required", "address[0].country")],
        ),
    ],
)
def test_german_profiles_build_on_each_other(more: Resource, expected: Found) -> None:
    heard = findings(isik_organization(**more), *german().values())
    amiss = [(one.key, one.expression) for one in heard if one.severity != "information"]
    assert amiss == [(key, f"Organization.{place}") for key, place in expected]


def test_a_profile_costs_little_once_it_is_read() -> None:
    definition = next(one for one in spec.load("StructureDefinition") if one["id"] == "internal")
    extension = {"url": definition["url"], "valueBoolean": True}
    contact = {"system": "phone", "value": "1", "extension": [extension]}
    organization = {"resourceType": "Organization", "name": "a", "telecom": [contact]}
    assert r4.findings(organization)[0].key == "dom-6"
    profile = profiles.Profile(definition)

    def check() -> None:
        for _ in range(100):
            for claim in profiles.claims(organization):
                assert profile.findings(claim.node, resolve=lambda _: None, codes_in=lambda _: None) == []

    check()
    best = min(time_of(check) for _ in range(5)) / 100
    # 40 µs; the margin is for slow machines.
    assert best < 0.001
