"""The source map: the declared way from one sender's fields to vacancy reports, in eight words
(`from each table as required zone default unread`; `mappings/sources/` shows them in use).

    source: heimsoft                                   # its name; also of the ids that it gives
    title: {de: …, en: …}
    format: csv_records                                # an adapter, and what it is told
    options: {delimiter: ";"}
    patient_free: false                                # true: nothing in it can tell of a patient
    freshness: {fresh: 24h, aging: 72h, stale: 7d}
    kind: facility-software                            # or a code of CodeSystem source-kind
    rank: 5                                            # where sources speak of one offer: 1 goes before 9
    fields:                                            # places of the model (`mappings/targets.py`)
      facility.key: {from: Nr, required: true}
      facility.name: Name                              # short for {from: Name}
      valid_at: {from: Stand, as: datetime, zone: Europe/Berlin}
      offers:                                          # a list in the record; or a list of literal offers, each there
        each: Plaetze                                  # where one of its fields is not blank; without, one a record
        fields:
          offer.care_form: {from: Art, table: csv-angebot}
          counts.accepting: {from: Frei, default: 0}   # the default stands in for a blank field
          blocks: {each: Zimmer, fields: {block.count: Zahl}}
    unread: {ignore: [Bemerkung]}                      # fields that need no mention; all others unread are reported
    examples: […]                                      # `mappings/examples.py`

A map of the format hl7v2_adt, and no other, has `wards:` in the place of `fields:`: its reports are made from a census
(`mappings/wards.py`).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from mappings import (
    conversions,
    from_fhir,
    from_registers,
    own_share,
    ror,
    targets,
    terminology,
    weekly,
    yaml_document,
)
from mappings.assembly import Found, facility, oddities, oddities_of_numbers, offer_key, report
from mappings.conversions import ZONED, Conversion, Unreadable
from mappings.errors import Issue, Rejected
from mappings.examples import Example, example
from mappings.reader import Fields, Reader, is_blank
from mappings.rules import Each, Reading, Rule, Tree, UnknownCode, is_withheld
from mappings.targets import Target
from mappings.terminology import Table
from mappings.vacancy import Facility, VacancyReport
from mappings.wards import Ward, WardIndex, parse_wards

__all__ = ["CONVERSIONS", "DEFAULT_RANK", "Ladder", "Mapped", "SourceMap", "Watch", "load", "shipped"]

CONVERSIONS: Mapping[str, Conversion] = {
    **conversions.CONVERSIONS,
    **weekly.CONVERSIONS,
    **own_share.CONVERSIONS,
    **from_fhir.CONVERSIONS,
    **from_registers.CONVERSIONS,
    **ror.CONVERSIONS,
}
"""Every conversion that a map can name."""

Watch = Callable[[Reader, Rule, Any, Reading | Unreadable], None]
"""Told of a rule that was applied: where (a record, or an element of a list), which, to what, and what came of it."""
DEFAULT_RANK = 5
"""Of sources whose maps name no rank; 1 goes before 9."""
DEFAULT_KIND = "facility-software"
"""Of sources whose maps name no kind; of those with wards it is that of a hospital."""
_WARDS_KIND = "hospital-system"

_ELEMENTS_MAX = 2_000
"""Of one list: offers of one facility, blocks of one offer."""
_NOTHING_OFFERED = "kein Angebot genannt / no offer named"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How long a statement of this source counts as fresh, aging and stale; after that it is expired."""

    fresh: timedelta = timedelta(hours=24)
    aging: timedelta = timedelta(hours=72)
    stale: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """An offer that a record speaks of which is set aside, by the source's key, and as of when, where it says so."""

    offer: str
    valid_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What a source map made of one record; an issue of severity `error` sets the record aside, reports and all."""

    reports: tuple[VacancyReport, ...] = ()
    issues: tuple[Issue, ...] = ()
    left_out: str = ""
    """Why the record is no care offer, where it is none and nothing is wrong."""
    unread: tuple[str, ...] = ()
    about: tuple[About, ...] = ()
    """The offers that a record speaks of which is set aside; none where not all of them can be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMap:
    """The declared way from one sender's fields to vacancy reports."""

    name: str
    title: Mapping[str, str]
    kind: str = DEFAULT_KIND
    """What kind of source it is, a code of CodeSystem source-kind."""
    format: str
    options: Mapping[str, Any]
    patient_free: bool = False
    ladder: Ladder = Ladder()
    rank: int = DEFAULT_RANK
    tree: Tree = field(default=Tree(), repr=False)
    wards: tuple[Ward, ...] = ()
    ward_index: WardIndex = field(init=False, compare=False, repr=False)
    """The same, found by what messages call them."""
    ignored: frozenset[str] = frozenset()
    examples: tuple[Example, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ward_index", WardIndex(self.wards))

    @property
    def names(self) -> frozenset[str]:
        """The fields of a record that the map reads; one in the elements of a list by its way (`rows.Frei`)."""
        return frozenset(_names(self.tree))

    def reads_all(self, mapped: "Mapped") -> bool:
        """Whether a record that was so mapped has no value among those the map names that it cannot read."""
        # Of offers side by side those that are not there are not read.
        return bool(mapped.reports) and not mapped.issues and not isinstance(self.tree.offers, tuple)

    def read(self, fields: Fields, *, watch: "Watch | None" = None) -> Mapped:
        """The vacancy reports of one record, with what is wrong or odd about it and the fields nobody read.

        An issue's place is the field's (`column Frei`, `offers[0].free`); where the record stands the caller knows.
        Its texts repeat a value only where the map says that the source is free of patient data. `watch` is told of
        every rule that is applied.
        """
        reader = Reader(fields)
        reading = _RecordReading(self, watch)
        reports, left_out = reading.reports(reader)
        issues = () if reading.is_no_offer else tuple(dict.fromkeys(reading.issues))
        failed = any(issue.severity == "error" for issue in issues)
        return Mapped(
            reports=() if failed else reports,
            issues=issues,
            left_out="" if failed or reports else left_out,
            unread=tuple(name for name in reader.unread() if name not in self.ignored),
            about=reading.about if failed else (),
        )


class _RecordReading:
    """One pass over one record, and the issues it finds."""

    def __init__(self, source_map: SourceMap, watch: Watch | None) -> None:
        self._map = source_map
        self._has_columns = source_map.format in _TABLES
        self._offers_told: list[About | None] = []
        self._watch = watch
        self.issues: list[Issue] = []
        self.is_no_offer = False
        """The whole record is about something else, so that nothing in it can be wrong."""

    def reports(self, reader: Reader) -> tuple[tuple[VacancyReport, ...], str]:
        tree = self._map.tree
        root = self._found(tree, reader)
        pairs = [(place, _merged(root, found), found_in) for place, found, found_in in self._offers(root, tree, reader)]
        made: dict[str, VacancyReport] = {}
        left_out = root.left_out or _NOTHING_OFFERED
        self.is_no_offer = tree.offers is None and bool(root.left_out)
        of: Facility | None = None
        for place, found, level in pairs:
            if not found.left_out:
                self._offers_told.append(_about(found.values))
            if found.left_out:
                left_out = found.left_out
                if len(pairs) > 1:
                    self.issues.append(_information_left_out(place, found.left_out))
                continue
            if not {"facility.key", "facility.name", "offer.care_form"} <= found.values.keys():
                # That it is missing or unreadable is among the issues; the sender hears of all faults at once.
                self.issues.extend(replace(issue, place=place) for issue in oddities_of_numbers(found.values))
                continue
            of = of or facility(root.values)
            one = report(
                of,
                found,
                source_kind=self._map.kind,
                whole_blocks=_assigns(level, tree, "blocks"),
                states_pool=_assigns(level, tree, "offer.pool"),
            )
            self.issues.extend(replace(issue, place=place) for issue in oddities(one, found.values))
            if one.offer.key in made:
                self.issues.append(_twice(place))
            made[one.offer.key] = one
        return tuple(made.values()), left_out

    @property
    def about(self) -> tuple[About, ...]:
        """The offers that the record speaks of; none where not all of them can be told."""
        told = [about for about in self._offers_told if about is not None]
        return tuple(dict.fromkeys(told)) if len(told) == len(self._offers_told) else ()

    def _offers(self, root: Found, tree: Tree, reader: Reader) -> Iterator[tuple[str, Found, Tree]]:
        if tree.offers is None:
            yield "", root, tree
        elif isinstance(tree.offers, Each):
            for element in self._elements(tree.offers, reader):
                yield _place(element), self._found(tree.offers.tree, element), tree.offers.tree
        else:
            for literal in tree.offers:
                if _is_there(literal, reader):
                    yield "", self._found(literal, reader), literal

    def _elements(self, each: Each, reader: Reader) -> list[Reader]:
        try:
            elements = reader.each(each.source)
            if len(elements) <= _ELEMENTS_MAX:
                return elements
            self.issues.append(_too_many_elements(f"{_prefix(reader)}{each.source}"))
            return []
        except TypeError:
            self.issues.append(
                Issue(
                    code="not-a-list",
                    place=f"{_prefix(reader)}{each.source}",
                    text_de="Erwartet: eine Liste von Objekten. Der Absender muss das Feld berichtigen.",
                    text_en="Expected: a list of objects. The sender must correct the field.",
                    fhir_code="structure",
                )
            )
            return []

    def _found(self, tree: Tree, reader: Reader) -> Found:
        values: dict[str, Any] = {}
        left_out = ""
        for rule, raw in tree.raws(reader):
            if raw is None:
                if rule.required:
                    self.issues.append(self._missing(rule, reader))
                continue
            try:
                reading = rule.read(raw)
            except Unreadable as unreadable:
                if self._watch is not None:
                    self._watch(reader, rule, raw, unreadable)
                if not _is_reported_by_another(rule, raw, tree):
                    self.issues.append(self._unreadable(rule, reader, raw, unreadable))
                continue
            if self._watch is not None:
                self._watch(reader, rule, raw, reading)
            if reading.doubt is not None:
                doubt = reading.doubt
                self.issues.append(
                    Issue(
                        code=doubt.code,
                        place=self._field(rule, reader),
                        text_de=doubt.text_de,
                        text_en=doubt.text_en,
                        severity="warning",
                    )
                )
            if reading.value is not None:
                values[rule.target] = reading.value
            elif rule.target == "offer.care_form" and reading.left_out:
                left_out = reading.left_out
            elif rule.required:
                self.issues.append(self._missing(rule, reader))
        blocks = None
        if tree.blocks is not None:
            blocks = [self._found(tree.blocks.tree, each).values for each in self._elements(tree.blocks, reader)]
        return Found(values=values, blocks=blocks, left_out=left_out)

    def _field(self, rule: Rule, reader: Reader, raw: Any = None) -> str:
        sources = rule.sources
        if isinstance(raw, list) and len(raw) == len(sources):
            sources = (
                tuple(source for source, value in zip(sources, raw, strict=True) if not is_blank(value)) or sources
            )
        if not self._has_columns:
            return ", ".join(f"{_prefix(reader)}{source}" for source in sources)
        row = reader.path[-1] if reader.path else 0
        return f"column {', '.join(sources)}" + (f" (row {row + 1})" if isinstance(row, int) and row else "")

    def _unreadable(self, rule: Rule, reader: Reader, raw: Any, unreadable: Unreadable) -> Issue:
        coded = rule.table is not None or rule.kind.codes is not None
        is_left_out = rule.kind.descriptive and not rule.required
        german, english = self._said(raw, unreadable)
        if isinstance(unreadable, UnknownCode) and unreadable.file:
            closing = _of_table(unreadable, is_withheld(raw))
        elif is_left_out:
            closing = ("Der Absender sollte ihn berichtigen.", "The sender should correct it.")
        else:
            closing = ("Der Absender muss ihn berichtigen.", "The sender must correct it.")
        if is_left_out:
            closing = (f"Er ist ausgelassen. {closing[0]}", f"It is left out. {closing[1]}")
        return Issue(
            code="unknown-code" if coded else "unreadable",
            place=self._field(rule, reader, None if unreadable.whole else raw),
            text_de=f"{german}; erwartet: {unreadable.expected_de}. {closing[0]}",
            text_en=f"{english}; expected: {unreadable.expected_en}. {closing[1]}",
            severity="warning" if is_left_out else "error",
            fhir_code="code-invalid" if coded else "value",
        )

    def _said(self, raw: Any, unreadable: Unreadable) -> tuple[str, str]:
        if isinstance(unreadable, UnknownCode) and unreadable.undecided:
            code = unreadable.undecided  # the table's own word, so it may be told
            return f"Was „{code}“ heißt, ist noch nicht entschieden", f'What "{code}" means is not decided yet'
        if isinstance(unreadable, UnknownCode) and unreadable.file and is_withheld(raw):
            return (
                "Der Code war nicht bekannt und ist nicht aufbewahrt (er könnte von einem Menschen handeln)",
                "The code was not known, and was not kept (it might tell of a person)",
            )
        if self._map.patient_free and not is_withheld(raw):
            shown = str(raw)[:80]
            return f"„{shown}“ ist nicht lesbar", f'"{shown}" cannot be read'
        return "Der Wert ist nicht lesbar", "The value cannot be read"

    def _missing(self, rule: Rule, reader: Reader) -> Issue:
        return Issue(
            code="missing",
            place=self._field(rule, reader),
            text_de="Hier muss etwas stehen. Der Absender muss das Feld füllen.",
            text_en="Something must stand here. The sender must fill the field.",
            fhir_code="required",
        )


def _of_table(unknown: UnknownCode, is_withheld: bool) -> tuple[str, str]:
    """Who must act where a table does not know a code: whoever keeps the table, if it is right, else the sender."""
    if unknown.undecided:
        return (
            "Wer die Tabelle pflegt, trägt es ein; danach genügt: platzfrei ingest --rerun.",
            "Whoever keeps the table adds it; then platzfrei ingest --rerun is enough.",
        )
    then = (" und der Absender sendet neu", ", and the sender sends again") if is_withheld else ("", "")
    return (
        f"Der Absender berichtigt ihn; ist er richtig, trägt ihn ein, wer {unknown.file} pflegt{then[0]}.",
        f"The sender corrects it; if it is right, whoever keeps {unknown.file} adds it{then[1]}.",
    )


def _about(values: Mapping[str, Any]) -> About | None:
    if "offer.key" not in values and not {"facility.key", "offer.care_form"} <= values.keys():
        return None
    key = values.get("offer.key") or offer_key(values["facility.key"], values["offer.care_form"])
    return About(offer=key, valid_at=values.get("valid_at"))


def _names(tree: Tree, prefix: str = "") -> Iterator[str]:
    for source in tree.sources:
        yield f"{prefix}{source}"
    if isinstance(tree.offers, tuple):
        for literal in tree.offers:
            yield from _names(literal, prefix)
    for each in (tree.offers, tree.blocks):
        if isinstance(each, Each):
            yield f"{prefix}{each.source}"
            yield from _names(each.tree, f"{prefix}{each.source}.")


def _is_reported_by_another(rule: Rule, raw: Any, tree: Tree) -> bool:
    """Whether fields cannot be read together only since one is withheld that a rule of its own complains about."""
    if not rule.joined or not isinstance(raw, list):
        return False
    missing = {source for source, part in zip(rule.sources, raw, strict=True) if is_withheld(part)}
    complained = {
        source
        for other in tree.rules
        if not other.joined and (other.required or not other.kind.descriptive)
        for source in other.sources
    }
    return bool(missing) and missing <= complained


def _merged(root: Found, found: Found) -> Found:
    if found is root:
        return root
    return Found(
        values={**root.values, **found.values},
        blocks=root.blocks if found.blocks is None else found.blocks,
        left_out=found.left_out,
    )


def _is_there(literal: Tree, reader: Reader) -> bool:
    said = [not is_blank(reader.value(source)) for source in literal.sources]  # a list, since asking is reading
    return any(said)


def _assigns(level: Tree, root: Tree, target: str) -> bool:
    return target in level.targets or target in root.targets


def _prefix(reader: Reader) -> str:
    place = _place(reader)
    return f"{place}." if place else ""


def _place(reader: Reader) -> str:
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in reader.path)
    return written.removeprefix(".")


