"""The named conversions of the source map, each from a value as a sender wrote it to one of ours (`as:`).

A conversion raises `Unreadable` for a value that it cannot read, and gives `Doubtful` for one that it read but that
somebody should look at. Blank values never reach a conversion: blank is unknown.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from mappings import crs, terminology
from mappings.insurance_number import has_insurance_number
from mappings.reader import is_blank
from mappings.vacancy import Position

__all__ = ["CONVERSIONS", "ZONED", "Conversion", "Doubtful", "Unreadable", "folded", "ik_is_plausible", "in_germany"]

Conversion = Callable[..., Any]
"""From one value, or from the list of values where `from:` is a list."""

_LONGEST_TEXT = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST_KEY = 1000
_YEARS = range(2000, 2100)


class Unreadable(ValueError):
    """A value that a conversion cannot read; what it expected instead, in German and English.

    Of a value of several parts those that are there are wrong, unless it takes all of them (`whole`).
    """

    def __init__(self, expected_de: str, expected_en: str, *, whole: bool = False) -> None:
        super().__init__(expected_en)
        self.expected_de = expected_de
        self.expected_en = expected_en
        self.whole = whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A value that was read, with a warning; the texts never repeat the value."""

    value: Any
    code: str
    text_de: str
    text_en: str


def folded(text: str) -> str:
    """Text by which equal things are found equal: composed, caseless, white space collapsed."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


def ik_is_plausible(ik: str) -> bool:
    """Whether the ninth digit of an IK is the check digit of its digits 3 to 8 (ARGE·IK, Gemeinsames Rundschreiben)."""
    doubled = (int(digit) * (2 - index % 2) for index, digit in enumerate(ik[2:8]))
    return sum(product // 10 + product % 10 for product in doubled) % 10 == int(ik[8])


def text(value: Any) -> str:
    """Text without surrounding or repeated white space, and without a patient's number."""
    plain = _plain(value)
    if plain is None or has_insurance_number(plain):
        # One expectation for both: of a value that is not kept nobody knows which it was.
        raise Unreadable(
            f"ein Text von höchstens {_LONGEST_TEXT} Zeichen ohne Steuerzeichen und ohne Versichertennummer "
            "(Buchstabe und neun Ziffern, deren letzte sie prüft)",
            f"text of at most {_LONGEST_TEXT} characters without control characters and without an insurance number "
            "(a letter and nine digits, the last of which checks them)",
        )
    return plain


def _text(value: Any, expected: Unreadable) -> str:
    plain = _plain(value)
    if plain is None:
        raise expected
    return plain


