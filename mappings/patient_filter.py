"""The patient filter: of a record, only what its source map names and can read goes on to the ledger
(Art. 5(1)(c) DSGVO, data minimisation)."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from typing import Any

from mappings.conversions import Unreadable
from mappings.reader import Fields, Path, Reader, is_blank
from mappings.rules import Each, Rule, Tree, withheld
from mappings.source_map import SourceMap

__all__ = ["WITHHELD_NAME", "Admitted", "admit", "safe_name"]

WITHHELD_NAME = "(withheld name)"
"""Stands for a name that may itself tell of a patient."""

_LONGEST_NAME = 60
_PART = 4
"""So many letters has a word at least that is a part of a German compound."""
_WORD = re.compile(r"[A-ZÄÖÜ]+(?![a-zäöüß])|[A-ZÄÖÜ]?[a-zäöüß]+|[^\W\d_]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_DATE = re.compile(r"\d\D\d{1,2}\D\d\d")
_ADDRESS = re.compile(r"[^./]@")
"""An `@` within a name; GML's coordinates are named @x and @y, an attribute of XML `Frei.@ab` or `/@stand`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What of a record may be kept, and the names of the fields that no map names."""

    fields: Fields
    dropped: tuple[str, ...] = ()


def admit(fields: Fields, source_map: SourceMap, *, readable: bool = False) -> Admitted:
    """The part of a record that may be kept; `readable`: the map has read every value that it names, without a fault.

    Of a source that may hold patient data: the fields that the map names, and in the place of each value that its
    conversion cannot read the length of it (`mappings.rules.withheld`); but a code that its table names without a
    target is kept, being a word of the table's. A source that its map marks as free of patient data passes whole. Not
    for a map with wards, which names no fields: its records are pseudonymised (`mappings.census_event`).
    """
    reader = Reader(fields)
    kept: dict[Path, Any] = {}
    for path, value, is_readable in _named(source_map.tree, reader, readable=readable):
        if not is_readable:
            kept[path] = withheld(value)
        else:
            kept.setdefault(path, value)
    dropped = (name for name in reader.unread() if name not in source_map.ignored)
    return Admitted(
        fields=fields if source_map.patient_free else _nested(kept),
        dropped=tuple(dict.fromkeys(_shown(name) if source_map.patient_free else safe_name(name) for name in dropped)),
    )


@lru_cache(maxsize=10_000)
def safe_name(name: str) -> str:
    """The name of a field as it may be shown: one that is not made of the words of `field-names.txt` is withheld.

    Senders put data in the place of names, too: in a header line, as the key of an object. Whose data have patients
    in them, their names may be such.
    """
    if _shown(name) == WITHHELD_NAME:
        return WITHHELD_NAME
    looks_like_data = sum(map(str.isdigit, name)) >= 4 or _DATE.search(name) or _ADDRESS.search(name)
    return WITHHELD_NAME if looks_like_data or not _is_made_of_known_words(name) else name


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME and name.isprintable() else WITHHELD_NAME


def _is_made_of_known_words(name: str) -> bool:
    words = _WORD.findall(unicodedata.normalize("NFC", name))
    letters = [word for word in words if len(word) == 1 and word.isascii()]
    longer = [word.casefold().translate(_UMLAUTS) for word in words if word not in letters]
    return len(letters) <= 1 and all(map(_is_known, longer))


def _is_known(word: str) -> bool:
    """Whether a word is in the list, or a compound of such, whose parts may end with `s`."""
    known = _known_words()
    if word in known or word.removesuffix("s") in known:
        return True
    return any(
        word[:end].removesuffix("s") in known and _is_known(word[end:]) for end in range(_PART, len(word) - _PART + 1)
    )


@cache
def _known_words() -> frozenset[str]:
    text = resources.files(__package__).joinpath("field-names.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


_ELEMENT: Any = object()
"""Stands in the place of a list's element, whose fields have places of their own."""


def _named(tree: Tree, reader: Reader, *, readable: bool) -> Iterator[tuple[Path, Any, bool]]:
    """Every value that the tree names, and whether every rule that names it can read it.

    Where several fields together cannot be read, those are to blame that no rule reads alone: by what it says, or
    because the others that it would read with it are empty.
    """
    bad: set[str] = set()
    together: set[str] = set()
    alone = set(tree.sources_alone)
    for rule, raw in () if readable else tree.raws(reader):
        if raw is None:
            continue
        try:
            rule.read(raw)
        except Unreadable:
            if _is_undecided(rule, raw):
                continue
            (together if rule.joined else bad).update(rule.sources)
        else:
            if rule.joined and isinstance(raw, list):
                there = [source for source, part in zip(rule.sources, raw, strict=True) if not is_blank(part)]
                alone.update(there if len(there) == 1 else ())
    bad |= together - alone
    for source in tree.sources:
        path = reader.locate(source)
        if path is not None:
            value = reader.value(source)
            yield path, value, source not in bad or is_blank(value)
    if isinstance(tree.offers, tuple):
        for literal in tree.offers:
            yield from _named(literal, reader, readable=readable)
    for each in (tree.offers, tree.blocks):
        if isinstance(each, Each):
            yield from _named_in_list(each, reader, readable=readable)


def _is_undecided(rule: Rule, raw: Any) -> bool:
    """Whether the whole value is a code that the operator's table names and nobody has decided on: no secret."""
    return not rule.joined and rule.table is not None and isinstance(raw, str) and bool(rule.table.undecided_as(raw))


def _named_in_list(each: Each, reader: Reader, *, readable: bool) -> Iterator[tuple[Path, Any, bool]]:
    try:
        elements = reader.each(each.source)
    except TypeError:
        path = reader.locate(each.source)
        assert path is not None
        yield path, reader.value(each.source), False
        return
    for element in elements:
        yield element.path, _ELEMENT, True
        yield from _named(each.tree, element, readable=readable)


def _nested(kept: dict[Path, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path, value in kept.items():
        if len(path) == 1 and isinstance(path[0], str):
            root[path[0]] = value
            continue
        above = (path[:length] for length in range(1, len(path)))
        if any(kept.get(prefix, _ELEMENT) is not _ELEMENT for prefix in above):
            continue  # It is part of a value that stands there whole, or is withheld whole.
        node: Any = root
        for step, following in pairwise(path):
            if isinstance(step, str):
                node = node.setdefault(step, [] if isinstance(following, int) else {})
            else:
                node = node[step]
        if value is not _ELEMENT:
            node[path[-1]] = value
        elif len(node) == path[-1]:
            node.append({})
    return root
