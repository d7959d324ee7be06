"""Every malformed delivery of `tests/adapters/malformed/` is told by its fault: what is wrong, where, what is expected.

A module there names its `FORMAT`, its `OPTIONS`, and its `CASES`; with `SOURCE` the records go on to that shipped map,
with `GOOD` it has a delivery like its malformed ones in which nothing is wrong.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest

from adapters import registry
from adapters.base import Broken
from mappings.errors import Issue, Rejected
from mappings.language import shipped
from tests.adapters import malformed
from tests.adapters.malformed import Malformed

MODULES = [
    importlib.import_module(f"{malformed.__name__}.{info.name}") for info in pkgutil.iter_modules(malformed.__path__)
]
OF_THE_PARSER = {"not-gml", "not-xml", "not-xml-records"}
COLUMN = re.compile(", column [0-9]+$")
CASES = [(module, case) for module in MODULES for case in module.CASES]


def issues(module: ModuleType, body: bytes, options: Mapping[str, Any]) -> Iterator[Issue]:
    """What decoding a delivery says is wrong or odd, and reading where the module names a map."""
    source_map = shipped()[module.SOURCE] if hasattr(module, "SOURCE") else None
    try:
        for part in registry.adapter(module.FORMAT).decode(body, options).records:
            if isinstance(part, Broken):
                yield part.issue
                continue
            yield from part.issues
            if source_map is not None:
                yield from source_map.read(part.fields).issues
    except Rejected as rejected:
        yield from rejected.issues


@pytest.mark.parametrize(("module", "case"), CASES, ids=[f"{module.FORMAT}: {case.name}" for module, case in CASES])
def test_a_fault_is_told_first_and_where_it_is(module: ModuleType, case: Malformed) -> None:
    options = module.OPTIONS if case.options is None else case.options
    first = next(issues(module, case.body, options), None)
    assert first is not None, "nothing was found wrong"
    # Which column of a line XML breaks in, each version of the parser says differently.
    place = COLUMN.sub("", first.place) if first.code in OF_THE_PARSER else first.place
    assert (first.code, place) == (case.code, case.place)
    assert case.text_en in first.text_en
    assert first.text_de
    assert not re.search(r"\b(?:the|expected|is not)\b", first.text_de), "the German text is not German throughout"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.FORMAT)
def test_every_fault_is_another_one(module: ModuleType) -> None:
    names = [case.name for case in module.CASES]
    bodies = [(case.body, repr(case.options)) for case in module.CASES]
    assert len(set(names)) == len(names)
    assert len(set(bodies)) == len(bodies)


@pytest.mark.parametrize("module", [one for one in MODULES if hasattr(one, "GOOD")], ids=lambda module: module.FORMAT)
def test_without_a_fault_nothing_is_told(module: ModuleType) -> None:
    assert list(issues(module, module.GOOD, module.OPTIONS)) == []