def _plain(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    plain = " ".join(unicodedata.normalize("NFC", str(value)).split())
    return None if len(plain) > _LONGEST_TEXT or (not plain.isprintable() and _CONTROL.search(plain)) else plain


def key(value: Any) -> str:
    """A key of one or more values, folded and joined: the same thing written alike gets the same key; of no patient's
    number."""
    parts = value if isinstance(value, list) else [value]
    joined = "|".join("" if is_blank(part) else folded(text(part)) for part in parts)
    if len(joined) > _LONGEST_KEY:
        raise Unreadable(f"höchstens {_LONGEST_KEY} Zeichen", f"at most {_LONGEST_KEY} characters")
    return joined


def codes(value: Any) -> tuple[str, ...]:
    """Codes of a list, or of a text that separates them by comma or semicolon."""
    return tuple(text(part) for part in _parts(value, "[,;]") if not is_blank(part))


_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def languages(value: Any) -> tuple[str, ...]:
    """Languages by their BCP 47 codes (https://www.rfc-editor.org/info/bcp47), as `codes` takes them."""
    expected = Unreadable("Sprachcodes nach BCP 47 wie de, pl", "language codes of BCP 47 such as de, pl")
    try:
        found = codes(value)
    except Unreadable:
        raise expected from None
    if not all(map(_LANGUAGE.fullmatch, found)):
        raise expected
    return found


def _parts(value: Any, separators: str) -> list[Any]:
    if isinstance(value, str):
        return re.split(separators, text(value))
    return value if isinstance(value, list) else [value]


_COUNT = re.compile(r"[+-]?[0-9]{1,6}(?:[.,]0{1,2})?")


def count(value: Any) -> int:
    """A whole number: `3`, `3,0`, `-2`; never `1.234`, which is 1234 to some and 1.234 to others."""
    expected = Unreadable("eine ganze Zahl wie 3, leer für unbekannt", "a whole number like 3, blank for unknown")
    if isinstance(value, bool):
        raise expected
    if isinstance(value, Decimal):
        if not value.is_finite() or value.adjusted() > 6 or value != value.to_integral_value():
            raise expected
        value = int(value)
    if isinstance(value, int) and abs(value) < 1_000_000:
        return value
    if not isinstance(value, str) or not _COUNT.fullmatch(value.strip()):
        raise expected
    return int(re.split("[.,]", value.strip())[0])


def integer(value: Any) -> int:
    """A whole number from 0 to 2^53 - 1, the greatest that every JSON reader keeps exactly."""
    if isinstance(value, int | str) and not isinstance(value, bool) and re.fullmatch("[0-9]{1,16}", str(value).strip()):
        number = int(value)
        if number < 2**53:
            return number
    raise Unreadable("eine ganze Zahl ab 0", "a whole number from 0")


_DECIMAL = re.compile(r"[+-]?[0-9]{1,9}(?:[.,][0-9]{1,20})?")


def decimal(value: Any) -> float:
    """A number with decimal comma or point."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value.strip()):
        raise Unreadable("eine Zahl wie 52,73", "a number like 52.73")
    return float(value.strip().replace(",", "."))


_DAY = re.compile(
    r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"
    r"|(?P<d2>[0-9]{1,2})\.(?P<m2>[0-9]{1,2})\.(?P<y2>(?:20)?[0-9]{2})"
)


def date(value: Any) -> dt.date:
    """A day: `01.12.2026`, `1.12.26`, `2026-12-01`."""
    match = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        year, month, day = (int(match[part] or match[f"{part}2"]) for part in "ymd")
        day_found = _day(year if year > 99 else 2000 + year, month, day)
        if day_found:
            return day_found
    raise Unreadable("ein Datum wie 01.12.2026", "a date like 01.12.2026 or 2026-12-01")


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day) if year in _YEARS else None
    except ValueError:
        return None


_MOMENT = re.compile(
    r"(?P<day>[0-9.-]{6,10})"
    r"(?:(?:[T ]|,? +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"(?: ?Uhr)?(?: ?(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2}))?)?"
)


def datetime(value: Any, *, zone: ZoneInfo | None = None) -> dt.datetime | Doubtful:
    """A moment with its offset: `01.03.2026 08:00`, `2026-03-01T08:00:00+01:00`; a day alone is its first moment.

    A local time belongs to `zone`. Of an hour that the clock shows twice the earlier one is taken, with a warning; an
    hour that the clock skips does not exist and cannot be read. Fractions of a second are cut off.
    """
    expected = Unreadable(
        "Datum und Uhrzeit wie 01.03.2026 08:00" + ("" if zone else ", mit Zeitzone (2026-03-01T08:00:00+01:00)"),
        "date and time like 01.03.2026 08:00" + ("" if zone else ", with an offset (2026-03-01T08:00:00+01:00)"),
    )
    match = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise expected
    try:
        time = dt.time(int(match["hour"] or 0), int(match["minute"] or 0), int(match["second"] or 0))
        local = dt.datetime.combine(date(match["day"]), time)
    except ValueError:
        raise expected from None
    offset = match["offset"]
    if offset:
        stated = _offset(offset)
        if stated is None:
            raise expected
        return local.replace(tzinfo=stated)
    if zone is None:
        raise expected
    return _in_zone(local, zone)


def _offset(stated: str) -> dt.timezone | None:
    if stated == "Z":
        return dt.UTC
    hours, minutes = int(stated[1:3]), int(stated[-2:])
    if hours > 14 or minutes > 59:
        return None
    return dt.timezone((dt.timedelta(hours=hours, minutes=minutes)) * (-1 if stated[0] == "-" else 1))


def _in_zone(local: dt.datetime, zone: ZoneInfo) -> dt.datetime | Doubtful:
    earlier, later = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert earlier is not None
    assert later is not None
    moment = local.replace(tzinfo=dt.timezone(earlier))
    if earlier == later:
        return moment
    if earlier < later:
        raise Unreadable(
            f"eine Uhrzeit, die es gibt: diese Stunde überspringt die Zeitumstellung in {zone}",
            f"a time that exists: the clock change skips this hour in {zone}",
        )
    return Doubtful(
        value=moment,
        code="doubled-hour",
        text_de=f"Diese Stunde gibt es in {zone} zweimal; genommen ist die frühere. "
        "Der Absender sollte den Versatz mitschreiben (+02:00).",
        text_en=f"The clock shows this hour twice in {zone}; the earlier one is taken. "
        "The sender should state the offset (+02:00).",
    )


_YES = frozenset({"ja", "j", "x", "1", "wahr", "true", "yes", "y"})
_NO = frozenset({"nein", "n", "0", "falsch", "false", "no", "-"})


def yes_no(value: Any) -> bool:
    """`ja`, `x`, `1`, `wahr` or `nein`, `0`, `falsch`."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold() if isinstance(value, str | int) else ""
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Unreadable("ja oder nein, leer für unbekannt", "ja or nein (yes or no), blank for unknown")


def plz(value: Any) -> str:
    """A postal code of five digits; one of four gets back the leading zero that spreadsheets eat."""
    digits = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not re.fullmatch("(?:D-)?[0-9]{4,5}", digits):
        raise Unreadable("eine Postleitzahl von fünf Ziffern", "a postal code of five digits")
    return digits.removeprefix("D-").zfill(5)


def plz_list(value: Any) -> tuple[str, ...]:
    """Postal codes of a list, or of a text that separates them by comma, semicolon or space."""
    parts = _parts(value, "[,; ]+")
    return tuple(plz(part) for part in parts if not is_blank(part))


def ags(value: Any) -> str:
    """A municipality key of eight digits; one of seven gets back its leading zero."""
    digits = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not re.fullmatch("[0-9]{7,8}", digits):
        raise Unreadable("ein Gemeindeschlüssel von acht Ziffern", "a municipality key (AGS) of eight digits")
    return digits.zfill(8)


def ik(value: Any) -> str | Doubtful:
    """An Institutionskennzeichen of nine digits; eaten leading zeros come back, a wrong check digit is a warning."""
    digits = re.sub(r"\s", "", str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not re.fullmatch("[0-9]{7,9}", digits):
        raise Unreadable("ein Institutionskennzeichen von neun Ziffern", "an Institutionskennzeichen of nine digits")
    number = digits.zfill(9)
    if ik_is_plausible(number):
        return number
    return Doubtful(
        value=number,
        code="ik-check-digit",
        text_de="Die Prüfziffer des Institutionskennzeichens stimmt nicht; es ist übernommen. "
        "Der Absender sollte es prüfen.",
        text_en="The check digit of the Institutionskennzeichen is wrong; it is kept. The sender should check it.",
    )


def iks(value: Any) -> tuple[str, ...] | Doubtful:
    """One or more IKs, as a list or separated by comma or semicolon."""
    parts = _parts(value, "[,;]")
    read = [ik(part) for part in parts if not is_blank(part)]
    numbers = tuple(part.value if isinstance(part, Doubtful) else part for part in read)
    doubt = next((part for part in read if isinstance(part, Doubtful)), None)
    if doubt is None:
        return numbers
    return Doubtful(value=numbers, code=doubt.code, text_de=doubt.text_de, text_en=doubt.text_en)


def telematik_id(value: Any) -> str:
    """A Telematik-ID by gematik's pattern: sector, hyphen, number."""
    expected = Unreadable("eine Telematik-ID wie 5-2-123", "a Telematik-ID like 5-2-123")
    plain = _text(value, expected)
    if len(plain) > 128 or not re.fullmatch(r"[1-9][0-9]?-[\x21-\x7E]+", plain):
        raise expected
    return plain


def phone(value: Any) -> str:
    """A telephone or fax number, kept as written."""
    expected = Unreadable("eine Telefonnummer", "a telephone number")
    plain = _text(value, expected)
    if not re.fullmatch(r"[0-9+()/ .–-]{3,40}", plain):
        raise expected
    return plain


def email(value: Any) -> str:
    """An e-mail address."""
    expected = Unreadable("eine E-Mail-Adresse", "an e-mail address")
    plain = _text(value, expected)
    if not re.fullmatch(r"[^@\s<>\"]{1,64}@[A-Za-z0-9.ÄÖÜäöüß-]{1,190}\.[A-Za-z]{2,24}", plain):
        raise expected
    return plain


def kim(value: Any) -> str:
    """An address of KIM, of the Telematikinfrastruktur's own domain."""
    expected = Unreadable("eine KIM-Adresse wie aufnahme@haus.kim.telematik", "a KIM address like a@b.kim.telematik")
    plain = _text(value, expected)
    if not re.fullmatch(r"(?i)[^@\s<>\"]{1,64}@(?:[a-z0-9-]{1,63}\.){1,4}kim\.telematik(?:-test)?", plain):
        raise expected
    return plain


def url(value: Any) -> str:
    """A web address; one without a scheme is read as https."""
    expected = Unreadable("eine Webadresse wie www.example.org", "a web address like www.example.org")
    plain = _text(value, expected)
    address = plain if "://" in plain else f"https://{plain}"
    if not re.fullmatch(r"https?://[A-Za-z0-9.ÄÖÜäöüß-]+\.[A-Za-z]{2,24}(?::[0-9]{1,5})?(?:[/?#][^\s<>\"]*)?", address):
        raise expected
    return address


_GRADES = re.compile(r"([1-5]) ?(?:-|–|—|bis) ?([1-5])|([1-5])")


def care_grades(value: Any) -> tuple[int, ...]:
    """Pflegegrade: `PG 2-5`, `2;3;4`, `2,3`, a number or a list of them."""
    expected = Unreadable("Pflegegrade von 1 bis 5, etwa PG 2-5", "care grades from 1 to 5, for example PG 2-5")
    parts = value if isinstance(value, list) else [value]
    found: set[int] = set()
    for part in parts:
        plain = re.sub(r"(?i)pflegegrade?n?|pg", "", _text(part, expected))
        for piece in re.split("[,;/+]|und", plain):
            match = _GRADES.fullmatch(piece.strip())
            if not match:
                raise expected
            first = int(match[1] or match[3])
            found.update(range(first, int(match[2] or first) + 1))
            if match[2] and int(match[2]) < first:
                raise expected
    return tuple(sorted(found))


_STREET = re.compile(r"(?P<street>.*?\S) (?P<number>[0-9]+ ?[A-Za-z]?(?: ?[-–/+,] ?[0-9]* ?[A-Za-z]?)*)")


def street(value: Any) -> str:
    """The name of the street in a text that may go on with the house number."""
    plain = text(value)
    match = _STREET.fullmatch(plain)
    return match["street"] if match else plain


def house_number(value: Any) -> str:
    """The house number at the end of a text that names the street too; empty where there is none."""
    match = _STREET.fullmatch(text(value))
    return match["number"] if match else ""


_GERMANY = (47.0, 55.2, 5.7, 15.2)


def in_germany(point: Position) -> bool:
    """Whether a point is in the box around Germany: one that is not has its axes the wrong way round, or worse."""
    south, north, west, east = _GERMANY
    return south <= point.latitude <= north and west <= point.longitude <= east


def position(value: Any) -> Position:
    """A point in Germany from `[coordinate reference system, x, y]`."""
    if isinstance(value, list) and len(value) == 3:
        system, x, y = value
        try:
            point = crs.to_wgs84(text(system), decimal(x), decimal(y))
        except (KeyError, ValueError):
            point = None
        if point is not None and in_germany(point):
            return point
    systems = ", ".join(crs.SYSTEMS)
    raise Unreadable(
        f"ein Punkt in Deutschland in einem der Bezugssysteme {systems}",
        f"a point in Germany in one of the coordinate reference systems {systems}",
        whole=True,
    )


def lup_capacity(value: Any) -> int | None:
    """The capacity from `[angebot, kapazitaet]` of the county export: nothing where the county writes a placeholder.

    It writes 1 for services that come to the person, which have no places, and 0 where it does not know.
    """
    if not isinstance(value, list) or len(value) != 2:
        raise Unreadable("angebot und kapazitaet", "angebot and kapazitaet")
    kind, number = value
    if is_blank(number):
        return None
    places = count(number)
    try:
        care_forms = terminology.translate("lup-angebot", text(kind)).codes
    except KeyError:
        return None  # The unknown offer itself is an issue of the rule that reads it.
    return None if places == 0 or terminology.ambulatory().intersection(care_forms) else places


def _named(functions: Iterable[Conversion]) -> dict[str, Conversion]:
    return {function.__name__: function for function in functions}


CONVERSIONS = _named(
    (
        ags,
        care_grades,
        codes,
        count,
        date,
        datetime,
        decimal,
        email,
        house_number,
        ik,
        iks,
        integer,
        key,
        kim,
        languages,
        lup_capacity,
        phone,
        plz,
        plz_list,
        position,
        street,
        telematik_id,
        text,
        url,
        yes_no,
    )
)
"""The conversions by the name that a source map calls them."""

ZONED = frozenset({"datetime"})
"""The conversions that take the `zone` of a rule."""
