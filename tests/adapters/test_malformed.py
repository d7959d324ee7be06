"""Malformed deliveries of every format: each is answered with the issue that its corpus says."""

import importlib
import pkgutil
from types import ModuleType

import pytest

from adapters import registry
from adapters.base import Broken, Record
from mappings.errors import Issue, Rejected
from mappings.language import shipped
from mappings.patient_filter import admit
from tests.adapters import malformed
from tests.adapters.malformed import Malformed

MODULES = [
    importlib.import_module(f"{malformed.__name__}.{info.name}") for info in pkgutil.iter_modules(malformed.__path__)
]
CASES = [(module, case) for module in MODULES for case in module.CASES]


def issues(module: ModuleType, case: Malformed) -> list[Issue]:
    """What decoding finds, and, where the corpus names a source and decoding finds nothing, what its map does."""
    found: list[Issue] = []
    records: list[Record] = []
    options = module.OPTIONS if case.options is None else case.options
    try:
        for part in registry.adapter(module.FORMAT).decode(case.body, options).records:
            if isinstance(part, Broken):
                found.append(part.issue)
            else:
                found += part.issues
                records.append(part)
    except Rejected as rejected:
        return list(rejected.issues)
    source = getattr(module, "SOURCE", None)
    if found or source is None:
        return found
    source_map = shipped()[source]
    return [issue for record in records for issue in source_map.read(admit(record.fields, source_map).fields).issues]


@pytest.mark.parametrize(("module", "case"), CASES, ids=[f"{module.FORMAT}: {case.name}" for module, case in CASES])
def test_a_malformed_delivery_is_answered_with_what_is_wrong(module: ModuleType, case: Malformed) -> None:
    found = issues(module, case)
    assert found, "nothing was found wrong"
    first = found[0]
    # Which column of a line XML breaks in, each version of the parser says differently.
    place = first.place.split(", column")[0] if first.place.startswith("line ") else first.place
    assert (first.code, place) == (case.code, case.place.split(", column")[0])
    assert case.text_en in first.text_en
    assert first.text_de
    assert first.text_de != first.text_en


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.FORMAT)
def test_the_cases_of_a_format_are_different(module: ModuleType) -> None:
    names, bodies = [case.name for case in module.CASES], [(case.body, str(case.options)) for case in module.CASES]
    assert len(set(names)) == len(names)
    assert len(set(bodies)) == len(bodies)
