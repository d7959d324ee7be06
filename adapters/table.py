"""Tables, whatever wrote them: a header that must name certain columns, and rows that speak of one thing as one record.

options:
  columns: [Nr, Name, Frei]      # must be there, in any order; case and spaces do not matter
  optional: [Telefon]            # may be there
  group:                         # rows that follow one another and agree in `by` are one record; of the columns
    by: [Nr, Angebot]            # named here they may differ only in `rows`, which stand in a list `rows`, one
    rows: [Frei, Zimmer]         # mapping a row
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters import options as option
from adapters.base import Broken, Options, Record
from mappings.errors import Issue, Rejected

__all__ = ["OPTIONS", "Columns", "Row", "folded_name", "records", "rejected"]

OPTIONS = frozenset({"columns", "optional", "group"})
"""The options that every table has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The options, checked."""

    columns: tuple[str, ...]
    optional: tuple[str, ...]
    by: tuple[str, ...]
    rows: frozenset[str]

    @classmethod
    def of(cls, options: Options) -> "Columns":
        """Raises `Rejected` where no column is named, and for a group that the columns do not allow."""
        columns = option.texts(options, "columns", required=True)
        optional = option.texts(options, "optional")
        by, rows = _group(options, columns, optional)
        return cls(columns=columns, optional=optional, by=by, rows=frozenset(rows))

    def check(self, names: Collection[str]) -> None:
        """Raises `Rejected` where a map reads a field that no record has for sure."""
        # In a file without the column the map would read a blank field, and nobody would hear of it.
        for name in sorted(set(names) - self._readable()):
            raise option.refused(
                "options.columns",
                f"hier oder in optional auch die Spalte „{name}“, die fields: liest",
                f'here or in optional also the column "{name}", which fields: reads',
            )

    def _readable(self) -> frozenset[str]:
        """The fields that a record can have for sure, those below `rows` by their way."""
        named = self.known
        if not self.by:
            return named
        return frozenset({*(named - self.rows), "rows", *(f"rows.{name}" for name in self.rows)})

    @property
    def known(self) -> frozenset[str]:
        """The names that the options name."""
        return frozenset((*self.columns, *self.optional))

    def header(self, cells: Sequence[str], place: str, expected: str) -> tuple[str, ...]:
        """The columns' names, as the options spell them where they name them, up to the last that is not blank.

        Raises `Rejected` at `place` where one is missing, showing the header that is `expected`, or stands twice.
        """
        spelled = {folded_name(name): name for name in (*self.columns, *self.optional)}
        width = max(i for i, cell in enumerate(cells, start=1) if cell.strip())
        folded = [folded_name(cell) for cell in cells[:width]]
        names = [spelled.get(cell, cells[i - 1].strip() or f"(column {i})") for i, cell in enumerate(folded, start=1)]
        present = set(names)
        missing = [name for name in self.columns if name not in present]
        if missing:
            listed = ", ".join(missing)
            raise rejected(
                place,
                "missing-column",
                f"Spalten fehlen: {listed}. Erwartet ist eine Kopfzeile mit {expected}",
                f"columns are missing: {listed}. Expected is a header line with {expected}",
            )
        twice = _first_twice([folded_name(name) for name in names])
        if twice is not None:
            column = names[twice] if names[twice] in spelled.values() else str(twice + 1)
            raise rejected(
                f"{place}, column {column}",
                "column-twice",
                "diese Spalte steht zweimal in der Kopfzeile",
                "this column stands twice in the header line",
            )
        return tuple(names)


def folded_name(name: str) -> str:
    """A column's name by which equal ones are found equal."""
    return " ".join(name.split()).casefold()


def rejected(place: str, code: str, german: str, english: str) -> Rejected:
    """The refusal of a file."""
    return Rejected(
        Issue(
            code=code,
            place=place,
            text_de=f"{german}. Der Absender muss die Datei berichtigen.",
            text_en=f"{english}. The sender must correct the file.",
            fhir_code="structure",
        )
    )


