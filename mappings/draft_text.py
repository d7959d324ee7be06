"""A proposed source map as YAML for a person to go on with, and the ConceptMap that its unknown codes ask for."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.spec import CANONICAL
from mappings import terminology
from mappings.draft import Guess, Level, Proposal, UnknownCodes
from mappings.terminology import Language
from mappings.trace import candidates, spellings

__all__ = ["concept_map", "concept_map_text", "render", "table_name"]

_PLAIN = re.compile(r"[A-Za-zÄÖÜäöüß][A-Za-zÄÖÜäöüß0-9_/.()-]*(?: [A-Za-zÄÖÜäöüß0-9_/.()-]+)*")
_WORDLIKE = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_LINE = 116


def render(
    proposal: Proposal,
    *,
    name: str,
    format: str,  # noqa: A002 - the language's own word
    options: Mapping[str, Any],
    columns: Sequence[str],
    notes: Sequence[tuple[str, str]],
    language: Language,
    own_tables: bool,
) -> str:
    """The map as YAML that loads as it stands; what is unsure, unread or unknown stands in its comments.

    `own_tables`: the map names the ConceptMaps that `concept_map` makes of unknown codes, else the shipped tables.
    """
    writer = _Writer(proposal, name, language, own_tables=own_tables)
    return "\n".join((*writer.head(format, options, columns, notes), *writer.fields(), *writer.tail(), ""))


def table_name(codes: UnknownCodes, name: str) -> str:
    """What the ConceptMap of a source's own codes is called: the source, and what the codes are of."""
    return f"{name}-{codes.target.rpartition('.')[2].replace('_', '-')}"


def concept_map(codes: UnknownCodes, name: str) -> dict[str, Any]:
    """A ConceptMap of the words that the sample uses: the known ones translated, the unknown ones without a target."""
    table = terminology.table(codes.table)
    own = table_name(codes, name)
    elements: list[dict[str, Any]] = [{"code": word} for word in codes.unknown]
    for word in codes.known:
        translation = table.translate(word)
        told = [{"code": code, "equivalence": "equivalent"} for code in translation.codes]
        elements.append({"code": word, "target": told or [{"equivalence": "unmatched", "comment": translation.reason}]})
    return {
        "resourceType": "ConceptMap",
        "id": own,
        "url": f"{CANONICAL}/ConceptMap/{own}",
        "name": "".join(part.capitalize() for part in own.split("-")),
        "status": "draft",
        "group": [
            {
                "source": f"{CANONICAL}/sid/{name}/{own.removeprefix(name).strip('-')}",
                "target": f"{CANONICAL}/CodeSystem/{_SYSTEMS[codes.target]}",
                "element": elements,
            }
        ],
    }


def concept_map_text(codes: UnknownCodes, name: str) -> str:
    """The same as a file to be written on: a code a line, those to decide first."""
    tree = concept_map(codes, name)
    elements = tree["group"][0].pop("element")
    lines = ",\n".join(f"        {json.dumps(element, ensure_ascii=False)}" for element in elements)
    tree["group"][0]["element"] = []
    written = json.dumps(tree, ensure_ascii=False, indent=2)
    return written.replace('"element": []', f'"element": [\n{lines}\n      ]') + "\n"


_SYSTEMS = {"offer.care_form": "care-form", "block.room": "room-type", "block.sex": "administrative-gender"}


