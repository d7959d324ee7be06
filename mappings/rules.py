"""The rules of a source map: which fields fill which place of the model, and how (`from each table as required zone
default`)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeGuard
from zoneinfo import ZoneInfo

from mappings import terminology
from mappings.conversions import Conversion, Doubtful, Unreadable
from mappings.reader import Reader, is_blank
from mappings.targets import Target

__all__ = ["Each", "Reading", "Rule", "Tree", "UnknownCode", "assigns", "is_withheld", "withheld"]


class UnknownCode(Unreadable):
    """A code that is in no table; what is known instead.

    `file`: the table's, if it is one's, for who keeps it. `undecided`: the code as the table names it without a target.
    """

    def __init__(self, known: Iterable[str], file: str = "", *, spellings: bool = False) -> None:
        codes = ", ".join(known)
        self.file, self.undecided = file, ""
        super().__init__(
            f"eines von: {codes}" + (f" (alle Schreibweisen: {file})" if spellings else ""),
            f"one of: {codes}" + (f" (all spellings: {file})" if spellings else ""),
        )

    @classmethod
    def of_table(cls, table: terminology.Table, code: str = "") -> "UnknownCode":
        """What a table knows: of several spellings of one meaning the first, which is enough to see what is wrong."""
        first: dict[terminology.Translation, str] = {}
        known = table.known()
        for each in known:
            first.setdefault(table.translate(each), each)
        made = cls(first.values(), table.file, spellings=len(first) < len(known))
        made.undecided = table.undecided_as(code)
        if made.undecided or not known:
            made.expected_de = f"ein Ziel (target) für den Code in {table.file}"
            made.expected_en = f"a target for the code in {table.file}"
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a rule made of a value; `left_out` is the reason why a table says that this is none of ours."""

    value: Any = None
    doubt: Doubtful | None = None
    left_out: str = ""


_NOTHING = Reading()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """How one place of the model is filled from one field, or from several together (`joined`)."""

    target: str
    kind: Target
    sources: tuple[str, ...]
    convert: Conversion
    joined: bool = False
    table: terminology.Table | None = None
    required: bool = False
    zone: ZoneInfo | None = None
    default: Any = None

    def read(self, raw: Any) -> Reading:
        """The place's value; raises `Unreadable` where the field's cannot be read."""
        if type(raw) in _SCALARS:
            return _read_scalar(self, raw)
        return _NOTHING if is_blank(raw) else self._read(raw)

    def _read(self, raw: Any) -> Reading:
        if is_withheld(raw) or (self.joined and isinstance(raw, list) and any(is_withheld(part) for part in raw)):
            raise self._expectation(raw)
        value = self.convert(raw) if self.zone is None else self.convert(raw, zone=self.zone)
        doubt = value if isinstance(value, Doubtful) else None
        if doubt is not None:
            value = doubt.value
        left_out = ""
        if self.table is not None:
            value, left_out = self._translated(value, self.table)
        if value is not None and not self.kind.allows(value):
            raise self._refusal()
        return Reading(value=value, doubt=doubt, left_out=left_out)

    def _translated(self, value: Any, table: terminology.Table) -> tuple[Any, str]:
        found: list[str] = []
        reason = ""
        for code in value if isinstance(value, tuple) else (value,):
            try:
                translation = table.translate(str(code))
            except KeyError:
                raise UnknownCode.of_table(table, str(code)) from None
            found.extend(translation.codes)
            reason = reason or translation.reason
        if self.kind.many:
            return tuple(dict.fromkeys(found)), reason
        return (found[0], "") if found else (None, reason)

    def _refusal(self) -> Unreadable:
        if self.kind.codes is not None:
            return UnknownCode(sorted(self.kind.codes()))
        return Unreadable("eine ganze Zahl ab 0", "a whole number from 0")

    def _expectation(self, raw: Any) -> Unreadable:
        """What a withheld value should have been: as far as this can be said without it."""
        if self.table is not None:
            return UnknownCode.of_table(self.table)
        if self.kind.codes is not None and not self.joined:
            return self._refusal()
        try:
            self.convert(raw) if self.zone is None else self.convert(raw, zone=self.zone)
        except Unreadable as unreadable:
            return unreadable
        return Unreadable("ein lesbarer Wert", "a value that can be read")


_SCALARS = frozenset({str, int, bool})


@lru_cache(maxsize=50_000, typed=True)  # 1 is not true, though Python finds them equal
def _read_scalar(rule: Rule, raw: str | int) -> Reading:
    # The patient filter and the map read each value once, and most values come again and again.
    return _NOTHING if is_blank(raw) else rule._read(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """A list in the record, each element read by a tree of its own."""

    source: str
    tree: "Tree"


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    """The rules of one level, and of the levels below it: offers, and blocks of an offer."""

    rules: tuple[Rule, ...] = ()
    offers: "Each | tuple[Tree, ...] | None" = None
    blocks: Each | None = None

    def raws(self, reader: Reader) -> Iterator[tuple[Rule, Any]]:
        """The rules of this level with what the record says for each, the default where it says nothing; a rule with
        neither comes, with None, only if it is required."""
        # Asked for each field of each record: what is usual is told apart without a call.
        for rule, raw in zip(self.rules, reader.values(self._first_sources), strict=True):
            said = raw
            if rule.joined:
                said = reader.values(rule.sources)
                if is_blank(said):
                    said = rule.default
            elif raw is None or (is_blank(raw) if type(raw) is not str else not raw or raw.isspace()):
                said = rule.default
            if said is not None or rule.required:
                yield rule, said

    @cached_property
    def _first_sources(self) -> tuple[str | None, ...]:
        return tuple(rule.sources[0] if rule.sources else None for rule in self.rules)

    @cached_property
    def targets(self) -> frozenset[str]:
        """The places that the rules of this level fill."""
        return frozenset(rule.target for rule in self.rules)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The fields that the rules of this level name, each once."""
        return tuple(dict.fromkeys(source for rule in self.rules for source in rule.sources))

    @cached_property
    def sources_alone(self) -> frozenset[str]:
        """The fields that a rule of this level reads alone."""
        return frozenset(source for rule in self.rules if not rule.joined for source in rule.sources)

    @property
    def tables(self) -> tuple[terminology.Table, ...]:
        """The tables that the rules of this level and of those below it translate by, each once."""
        found = {rule.table.name: rule.table for rule in self.rules if rule.table is not None}
        below = self.offers if isinstance(self.offers, tuple) else (self.offers,)
        for level in (*below, self.blocks):
            tree = level.tree if isinstance(level, Each) else level
            found |= {table.name: table for table in (tree.tables if tree is not None else ())}
        return tuple(found.values())


def withheld(value: Any) -> dict[str, int]:
    """What stands in a record for a value that could not be read and might tell of a patient: only its length."""
    return {"withheld": len(value) if isinstance(value, str) else len(repr(value))}


def is_withheld(value: Any) -> TypeGuard[dict[str, int]]:
    """Whether a value is such a stand-in."""
    return isinstance(value, dict) and value.keys() == {"withheld"} and type(value["withheld"]) is int


def assigns(level: Tree, root: Tree, target: str) -> bool:
    """Whether a rule fills that place for what is read at that level: one of its own, or one that holds for all."""
    return target in level.targets or target in root.targets
