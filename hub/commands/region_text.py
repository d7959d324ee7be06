"""The figures of a region, as a planner reads them at the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby

from hub.commands.age_text import age
from hub.commands.counted import counted
from hub.commands.table import table
from hub.reports.published import BASE, Missed, by_need
from hub.reports.region_days import Row
from hub.reports.silent import Silent
from mappings import gazetteer, terminology
from mappings.district_figures import ALL, Figures
from mappings.local_time import day_text, local_day
from mappings.terminology import Language

__all__ = ["figures_text", "searches_text", "silent_text"]

_WORDS: dict[Language, dict[str, str]] = {
    "de": {
        "nowhere": "ohne bekannten Ort",
        "together": "Zusammen",
        "reporting": "melden",
        "fresh": "aktuell",
        "untaken": "an diesem Tag nicht erhoben",
        "uncounted": "Zahl freier Plätze nicht bekannt",
        "missed": "Suchen ohne Treffer (gerundet)",
        "nothing": "Dazu ist nichts bekannt.",
        "all": "alle",
        "district": "im ganzen Kreis gesucht",
        "never": "nie",
        "everybody": "Alle melden.",
    },
    "en": {
        "nowhere": "of unknown place",
        "together": "Together",
        "reporting": "report",
        "fresh": "fresh",
        "untaken": "not taken on this day",
        "uncounted": "number of free places not known",
        "missed": "searches without a hit (rounded)",
        "nothing": "Nothing is known of that.",
        "all": "all",
        "district": "whole district searched",
        "never": "never",
        "everybody": "All report.",
    },
}
_HEADS: dict[str, tuple[str, str]] = {
    "offers": ("Angebote", "offers"),
    "reporting": ("melden", "report"),
    "last_day": ("≤ 24 h", "≤ 24 h"),
    "fresh": ("aktuell", "fresh"),
    "aging": ("alternd", "aging"),
    "stale": ("veraltet", "stale"),
    "expired": ("abgel.", "expired"),
    "some": ("frei", "some"),
    "none": ("voll", "none"),
    "ask": ("fragen", "ask"),
    "unknown": ("unbek.", "unknown"),
    "free": ("freie Pl.", "free pl."),
    "licensed": ("Plätze", "places"),
}
"""The columns, in German and English."""
_WIDE, _NARROW = tuple(_HEADS), ("offers", "reporting", "fresh", "expired", "free")
_WIDE_FROM = 140
_SILENT_HEADS: dict[Language, tuple[str, ...]] = {
    "de": ("Stand", "Einrichtung", "Ort", "Versorgungsform", "Telefon", "Quelle"),
    "en": ("as of", "facility", "town", "care form", "phone", "source"),
}
_NARROW_SILENT = 5
_SEARCH_HEADS: dict[Language, tuple[str, ...]] = {
    "de": ("Gemeinde", "Bedarf", "Suchen"),
    "en": ("municipality", "need", "searches"),
}


def figures_text(rows: Sequence[Row], *, care_form: str, language: Language, width: int) -> str:
    """A sentence for each day and district; of one day, and of all care forms, with a table of them below it.

    `care_form` is the one that the sentences are of, or `ALL`.
    """
    words, days = _WORDS[language], {row.day for row in rows}
    chosen = [row for row in rows if row.care_form == care_form]
    if not chosen:
        return words["nothing"]
    blocks: list[str] = []
    for row in chosen:
        sentence = _sentence(row, care_form, language)
        block = f"{day_text(row.day, language)}  {sentence}" if len(days) > 1 else sentence
        if care_form == ALL and len(days) == 1:
            own = [each for each in rows if each.district == row.district and each.care_form != ALL]
            block = f"{block}\n\n{_table(own, language, width)}\n" if own else block
        blocks.append(block)
    if len(days) == 1 and len(chosen) > 1:
        known = [row.figures for row in chosen if row.figures is not None]
        together = _told(sum(known, Figures()), language) if known else words["untaken"]
        blocks.append(f"{words['together']}: {together}")
    return "\n".join(blocks)


def searches_text(shown: Iterable[Missed], first: date, last: date, *, language: Language) -> str:
    """The searches of a period that found nothing, by district, municipality and need."""
    words = _WORDS[language]
    found = by_need(shown)
    heads: dict[Language, str] = {
        "de": f"Suchen ohne Treffer, {day_text(first, 'de')} bis {day_text(last, 'de')}; jede kleinste Zahl ist auf "
        f"{BASE} gerundet,\nsodass sie im Mittel stimmt; einzelne Suchen sind nicht zu erkennen. "
        "Ein Tag zählt, sobald er um ist.",
        "en": f"Searches without a hit, {first} to {last}; each smallest number is rounded to {BASE},\n"
        "right on average; single searches cannot be told. A day counts once it is over.",
    }
    blocks = [heads[language]]
    for district, those in groupby(sorted(found), key=lambda key: key[0]):
        lines = [
            (
                municipality or words["district"],
                terminology.display("need", need, language) if need else words["all"],
                str(found[district, municipality, need]),
            )
            for _, municipality, need in those
        ]
        total = sum(many for (of, _, need), many in found.items() if of == district and not need)
        head = f"{_district(district, language)}: {total}"
        blocks.append(f"{head}\n\n{table(_SEARCH_HEADS[language], lines, right=(2,))}")
    return "\n\n".join(blocks if len(blocks) > 1 else [*blocks, words["nothing"]])


def silent_text(those: Sequence[Silent], *, language: Language, now: datetime, width: int) -> str:
    """Whom to ring, by district, in the order given."""
    if not those:
        return _WORDS[language]["everybody"]
    shown = len(_SILENT_HEADS[language]) if width >= _WIDE_FROM else _NARROW_SILENT
    blocks = []
    for district, each in groupby(those, key=lambda one: one.district):
        lines = [
            (
                _as_of(one, language, now, wide=width >= _WIDE_FROM),
                one.facility.name,
                one.facility.address.city,
                terminology.display("care-form", one.care_form, language),
                one.phone,
                one.source,
            )[:shown]
            for one in each
        ]
        head = f"{_district(district, language)}: {counted(len(lines), 'offer', language)}"
        blocks.append(f"{head}\n\n{table(_SILENT_HEADS[language][:shown], lines, shrink=(1, 2, 3), width=width)}")
    return "\n\n".join(blocks)


def _sentence(row: Row, care_form: str, language: Language) -> str:
    words = _WORDS[language]
    of = "" if care_form == ALL else f", {terminology.display('care-form', care_form, language)}"
    told = words["untaken"] if row.figures is None else _told(row.figures, language)
    missed = f", {row.missed} {words['missed']}" if row.missed else ""
    return f"{_district(row.district, language)}{of}: {told}{missed}"


def _told(figures: Figures, language: Language) -> str:
    words = _WORDS[language]
    share = f" ({figures.reporting / figures.offers:.0%})".replace("%", " %") if figures.offers else ""
    return ", ".join(
        (
            counted(figures.offers, "offer", language),
            f"{figures.reporting} {words['reporting']}{share}",
            f"{figures.fresh} {words['fresh']}",
            words["uncounted"] if figures.known("free") is None else counted(figures.free, "free place", language),
        )
    )


def _table(rows: Sequence[Row], language: Language, width: int) -> str:
    names = _WIDE if width >= _WIDE_FROM else _NARROW
    heads = ["care form" if language == "en" else "Versorgungsform"]
    heads += [_HEADS[name][language == "en"] for name in names]
    lines = list(_lines(rows, names, language))
    return table(heads, lines, right=range(1, len(heads)), shrink=(0,), width=width)


def _lines(rows: Sequence[Row], names: Sequence[str], language: Language) -> Iterator[tuple[str, ...]]:
    by_form = {row.care_form: row for row in rows}
    for form in terminology.in_order("care-form"):
        if (row := by_form.get(form)) is not None and row.figures is not None:
            _, *above = terminology.ancestors(form)
            name = "  " * sum(wider in by_form for wider in above) + terminology.display("care-form", form, language)
            yield (name, *(_number(row.figures.known(each)) for each in names))


def _number(known: int | None) -> str:
    return "–" if known is None else str(known)


def _as_of(one: Silent, language: Language, now: datetime, *, wide: bool) -> str:
    if one.as_of is None:
        return _WORDS[language]["never"]
    ago = age(now - one.as_of, language)
    return f"{day_text(local_day(one.as_of), language)} ({ago})" if wide else ago


def _district(district: str, language: Language) -> str:
    return gazetteer.districts().get(district, district) if district else _WORDS[language]["nowhere"].capitalize()
