"""Runs the examples of a source map: what the map makes of each, held against what it says."""

from collections.abc import Iterator

from mappings.errors import Issue
from mappings.examples import Example, differences
from mappings.patient_filter import admit
from mappings.source_map import SourceMap

__all__ = ["rehearse"]


def rehearse(source_map: SourceMap) -> tuple[Issue, ...]:
    """Where the map does not make of its examples what they say, an issue for each difference."""
    return tuple(
        _wrong(f"examples[{number}]", example.description, difference)
        for number, example in enumerate(source_map.examples)
        for difference in _differences(source_map, example)
    )


def _differences(source_map: SourceMap, example: Example) -> Iterator[tuple[str, str]]:
    """(found, expected) of everything that differs, as a reader of the map writes it."""
    admitted = admit(example.input, source_map)
    mapped = source_map.read(admitted.fields)
    codes = sorted(issue.code for issue in mapped.issues)
    if codes != sorted(example.issues):
        yield f"issues: [{', '.join(codes)}]", f"[{', '.join(sorted(example.issues))}]"
    unread = {*admitted.dropped, *mapped.unread}
    if unread != set(example.unread):
        yield f"unread: [{', '.join(sorted(unread))}]", f"[{', '.join(sorted(example.unread))}]"
    if mapped.left_out != example.left_out:
        yield f"left_out: {mapped.left_out or '–'}", example.left_out or "–"
    if len(mapped.reports) != len(example.offers):
        yield f"offers: {len(mapped.reports)}", str(len(example.offers))
        return
    for number, (facts, report) in enumerate(zip(example.offers, mapped.reports, strict=True)):
        for difference in differences(facts, report):
            found, _, expected = difference.rpartition(", expected ")
            yield f"offers[{number}].{found}", expected


def _wrong(place: str, description: str, difference: tuple[str, str]) -> Issue:
    found, expected = difference
    return Issue(
        code="example",
        place=place,
        text_de=f"„{description}“ ergibt {found}; im Beispiel steht {expected}. Wer die Quellenkarte pflegt, "
        "berichtigt die Karte oder das Beispiel",
        text_en=f'"{description}" gives {found}; the example says {expected}. Whoever keeps the source map corrects '
        "the map or the example",
        severity="warning",
        fhir_code="business-rule",
    )