class _Writer:
    def __init__(self, proposal: Proposal, name: str, language: Language, *, own_tables: bool) -> None:
        self._proposal = proposal
        self._name = name
        self._german = language == "de"
        self._own_tables = own_tables
        self._codes = {codes.column: codes for codes in proposal.codes}

    def _say(self, german: str, english: str) -> str:
        return german if self._german else english

    def head(
        self,
        format: str,  # noqa: A002 - the language's own word
        options: Mapping[str, Any],
        columns: Sequence[str],
        notes: Sequence[tuple[str, str]],
    ) -> Iterator[str]:
        yield "# " + self._say(
            "Entwurf von „platzfrei map draft“: was mit PRÜFEN markiert ist, ist unsicher. Danach: platzfrei map try",
            "Draft by 'platzfrei map draft': what is marked CHECK is unsure. Next: platzfrei map try",
        )
        for german, english in notes:
            yield f"# {self._say('ACHTUNG', 'NOTE')}: {self._say(german, english)}"
        yield f"source: {self._name}"
        yield f"title: {{de: {_text(self._name)}, en: {_text(self._name)}}}"
        yield f"format: {format}"
        told = [f"  {option}: {_value(value)}" for option, value in options.items()]
        told += list(self._table_options(columns))
        if told:
            yield "options:"
            yield from told

    def _table_options(self, columns: Sequence[str]) -> Iterator[str]:
        """The columns that the map reads: those that it needs must be there, the others may."""
        if not columns:
            return
        read = dict(_read(self._proposal.root))
        needed = {column for column, target in read.items() if target in _NEEDED}
        needed |= {*(self._proposal.by or ()), *self._defaults_from()}
        # Without it a delivery would take every free place back to unknown, and nothing would say so.
        needed |= {guess.column for guess in self._proposal.root.guesses if guess.target == "counts.accepting"}
        if not needed:
            needed = set(list(read)[:1])
        yield from _listed("columns", [column for column in columns if column in needed])
        optional = [column for column in columns if column in read and column not in needed]
        if optional:
            yield from _listed("optional", optional)
        if self._proposal.by is not None:
            yield "  group:  # " + self._say(
                "mehrere Zeilen eines Angebots sind seine Blöcke", "several rows of one offer are its blocks"
            )
            yield f"    by: [{', '.join(map(_text, self._proposal.by))}]"
            yield f"    rows: [{', '.join(map(_text, self._proposal.rows))}]"

    def _defaults_from(self) -> list[str]:
        """What a key can be made of, where the sample has none."""
        if "facility.key" not in self._proposal.defaults:
            return []
        of = {guess.target: guess.column for guess in self._proposal.root.guesses}
        parts = ("facility.name", "facility.street", "facility.house_number", "facility.postal_code")
        return list(dict.fromkeys(of[part] for part in parts if part in of))

    def fields(self) -> Iterator[str]:
        yield "fields:"
        root, defaults = self._proposal.root, self._proposal.defaults
        if "facility.key" in defaults:
            made_of = self._defaults_from()
            if made_of:
                rule = f"{{from: [{', '.join(map(_text, made_of))}], as: key}}"
                yield self._line("facility.key", rule, "kein Schlüssel gefunden", "no key was found")
            else:
                yield self._line("facility.key", "{default: unbekannt}", "kein Schlüssel gefunden", "no key was found")
        if "facility.name" in defaults:
            yield self._line("facility.name", "{default: unbekannt}", "kein Name gefunden", "no name was found")
        if "offer.care_form" in defaults:
            yield self._line(
                "offer.care_form",
                "{default: dauerpflege}",
                "die Datei sagt nicht, welche Versorgungsform",
                "the file does not say which care form",
            )
        grouped = self._proposal.rows
        yield from self._rules(
            [guess for guess in root.guesses if guess.column not in grouped], "  ", with_blocks=not root.blocks
        )
        if grouped:
            yield "  blocks:"
            yield "    each: rows"
            yield "    fields:"
            own = [guess for guess in root.guesses if guess.column in grouped]
            renamed = {"counts.accepting": "block.count"}
            yield from self._rules(own, "      ", renamed=renamed)
        yield from self._list("blocks", root.blocks, "  ")
        yield from self._list("offers", root.offers, "  ")
        if root.literals:
            yield "  offers:"
            for code, guesses in root.literals:
                yield f"    - offer.care_form: {{default: {code}}}"
                yield from self._rules(guesses, "      ")

    def _list(self, place: str, level: Level | None, indent: str) -> Iterator[str]:
        if level is None:
            return
        yield f"{indent}{place}:"
        yield f"{indent}  each: {_text(level.each)}"
        yield f"{indent}  fields:"
        yield from self._rules(level.guesses, f"{indent}    ")
        yield from self._list("blocks", level.blocks, f"{indent}    ")

    def _rules(
        self, guesses: Sequence[Guess], indent: str, *, renamed: Mapping[str, str] = {}, with_blocks: bool = True
    ) -> Iterator[str]:
        order = {target: position for position, target in enumerate(_ORDER)}
        for guess in sorted(guesses, key=lambda one: order.get(one.target, len(order))):
            if not with_blocks and guess.target.startswith("block."):
                continue
            words = dict(guess.words)
            codes = self._codes.get(guess.column)
            if codes is not None and self._own_tables and "table" in words:
                words["table"] = table_name(codes, self._name)
            rule = _text(guess.column)
            if words:
                told = ", ".join(f"{word}: {value}" for word, value in words.items())
                rule = f"{{from: {rule}, {told}}}"
            line = f"{indent}{renamed.get(guess.target, guess.target)}: {rule}"
            if not guess.is_sure:
                check = self._say("PRÜFEN", "CHECK")
                why = (
                    self._say("nur nach den Werten", "by its values alone")
                    if guess.by_values
                    else self._say("der Name passt ungefähr", "the name fits roughly")
                )
                line += f"  # {check}: {why}"
            yield line

    def _line(self, target: str, rule: str, german: str, english: str) -> str:
        return f"  {target}: {rule}  # {self._say('PRÜFEN', 'CHECK')}: {self._say(german, english)}"

    def tail(self) -> Iterator[str]:
        if self._proposal.uncounted:
            yield "# " + self._say(
                "PRÜFEN: zählt wohl Plätze, steht in keiner Regel: was darin frei ist, ginge verloren. In eine Regel",
                "CHECK: seems to count places and is in no rule, so what is free there is lost. Put it into a rule, or",
            )
            yield "#   " + self._say(
                "damit, oder, wo es keine Plätze sind, ans Ende: unread: {ignore: […]}",
                "where these are no places, at the end: unread: {ignore: […]}",
            )
            for column in self._proposal.uncounted:
                yield f"#   {_comment(column)}"
        others = [one for one in self._proposal.unread if one[0] not in self._proposal.uncounted]
        if others:
            yield "# " + self._say("In keiner Regel:", "In no rule:")
            for column, german, english in others:
                why = self._say(german, english)
                yield f"#   {_comment(column)}" + (f" ({why})" if why else "")
        for codes in self._proposal.codes:
            yield "# " + self._say(
                f"Unbekannte Wörter in {_comment(codes.column)}; die Tabelle {codes.table} kennt sie nicht:",
                f"Unknown words in {_comment(codes.column)}; the table {codes.table} does not know them:",
            )
            for word, count in list(codes.unknown.items())[:30]:
                may_be = ", ".join(candidates(word, _spellings(codes)))
                perhaps = (
                    f"{self._say('vielleicht', 'perhaps')} {may_be}"
                    if may_be
                    else self._say("nichts Ähnliches bekannt", "nothing like it is known")
                )
                yield f"#   {_comment(word)} ({count}×) {perhaps}"
            own = f"terminology/{table_name(codes, self._name)}.json"
            yield "# " + self._say(
                f"Ihre Bedeutung trägt ein, wer sie kennt: in {own}, als target",
                f"Whoever knows what they mean writes it: in {own}, as target",
            )
        yield "# " + self._say(
            "Beispiele sind die Tests der Karte (platzfrei map check); so sehen sie aus, mit erfundenen Namen:",
            "Examples are the tests of the map (platzfrei map check); they look so, with invented names:",
        )
        yield "# examples:"
        yield "#   - description: …"
        yield "#     input: {…}"
        yield "#     offers: [{offer.care_form: kurzzeitpflege, counts.accepting: 3}]"