def _information_left_out(place: str, reason: str) -> Issue:
    return Issue(
        code="left-out",
        place=place,
        text_de=f"Kein Versorgungsangebot, ausgelassen: {reason}.",
        text_en=f"Not a care offer, left out: {reason}.",
        severity="information",
        fhir_code="informational",
    )


def _twice(place: str) -> Issue:
    return Issue(
        code="offer-twice",
        place=place,
        text_de="Dieses Angebot steht im Datensatz schon. Der Absender muss die Zahlen zusammenfassen oder eigene "
        "Schlüssel vergeben.",
        text_en="The record has this offer already. The sender must add the numbers up or give keys of their own.",
        fhir_code="duplicate",
    )


def load(text: bytes, *, origin: str, tables: Mapping[str, Table] = MappingProxyType({})) -> SourceMap:
    """The source map that a YAML text writes down; raises `Rejected` naming the place in `origin` that is wrong.

    `tables` are those of whoever keeps the map; one of them goes before a shipped one of the same name.
    """
    try:
        document = yaml_document.parse(text)
    except yaml_document.NotYaml as wrong:
        raise _rejected(
            f"{origin}: line {wrong.line}, column {wrong.column}", "kein YAML", f"not YAML: {wrong.reason}"
        ) from None
    return _Compiler(origin, tables).source_map(document)


