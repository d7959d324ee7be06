"""Examples of a map are its tests: one that does not come true is told, with what came instead."""

import pytest

from mappings.language import load, shipped
from mappings.rehearsal import rehearse

MAP = """
source: a
title: {de: A, en: A}
format: csv_records
options: {columns: [Nr, Name, Art, Frei]}
fields:
  facility.key: Nr
  facility.name: Name
  offer.care_form: {from: Art, table: csv-angebot}
  counts.accepting: Frei
examples:
  - description: two free
    input: {Nr: "1", Name: Haus am Moor, Art: KZP, Frei: "2"%s}
    %s
"""


@pytest.mark.parametrize(
    ("extra", "expected", "told"),
    [
        ("", "offers: [{counts.accepting: 2}]", ""),
        ("", "offers: [{counts.accepting: 3}]", '"two free" gives offers[0].counts.accepting: 2; the example says 3'),
        ("", "offers: []", '"two free" gives offers: 1; the example says 0'),
        ("", "issues: [unreadable]", '"two free" gives issues: []; the example says [unreadable]'),
        (
            ", Bemerkung: x",
            "offers: [{counts.accepting: 2}]",
            '"two free" gives unread: [Bemerkung]; the example says []',
        ),
        ("", "left_out: Apotheke", '"two free" gives left_out: –; the example says Apotheke'),
    ],
)
def test_what_differs_is_told(extra: str, expected: str, told: str) -> None:
    found = rehearse(load((MAP % (extra, expected)).encode(), origin="a"))
    assert bool(found) == bool(told)
    if told:
        assert found[0].text_en.startswith(told)
        assert found[0].place == "examples[0]"
        assert found[0].severity == "warning"


def test_the_examples_of_shipped_maps_come_true() -> None:
    assert [issue for one in shipped().values() for issue in rehearse(one)] == []
