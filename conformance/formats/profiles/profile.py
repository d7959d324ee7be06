"""A profile, read once and held against any number of resources (https://hl7.org/fhir/R4/profiling.html)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.formats.fhirpath import Node
from conformance.formats.fhirpath.node import root
from conformance.formats.profiles import said
from conformance.formats.profiles.definition import Definition
from conformance.formats.profiles.library import CodesIn, Library, Resolve
from conformance.formats.profiles.nodes import expression, linked, places
from conformance.formats.profiles.run import Costly, Enough, Run
from conformance.formats.profiles.walk import check_profile
from conformance.formats.r4_finding import Finding, too_many

__all__ = ["Claim", "Profile", "claims", "findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A place in a resource that must follow a profile: where `meta.profile` says so, and at each extension."""

    node: Node
    canonical: str
    place: str
    """Where this is said."""
    is_extension: bool


def claims(resource: Mapping[str, Any]) -> Iterator[Claim]:
    """The profiles that a resource and those inside it claim, and the definitions of their extensions, if known."""
    extensions, claiming = places(resource)
    for link in claiming:
        node = linked(resource, link)
        profiles = node.value["meta"]["profile"] if node is not None else None
        for index, canonical in enumerate(profiles if isinstance(profiles, list) else ()):
            if node is not None and isinstance(canonical, str):
                place = f"{expression(node)}.meta.profile[{index}]"
                yield Claim(node=node, canonical=canonical, place=place, is_extension=False)
    for link in extensions:
        node = linked(resource, link)
        if node is not None:
            yield Claim(node=node, canonical=node.value["url"], place=expression(node, "url"), is_extension=True)


class Profile:
    """A StructureDefinition as a profile, with all that it refers to as it was when it was first needed.

    Threads may share it. Raises `NotAProfile`.
    """

    __slots__ = ("_definition", "_library", "url")

    def __init__(self, structure: Mapping[str, Any]) -> None:
        self._definition = Definition(structure)
        self._library = Library()
        self.url = self._definition.url

    def findings(self, node: Node, *, resolve: Resolve, codes_in: CodesIn) -> list[Finding]:
        """All that keeps the value at the node from following the profile, beyond what R4 itself asks of it.

        Of more than two hundred findings the first are told. What cannot be checked is said, and is no error.
        """
        run = Run(self._library, resolve, codes_in)
        try:
            check_profile(node, self._library.add(self._definition, resolve), run)
        except Enough:
            run.found.append(too_many().at(expression(node)))
        except Costly:
            run.found.append(said.too_costly(self.url).at(expression(node)))
        return run.found


def findings(
    resource: Mapping[str, Any], profile: Mapping[str, Any], resolve: Resolve, codes_in: CodesIn = lambda _: None
) -> list[Finding]:
    """What keeps a resource from following one profile. Raises `NotAProfile`."""
    return Profile(profile).findings(root(resource), resolve=resolve, codes_in=codes_in)
