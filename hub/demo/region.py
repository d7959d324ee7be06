"""A synthetic region: every provider, what it offers, what it says, and which source says it.

Pure and deterministic: the same seed, size and moment give the same region, byte for byte. A provider is drawn from a
generator of its own, so that it stays as it is when the region grows around it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from random import Random

from hub.demo import names, offers
from hub.demo.area import District, apportioned, districts, kilometres
from hub.demo.offers import Voice
from hub.demo.stations import Station, station
from hub.demo.terms import with_terms
from mappings import gazetteer
from mappings.conversions import folded
from mappings.gazetteer import Place
from mappings.vacancy import ZONE, Address, Contact, Facility, Operator, Position, VacancyReport

__all__ = ["SOURCES", "Kind", "Provider", "Region", "region"]


class Kind(StrEnum):
    """What a provider is, as the demo counts them."""

    HOME = "home"
    SERVICE = "service"
    CLINIC = "clinic"
    HELP = "help"


_SHARES = {Kind.HOME: 550, Kind.SERVICE: 640, Kind.CLINIC: 60, Kind.HELP: 150}

_SOURCES: dict[Kind, dict[str, int]] = {
    Kind.HOME: {"csv-long": 35, "csv-wide": 25, "json": 20, "fhir": 20},
    Kind.SERVICE: {"csv-long": 45, "json": 45, "landkreis-lup": 10},
    Kind.CLINIC: {"kis-demo": 1},
    Kind.HELP: {"hilfe-verzeichnis": 1},
}

SOURCES = tuple(sorted({source for shares in _SOURCES.values() for source in shares}))
"""The sources that a region's providers write."""

_VOICES = {
    "csv-long": Voice(
        care_forms=frozenset(
            {
                *("dauerpflege", "kurzzeitpflege-eingestreut", "kurzzeitpflege-solitaer", "tagespflege", "nachtpflege"),
                *("hospiz-stationaer", "hospizdienst-ambulant", "intensivpflege", "ambulante-pflege", "sapv"),
                *("wohngemeinschaft", "betreutes-wohnen"),
            }
        ),
        needs=frozenset({"demenz", "dialyse", "beatmung", "rollstuhl"}),
        several_blocks=True,
    ),
    "csv-wide": Voice(
        care_forms=frozenset({"dauerpflege", "kurzzeitpflege", "tagespflege"}),
        needs=frozenset(),
    ),
    "json": Voice(several_blocks=True, fine=True),
    "fhir": Voice(several_blocks=True, fine=True),
    "landkreis-lup": Voice(
        care_forms=frozenset(
            {"ambulante-pflege", "tagespflege", "wohngemeinschaft", "betreutes-wohnen", "sapv", "hospizdienst-ambulant"}
        ),
        needs=frozenset(),
        silent=True,
    ),
}

_TELLING = frozenset({"csv-long", "json", "fhir"})
"""Sources whose format tells when to ring and what an offer costs."""

_IK_CLASSES = {Kind.HOME: ("51",), Kind.SERVICE: ("46", "50"), Kind.CLINIC: ("26",)}

_KEY_LETTERS = {Kind.HOME: "E", Kind.SERVICE: "D", Kind.CLINIC: "K", Kind.HELP: "H"}

