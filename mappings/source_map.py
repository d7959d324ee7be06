"""A source map as it is used: the declared way from one sender's fields to vacancy reports, and a record read by it.

How one is written down: `mappings/language.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from conformance.formats.grouped import grouped
from mappings.assembly import Found, facility, oddities, oddities_of_numbers, offer_key, report
from mappings.conversions import Unreadable
from mappings.errors import Issue
from mappings.examples import Example
from mappings.reader import Fields, Reader, is_blank
from mappings.rules import Each, Reading, Rule, Tree, UnknownCode, assigns, is_withheld
from mappings.vacancy import Facility, VacancyReport
from mappings.wards import Ward, WardIndex

__all__ = ["DEFAULT_KIND", "DEFAULT_RANK", "About", "Ladder", "Mapped", "SourceMap", "Watch"]

Watch = Callable[[Reader, Rule, Any, Reading | Unreadable], None]
"""Told of a rule that was applied: where (a record, or an element of a list), which, to what, and what came of it."""
DEFAULT_RANK = 5
"""Of sources whose maps name no rank; 1 goes before 9."""
DEFAULT_KIND = "facility-software"
"""Of sources whose maps name no kind; of those with wards it is that of a hospital."""

_TABLES = frozenset({"csv_records", "xlsx_records"})
"""The formats whose fields are columns, and are called so."""
_ELEMENTS_MAX = 2_000
"""Of one list: offers of one facility, blocks of one offer."""
_PLACES_SAID = frozenset({"state", "counts", "counts.accepting", "block.count"})
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
    names: frozenset[str] = field(init=False, compare=False, repr=False)
    """The fields of a record that the map reads; one in the elements of a list by its way (`rows.Frei`)."""
    places: frozenset[str] = field(init=False, compare=False, repr=False)
    """Those of them that tell of free places, a number or a state; of the elements of a list by their own names."""
    ignored: frozenset[str] = frozenset()
    examples: tuple[Example, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ward_index", WardIndex(self.wards))
        object.__setattr__(self, "names", frozenset(_names(self.tree)))
        object.__setattr__(self, "places", frozenset(_names_of_places(self.tree)))

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
                whole_blocks=assigns(level, tree, "blocks"),
                states_pool=assigns(level, tree, "offer.pool"),
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


def _names_of_places(tree: Tree) -> Iterator[str]:
    for rule in tree.rules:
        if rule.target in _PLACES_SAID:
            yield from rule.sources
    if isinstance(tree.offers, tuple):
        for literal in tree.offers:
            yield from _names_of_places(literal)
    for each in (tree.offers, tree.blocks):
        if isinstance(each, Each):
            yield from _names_of_places(each.tree)


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


def _too_many_elements(place: str) -> Issue:
    return Issue(
        code="too-many-elements",
        place=place,
        text_de=f"Mehr als {grouped(_ELEMENTS_MAX)} Einträge in einer Liste. Der Absender muss sie auf Datensätze "
        "verteilen.",
        text_en=f"More than {_ELEMENTS_MAX:,} entries in one list. The sender must divide them among records.",
        fhir_code="too-long",
    )
