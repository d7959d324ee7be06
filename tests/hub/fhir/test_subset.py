"""Parts of resources."""

from typing import Any

import orjson
import pytest

from hub.errors import Malformed
from hub.fhir.subset import Subset

PATIENT = (
    b'{"resourceType":"Patient","id":"1","meta":{"versionId":"1","tag":[{"code":"a"}]},"text":{"status":"generated"},'
    b'"_active":{"extension":[]},"active":true,"deceasedBoolean":false,"contact":[{"gender":"male"}],'
    b'"link":[{"other":{"reference":"Patient/2"},"type":"seealso"}],"multipleBirthInteger":2}'
)
OBSERVATION = (
    b'{"resourceType":"Observation","id":"1","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50},'
    b'"component":[{"code":{"text":"y"},"valueQuantity":{"value":2.500},"interpretation":[{"text":"z"}]}],'
    b'"note":[{"text":"n"}]}'
)


def part(content: bytes, *pairs: tuple[str, str]) -> dict[str, Any]:
    subset = Subset.asked(pairs)
    assert subset is not None
    found: dict[str, Any] = orjson.loads(subset.applied(content))
    return found


def test_elements_are_those_named_and_those_that_must_be() -> None:
    assert set(part(PATIENT, ("_elements", "active,deceased"))) == {
        *("resourceType", "id", "meta", "active", "_active", "deceasedBoolean"),
    }
    assert set(part(PATIENT, ("_elements", "Patient.multipleBirth[x]"))) > {"multipleBirthInteger"}
    assert set(part(OBSERVATION, ("_elements", "note"))) == {"resourceType", "id", "meta", "note", "status", "code"}


def test_a_summary_is_what_the_definitions_mark() -> None:
    told = part(OBSERVATION, ("_summary", "true"))
    assert set(told) == {"resourceType", "id", "meta", "status", "code", "valueQuantity", "component"}
    assert set(told["component"][0]) == {"code", "valueQuantity"}
    assert "contact" not in part(PATIENT, ("_summary", "true"))
    assert "text" not in part(PATIENT, ("_summary", "data"))
    assert set(part(PATIENT, ("_summary", "text"))) == {"resourceType", "id", "meta", "text"}


def test_numbers_stay_as_they_are_written() -> None:
    subset = Subset.asked([("_summary", "true")])
    assert subset is not None
    assert b'{"value":1.50}' in subset.applied(OBSERVATION)
    assert b'{"value":2.500}' in subset.applied(OBSERVATION)


def test_a_part_is_marked_once() -> None:
    subset = Subset.asked([("_elements", "active")])
    assert subset is not None
    tags = orjson.loads(subset.applied(subset.applied(PATIENT)))["meta"]["tag"]
    assert [tag["code"] for tag in tags] == ["a", "SUBSETTED"]


def test_the_whole_is_no_part() -> None:
    for pairs in ([], [("_summary", "false")], [("_elements", " ")], [("_summary", "false"), ("_count", "1")]):
        assert Subset.asked(pairs) is None
    with pytest.raises(Malformed):
        Subset.asked([("_summary", "some")])
