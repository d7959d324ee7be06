"""Ids that never change."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.identity import Kind, resource_id


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Organization/operator", "7a1bb9f5-0b49-5c90-b511-3ea9c411eca5"),
        ("Organization/facility", "79bafcb2-be98-5ef6-ae90-4c2b2099961a"),
        ("Location", "fb0f0fcb-ec11-586f-910f-725ebbf5df76"),
        ("HealthcareService", "efeeabf3-e77d-53d5-97eb-5d63d0faca5d"),
        ("Schedule", "8c99a588-b5fd-5fb7-9293-f310c0cfae60"),
        ("Slot", "d5761bd7-0941-50c3-a07f-7adf11c86942"),
    ],
)
def test_an_id_is_what_it_always_was(kind: Kind, expected: str) -> None:
    assert resource_id("csv-long", kind, "4711/kurzzeitpflege") == expected


def test_keys_may_hold_any_letters() -> None:
    assert resource_id("json", "Location", "haus am moor|küstenstraße 3") == "8bbf8926-e2a4-5dd0-8715-773f4cbacb45"


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_different_keys_have_different_ids(one: str, other: str) -> None:
    assert (resource_id("json", "Slot", one) == resource_id("json", "Slot", other)) is (one == other)


def test_another_source_gives_another_id() -> None:
    assert resource_id("json", "Location", "7") != resource_id("fhir", "Location", "7")
