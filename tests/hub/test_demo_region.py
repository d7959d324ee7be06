"""The demo region: deterministic, of the stated size, plausible, and read back as it was written."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Record
from adapters.registry import adapter
from hub.demo.area import GERMANY, WESER_EMS, apportioned, districts
from hub.demo.exports import Export, write
from hub.demo.projection import utm
from hub.demo.region import SOURCES, Kind, Provider, Region, region
from mappings import crs, gazetteer, language, terminology
from mappings.census import fold, ward_report
from mappings.census_event import event_of
from mappings.conversions import folded, ik_is_plausible
from mappings.patient_filter import admit
from mappings.source_map import SourceMap
from mappings.vacancy import Address, Block, BlockStatus, Counts, Per, Position, State, VacancyReport, derived_state
from mappings.wards import WardIndex

AS_OF = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@cache
def weser_ems() -> Region:
    return region(seed=7, as_of=AS_OF)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Export]:
    return write(weser_ems(), tmp_path_factory.mktemp("demo") / "exports")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reports(of: Region) -> Iterator[VacancyReport]:
    for provider in of.providers:
        yield from provider.reports


def small(folder: Path, *, seed: int = 1, as_of: datetime = AS_OF) -> dict[str, bytes]:
    write(region(seed=seed, size=90, as_of=as_of), folder / "exports")
    return contents(folder)


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    assert small(tmp_path / "one") == small(tmp_path / "other")


def test_other_seed_writes_other_bytes(tmp_path: Path) -> None:
    one, other = small(tmp_path / "one"), small(tmp_path / "other", seed=2)
    assert {name for name, body in one.items() if other.get(name) == body} == set()


def test_dates_follow_the_given_moment() -> None:
    late = region(seed=7, as_of=AS_OF + timedelta(days=3))
    shifts = {
        theirs.valid_at - ours.valid_at
        for ours, theirs in zip(reports(weser_ems()), reports(late), strict=True)
        if ours.valid_at and theirs.valid_at
    }
    assert shifts == {timedelta(days=3)}


def test_nothing_is_said_after_the_given_moment() -> None:
    assert max(report.valid_at for report in reports(weser_ems()) if report.valid_at) <= AS_OF


def test_no_statement_falls_into_the_hours_that_autumn_doubles() -> None:
    after = region(seed=7, as_of=datetime(2026, 10, 25, 9, 0, tzinfo=UTC))
    doubled = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    said = [report.valid_at for provider in after.providers if not provider.stations for report in provider.reports]
    assert not any(moment and doubled <= moment < doubled + timedelta(hours=2) for moment in said)
    assert any(moment and doubled - timedelta(hours=2) <= moment < doubled for moment in said)


def test_default_size_is_that_of_weser_ems() -> None:
    kinds = Counter(provider.kind for provider in weser_ems().providers)
    assert kinds == {Kind.HOME: 550, Kind.SERVICE: 640, Kind.CLINIC: 60, Kind.HELP: 150}


def test_every_district_of_weser_ems_has_every_kind() -> None:
    found = {(provider.district, provider.kind) for provider in weser_ems().providers}
    assert found == {(ags, kind) for ags in WESER_EMS for kind in Kind}


def test_addresses_lie_in_their_district() -> None:
    for provider in weser_ems().providers:
        place = gazetteer.place(provider.facility.address.postal_code)
        assert place is not None
        assert (place.district_ags, place.name) == (provider.district, provider.facility.address.city)


def test_germany_is_covered_at_the_largest_size() -> None:
    sizes = {district.ags: district.size for district in districts(GERMANY)}
    assert sizes.keys() == gazetteer.districts().keys()
    assert sum(sizes.values()) == GERMANY
    assert min(sizes.values()) > 0


def test_a_larger_size_adds_districts_to_weser_ems() -> None:
    assert [district.ags for district in districts(1_400)] == list(WESER_EMS)
    larger = [district.ags for district in districts(3_000)]
    assert larger[: len(WESER_EMS)] == list(WESER_EMS)
    # The Landkreis next door, and nothing of the Alps.
    assert "03251" in larger
    assert not any(ags.startswith("09") for ags in larger)


def test_a_smaller_size_thins_out() -> None:
    few = region(seed=7, size=100, as_of=AS_OF)
    assert len(few.providers) == 100
    assert Counter(provider.kind for provider in few.providers)[Kind.HOME] == 39
    assert {provider.district for provider in few.providers} == set(WESER_EMS)


def test_a_provider_stays_as_it_is_when_the_region_grows() -> None:
    ours = {provider.facility.key: provider for provider in weser_ems().providers}
    theirs = {provider.facility.key: provider for provider in region(seed=7, size=1_600, as_of=AS_OF).providers}
    both = ours.keys() & theirs.keys()
    assert len(both) > 1_390
    assert {key for key in both if ours[key] != theirs[key]} == set()


@pytest.mark.long
def test_germany_is_built_and_written_within_a_minute(tmp_path: Path) -> None:
    begun = time.monotonic()
    germany = region(seed=7, size=GERMANY, as_of=AS_OF)
    exports = write(germany, tmp_path / "exports")
    assert time.monotonic() - begun < 60
    assert max(export.records for export in exports) <= 2_000
    assert {provider.district for provider in germany.providers} == gazetteer.districts().keys()
    iks = [ik for provider in germany.providers for ik in provider.facility.iks]
    assert len(set(iks)) == len(iks)


@pytest.mark.parametrize("size", [0, GERMANY + 1])
def test_a_size_beyond_the_range_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="1 to 32000"):
        region(seed=1, size=size, as_of=AS_OF)


def test_a_moment_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        region(seed=1, as_of=AS_OF.replace(tzinfo=None))


@given(st.integers(0, 10_000), st.lists(st.floats(0.1, 100), min_size=1, max_size=40))
def test_apportioned_adds_up_and_stays_within_one(total: int, weights: list[float]) -> None:
    counts = apportioned(total, tuple(weights))
    assert sum(counts) == total
    assert all(
        abs(count - total * weight / sum(weights)) < 1 + 1e-6 for count, weight in zip(counts, weights, strict=True)
    )


def test_facilities_and_offers_have_keys_of_their_own() -> None:
    keys = [provider.facility.key for provider in weser_ems().providers]
    offers = [report.offer.key for report in reports(weser_ems())]
    assert len(set(keys)) == len(keys)
    assert len(set(offers)) == len(offers)


def test_institution_numbers_are_right_and_of_the_right_class() -> None:
    classes = {Kind.HOME: {"51"}, Kind.SERVICE: {"46", "50"}, Kind.CLINIC: {"26"}, Kind.HELP: set()}
    seen: list[str] = []
    for provider in weser_ems().providers:
        assert {ik[:2] for ik in provider.facility.iks} <= classes[provider.kind]
        assert all(ik_is_plausible(ik) for ik in provider.facility.iks)
        assert bool(provider.facility.iks) == (provider.kind is not Kind.HELP)
        seen.extend(provider.facility.iks)
    assert len(set(seen)) == len(seen)


def test_counts_fit_together() -> None:
    for report in reports(weser_ems()):
        counts = report.counts
        if counts.occupied is not None:
            assert counts.licensed is not None
            assert counts.operable is not None
            used = counts.occupied + (counts.held or 0) + (counts.accepting or 0)
            assert counts.licensed >= counts.operable >= used
        if report.state in (State.SOME, State.NONE):
            assert report.state is derived_state(counts.accepting)
        for status, count in ((BlockStatus.FREE, counts.accepting), (BlockStatus.HELD, counts.held)):
            assert sum(block.count for block in report.blocks if block.status is status) == (count or 0)


def test_like_places_are_one_block() -> None:
    for report in reports(weser_ems()):
        likes = [replace(block, count=1) for block in report.blocks]
        assert len(set(likes)) == len(likes)


def test_nearly_everything_is_occupied() -> None:
    counted = [
        report.counts
        for report in reports(weser_ems())
        if report.offer.care_form == "dauerpflege" and report.counts.occupied is not None
    ]
    occupied = sum(counts.occupied or 0 for counts in counted)
    assert 0.95 < occupied / sum(counts.operable or counts.licensed or 0 for counts in counted) < 0.975


def test_all_states_ages_and_restrictions_occur() -> None:
    said = list(reports(weser_ems()))
    assert {report.state for report in said} == set(State)
    assert any(report.state is State.NONE and report.counts.waiting for report in said)
    ages = Counter(
        "fresh" if age <= 24 else "aging" if age <= 72 else "stale" if age <= 168 else "expired"
        for age in ((AS_OF - report.valid_at) / timedelta(hours=1) for report in said if report.valid_at)
    )
    assert ages["fresh"] > 0.75 * ages.total()
    assert min(ages["aging"], ages["stale"], ages["expired"]) > 0
    blocks = [block for report in said for block in report.blocks]
    starts = [block.start for block in blocks if block.start]
    assert min(starts) >= AS_OF.date()
    assert max(starts) <= AS_OF.date() + timedelta(weeks=6)
    assert all(block.end > (block.start or AS_OF.date()) for block in blocks if block.end)
    for part in ("end", "room", "sex", "needs", "closing_reason"):
        assert any(getattr(block, part) for block in blocks), part


def test_most_say_when_to_ring_what_it_costs_and_who_pays_and_some_do_not() -> None:
    telling = [report.offer for source in ("csv-long", "json", "fhir") for report in said_by(source)]
    for part in ("hours", "admission", "own_share", "payers", "payers_as_of"):
        share = sum(bool(getattr(offer, part)) for offer in telling) / len(telling)
        assert 0.2 < share < 0.8, part
    shares = [offer.own_share for offer in telling if offer.own_share]
    assert {(share.per, share.as_of is None) for share in shares} == {
        (per, undated) for per in Per for undated in (0, 1)
    }
    assert all(share.as_of is None or share.as_of <= AS_OF.date() for share in shares)
    kim = [contact for offer in weser_ems().providers for contact in offer.facility.contacts if contact.system == "kim"]
    assert len(kim) > 300


def test_codes_are_those_of_the_code_systems() -> None:
    for report in reports(weser_ems()):
        assert report.offer.care_form in terminology.codes("care-form")
        assert terminology.codes("need").issuperset(report.offer.needs)
        for block in report.blocks:
            assert terminology.codes("need").issuperset(block.needs)
            assert not block.closing_reason or block.closing_reason in terminology.codes("closing-reason")


def test_scattered_short_term_care_has_no_more_free_than_its_pool() -> None:
    shared = 0
    for provider in weser_ems().providers:
        pool = {report.offer.care_form: report for report in provider.reports if report.offer.pool}
        if not pool:
            continue
        assert pool.keys() == {"dauerpflege", "kurzzeitpflege-eingestreut"}
        scattered, whole = (pool[form].counts for form in ("kurzzeitpflege-eingestreut", "dauerpflege"))
        if scattered.occupied is not None and whole.occupied is not None and whole.operable is not None:
            assert (scattered.accepting or 0) <= whole.operable - whole.occupied
            shared += 1
    assert shared > 50


@given(st.floats(47.0, 55.2), st.floats(5.7, 15.2), st.sampled_from([32, 33]))
def test_projection_is_the_way_back_of_the_hubs(latitude: float, longitude: float, zone: int) -> None:
    x, y = utm(zone, Position(latitude, longitude))
    back = crs.to_wgs84(f"EPSG:258{zone}", x, y)
    assert back.latitude == pytest.approx(latitude, abs=1e-7)
    assert back.longitude == pytest.approx(longitude, abs=1e-7)


def test_every_source_writes_files_of_bounded_size(written: list[Export]) -> None:
    assert {export.source for export in written} == set(SOURCES)
    assert all(0 < export.records <= 2_000 for export in written)


# Read back: what each format carries comes out as it went in.


def records(exports: list[Export], of: SourceMap) -> Iterator[Record]:
    for export in exports:
        if export.source == of.name:
            found = list(adapter(of.format).decode(export.path.read_bytes(), of.options).records)
            for record in found:
                assert isinstance(record, Record), record
                assert [issue for issue in record.issues if issue.severity != "information"] == []
                yield record


def test_clinics_read_back(written: list[Export]) -> None:
    path = written[0].path.parents[2] / "sources" / "kis-demo.yaml"
    kis = language.load(path.read_bytes(), origin=path.name)
    events = []
    without_effect = 0
    dropped: set[str] = set()
    for record in records(written, kis):
        dropped.update(record.dropped)
        assert not any("TEST-" in value for value in record.fields.values())
        reading = event_of(record.fields, WardIndex(kis.wards), AS_OF)
        assert reading.issues == ()
        if reading.event:
            events.append(reading.event)
        else:
            without_effect += 1
    assert without_effect > 0
    assert "PID" in dropped
    found = {}
    for ward in kis.wards:
        beds = fold(events, ward)
        assert beds.issues == ()
        found[ward.key] = instants(ward_report(ward, beds))
    assert found == {report.offer.key: instants(report) for report in said_by("kis-demo")}


def read(exports: list[Export], of: SourceMap) -> tuple[list[VacancyReport], list[str]]:
    """What comes in from a source, and why other records of it do not."""
    found: list[VacancyReport] = []
    left_out: list[str] = []
    for record in records(exports, of):
        mapped = of.read(admit(record.fields, of).fields)
        assert mapped.issues == ()
        found.extend(mapped.reports)
        if mapped.left_out:
            left_out.append(mapped.left_out)
    return found, left_out


def assert_same(found: list[VacancyReport], expected: list[VacancyReport]) -> None:
    assert len(found) == len(expected) > 0
    for theirs, ours in zip(found, expected, strict=True):
        assert instants(theirs) == instants(ours)


def instants(report: VacancyReport) -> VacancyReport:
    """The report with its moment in UTC and its parts in an order that no format keeps, whatever kind its source is."""
    return replace(
        report,
        source_kind="",
        valid_at=report.valid_at and report.valid_at.astimezone(UTC),
        offer=replace(report.offer, needs=tuple(sorted(report.offer.needs))),
        blocks=tuple(sorted(report.blocks, key=repr)),
    )


def said_by(source: str) -> list[VacancyReport]:
    return [report for provider in weser_ems().of(source) for report in provider.reports]


def without_ags(report: VacancyReport) -> VacancyReport:
    facility = report.facility
    return replace(report, facility=replace(facility, address=replace(facility.address, ags="")))


def csv_pool(report: VacancyReport) -> VacancyReport:
    """CSV names no pools; of one facility, Dauerpflege and eingestreute Kurzzeitpflege are taken to share one."""
    sharing = report.offer.care_form in {"dauerpflege", "kurzzeitpflege-eingestreut"}
    return replace(report, offer=replace(report.offer, pool="dauerpflege" if sharing else ""))


def carried_by_csv_long(report: VacancyReport) -> VacancyReport:
    return csv_pool(replace(without_ags(report), counts=replace(report.counts, operable=None)))


def carried_by_csv_wide(report: VacancyReport) -> VacancyReport:
    facility = replace(without_ags(report).facility, operator=None, position=None)
    short_term = report.offer.care_form == "kurzzeitpflege"
    free = [block for block in report.blocks if block.status is BlockStatus.FREE]
    return csv_pool(
        replace(
            report,
            facility=facility,
            offer=replace(report.offer, care_grades=()),
            counts=Counts(licensed=report.counts.licensed, accepting=report.counts.accepting),
            blocks=tuple(Block(count=block.count, start=block.start if short_term else None) for block in free),
        )
    )


def carried_by_county_register(report: VacancyReport) -> VacancyReport:
    """Without telephone, which is personal there; facilities are found equal by name and address."""
    facility, address = report.facility, report.facility.address
    named = (facility.name, address.street, address.house_number, address.postal_code, address.city)
    return replace(
        report,
        facility=replace(facility, key="|".join(map(folded, named)), iks=(), contacts=(), position=None),
        offer=replace(report.offer, key="", care_grades=()),
    )


def test_csv_long_reads_back(written: list[Export]) -> None:
    found, _ = read(written, language.shipped()["csv-long"])
    assert_same(found, [carried_by_csv_long(report) for report in said_by("csv-long")])


def test_csv_wide_reads_back(written: list[Export]) -> None:
    found, _ = read(written, language.shipped()["csv-wide"])
    assert_same(found, [carried_by_csv_wide(report) for report in said_by("csv-wide")])


def test_json_reads_back(written: list[Export]) -> None:
    found, _ = read(written, language.shipped()["json"])
    assert_same(found, [without_ags(report) for report in said_by("json")])


def test_fhir_reads_back(written: list[Export]) -> None:
    found, _ = read(written, language.shipped()["fhir"])
    assert_same(found, said_by("fhir"))


def test_directory_of_help_reads_back(written: list[Export]) -> None:
    found, _ = read(written, language.shipped()["hilfe-verzeichnis"])
    assert_same(
        found,
        [
            replace(of, facility=replace(of.facility, position=None))
            for of in map(without_ags, said_by("hilfe-verzeichnis"))
        ],
    )


def test_county_register_reads_back_and_leaves_pharmacies_out(written: list[Export]) -> None:
    found, left_out = read(written, language.shipped()["landkreis-lup"])
    told = said_by("landkreis-lup")
    assert len({report.offer.key for report in found}) == len(found)
    anonymous = [
        replace(of, facility=replace(of.facility, position=None), offer=replace(of.offer, key="")) for of in found
    ]
    assert_same(anonymous, [carried_by_county_register(report) for report in told])
    for theirs, ours in zip(found, told, strict=True):
        assert theirs.facility.position is not None
        assert ours.facility.position is not None
        assert theirs.facility.position.latitude == pytest.approx(ours.facility.position.latitude, abs=1e-6)
        assert theirs.facility.position.longitude == pytest.approx(ours.facility.position.longitude, abs=1e-6)
    assert Counter(left_out).keys() == {"Apotheke, kein Versorgungsangebot / pharmacy, no care offer"}


def test_records_are_counted_as_the_adapters_count_them(written: list[Export]) -> None:
    maps = language.shipped()
    for export in written:
        of = maps.get(export.source, maps["kis-adt"])
        decoded = adapter(of.format).decode(export.path.read_bytes(), of.options)
        assert sum(1 for _ in decoded.records) == export.records, export.path.name


def test_eaten_zeros_of_postal_codes_come_back(tmp_path: Path) -> None:
    def moved(provider: Provider) -> Provider:
        facility = replace(provider.facility, address=Address(postal_code="01067", city="Dresden"))
        return replace(
            provider,
            facility=facility,
            reports=tuple(replace(report, facility=facility) for report in provider.reports),
        )

    eastern = replace(weser_ems(), providers=tuple(moved(provider) for provider in weser_ems().providers))
    exports = [export for export in write(eastern, tmp_path / "exports") if export.source.startswith("csv")]
    assert all(b";1067;" in export.path.read_bytes() for export in exports)
    for source in ("csv-long", "csv-wide"):
        found, _ = read(exports, language.shipped()[source])
        assert {report.facility.address.postal_code for report in found} == {"01067"}