@cache
def _shipped() -> Mapping[str, SourceMap]:
    folder = resources.files(__package__).joinpath("sources")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda entry: entry.name)
    maps = [load(entry.read_bytes(), origin=f"mappings/sources/{entry.name}") for entry in files]
    return {each.name: each for each in maps}


def shipped() -> dict[str, SourceMap]:
    """The source maps that come with Platzfrei, by name."""
    return dict(_shipped())


_ROOT_KEYS = frozenset(
    {"source", "title", "kind", "format", "options", "patient_free", "freshness", "rank"}
    | {"fields", "wards", "unread", "examples"}
)
_RULE_KEYS = frozenset({"from", "as", "table", "required", "zone", "default"})
_NAME = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")
_DURATION = re.compile("([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_TABLES = frozenset({"csv_records", "xlsx_records"})
"""The formats whose fields are columns, and are called so."""
_CENSUS_FORMAT = "hl7v2_adt"
_ROOT_TARGETS = {**targets.FACILITY, **targets.STATEMENT}


def _rejected(place: str, german: str, english: str) -> Rejected:
    return Rejected(
        Issue(
            code="source-map",
            place=place,
            text_de=f"Fehler in der Quellenbeschreibung: {german}. Wer sie pflegt, muss sie berichtigen.",
            text_en=f"Error in the source map: {english}. Whoever keeps it must correct it.",
            fhir_code="invalid",
        )
    )


class _Compiler:
    """From a parsed document to a source map, refusing what the language does not have."""

    def __init__(self, origin: str, tables: Mapping[str, Table]) -> None:
        self._origin = origin
        self._tables = tables

    def source_map(self, document: Any) -> SourceMap:
        node = self._mapping(document, "")
        self._only(node, _ROOT_KEYS, "")
        if ("fields" in node) == ("wards" in node):
            raise self._wrong("", "entweder fields: oder wards:", "either fields: or wards: is expected")
        name = self._text(node.get("source"), "source")
        if not _NAME.fullmatch(name):
            raise self._wrong("source", "Kleinbuchstaben, Ziffern und Bindestriche", "lower case, digits and hyphens")
        tree = self._root(self._mapping(node["fields"], "fields")) if "fields" in node else Tree()
        return SourceMap(
            name=name,
            title=self._title(node.get("title")),
            kind=self._kind(node.get("kind", _WARDS_KIND if "wards" in node else DEFAULT_KIND)),
            format=self._format(node),
            options=self._mapping(node.get("options", {}), "options"),
            patient_free=self._flag(node.get("patient_free", False), "patient_free"),
            ladder=self._ladder(node.get("freshness", {})),
            rank=self._rank(node.get("rank", DEFAULT_RANK)),
            tree=tree,
            wards=self._wards(node),
            ignored=self._ignored(node.get("unread", "report")),
            examples=self._examples(node),
        )

    def _format(self, node: Mapping[str, Any]) -> str:
        name = self._text(node.get("format"), "format")
        # Visit and movement numbers are made pseudonyms for a census only: a map of fields would keep them as they are.
        if (name == _CENSUS_FORMAT) != ("wards" in node):
            raise self._wrong(
                "format",
                f"{_CENSUS_FORMAT} gehört zu wards:, jedes andere Format zu fields:",
                f"{_CENSUS_FORMAT} goes with wards:, every other format with fields:",
            )
        return name

    def _root(self, fields: Mapping[str, Any]) -> Tree:
        rest = {target: node for target, node in fields.items() if target != "offers"}
        tree = self._tree(rest, _ROOT_TARGETS, "fields")
        offers = self._offers(fields["offers"]) if "offers" in fields else None
        levels = (tree,) if offers is None else (offers.tree,) if isinstance(offers, Each) else offers
        for target in ("facility.key", "facility.name"):
            if not _assigns(tree, tree, target):
                raise self._wrong("fields", f"{target} fehlt", f"{target} is missing")
        if not levels or not all(_assigns(level, tree, "offer.care_form") for level in levels):
            raise self._wrong("fields", "offer.care_form fehlt", "offer.care_form is missing")
        return Tree(rules=tree.rules, offers=offers, blocks=tree.blocks)

    def _offers(self, node: Any) -> Each | tuple[Tree, ...]:
        place = "fields.offers"
        if isinstance(node, list):
            return tuple(
                self._tree(self._mapping(literal, f"{place}[{i}]"), targets.STATEMENT, f"{place}[{i}]")
                for i, literal in enumerate(node)
            )
        return self._each(node, targets.STATEMENT, place)

    def _each(self, node: Any, known: Mapping[str, Target], place: str) -> Each:
        each = self._mapping(node, place)
        self._only(each, frozenset({"each", "fields"}), place)
        source = self._text(each.get("each"), f"{place}.each")
        fields = self._mapping(each.get("fields"), f"{place}.fields")
        return Each(source=source, tree=self._tree(fields, known, f"{place}.fields"))

    def _tree(self, fields: Mapping[str, Any], known: Mapping[str, Target], place: str) -> Tree:
        blocks = fields.get("blocks")
        lists_blocks = isinstance(blocks, Mapping) and "each" in blocks
        return Tree(
            rules=tuple(
                self._rule(target, node, known, f"{place}.{target}")
                for target, node in fields.items()
                if not (lists_blocks and target == "blocks")
            ),
            blocks=self._each(blocks, targets.BLOCK, f"{place}.blocks") if lists_blocks else None,
        )

    def _rule(self, target: str, node: Any, known: Mapping[str, Target], place: str) -> Rule:
        kind = known.get(target)
        if kind is None and targets.needs(target) and target.rpartition(".")[0] in known:
            kind = targets.ELEMENT
        if kind is None:
            raise self._wrong(place, f"kein Platz im Modell; es gibt {', '.join(known)}", f"known: {', '.join(known)}")
        rule = {"from": node} if isinstance(node, str) else self._mapping(node, place)
        self._only(rule, _RULE_KEYS, place)
        sources, joined = self._sources(rule.get("from", []), f"{place}.from")
        if not sources and "default" not in rule:
            raise self._wrong(place, "from: oder default: fehlt", "from: or default: is missing")
        convert = self._text(rule.get("as", kind.convert or None), f"{place}.as")
        if convert not in CONVERSIONS:
            names = ", ".join(sorted(CONVERSIONS))
            raise self._wrong(f"{place}.as", f"es gibt {names}", f"known: {names}")
        return Rule(
            target=target,
            kind=kind,
            sources=sources,
            joined=joined,
            convert=CONVERSIONS[convert],
            table=self._table(rule.get("table", ""), kind, f"{place}.table"),
            required=self._flag(rule.get("required", kind.required), f"{place}.required"),
            zone=self._zone(rule.get("zone"), convert, f"{place}.zone"),
            default=rule.get("default"),
        )

    def _sources(self, node: Any, place: str) -> tuple[tuple[str, ...], bool]:
        if isinstance(node, list):
            return tuple(self._text(each, place) for each in node), bool(node)
        return (self._text(node, place),), False

    def _table(self, node: Any, kind: Target, place: str) -> Table | None:
        if not node:
            return None
        own = self._tables.get(node) if isinstance(node, str) else None
        if own is None and node not in terminology.tables():
            names = ", ".join(sorted({*self._tables, *terminology.tables()}))
            raise self._wrong(place, f"es gibt {names}", f"known: {names}")
        table = own or terminology.table(node)
        strange = sorted(table.targets() - kind.codes()) if kind.codes is not None else []
        if strange:
            raise self._wrong(
                place,
                f"{table.file} übersetzt in {strange[0]}, das es hier nicht gibt",
                f"{table.file} translates to {strange[0]}, which does not exist here",
            )
        return table

    def _zone(self, node: Any, convert: str, place: str) -> ZoneInfo | None:
        if node is None:
            return None
        if convert not in ZONED:
            raise self._wrong(place, f"{convert} nimmt keine Zeitzone", f"{convert} takes no zone")
        try:
            return ZoneInfo(self._text(node, place))
        except (KeyError, ValueError, OSError):  # zoneinfo's ways to say that there is none
            raise self._wrong(place, "eine Zeitzone wie Europe/Berlin", "expected a zone like Europe/Berlin") from None

    def _title(self, node: Any) -> Mapping[str, str]:
        title = self._mapping(node, "title")
        return {language: self._text(title.get(language), f"title.{language}") for language in ("de", "en")}

    def _kind(self, node: Any) -> str:
        kinds = terminology.codes("source-kind")
        if not isinstance(node, str) or node not in kinds:
            names = ", ".join(sorted(kinds))
            raise self._wrong("kind", f"eines von: {names}", f"one of: {names}")
        return node

    def _ladder(self, node: Any) -> Ladder:
        steps = self._mapping(node, "freshness")
        self._only(steps, frozenset({"fresh", "aging", "stale"}), "freshness")
        ladder = replace(Ladder(), **{step: self._duration(each, f"freshness.{step}") for step, each in steps.items()})
        if not ladder.fresh <= ladder.aging <= ladder.stale:
            raise self._wrong("freshness", "fresh ≤ aging ≤ stale", "expected fresh ≤ aging ≤ stale")
        return ladder

    def _rank(self, node: Any) -> int:
        try:
            rank = int(str(node))
        except ValueError:
            rank = 0
        if isinstance(node, bool) or not 1 <= rank <= 9:
            raise self._wrong("rank", "eine Zahl von 1 (geht vor) bis 9", "a number from 1 (goes first) to 9")
        return rank

    def _duration(self, node: Any, place: str) -> timedelta:
        match = _DURATION.fullmatch(self._text(node, place))
        if not match:
            raise self._wrong(place, "eine Dauer wie 24h oder 7d", "expected a duration like 24h or 7d")
        return timedelta(**{_UNITS[match[2]]: int(match[1])})

    def _wards(self, node: Mapping[str, Any]) -> tuple[Ward, ...]:
        if "wards" not in node:
            return ()
        try:
            return parse_wards(node["wards"])
        except Rejected as rejected:
            issues = (replace(issue, place=f"{self._origin}: {issue.place}") for issue in rejected.issues)
            raise Rejected(*issues) from None

    def _ignored(self, node: Any) -> frozenset[str]:
        if node == "report":
            return frozenset()
        ignore = self._mapping(node, "unread")
        self._only(ignore, frozenset({"ignore"}), "unread")
        names = ignore.get("ignore")
        if not isinstance(names, list):
            raise self._wrong("unread.ignore", "eine Liste von Feldnamen", "expected a list of field names")
        return frozenset(self._text(each, "unread.ignore") for each in names)

    def _examples(self, node: Mapping[str, Any]) -> tuple[Example, ...]:
        if "wards" in node:
            return ()
        found = node.get("examples", [])
        if not isinstance(found, list):
            raise self._wrong("examples", "eine Liste", "expected a list")
        try:
            return tuple(example(each) for each in found)
        except ValueError as error:
            raise self._wrong("examples", str(error), str(error)) from None

    def _mapping(self, node: Any, place: str) -> Mapping[str, Any]:
        if not isinstance(node, Mapping):
            raise self._wrong(place, "eine Zuordnung (Schlüssel: Wert)", "expected a mapping (key: value)")
        return node

    def _text(self, node: Any, place: str) -> str:
        if not isinstance(node, str) or not node:
            raise self._wrong(place, "ein Text", "expected a text")
        return node

    def _flag(self, node: Any, place: str) -> bool:
        if not isinstance(node, bool):
            raise self._wrong(place, "true oder false", "expected true or false")
        return node

    def _only(self, node: Mapping[str, Any], known: frozenset[str], place: str) -> None:
        strange = sorted(node.keys() - known)
        if strange:
            names = ", ".join(sorted(known))
            where = f"{place}.{strange[0]}" if place else strange[0]
            raise self._wrong(where, f"unbekannt; es gibt {names}", f"unknown; known: {names}")

    def _wrong(self, place: str, german: str, english: str) -> Rejected:
        return _rejected(f"{self._origin}: {place}" if place else self._origin, german, english)


def _too_many_elements(place: str) -> Issue:
    return Issue(
        code="too-many-elements",
        place=place,
        text_de=f"Mehr als {_ELEMENTS_MAX:,} Einträge in einer Liste. Der Absender muss sie auf Datensätze verteilen.",
        text_en=f"More than {_ELEMENTS_MAX:,} entries in one list. The sender must divide them among records.",
        fhir_code="too-long",
    )
