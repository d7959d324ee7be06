"""The elements of a FHIR resource that a source map names; all others stay outside, because an element that nobody
reads may tell of a patient (https://hl7.org/fhir/R4/json.html).

    identifier.value                          an element below an element, also of each item of a list
    extension(URL).valueInteger               of the extensions those with this url
    type.coding(SYSTEM).code                  of the codings those with this system
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from mappings.errors import Issue

__all__ = ["Kept", "Tree", "tree"]

Tree = dict[str, dict[str, "Tree"]]
"""Element names to selectors ("" for none) to what is kept below; where nothing is below, the element itself is."""

_SEGMENT = re.compile(r"([^.()]+)(?:\(([^()]+)\))?(?:\.|$)")
_PATH = re.compile(rf"(?:{_SEGMENT.pattern})+(?<!\.)")
_BOOLEANS = frozenset({"active", "allDay", "valueBoolean"})
_INTEGERS = frozenset({"valueInteger"})
_DECIMALS = frozenset({"latitude", "longitude"})
_MONEY = ".valueMoney.value"
"""The end of a name: elsewhere a `value` is a text."""


def tree(paths: Iterable[str]) -> Tree:
    """The tree of the paths that a source map names; ValueError for a path that is none."""
    root: Tree = {}
    for path in paths:
        if not _PATH.fullmatch(path):
            raise ValueError(path)
        node = root
        for name, selector in _SEGMENT.findall(path):
            node = node.setdefault(name, {}).setdefault(selector, {})
    return root


class Kept:
    """What stays of one resource, the names of the elements that do not, and what is wrong with those that should."""

    __slots__ = ("_silent", "dropped", "issues", "resource")

    def __init__(
        self, resource: Mapping[str, Any], allowed: Tree, *, role: str, place: str, silent: frozenset[str]
    ) -> None:
        """Takes over what `allowed` names; `silent` names what is left out without being told, as `meta` or as
        `Location.name`. The resource's elements are those of R4: their names can be shown."""
        self._silent = silent
        self.dropped: dict[str, None] = {}
        self.issues: list[Issue] = []
        self.resource = self._below(resource, allowed, role, place)

    def _below(self, node: Mapping[str, Any], allowed: Tree, name: str, place: str) -> dict[str, Any]:
        kept = {}
        for element, value in node.items():
            below = f"{name}.{element.removeprefix('_')}"
            selectors = allowed.get(element)
            if selectors is not None:
                kept[element] = self._element(value, selectors, element, below, f"{place}.{element}")
            elif element not in self._silent and below not in self._silent:
                self.dropped[below] = None
        return kept

    def _element(self, value: Any, selectors: dict[str, Tree], element: str, name: str, place: str) -> Any:
        if not isinstance(value, list):
            return self._item(value, selectors, element, name, place)
        items = (
            self._item(item, selectors, element, name, f"{place}[{position}]") for position, item in enumerate(value)
        )
        # Of a list without selectors every position stays: `line` and `_line` belong together by position.
        return [item for item in items if item is not None or "" in selectors]

    def _item(self, item: Any, selectors: dict[str, Tree], element: str, name: str, place: str) -> Any:
        if item is None:
            return None
        if selectors.get("") == {}:
            return self._leaf(item, element, name, place)
        if not isinstance(item, dict):
            self.issues.append(_not_of_type(place))
            return None
        if "" in selectors:
            return self._below(item, selectors[""], name, place)
        key = "url" if "url" in item else "system"
        selector = item.get(key)
        if not isinstance(selector, str) or selector not in selectors:
            if element not in self._silent and name not in self._silent:
                self.dropped[name] = None
            return None
        below = {step: value for step, value in item.items() if step != key}
        return {key: selector, **self._below(below, selectors[selector], name, place)}

    def _leaf(self, value: Any, element: str, name: str, place: str) -> Any:
        if element in _BOOLEANS:
            fits = isinstance(value, bool)
        elif element in _INTEGERS:
            fits = isinstance(value, int) and not isinstance(value, bool)
        elif element in _DECIMALS or name.endswith(_MONEY):
            fits = isinstance(value, int | Decimal) and not isinstance(value, bool)
        else:
            fits = isinstance(value, str)
        if fits:
            return value
        self.issues.append(_not_of_type(place))
        return None


def _not_of_type(place: str) -> Issue:
    return Issue(
        code="fhir-type",
        place=place,
        text_de="Der Wert ist kein JSON-Wert der Art, die FHIR R4 hier erwartet. Der Absender muss ihn berichtigen.",
        text_en="The value is no JSON value of the kind that FHIR R4 expects here. The sender must correct it.",
        fhir_code="value",
    )
