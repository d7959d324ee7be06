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
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
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
from mappings.conversions import ZONED, Conversion
from mappings.errors import Issue, Rejected
from mappings.examples import Example, example
from mappings.rules import Each, Rule, Tree, assigns
from mappings.source_map import DEFAULT_KIND, DEFAULT_RANK, Ladder, SourceMap
from mappings.targets import Target
from mappings.terminology import Table
from mappings.wards import Ward, parse_wards

__all__ = ["CONVERSIONS", "load", "shipped"]

CONVERSIONS: Mapping[str, Conversion] = {
    **conversions.CONVERSIONS,
    **weekly.CONVERSIONS,
    **own_share.CONVERSIONS,
    **from_fhir.CONVERSIONS,
    **from_registers.CONVERSIONS,
    **ror.CONVERSIONS,
}
"""Every conversion that a map can name."""

_WARDS_KIND = "hospital-system"


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
            if not assigns(tree, tree, target):
                raise self._wrong("fields", f"{target} fehlt", f"{target} is missing")
        if not levels or not all(assigns(level, tree, "offer.care_form") for level in levels):
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
