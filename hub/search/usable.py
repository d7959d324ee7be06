"""Whether a SearchParameter resource can be searched by."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from conformance.formats import fhirpath
from conformance.formats.r4_types import named, names, resource_types
from hub.search.parameter import MODULES, SearchParameter
from hub.search.shipped_parameters import DEFINING, bases_of, shipped
from hub.search.unreadable_path import unreadable

__all__ = ["Unusable", "checked", "fits"]

_EXPRESSION_MAX = 2000
_NUMBERS = frozenset(("decimal", "integer", "positiveInt", "unsignedInt"))
_QUANTITIES = frozenset(("Age", "Count", "Distance", "Duration", "Money", "Quantity", "Range", "SampledData"))
_PRIMITIVES = frozenset(name for name in names() if named(name).kind == "primitive" and name != "xhtml")
_TEXTS = _PRIMITIVES - _NUMBERS - {"boolean"}
_INDEXED_TYPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "date": frozenset(("date", "dateTime", "instant", "Period", "Timing")),
        "number": _NUMBERS | _QUANTITIES,
        "quantity": _QUANTITIES,
        "reference": resource_types() | {"DomainResource", "Reference", "Resource", "canonical", "uri", "url"},
        "string": _TEXTS
        | {"Address", "Annotation", "CodeableConcept", "Coding", "ContactPoint", "HumanName", "Identifier"},
        "token": _PRIMITIVES | {"CodeableConcept", "Coding", "ContactPoint", "Identifier"},
        "uri": _TEXTS,
    }
)
"""The FHIR types of which each kind of parameter finds something in values; a composite asks its components."""


class Unusable(ValueError):
    """A SearchParameter that cannot be searched by; the texts say what would be right."""

    def __init__(self, text_de: str, text_en: str) -> None:
        super().__init__(text_en)
        self.text_de = text_de
        self.text_en = text_en


def checked(tree: Mapping[str, Any], added: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The definition that a SearchParameter resource makes beside those `added` by URL; raises `Unusable`."""
    for name in ("url", "code", "type", "expression"):
        if not isinstance(tree.get(name), str) or not tree[name]:
            raise Unusable(f"{name} fehlt", f"{name} is required")
    definition = {name: tree[name] for name in (*DEFINING, "description") if name in tree}
    if tree["type"] not in MODULES or tree["type"] == "special":
        possible = ", ".join(sorted(set(MODULES) - {"special"}))
        raise Unusable(f"type: möglich sind {possible}", f"type: possible are {possible}")
    if len(tree["expression"]) > _EXPRESSION_MAX:
        raise Unusable(
            f"expression: höchstens {_EXPRESSION_MAX} Zeichen", f"expression: at most {_EXPRESSION_MAX} characters"
        )
    bases = bases_of(tree)
    if not bases:
        raise Unusable("base: erwartet werden Ressourcentypen von R4", "base: expected resource types of R4")
    if not _is_code(tree["code"]):
        raise Unusable(
            "code: erwartet werden Buchstaben, Ziffern und Bindestriche; die mit _ am Anfang sind FHIRs eigene",
            "code: expected letters, digits and hyphens; those that begin with _ are FHIR's own",
        )
    for base in bases:
        taken = next((one for one in shipped(base) if one["code"] == tree["code"]), None)
        taken = taken or next(
            (one for one in added.values() if one["code"] == tree["code"] and base in bases_of(one)), None
        )
        if taken is not None and taken["url"] != tree["url"]:
            raise Unusable(
                f"code: {base} hat schon einen Parameter dieses Namens, {taken['url']}",
                f"code: {base} has a parameter of this name, {taken['url']}",
            )
        _try(SearchParameter(definition, base))
    return definition


def _try(parameter: SearchParameter) -> None:
    """Raises `Unusable` for what cannot be evaluated, and for a type that its values never have."""
    if not parameter.parts:
        raise Unusable(
            f"expression: nichts darin beginnt mit {parameter.base}",
            f"expression: nothing in it begins with {parameter.base}",
        )
    try:
        fhirpath.compile(parameter.expression, of=parameter.base)
        for component in parameter.components:
            fhirpath.compile(component.expression, of=component.focus)
    except fhirpath.NotFhirPath as error:
        said_de, said_en = unreadable(error)
        raise Unusable(f"expression, {said_de}", f"expression, {said_en}") from error
    except KeyError as error:
        raise Unusable(
            "component.definition: erwartet wird die URL eines bekannten Suchparameters",
            "component.definition: expected the URL of a search parameter that is known",
        ) from error
    if parameter.type == "composite" and not parameter.components:
        raise Unusable("component: ein composite hat Bestandteile", "component: a composite has components")
    if not fits(parameter.type, parameter.holds):
        given = ", ".join(sorted(parameter.holds))
        possible = ", ".join(one for one in sorted(_INDEXED_TYPES) if fits(one, parameter.holds)) or "–"
        raise Unusable(
            f"type: die expression ergibt {given}, nie etwas für {parameter.type}; möglich: {possible}",
            f"type: the expression gives {given}, never anything for {parameter.type}; possible: {possible}",
        )


def fits(search_type: str, holds: Collection[str]) -> bool:
    """Whether a parameter can find something in values of these types; unknown ones may be any."""
    return not holds or search_type not in _INDEXED_TYPES or not _INDEXED_TYPES[search_type].isdisjoint(holds)


def _is_code(code: str) -> bool:
    return len(code) <= 64 and code[0] != "_" and all(one.isalnum() or one in "-_" for one in code) and code.isascii()
