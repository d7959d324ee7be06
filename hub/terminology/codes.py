"""What token search asks of terminology: the codes of a value set, and those above or below a code
(https://hl7.org/fhir/R4/search.html#token).

A KeyError says that the value set, code system or code is not known here.
"""

from hub.errors import Invalid
from hub.terminology.concepts import CodeSystem
from hub.terminology.definitions import Definitions, Find
from hub.terminology.expansion import MEMBERS_MAX
from hub.terminology.value_sets import ValueSet
from mappings.errors import Issue

__all__ = ["above", "below", "codes_in"]


def codes_in(url: str, find: Find) -> frozenset[tuple[str, str]]:
    """System and code of all members of a value set, for `:in` and `:not-in`; `Invalid` for what is too long."""
    definitions = Definitions(find)
    found: set[tuple[str, str]] = set()
    for member in ValueSet(definitions.tree("ValueSet", url), definitions).members():
        found.add((member.system, member.code))
        if len(found) > MEMBERS_MAX:
            raise Invalid(
                Issue(
                    code="value-set-too-long",
                    fhir_code="too-costly",
                    text_de=f"mit mehr als {MEMBERS_MAX} Codes kann nicht gesucht werden; ein kleineres hilft",
                    text_en=f"more than {MEMBERS_MAX} codes cannot be searched with; a smaller value set helps",
                )
            )
    return frozenset(found)


def below(system: str, code: str, find: Find) -> tuple[str, ...]:
    """The code and all its kinds, itself first, for `:below`."""
    known = Definitions(find).code_system(system)
    return known.below(_code(known, code))


def above(system: str, code: str, find: Find) -> tuple[str, ...]:
    """The code and all that it is a kind of, itself first, for `:above`."""
    known = Definitions(find).code_system(system)
    return known.above(_code(known, code))


def _code(system: CodeSystem, code: str) -> str:
    concept = system.concept(code)
    if concept is None:
        raise KeyError(code)
    return concept.code
