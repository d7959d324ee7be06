"""One criterion of a search, parsed: a parameter with its modifier and values, a chain, or `_has`.

https://hl7.org/fhir/R4/search.html#combining, #modifiers, #chaining, #has
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from conformance.formats.r4_types import compartments
from hub.errors import http_part
from hub.search import refusals
from hub.search.conditions import AnyOf, Chained, Condition, Ids, Indexed, Not, Reverse, Shape, Updated
from hub.search.parameter import SearchParameter
from hub.search.registry import Registry
from hub.search.types import date
from hub.search.types.term import Asked, Codes, Parsed, split_unescaped, unescape
from mappings.errors import Issue

__all__ = ["Criteria", "Unknown", "has_no_criterion", "too_wide"]

_VALUES_MAX = 500
_TERMS_MAX = 50
"""Alternatives that grow the SQL; those that are one list count as one."""
_DEPTH_MAX = 5
_PARTS_MAX = 100
_LINKS_MAX = 20

_ITSELF = "{def}"
_HAS = "_has:"
_HAS_PARTS = 3


class Unknown(Exception):
    """There is no such parameter, or it names no type; `issue` says so."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.code)
        self.issue = issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What criteria are read with; without a present time `ap` cannot be asked for dates."""

    registry: Registry
    codes: Codes
    base: str
    now: datetime | None

    def condition(self, resource_type: str, name: str, value: str, depth: int = 0) -> Condition | None:
        """The condition on resources of a type; None where nothing is asked.

        Raises `Unknown` where there is no such parameter, `Malformed` for a value or modifier that cannot be.
        """
        if depth > _DEPTH_MAX:
            raise refusals.too_many("http", _DEPTH_MAX, "Glieder einer Kette", "links of a chain")
        if name.startswith(_HAS):
            return self._has(resource_type, name, value, depth)
        first, chained, rest = name.partition(".")
        code, _, modifier = first.partition(":")
        parameter = self.registry.parameters(resource_type).get(code)
        if parameter is None:
            raise self._unknown(resource_type, name)
        if chained:
            return self._chain(parameter, modifier, rest, value, depth)
        return self._leaf(resource_type, parameter, modifier, value)

    def within(self, resource_type: str, owner: str, owner_id: str) -> Condition | None:
        """The condition on resources of a type that they are in the compartment of a resource; None where none can be.

        https://hl7.org/fhir/R4/compartmentdefinition.html
        """
        found: list[Condition] = []
        known = self.registry.parameters(resource_type)
        for code in compartments()[owner].types.get(resource_type, ()):
            if code == _ITSELF:
                found.append(Condition(Ids(), {"type": resource_type, "ids": [owner_id]}))
            elif code in known and (condition := self._leaf(resource_type, known[code], "", f"{owner}/{owner_id}")):
                found.append(condition)
        if len(found) > 1:
            return _any_of(found)
        return found[0] if found else None

    def _has(self, resource_type: str, name: str, value: str, depth: int) -> Condition | None:
        parts = name.split(":", 3)
        if len(parts) < 4:
            raise self._unknown(resource_type, name)
        _, source, code, rest = parts
        if source not in self.registry.types:
            raise Unknown(refusals.unknown_type(source, name, self.registry.types))
        known = self.registry.parameters(source)
        link = known.get(code)
        if link is None or link.type != "reference" or (link.targets and resource_type not in link.targets):
            possible = (one.code for one in known.values() if one.type == "reference")
            raise Unknown(refusals.unknown_parameter(source, name, possible))
        inner = self.condition(source, rest, value, depth + 1)
        if inner is None:
            return None
        binds = {"param": link.number, "type": resource_type, "source": source, **_inner(inner)}
        return Condition(Reverse(inner.shape), binds)

    def _unknown(self, resource_type: str, name: str) -> Unknown:
        return Unknown(refusals.unknown_parameter(resource_type, name, self.registry.parameters(resource_type)))

    def _chain(self, link: SearchParameter, target: str, rest: str, value: str, depth: int) -> Condition | None:
        if link.type != "reference":
            raise refusals.modifier_unknown(link.code, link.modifiers)
        targets = [one for one in (link.targets or self.registry.types) if one in self.registry.types]
        if target:
            if target not in targets:
                raise refusals.modifier_unknown(link.code, targets)
            targets = [target]
        found: list[Condition] = []
        unknown: Unknown | None = None
        for one in targets:
            too_wide(found)
            try:
                inner = self.condition(one, rest, value, depth + 1)
            except Unknown as error:
                unknown = unknown or error
                continue
            if inner is not None:
                found.append(Condition(Chained(inner.shape), {"param": link.number, "target": one, **_inner(inner)}))
        if not found:
            if unknown is not None:
                raise unknown
            return None
        return found[0] if len(found) == 1 else _any_of(found)

    def _leaf(self, resource_type: str, parameter: SearchParameter, modifier: str, value: str) -> Condition | None:
        if modifier and modifier not in parameter.modifiers:
            raise refusals.modifier_unknown(parameter.code, parameter.modifiers)
        if modifier == "missing":
            return _missing(resource_type, parameter, value)
        texts = [text for text in split_unescaped(value, ",") if text] if "," in value else [value]
        if not texts:
            return None
        if len(texts) > _VALUES_MAX:
            raise refusals.too_many(http_part(parameter.code), _VALUES_MAX)
        if parameter.code == "_id":
            ids = Condition(Ids(), {"type": resource_type, "ids": [unescape(text) for text in texts]})
            return Condition(Not(ids.shape), ids.binds) if modifier == "not" else ids
        try:
            if parameter.code == "_lastUpdated":
                return self._updated(resource_type, texts)
            asked = Asked(parameter=parameter, modifier=modifier, base=self.base, now=self.now, codes=self.codes)
            parsed: Parsed = parameter.implementation.parse(texts, asked)
        except (ValueError, OverflowError):
            components = [(one.expression, one.type) for one in parameter.components]
            raise refusals.bad_value(parameter.code, parameter.type, modifier, components) from None
        except KeyError:
            raise refusals.unknown_codes(parameter.code) from None
        if len(parsed.terms) > _TERMS_MAX:
            raise refusals.too_many(http_part(parameter.code), _TERMS_MAX)
        return _indexed(parameter, parsed)

    def _updated(self, resource_type: str, texts: Sequence[str]) -> Condition:
        terms = [date.term(text, now=self.now) for text in texts]
        if len(terms) > _TERMS_MAX:
            raise refusals.too_many(http_part("_lastUpdated"), _TERMS_MAX)
        binds: dict[str, object] = {"type": resource_type}
        for ordinal, term in enumerate(terms):
            binds |= {f"{ordinal}_{name}": one for name, one in term.binds.items()}
        return Condition(Updated(tuple(term.shape for term in terms)), binds)


def has_no_criterion(name: str) -> bool:
    """Whether a name is a `_has` that does not say what it asks of whom: it has no value, and is none to leave out."""
    return name.startswith(_HAS) and name.count(":") < _HAS_PARTS


def too_wide(conditions: Iterable[Condition]) -> None:
    """Raises `Malformed` where conditions have more parts than one statement should."""
    shapes = [condition.shape for condition in conditions]
    if sum(map(_all_links, shapes)) > _LINKS_MAX:
        raise refusals.too_many(
            "http",
            _LINKS_MAX,
            "Glieder von Ketten (den Typ nennen hilft: subject:Patient.name)",
            "links of chains (naming the type helps: subject:Patient.name)",
        )
    if sum(map(_parts, shapes)) > _PARTS_MAX:
        raise refusals.too_many("http", _PARTS_MAX, "Teile der Kriterien", "parts of the criteria")


def _all_links(shape: Shape) -> int:
    if isinstance(shape, AnyOf):
        return sum(map(_all_links, shape.shapes))
    if isinstance(shape, Chained | Reverse):
        return 1 + _all_links(shape.of)
    return _all_links(shape.of) if isinstance(shape, Not) else 0


def _parts(shape: Shape) -> int:
    if isinstance(shape, AnyOf):
        return sum(map(_parts, shape.shapes))
    if isinstance(shape, Chained | Reverse | Not):
        return 1 + _parts(shape.of)
    return max(len(shape.terms), 1) if isinstance(shape, Indexed) else 1


def _indexed(parameter: SearchParameter, parsed: Parsed) -> Condition:
    single = parameter.single and not parsed.suffix
    shape: Shape = Indexed(parsed.table, tuple(term.shape for term in parsed.terms), single)
    binds: dict[str, object] = {"param": parameter.numbered(parsed.suffix)}
    for ordinal, term in enumerate(parsed.terms):
        binds |= {f"{ordinal}_{name}": one for name, one in term.binds.items()}
    return Condition(Not(shape) if parsed.negated else shape, binds)


def _missing(resource_type: str, parameter: SearchParameter, value: str) -> Condition | None:
    if value not in ("true", "false"):
        raise refusals.bad_value(parameter.code, parameter.type, "missing")
    if parameter.is_column:
        # Every resource has an id and a time.
        return None if value == "false" else Condition(Ids(), {"type": resource_type, "ids": []})
    present = Indexed(parameter.implementation.TABLE, (), parameter.single)
    return Condition(Not(present) if value == "true" else present, {"param": parameter.number})


def _any_of(conditions: Sequence[Condition]) -> Condition:
    binds = {
        f"any{ordinal}_{name}": value
        for ordinal, condition in enumerate(conditions)
        for name, value in condition.binds.items()
    }
    return Condition(AnyOf(tuple(condition.shape for condition in conditions)), binds)


def _inner(condition: Condition) -> dict[str, object]:
    return {f"of_{name}": value for name, value in condition.binds.items()}
