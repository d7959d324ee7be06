"""The wards of a hospital whose beds are care places, as a source map declares them under `wards:`
(Übergangspflege: § 39e SGB V, https://www.gesetze-im-internet.de/sgb_5/__39e.html).

    wards:
      - hospital: KH-HEIDESEE            # MSH-4.1; left out: any
        ward: KZP1                       # PV1-3.1, NPU-1.1
        beds: ["101/1", "101/2", "102"]  # room/bed, or the bed alone where bed names are the ward's own
        care_form: kurzzeitpflege-solitaer
        name: Kurzzeitpflege am Heidesee
        facility: {key: heidesee, name: Klinikum Heidesee, postal_code: "49661", city: Cloppenburg}
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from mappings import terminology
from mappings.errors import Issue, Rejected, unknown_key, wrong_map
from mappings.vacancy import ZONE, Address, Contact, Facility, Operator, Position

__all__ = ["UNDECLARED", "Ward", "WardExample", "WardIndex", "parse_examples", "parse_wards"]

UNDECLARED = "?"
"""Stands for the name of a ward or bed that is not declared, and names none."""

_CONTACTS = ("phone", "fax", "email", "url")
_ADDRESS = ("street", "house_number", "postal_code", "city", "precinct", "ags", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """One ward that is an offer: its name in the hospital's messages, its licensed beds, and whom it serves."""

    hospital: str
    """MSH-4.1; blank: any."""
    ward: str
    """Component 1 of a location (point of care)."""
    care_form: str
    offer_name: str
    beds: tuple[str, ...]
    """`room/bed`, or `bed` alone."""
    facility: Facility
    needs: tuple[str, ...] = ()
    care_grades: tuple[int, ...] = ()
    zone: ZoneInfo = ZONE
    """The zone of the hospital's times that state no offset."""

    @property
    def key(self) -> str:
        """The ward's stable name, also that of its offer."""
        return f"{self.hospital}/{self.ward}"

    def bed(self, room: str, bed: str) -> str | None:
        """The declared name of a bed; None where none is declared under it."""
        wanted = {_folded(f"{room}/{bed}" if room else bed), _folded(bed)}
        return next((name for name in self.beds if _folded(name) in wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WardExample:
    """Messages, and what they make of the wards: per expected offer `care_form`, and what of it is to be held true."""

    description: str
    messages: tuple[str, ...]
    offers: tuple[Mapping[str, Any], ...]


class WardIndex:
    """The wards of a source, found by what messages call them."""

    def __init__(self, wards: Iterable[Ward]) -> None:
        self._by_name: dict[tuple[str, str], Ward] = {}
        self._as_declared: dict[tuple[str, str], Ward] = {}
        self._zones: dict[str, ZoneInfo] = {}
        for ward in wards:
            self._by_name.setdefault((_folded(ward.hospital), _folded(ward.ward)), ward)
            self._as_declared.setdefault((ward.hospital, ward.ward), ward)
            self._zones.setdefault(_folded(ward.hospital), ward.zone)

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def located(self, hospital: str, ward: str) -> Ward | None:
        """The ward that a message of a hospital means; one declared for this hospital goes before one for any."""
        if (hospital, ward) in self._as_declared:
            return self._as_declared[hospital, ward]
        name = _folded(ward)
        return self._by_name.get((_folded(hospital), name)) or self._by_name.get(("", name))

    def knows(self, hospital: str) -> bool:
        """Whether a hospital has wards that are declared for it by name."""
        return bool(_folded(hospital)) and _folded(hospital) in self._zones

    def zone(self, hospital: str) -> ZoneInfo:
        """The zone of a hospital's times that state no offset."""
        return self._zones.get(_folded(hospital)) or self._zones.get("") or ZONE


def parse_wards(node: Any) -> tuple[Ward, ...]:
    """The wards of a source map's `wards:`; raises `Rejected` naming every place that is wrong."""
    issues: list[Issue] = []
    wards: list[Ward] = []
    seen: set[tuple[str, str]] = set()
    for reader in _entries(node, "wards", issues):
        ward = _ward(reader)
        identity = (_folded(ward.hospital), _folded(ward.ward))
        if identity in seen:
            reader.wrong("ward", "eine Station nur einmal", "each ward once")
        seen.add(identity)
        wards.append(ward)
    if issues:
        raise Rejected(*issues)
    return tuple(wards)


def parse_examples(node: Any) -> tuple[WardExample, ...]:
    """The examples of a source map with wards; raises `Rejected` naming every place that is wrong."""
    issues: list[Issue] = []
    examples = []
    for reader in _entries(node, "examples", issues):
        examples.append(
            WardExample(
                description=reader.text("description", required=True),
                messages=reader.texts("messages", required=True),
                offers=tuple(offer.node for offer in _entries(reader.take("offers"), f"{reader.place}.offers", issues)),
            )
        )
        reader.close()
    if issues:
        raise Rejected(*issues)
    return tuple(examples)


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _ward(reader: "_Reader") -> Ward:
    beds = reader.texts("beds", required=True)
    if UNDECLARED in beds:
        reader.wrong("beds", "ein Name außer ?", "a name other than ?")
    if len({_folded(bed) for bed in beds}) < len(beds):
        reader.wrong("beds", "jedes Bett nur einmal", "each bed once")
    care_form = reader.text("care_form", required=True)
    if care_form and care_form not in terminology.codes("care-form"):
        reader.wrong("care_form", *_one_of(terminology.codes("care-form")))
    needs = reader.texts("needs")
    if not terminology.codes("need").issuperset(needs):
        reader.wrong("needs", *_one_of(terminology.codes("need")))
    name = reader.text("ward", required=True)
    if name == UNDECLARED:
        reader.wrong("ward", "ein Name außer ?", "a name other than ?")
    ward = Ward(
        hospital=reader.text("hospital"),
        ward=name,
        care_form=care_form,
        offer_name=reader.text("name"),
        beds=beds,
        facility=_facility(reader.inner("facility")),
        needs=needs,
        care_grades=_care_grades(reader),
        zone=_zone(reader),
    )
    reader.close()
    return ward


def _facility(reader: "_Reader") -> Facility:
    operator = reader.text("operator")
    latitude, longitude = reader.degrees("latitude", 90), reader.degrees("longitude", 180)
    if (latitude is None) != (longitude is None):
        reader.wrong("latitude", "latitude und longitude zusammen", "latitude and longitude together")
    facility = Facility(
        key=reader.text("key", required=True),
        name=reader.text("name", required=True),
        operator=Operator(key=_folded(operator), name=operator) if operator else None,
        iks=reader.texts("iks"),
        telematik_id=reader.text("telematik_id"),
        address=Address(**{name: reader.text(name) for name in _ADDRESS}),
        position=None if latitude is None or longitude is None else Position(latitude, longitude),
        contacts=tuple(
            Contact(system=system, value=value) for system in _CONTACTS if (value := reader.text(system)) != ""
        ),
    )
    reader.close()
    return facility


def _care_grades(reader: "_Reader") -> tuple[int, ...]:
    grades = reader.take("care_grades")
    if grades is None:
        return ()
    if not isinstance(grades, list) or any(type(grade) is not int or not 1 <= grade <= 5 for grade in grades):
        reader.wrong("care_grades", "eine Liste der Pflegegrade 1 bis 5", "a list of care grades 1 to 5")
        return ()
    return tuple(grades)


def _zone(reader: "_Reader") -> ZoneInfo:
    name = reader.text("zone")
    try:
        return ZoneInfo(name) if name else ZONE
    except (OSError, ValueError, LookupError):
        reader.wrong("zone", "eine Zeitzone wie Europe/Berlin", "a time zone such as Europe/Berlin")
        return ZONE


def _one_of(codes: Iterable[str]) -> tuple[str, str]:
    listed = ", ".join(sorted(codes))
    return f"einer der Codes {listed}", f"one of the codes {listed}"


def _entries(node: Any, place: str, issues: list[Issue]) -> Iterator["_Reader"]:
    if not isinstance(node, list) or not node:
        issues.append(wrong_map(place, "eine Liste mit Einträgen", "a list with entries"))
        return
    for index, entry in enumerate(node):
        reader = _Reader(entry, f"{place}[{index}]", issues)
        if reader.node:
            yield reader


class _Reader:
    """A YAML mapping that collects what is wrong with it, and what of it nobody asked for."""

    def __init__(self, node: Any, place: str, issues: list[Issue]) -> None:
        self.place = place
        self.node: dict[Any, Any] = node if isinstance(node, dict) else {}
        self._issues = issues
        self._unread = dict(self.node)
        self._known: list[str] = []
        if not self.node:
            issues.append(wrong_map(place, "eine Zuordnung (Schlüssel: Wert)", "a mapping (key: value)"))

    def wrong(self, key: str, expected_de: str, expected_en: str) -> None:
        self._issues.append(wrong_map(f"{self.place}.{key}", expected_de, expected_en))

    def take(self, key: str) -> Any:
        self._known.append(key)
        return self._unread.pop(key, None)

    def text(self, key: str, *, required: bool = False) -> str:
        value = self.take(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        # YAML reads 0101 as an octal number: what is a code must be quoted to be what it says.
        if value not in (None, "") or (required and self.node):
            self.wrong(key, "Text in Anführungszeichen", "text in quotes")
        return ""

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        value = self.take(key)
        if value is None and not required:
            return ()
        listed = isinstance(value, list) and all(isinstance(entry, str) and entry.strip() for entry in value)
        if not listed or (required and not value):
            self.wrong(key, "eine Liste von Texten in Anführungszeichen", "a list of texts in quotes")
            return ()
        return tuple(entry.strip() for entry in value)

    def degrees(self, key: str, limit: int) -> float | None:
        value = self.take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not -limit <= value <= limit:
            self.wrong(key, f"eine Zahl von -{limit} bis {limit}", f"a number from -{limit} to {limit}")
            return None
        return float(value)

    def inner(self, key: str) -> "_Reader":
        return _Reader(self.take(key), f"{self.place}.{key}", self._issues)

    def close(self) -> None:
        for key in self._unread:
            listed = ", ".join(self._known)
            self._issues.append(unknown_key(f"{self.place}.{key}", listed))