def _first_twice(names: Sequence[str]) -> int | None:
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            return position
        seen.add(name)
    return None


def _group(
    options: Options, columns: Collection[str], optional: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    group = option.section(options, "group", required="group" in options)
    if not group:
        return (), ()
    option.only(group, {"by", "rows"}, "options.group")
    by, rows = (option.texts(group, name, "options.group", required=True) for name in ("by", "rows"))
    # A column that a file may lack, or a name misspelled, would part every offer into its rows without a word.
    if not set(by) <= set(columns):
        raise option.refused("options.group.by", "nur Namen aus columns", "only names of columns")
    if not set(rows) <= {*columns, *optional} - set(by):
        raise option.refused(
            "options.group.rows",
            "nur Namen aus columns und optional, die nicht in by stehen",
            "only names of columns and optional that are not in by",
        )
    return by, rows


@dataclass(slots=True, kw_only=True)
class Row:
    """One row: where it starts, its bytes, and its cells; if something is wrong with it, those that can be read."""

    number: int
    cells: Sequence[str] = ()
    raw: bytes = b""
    wrong: Issue | None = None
    """Why it cannot be read at all."""
    surplus: int = 0
    """How many cells more than the header a broken one has: by so many columns a cell may have shifted."""
    issues: Sequence[Issue] = ()
    """What is odd about cells of it."""
    dropped: Sequence[str] = ()
    """What of it stands in no column."""

    def may_be_of(self, key: Sequence[str], columns: Sequence[int]) -> bool:
        """Whether a broken row may speak of what has this key in these columns: none of its cells says otherwise."""
        for rank, (column, value) in enumerate(zip(columns, key, strict=True)):
            first, last = sorted((column, column + self.surplus))
            said = self.cells[max(first, 0) : last + 1] if column < len(self.cells) else ()
            # Where cells are missing, any may be the missing one; only of the first column of the key we trust that
            # it is not, or each broken row would spoil the offers of its neighbours.
            if said and value not in map(folded_name, said) and (self.surplus >= 0 or rank == 0):
                return False
        return True


def records(rows: Iterator[Row], header: Sequence[str], columns: Columns, *, unit: str) -> Iterator[Record | Broken]:
    """One record a row, or one a group of rows; `unit` is what a place calls a row (`line`, `row`)."""
    return _grouped(rows, header, columns, unit) if columns.by else _single(rows, header, unit)


def _single(rows: Iterator[Row], header: Sequence[str], unit: str) -> Iterator[Record | Broken]:
    for row in rows:
        if row.wrong is not None:
            yield _broken(row, unit)
        else:
            yield Record(
                place=f"{unit} {row.number}",
                fields=dict(zip(header, row.cells, strict=True)),
                issues=tuple(row.issues),
                dropped=tuple(row.dropped),
            )


@dataclass(slots=True, kw_only=True)
class _Group:
    """Rows that speak of one thing."""

    unit: str
    first: int
    last: int
    shared: Mapping[str, str]
    rows: list[Mapping[str, str]]
    issues: list[Issue] = field(default_factory=list)
    dropped: dict[str, None] = field(default_factory=dict)
    incomplete: bool = False

    def miss(self, row: Row) -> None:
        """Notes that a broken row may belong here, without which the statement would be another one."""
        self.incomplete = True
        self.issues.append(
            Issue(
                code="rows-incomplete",
                place=f"{self.unit} {row.number}",
                text_de="Eine Zeile dieses Angebots ist nicht lesbar, oder es lässt sich nicht ausschließen; das "
                "Angebot ist deshalb nicht übernommen. Der Absender muss die Zeile berichtigen.",
                text_en="A row of this offer is broken, or may be one of it; the offer is therefore not taken in. "
                f"The sender must correct the {self.unit}.",
                fhir_code="incomplete",
            )
        )

    def record(self) -> Record:
        place = f"{self.unit} {self.first}" if self.first == self.last else f"{self.unit}s {self.first} to {self.last}"
        fields: dict[str, Any] = {**self.shared, "rows": self.rows}
        return Record(place=place, fields=fields, issues=tuple(self.issues), dropped=tuple(self.dropped))


def _grouped(rows: Iterator[Row], header: Sequence[str], layout: Columns, unit: str) -> Iterator[Record | Broken]:
    known = layout.known
    columns = [header.index(name) for name in layout.by]
    shared_of = _picker(header, lambda name: name not in layout.rows)
    own_of = _picker(header, lambda name: name in layout.rows)
    seen: dict[tuple[str, ...], int] = {}
    group: _Group | None = None
    current: tuple[str, ...] = ()
    broken: list[Broken] = []  # they may stand within the group, and come after it
    before: list[Row] = []  # the broken rows since the last good one
    for row in rows:
        if row.wrong is not None:
            broken.append(_broken(row, unit))
            before.append(row)
            if group is not None and not group.incomplete and row.may_be_of(current, columns):
                group.miss(row)
            continue
        cells = row.cells
        key = tuple([folded_name(cells[column]) for column in columns])
        if group is not None and key == current and any(key):
            before.clear()
            group.last = row.number
            group.rows.append(own_of(cells))
            group.issues.extend(row.issues)
            group.issues.extend(_differences(group, shared_of(cells), known, row.number))
            group.dropped.update(dict.fromkeys(row.dropped))
            continue
        if group is not None:
            yield group.record()
        yield from broken
        broken.clear()
        group = _Group(unit=unit, first=row.number, last=row.number, shared=shared_of(cells), rows=[own_of(cells)])
        group.issues.extend(row.issues)
        group.dropped.update(dict.fromkeys(row.dropped))
        current = key
        if key in seen and any(key):
            group.issues.append(_apart(layout.by, seen[key], row.number, unit))
        missed = next((each for each in before if each.may_be_of(key, columns)), None)
        if missed is not None:
            group.miss(missed)
        before.clear()
        seen.setdefault(key, row.number)
    if group is not None:
        yield group.record()
    yield from broken


def _picker(header: Sequence[str], wanted: Callable[[str], bool]) -> Callable[[Sequence[str]], dict[str, str]]:
    """What takes the cells of the wanted columns out of a row."""
    picked = [(name, column) for column, name in enumerate(header) if wanted(name)]
    return lambda cells: {name: cells[column] for name, column in picked}


def _differences(group: _Group, shared: Mapping[str, str], known: Collection[str], number: int) -> Iterator[Issue]:
    if shared == group.shared:
        return
    for name, cell in shared.items():
        if name in known and folded_name(cell) != folded_name(group.shared[name]):
            yield Issue(
                code="rows-differ",
                place=f"{group.unit} {number}, column {name}",
                text_de=f"Steht anders als in Zeile {group.first}, obwohl beide Zeilen vom selben Angebot sprechen. "
                "Der Absender muss eine der beiden berichtigen.",
                text_en=f"Differs from {group.unit} {group.first}, though both {group.unit}s speak of the same offer. "
                "The sender must correct one of them.",
            )


def _apart(by: Sequence[str], earlier: int, number: int, unit: str) -> Issue:
    columns = ", ".join(by)
    return Issue(
        code="rows-apart",
        place=f"{unit} {number}, column {columns}",
        text_de=f"Dasselbe steht schon in Zeile {earlier}: Zeilen eines Angebots müssen aufeinander folgen. "
        "Der Absender muss die Datei sortieren.",
        text_en=f"The same stands in {unit} {earlier} already: rows of one offer must follow one another. "
        "The sender must sort the file.",
        fhir_code="duplicate",
    )


def _broken(row: Row, unit: str) -> Broken:
    assert row.wrong is not None
    return Broken(place=f"{unit} {row.number}", body=row.raw, issue=row.wrong)
