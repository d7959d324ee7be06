"""What a StructureDefinition says of each of its elements, as a tree of rules
(https://hl7.org/fhir/R4/profiling.html)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

__all__ = ["CORE", "Constraint", "Definition", "NotAProfile", "Rules", "Slicing", "Used", "plain"]

CORE: Final = "http://hl7.org/fhir/StructureDefinition/"

_MOST_ELEMENTS: Final = 5_000
_MOST_STEPS: Final = 40
_LONGEST_EXPRESSION: Final = 2_000
_LONGEST_EXPRESSIONS: Final = 100_000
"""Of all rules of a profile together."""
_BEST_PRACTICE: Final = f"{CORE}elementdefinition-bestpractice"
_FROM_CORE: Final = re.compile(re.escape(CORE) + r"(?:[A-Z][A-Za-z]*|[a-z][A-Za-z0-9]*)?(?:\|4\.0\.1)?")


class NotAProfile(ValueError):
    """A StructureDefinition that cannot be used as a profile; the reason names no values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A type that an element may have."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    """Profiles or types of the resources that a Reference may point to; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A rule in FHIRPath."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str
    is_core: bool
    """Whether R4 has this rule itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slicing:
    """How the slices of an element are told apart."""

    discriminators: tuple[tuple[str, str], ...]
    """Type and path."""
    rules: str
    ordered: bool


@dataclass(slots=True, kw_only=True, eq=False)
class Rules:
    """What one StructureDefinition says of one element, and of those below it."""

    profile: str
    """The canonical URL of the StructureDefinition."""
    min: int = 0
    max: int | None = None
    types: tuple[Used, ...] = ()
    """Empty where it leaves them as they are."""
    fixed: tuple[Any, ...] = ()
    patterns: tuple[Any, ...] = ()
    bindings: tuple[str, ...] = ()
    """The value sets of required bindings."""
    longest: int | None = None
    least: Any = None
    most: Any = None
    constraints: tuple[Constraint, ...] = ()
    slicing: Slicing | None = None
    children: dict[str, "Rules"] = field(default_factory=dict)
    slices: dict[str, "Rules"] = field(default_factory=dict)
    refers: str = ""
    """The path of another element whose content this one has too."""
    root: "Rules | None" = None
    """Those of the whole type; None where these are they."""
    of: str = ""
    """The type, where these are the rules of a whole one."""
    content: "Rules | None" = None

    def child(self, name: str) -> "Rules":
        """The rules of an element below, made where there are none yet."""
        return self._in(self.children, name)

    def slice(self, name: str) -> "Rules":
        """The rules of a slice, made where there are none yet."""
        return self._in(self.slices, name)

    def referred(self) -> "Rules | None":
        """The rules of the content that is defined at the path that these refer to."""
        root = self.root or self
        first, *steps = self.refers.split(".")
        found: Rules | None = root if root.of == first else None
        for step in steps:
            found = None if found is None else found.children.get(step)
        if found is not None and found.content is None:
            found.content = Rules(
                profile=self.profile, constraints=found.constraints, children=found.children, root=root
            )
        return None if found is None else found.content

    def _in(self, several: dict[str, "Rules"], name: str) -> "Rules":
        found = several.get(name)
        if found is None:
            found = several[name] = Rules(profile=self.profile, root=self.root or self)
        return found


class Definition:
    """A StructureDefinition that has been read. Raises `NotAProfile`."""

    __slots__ = ("base", "contexts", "is_whole", "root", "size", "type", "url")

    def __init__(self, structure: Mapping[str, Any]) -> None:
        self.url = _text(structure, "url")
        self.type = plain(_text(structure, "type"))
        self.base = _text(structure, "baseDefinition")
        snapshot = _elements(structure.get("snapshot"))
        self.is_whole = bool(snapshot)
        """Whether it repeats what its base says."""
        elements = snapshot or _elements(structure.get("differential"))
        if not self.type:
            raise NotAProfile("type")
        if len(elements) > _MOST_ELEMENTS:
            raise NotAProfile(f"{len(elements)} elements, where {_MOST_ELEMENTS} are the most")
        self.contexts = tuple(
            (_text(one, "type"), _text(one, "expression")) for one in _objects(structure.get("context"))
        )
        self.size = len(elements)
        self.root = Rules(profile=self.url, of=self.type)
        expressions: set[str] = set()
        for steps, element in _placed(elements):
            rules = self.root
            for name, slices in steps:
                rules = rules.child(name) if name else rules
                for one in slices:
                    rules = rules.slice(one)
            _fill(rules, element)
            expressions.update(one.expression for one in rules.constraints)
        if sum(map(len, expressions)) > _LONGEST_EXPRESSIONS:
            raise NotAProfile(f"rules of more than {_LONGEST_EXPRESSIONS} characters")


def plain(code: str) -> str:
    """The name of a type, which may be written as the URL of its definition."""
    return code.removeprefix(CORE)


# --- where an element stands ------------------------------------------------------------------------------------------

_Step = tuple[str, tuple[str, ...]]
"""The name of an element, empty for the root, and of the slice of it; a slice of a slice has several."""


def _placed(elements: Sequence[Mapping[str, Any]]) -> Iterator[tuple[list[_Step], Mapping[str, Any]]]:
    open_slices: dict[int, tuple[str, ...]] = {}
    for element in elements:
        path = _text(element, "path").split(".")
        if len(path) > _MOST_STEPS:
            raise NotAProfile(f"{len(path)} steps in a path, where {_MOST_STEPS} are the most")
        depth = len(path) - 1
        name = _text(element, "sliceName")
        # An `id` that does not follow its path is no more than a name.
        told = _text(element, "id").split(".")
        if [one.partition(":")[0] for one in told] == path:
            slices = {at: tuple(one.partition(":")[2].split("/")) for at, one in enumerate(told) if ":" in one}
        else:
            slices = {at: one for at, one in open_slices.items() if at < depth}
            if name:
                slices[depth] = tuple(name.split("/"))
        open_slices = slices
        yield [("" if at == 0 else one, slices.get(at, ())) for at, one in enumerate(path)], element


# --- what is said of it -----------------------------------------------------------------------------------------------


def _fill(rules: Rules, element: Mapping[str, Any]) -> None:
    least, most = element.get("min"), element.get("max")
    if type(least) is int:
        rules.min = least
    if isinstance(most, str) and most.isascii() and most.isdigit() and len(most) < 10:
        rules.max = int(most)
    rules.types = tuple(_types(element))
    rules.fixed = _valued(element, "fixed")
    rules.patterns = _valued(element, "pattern")
    binding = element.get("binding")
    if isinstance(binding, dict) and binding.get("strength") == "required" and _text(binding, "valueSet"):
        rules.bindings = (_text(binding, "valueSet"),)
    longest = element.get("maxLength")
    rules.longest = longest if type(longest) is int else None
    rules.least = next(iter(_valued(element, "minValue")), None)
    rules.most = next(iter(_valued(element, "maxValue")), None)
    rules.constraints = tuple(_constraints(element))
    reference = _text(element, "contentReference")
    # An absolute one means the element of R4, not the one that this profile constrains.
    rules.refers = reference[1:] if reference.startswith("#") else ""
    slicing = element.get("slicing")
    if isinstance(slicing, dict):
        rules.slicing = Slicing(
            discriminators=tuple(
                (_text(one, "type"), _text(one, "path")) for one in _objects(slicing.get("discriminator"))
            ),
            rules=_text(slicing, "rules"),
            ordered=slicing.get("ordered") is True,
        )


def _types(element: Mapping[str, Any]) -> Iterator[Used]:
    for one in _objects(element.get("type")):
        code = plain(_text(one, "code"))
        # System types are those of `id` and `url`, which no profile changes.
        if code and not code.startswith("http://hl7.org/fhirpath/"):
            profiles = tuple(profile for profile in _texts(one.get("profile")) if plain(profile) != code)
            targets = _texts(one.get("targetProfile"))
            yield Used(code=code, profiles=profiles, targets=() if f"{CORE}Resource" in targets else targets)


def _constraints(element: Mapping[str, Any]) -> Iterator[Constraint]:
    for one in _objects(element.get("constraint")):
        expression = _text(one, "expression")
        if not expression or len(expression) > _LONGEST_EXPRESSION:
            continue
        best_practice = any(_text(extension, "url") == _BEST_PRACTICE for extension in _objects(one.get("extension")))
        yield Constraint(
            key=_text(one, "key") or "constraint",
            severity="warning" if best_practice or one.get("severity") == "warning" else "error",
            human=_text(one, "human"),
            expression=expression,
            is_core="source" not in one or _FROM_CORE.fullmatch(_text(one, "source")) is not None,
        )


def _valued(element: Mapping[str, Any], prefix: str) -> tuple[Any, ...]:
    return tuple(
        value
        for key, value in element.items()
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper()
    )


def _elements(part: Any) -> list[dict[str, Any]]:
    return _objects(part.get("element")) if isinstance(part, dict) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _text(node: Mapping[str, Any], name: str) -> str:
    value = node.get(name)
    return value if isinstance(value, str) else ""