_WARDS = (("UEP1", "uebergangspflege"), ("KZP1", "kurzzeitpflege-solitaer"), ("UEP2", "uebergangspflege"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A facility with its offers, as its source tells of them; `stations` are the wards behind a clinic's reports."""

    kind: Kind
    source: str
    district: str
    facility: Facility
    reports: tuple[VacancyReport, ...]
    stations: tuple[Station, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """All providers, ordered by district (Weser-Ems first, then outwards) and kind."""

    seed: int
    as_of: datetime
    providers: tuple[Provider, ...]

    def of(self, source: str) -> tuple[Provider, ...]:
        """The providers that write one source."""
        return tuple(provider for provider in self.providers if provider.source == source)


def region(*, seed: int, size: int = 1_400, as_of: datetime) -> Region:
    """A region of `size` providers (1 to 32,000) as it stands at `as_of`, a moment with an offset.

    1,400 is Weser-Ems: 550 homes, 640 care services, 60 clinics, 150 offers beyond care.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs an offset")
    covered = districts(size)
    totals = apportioned(size, tuple(_SHARES.values()))
    counts = {
        kind: apportioned(total, tuple(district.size for district in covered))
        for kind, total in zip(_SHARES, totals, strict=True)
    }
    drawing = _Drawing(seed=seed, as_of=as_of, today=as_of.astimezone(ZONE).date())
    providers = tuple(
        drawing.provider(kind, district, number)
        for index, district in enumerate(covered)
        for kind in _SHARES
        for number in range(1, counts[kind][index] + 1)
    )
    return Region(seed=seed, as_of=as_of, providers=providers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    seed: int
    as_of: datetime
    today: date

    def provider(self, kind: Kind, district: District, number: int) -> Provider:
        rng = Random(f"{self.seed} {_key(kind, district, number)}")
        shares = _SOURCES[kind]
        source = rng.choices(tuple(shares), tuple(shares.values()))[0]
        place = rng.choice(district.places)
        facility = self._facility(rng, kind, source, district, place, number)
        reports: tuple[VacancyReport, ...]
        stations: tuple[Station, ...] = ()
        if kind is Kind.CLINIC:
            stations = tuple(self._stations(rng, facility))
            reports = tuple(each.report for each in stations)
        elif kind is Kind.HELP:
            catchment = _around(district, place, len(district.places))
            reports = (offers.help_offer(facility, rng.choice(offers.HELP), catchment),)
        else:
            voice = _VOICES[source]
            valid_at = None if voice.silent else self._moment(rng)
            if kind is Kind.HOME:
                reports = offers.home_offers(rng, facility, voice, valid_at, self.today)
            else:
                catchment = _around(district, place, rng.randint(3, 8)) if voice.fine else ()
                reports = offers.service_offers(rng, facility, voice, valid_at, self.today, catchment)
            if source in _TELLING:
                reports = with_terms(self._beside(facility.key), reports, self.today)
        return Provider(
            kind=kind, source=source, district=district.ags, facility=facility, reports=reports, stations=stations
        )

    def _facility(
        self, rng: Random, kind: Kind, source: str, district: District, place: Place, number: int
    ) -> Facility:
        key = _key(kind, district, number)
        naming = {
            Kind.HOME: names.home,
            Kind.SERVICE: names.service,
            Kind.CLINIC: names.clinic,
            Kind.HELP: names.help_desk,
        }
        street, house_number = names.street(rng)
        contacts = [Contact(system="phone", value=names.phone(rng, place.postal_code))]
        host = f"{key.lower()}.example"
        if source in {"json", "fhir"}:
            contacts.append(Contact(system="email", value=f"aufnahme@{host}"))
        if source in {"json", "fhir", "hilfe-verzeichnis"}:
            contacts.append(Contact(system="url", value=f"https://{host}/"))
        if source in _TELLING and self._beside(f"{key} kim").random() < 0.5:
            contacts.append(Contact(system="kim", value=f"aufnahme@{key.lower()}.kim.telematik"))
        return Facility(
            key=key,
            name=naming[kind](rng, place.name),
            operator=self._operator(rng, district),
            iks=(_ik(_IK_CLASSES[kind], district.ags, number),) if kind in _IK_CLASSES else (),
            telematik_id=f"9-2.245.{key}" if source in {"json", "fhir"} and rng.random() < 0.6 else "",
            address=Address(
                street=street,
                house_number=house_number,
                postal_code=place.postal_code,
                city=place.name,
                ags=f"{district.ags}000" if district.city else "",
            ),
            position=Position(
                round(rng.gauss(place.latitude, 0.012), 6),
                round(rng.gauss(place.longitude, 0.018), 6),
            ),
            contacts=tuple(contacts),
        )

    def _beside(self, key: str) -> Random:
        """A generator of its own, so that what is drawn by it changes nothing else."""
        return Random(f"{self.seed} {key} beside")

    def _operator(self, rng: Random, district: District) -> Operator:
        if rng.random() < 0.15:
            name = names.operator(Random(f"{self.seed} chain {rng.randrange(24)}"), "")
        else:
            own = Random(f"{self.seed} {district.ags} operator {rng.randrange(max(3, district.size // 6))}")
            name = names.operator(own, district.name)
        return Operator(key=folded(name), name=name)

    def _moment(self, rng: Random) -> datetime:
        """When the provider last said something: a day ago at most, mostly."""
        day = 24 * 60
        draw = rng.random()
        if draw < 0.86:
            minutes = rng.randrange(5, day)
        elif draw < 0.93:
            minutes = rng.randrange(day, 3 * day)
        elif draw < 0.97:
            minutes = rng.randrange(3 * day, 7 * day)
        else:
            minutes = rng.randrange(7 * day + 60, 40 * day)
        moment = (self.as_of.astimezone(UTC) - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        local = moment.astimezone(ZONE)
        # Sources that write local time cannot tell the two hours apart that autumn's change of clocks makes.
        doubled = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
        return moment - timedelta(hours=2) if doubled else moment

    def _stations(self, rng: Random, facility: Facility) -> Iterator[Station]:
        hospital = facility.key.replace("-", "")
        for code, care_form in _WARDS[: rng.choices((1, 2, 3), (50, 35, 15))[0]]:
            # Moved at least once within a shift, or the ward's feed is dead.
            until = self.as_of.astimezone(UTC).replace(second=0, microsecond=0) - timedelta(minutes=rng.randrange(600))
            yield station(rng, hospital=hospital, code=code, care_form=care_form, facility=facility, until=until)


def _around(district: District, place: Place, count: int) -> tuple[str, ...]:
    centre = Position(place.latitude, place.longitude)
    nearest = sorted(
        district.places,
        key=lambda other: (kilometres(centre, Position(other.latitude, other.longitude)), other.postal_code),
    )
    return tuple(sorted(other.postal_code for other in nearest[:count]))


def _key(kind: Kind, district: District, number: int) -> str:
    return f"{_KEY_LETTERS[kind]}-{district.ags}-{number:03d}"


def _ik(classes: tuple[str, ...], ags: str, number: int) -> str:
    """An IK: class, state, a serial number of which each district of the state has its share, check digit."""
    state = ags[:2]
    share, of_class = divmod(number, len(classes))
    digits = f"{classes[of_class]}{state}{_serials(state)[ags] + share:04d}"
    # The check digit is computed over the third to the eighth: doubled in turn, digit sums, modulo 10.
    total = sum(sum(divmod(int(digit) * (2 - index % 2), 10)) for index, digit in enumerate(digits[2:]))
    return f"{digits}{total % 10}"


@cache
def _serials(state: str) -> dict[str, int]:
    keys = sorted(ags for ags in gazetteer.districts() if ags.startswith(state))
    return {ags: index * (10_000 // len(keys)) for index, ags in enumerate(keys)}