_NEEDED = frozenset({"facility.key", "facility.name", "offer.care_form"})
_ORDER = (
    *("facility.key", "facility.name", "facility.operator", "facility.iks", "facility.telematik_id", "facility.street"),
    *("facility.house_number", "facility.postal_code", "facility.city", "facility.precinct", "facility.ags"),
    *("facility.latitude", "facility.longitude", "facility.contacts.phone", "facility.contacts.fax"),
    *("facility.contacts.email", "facility.contacts.url", "facility.contacts.kim"),
    *("offer.key", "offer.care_form", "offer.name", "offer.care_grades", "offer.languages", "offer.catchment"),
    *("offer.pool", "offer.hours", "offer.admission.days", "offer.admission.latest", "offer.own_share"),
    *("offer.own_share.as_of", "offer.payers", "offer.payers.as_of", "valid_at", "sequence", "state"),
    *("counts.licensed", "counts.operable", "counts.occupied", "counts.held", "counts.accepting", "counts.waiting"),
    *("block.count", "block.start", "block.end", "block.room", "block.sex"),
)


def _read(level: Level) -> Iterator[tuple[str, str]]:
    for guess in level.guesses:
        yield guess.column, guess.target
    for _, guesses in level.literals:
        for guess in guesses:
            yield guess.column, guess.target


def _spellings(codes: UnknownCodes) -> dict[str, str]:
    known = terminology.codes("care-form") if codes.target == "offer.care_form" else ()
    return spellings(known, terminology.table(codes.table))


def _listed(name: str, columns: Sequence[str]) -> Iterator[str]:
    """A list of names, broken where the line is full."""
    line = f"  {name}: ["
    for position, column in enumerate(columns):
        written = _text(column) + ("," if position < len(columns) - 1 else "]")
        if len(line) + len(written) > _LINE:
            yield line.rstrip()
            line = "    "
        line += written + " "
    yield line.rstrip()


def _text(name: str) -> str:
    """A text as YAML writes it, also within brackets."""
    is_plain = _PLAIN.fullmatch(name) and name.casefold() not in _WORDLIKE
    return name if is_plain else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else "?" for letter in text).split())[:80]
