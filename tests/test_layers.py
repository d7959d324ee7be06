"""Imports point one way: conformance.spec and .formats ← mappings ← adapters ← hub; the kit knows its own alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("conformance", "mappings", "adapters", "hub")
CONTRACT = ("conformance.spec", "conformance.formats")

MAY_IMPORT = {
    "conformance.spec": ("conformance.spec",),
    "conformance.formats": ("conformance.formats",),
    "conformance": ("conformance",),
    "mappings": (*CONTRACT, "mappings"),
    "adapters": (*CONTRACT, "mappings", "adapters"),
    # Inside the hub: fhir → search → store → nothing, search → terminology; fhir → reports → store; ingest → store;
    # hub.py, app.py and the commands see all.
    "hub.store": (*CONTRACT, "mappings", "hub.store", "hub.errors"),
    "hub.terminology": (*CONTRACT, "mappings", "hub.terminology", "hub.errors"),
    "hub.search": (*CONTRACT, "mappings", "hub.store", "hub.search", "hub.terminology", "hub.errors"),
    "hub.fhir": (
        *CONTRACT,
        "mappings",
        "hub.store",
        "hub.search",
        "hub.terminology",
        "hub.reports",
        "hub.course",
        "hub.fhir",
        "hub.errors",
        "hub.body",
    ),
    "hub.reports": (*CONTRACT, "mappings", "hub.store", "hub.reports", "hub.errors"),
    "hub.ingest": (
        *CONTRACT,
        "mappings",
        "adapters",
        "hub.store",
        "hub.ingest",
        "hub.errors",
        "hub.keys",
        "hub.sources",
    ),
    "hub.course": (*CONTRACT, "mappings", "hub.store", "hub.course", "hub.errors"),
    "hub.homes": (
        *CONTRACT,
        "mappings",
        "adapters",
        "hub.store",
        "hub.homes",
        "hub.errors",
        "hub.body",
        "hub.keys",
    ),
    "hub.demo": (*CONTRACT, "mappings", "hub.course.run", "hub.demo"),
    "hub.metrics": ("hub.store", "hub.metrics"),
    "hub.backup": (
        "mappings.errors",
        "hub.store",
        "hub.backup",
        "hub.feeds",
        "hub.key_of_database",
        "hub.keys",
        "hub.settings",
        "hub.sources",
    ),
    "hub.errors": (*CONTRACT, "mappings"),
    "hub.body": (*CONTRACT, "mappings", "hub.errors"),
    "hub.keys": ("mappings.errors",),
    "hub.own_maps": ("mappings", "adapters"),
    "hub.sources": (*CONTRACT, "mappings", "adapters", "hub.store", "hub.errors", "hub.own_maps"),
    "hub.purpose": (*CONTRACT, "mappings", "hub.store", "hub.errors"),
    "hub": (*CONTRACT, "mappings", "adapters", "hub"),
}
"""Package → what of ours it may import; the longest name that fits a module counts."""


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def breaches(path: Path, source: str | None = None) -> list[str]:
    """The imports of a module that its layer does not allow."""
    place = path.relative_to(ROOT).as_posix()
    name = source or place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    layer = max((one for one in MAY_IMPORT if within(name, one)), key=len)
    ours = [one for one in imports(path) if one.split(".")[0] in PACKAGES]
    return [one for one in ours if not any(within(one, allowed) for allowed in MAY_IMPORT[layer])]


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    assert breaches(path) == []


def test_a_planted_breach_is_found() -> None:
    assert "hub.store.database.Database" in breaches(ROOT / "hub/sources.py", source="mappings.planted")
