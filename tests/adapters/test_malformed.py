"""Every malformed delivery has the answer that its table says, in both languages, and never an exception of ours."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

from adapters import registry
from adapters.base import Broken
from mappings.errors import Issue, Rejected
from tests.adapters import malformed
from tests.adapters.malformed import Malformed

MODULES = [
    importlib.import_module(f"{malformed.__name__}.{info.name}") for info in pkgutil.iter_modules(malformed.__path__)
]


def told(module: ModuleType, case: Malformed) -> Iterator[Issue]:
    """What is said of a body, in its order."""
    reading = getattr(module, "reading", None)
    options = module.OPTIONS if case.options is None else case.options
    try:
        for part in registry.adapter(module.FORMAT).decode(case.body, options).records:
            if isinstance(part, Broken):
                yield part.issue
                continue
            yield from part.issues
            if reading is not None and not any(issue.severity == "error" for issue in part.issues):
                yield from reading(part.fields)
    except Rejected as error:
        yield from error.issues


@pytest.mark.parametrize(
    ("module", "case"),
    [
        pytest.param(module, case, id=f"{module.__name__.rpartition('.')[2]}-{case.name}")
        for module in MODULES
        for case in module.CASES
    ],
)
def test_a_malformed_delivery_is_told_what_is_wrong(module: ModuleType, case: Malformed) -> None:
    issue = next(told(module, case), None)
    assert issue is not None, "nothing was said"
    assert (issue.code, issue.place) == (case.code, case.place)
    assert case.text_en in issue.text_en
    assert issue.text_de
    assert issue.text_de != issue.text_en


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_case_is_a_fault_of_its_own(module: ModuleType) -> None:
    assert len({case.name for case in module.CASES}) == len(module.CASES)
    assert len({(case.body, str(case.options)) for case in module.CASES}) == len(module.CASES)
