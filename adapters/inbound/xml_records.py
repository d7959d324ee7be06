"""XML as a vendor writes it, with an element for each record (https://www.w3.org/TR/xml/, https://www.w3.org/TR/xml-names/).

    options:
      record: "{http://example.org/namespace}Einrichtung"    # the element that is a record
      root: Export                   # the outermost element; without, a document without records is refused
      lists: [Angebote.Angebot]      # elements that may stand more than once, by their way from the record

A record's fields are its parts by local name: `@name` an attribute, an element with text alone its text, trimmed, and
`Frei.@ab` an attribute of such a one; an element with elements in it a mapping, in which `#text` is text of its own.
What `lists` names is a list, and so is what stands twice. `/@name` is an attribute of the outermost element, and
`/Stand` the text of an element that stands before the record and is in none.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

from adapters import options as option
from adapters.base import Broken, Decoded, Options, Record
from adapters.broken_xml import broken_xml
from adapters.folding import folded
from conformance.formats import safe_xml
from mappings.errors import Issue, Rejected
from mappings.patient_filter import safe_name

__all__ = ["FORMAT", "check", "decode"]

FORMAT = "xml_records"

_NAME = re.compile(r"(?:\{[^{}\s]+\})?[^{}\s:./@#]+")
_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_MOST_BESIDE = 50
_LONGEST_BESIDE = 300
_DEEPEST = 30
_MOST_WITHIN = 100_000

Way = tuple[str, ...]


def check(options: Options) -> None:
    """Raises `Rejected` for options that there are not, and where the name of the records is missing."""
    _Layout.of(options)


def decode(body: bytes, options: Options) -> Decoded:
    """One record an element; one that nests too deep is `Broken`, as is the rest of a document that breaks midway."""
    return Decoded(records=folded(_records(body, _Layout.of(options)), between=b"\n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """The options, checked."""

    record: str
    root: str | None
    lists: frozenset[Way]

    @classmethod
    def of(cls, options: Options) -> "_Layout":
        option.only(options, {"record", "root", "lists"})
        record, root = option.text(options, "record"), option.text(options, "root")
        if record is None or not _NAME.fullmatch(record):
            raise option.refused(
                "options.record",
                "der Name des Elements wie Name oder {Namensraum}Name",
                "the name of the element as name or {namespace}name",
            )
        if root is not None and not _NAME.fullmatch(root):
            raise option.refused(
                "options.root",
                "der Name des Elements wie Name oder {Namensraum}Name",
                "the name of the element as name or {namespace}name",
            )
        ways = frozenset(tuple(way.split(".")) for way in option.texts(options, "lists"))
        if not all(all(way) for way in ways):
            raise option.refused("options.lists", "Wege wie Angebote.Angebot", "ways such as Angebote.Angebot")
        return cls(record=record, root=root, lists=ways)


@dataclass(slots=True)
class _Beside:
    """What stands in no record: the texts before the first one, by name, and the names of the others."""

    record: str
    fields: dict[str, str] = field(default_factory=dict)
    others: dict[str, None] = field(default_factory=dict)
    in_records: bool = False
    has_namesake: bool = False
    """Whether an element outside has the name of a record, but another namespace."""

    def note(self, element: etree._Element) -> None:
        """Takes over an element that ended."""
        text = (element.text or "").strip()
        name = f"/{etree.QName(element).localname}"
        self.has_namesake |= name == f"/{_local(self.record)}"
        if not text and not element.attrib:
            return
        small = len(text) <= _LONGEST_BESIDE and len(self.fields) < _MOST_BESIDE
        if text and small and not self.in_records and name not in self.fields:
            self.fields[name] = text
        elif len(self.others) < _MOST_BESIDE:
            self.others[safe_name(name)] = None

    def told(self, record: Record) -> Record:
        """The record, with what was passed over since the one before."""
        dropped = (*record.dropped, *self.others)
        self.others = {}
        return replace(record, dropped=dropped) if dropped else record


def _records(body: bytes, layout: _Layout) -> Iterator[Record | Broken]:
    beside = _Beside(layout.record)
    found = safe_xml.iterate(body, {layout.record}, most_within=_MOST_WITHIN, beside=beside.note)
    held: Record | Broken | None = None  # until it is known what stands behind it
    ordinal = 0
    try:
        root = next(found)
        if layout.root is not None and root.tag != layout.root:
            raise _rejected("line 1", f"Erwartet: das Element {layout.root}", f"Expected: the element {layout.root}")
        for name, value in _attributes(root):
            beside.fields[f"/{name}"] = value
        for element in found:
            ordinal += 1
            beside.in_records = True
            if held is not None:
                yield beside.told(held) if isinstance(held, Record) else held
            held = _record(element, ordinal, layout, beside.fields)
    except safe_xml.NotXml as wrong:
        if held is None:
            place = f"line {wrong.line}, column {wrong.column}"
            raise _rejected(place, f"Kein gültiges XML ({wrong.reason_de})", f"Not XML: {wrong.reason}") from None
        yield held
        local = re.escape(_local(layout.record).encode())
        yield broken_xml(body, wrong, re.compile(rb"</(?:[\w.-]+:)?" + local + rb"\s*>"))
        return
    if held is not None:
        yield beside.told(held) if isinstance(held, Record) else held
    elif layout.root is None or beside.has_namesake:
        but_de, but_en = (
            ("; es gibt solche nur in einem anderen Namensraum", "; there are such in another namespace only")
            if beside.has_namesake
            else ("", "")
        )
        raise _rejected(
            "line 1", f"Erwartet: Elemente {layout.record}{but_de}", f"Expected: elements {layout.record}{but_en}"
        )


def _local(name: str) -> str:
    return name.rpartition("}")[2]


class _TooDeep(Exception):
    """An element nests deeper than any that is meant."""


def _record(element: etree._Element, ordinal: int, layout: _Layout, beside: Mapping[str, str]) -> Record | Broken:
    place = f"record {ordinal}, line {element.sourceline}"
    try:
        return Record(place=place, fields={**beside, **_mapping(element, (), layout.lists)})
    except _TooDeep:
        return Broken(
            place=place,
            body=etree.tostring(element),
            issue=Issue(
                code="too-deep",
                place=place,
                text_de=f"Tiefer als {_DEEPEST} Ebenen geschachtelt. Der Absender muss den Datensatz berichtigen.",
                text_en=f"Nested deeper than {_DEEPEST} levels. The sender must correct the record.",
                fhir_code="structure",
            ),
        )


def _mapping(element: etree._Element, way: Way, lists: Collection[Way]) -> dict[str, Any]:
    if len(way) > _DEEPEST:
        raise _TooDeep
    fields: dict[str, Any] = dict(_attributes(element))
    text = [element.text or ""]
    for child in element:
        name = etree.QName(child).localname
        text.append(child.tail or "")
        below = (*way, name)
        is_listed = below in lists
        value = _value(child, below, lists, as_item=is_listed or name in fields)
        if is_listed:
            fields.setdefault(name, []).append(value)
        elif name in fields:
            earlier = fields[name]
            fields[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        elif value == "" and not child.attrib and any(listed[: len(below)] == below for listed in lists):
            continue  # an empty house for a list, which would be there as a mapping if it were not
        else:
            fields[name] = value
            if isinstance(value, str):
                fields.update((f"{name}.{attribute}", said) for attribute, said in _attributes(child))
    own = " ".join("".join(text).split())
    if own:
        fields["#text"] = own
    return fields


def _value(element: etree._Element, way: Way, lists: Collection[Way], *, as_item: bool) -> Any:
    if len(element) or (as_item and any(True for _ in _attributes(element))):
        return _mapping(element, way, lists)
    text = (element.text or "").strip()
    return {} if as_item and not text else text


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        written = str(name)
        if not written.startswith(_INSTANCE):  # how XML Schema sees the element, which says nothing of places
            yield f"@{_local(written)}", str(value).strip()


def _rejected(place: str, german: str, english: str) -> Rejected:
    return Rejected(
        Issue(
            code="not-xml-records",
            place=place,
            text_de=f"{german}. Der Absender muss die Datei berichtigen.",
            text_en=f"{english}. The sender must correct the file.",
            fhir_code="structure",
        )
    )
