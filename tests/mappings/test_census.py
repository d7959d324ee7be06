"""The census: what each event does, and that it is a function of the set of events."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.census import Beds, fold, purgeable, ward_report
from mappings.census_event import (
    _ELSEWHERE,
    _HISTORICAL,
    _UNDATED,
    Bed,
    BedStatus,
    CensusEvent,
    Kind,
    admitted,
    admitted_event,
    event_of,
    forgotten,
    pseudonymised,
)
from mappings.vacancy import Block, Counts, State
from mappings.wards import Ward, WardIndex, parse_wards

FACILITY = {"key": "heidesee", "name": "Klinikum am Heidesee"}
KZP, UEP = parse_wards(
    [
        {
            "hospital": "KH",
            "ward": "KZP",
            "care_form": "kurzzeitpflege-solitaer",
            "name": "Kurzzeitpflege",
            "beds": ["101/1", "101/2", "102/1"],
            "needs": ["rollstuhl"],
            "care_grades": [2, 3],
            "facility": FACILITY,
        },
        {"hospital": "KH", "ward": "UEP", "care_form": "uebergangspflege", "beds": ["1", "2"], "facility": FACILITY},
    ]
)
WARDS = (KZP, UEP)
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
RECEIVED = START + timedelta(days=1)
FREE, OCCUPIED, UNKNOWN = BedStatus.FREE, BedStatus.OCCUPIED, BedStatus.UNKNOWN


def at(hour: float) -> str:
    return f"{START + timedelta(hours=hour):%Y%m%d%H%M%S}+0000"


def message(trigger: str, hour: float, *, recorded: float | None = None, **changes: Any) -> dict[str, str]:
    fields = {"MSH-4.1": "KH", "MSH-9.1": "ADT", "MSH-9.2": trigger, "EVN-6": at(hour)}
    fields["EVN-2"] = at(hour if recorded is None else recorded)
    return fields | {name.replace("_", "-", 1).replace("_", "."): value for name, value in changes.items()}


def location(position: str, place: str) -> dict[str, Any]:
    parts = zip((".1", ".2", ".3"), place.split("^"), strict=False)
    return {position.replace("-", "_") + number.replace(".", "_"): value for number, value in parts if value}


def sent(fields: Mapping[str, Any]) -> CensusEvent:
    reading = event_of(fields, WardIndex(WARDS), RECEIVED)
    assert (reading.issues, reading.left_out) == ((), "")
    assert reading.event is not None
    return reading.event


def admit(visit: str, bed: str, hour: float, **more: Any) -> CensusEvent:
    return sent(message("A01", hour, PV1_19=visit, **location("PV1-3", bed), **more))


def transfer(visit: str, bed: str, hour: float, left: str = "", **more: Any) -> CensusEvent:
    return sent(message("A02", hour, PV1_19=visit, **location("PV1-3", bed), **location("PV1-6", left), **more))


def discharge(visit: str, bed: str, hour: float, **more: Any) -> CensusEvent:
    return sent(message("A03", hour, PV1_19=visit, **location("PV1-3", bed), **more))


def cancel(trigger: str, visit: str, hour: float, **more: Any) -> CensusEvent:
    return sent(message(trigger, hour, PV1_19=visit, **more))


def status(bed: str, code: str, hour: float) -> CensusEvent:
    return sent(message("A20", hour, NPU_2=code, **location("NPU-1", bed)))


def beds(*events: CensusEvent, ward: Ward = KZP) -> dict[str, str]:
    return {bed: str(found) for bed, found in fold(events, ward).statuses.items()}


def first(*events: CensusEvent) -> str:
    return beds(*events)["101/1"]


def all_free(hour: float) -> list[CensusEvent]:
    return [status(f"KZP^{bed.replace('/', '^')}", "U", hour) for bed in KZP.beds]


# --- what each event does -------------------------------------------------------------------------------------------


def test_a_bed_never_mentioned_is_unknown() -> None:
    assert beds(admit("v", "KZP^101^1", 1)) == {"101/1": "O", "101/2": "", "102/1": ""}


def test_admit_transfer_and_discharge_move_a_visit() -> None:
    arrived, moved = admit("v", "KZP^101^1", 1), transfer("v", "KZP^102^1", 2, "KZP^101^1")
    assert beds(arrived, moved) == {"101/1": "U", "101/2": "", "102/1": "O"}
    assert beds(arrived, moved, discharge("v", "KZP^102^1", 3)) == {"101/1": "U", "101/2": "", "102/1": "U"}


def test_a_transfer_to_elsewhere_frees_the_bed() -> None:
    assert first(admit("v", "KZP^101^1", 1), transfer("v", "CHI^1^1", 2, "KZP^101^1")) == "U"
    assert first(admit("v", "KZP^101^1", 1), transfer("v", "CHI^1^1", 2)) == "U"


def test_a_transfer_between_wards_frees_one_bed_and_takes_the_other() -> None:
    events = admit("v", "KZP^101^1", 1), transfer("v", "UEP^9^1", 2, "KZP^101^1")
    assert (first(*events), beds(*events, ward=UEP)) == ("U", {"1": "O", "2": ""})


def test_a_discharge_frees_the_bed_of_a_visit_whose_admission_was_never_sent() -> None:
    assert first(status("KZP^101^1", "O", 0), discharge("v", "KZP^101^1", 1)) == "U"


def test_a_discharge_frees_the_bed_where_the_visit_was_and_no_one_else_in_it() -> None:
    events = admit("v", "KZP^101^1", 1), admit("w", "KZP^101^2", 1), discharge("v", "KZP^101^2", 2)
    assert beds(*events) == {"101/1": "U", "101/2": "O", "102/1": ""}


def test_messages_without_a_visit_still_say_what_they_say_of_the_bed() -> None:
    arrived = sent(message("A01", 1, **location("PV1-3", "KZP^101^1")))
    moved = sent(message("A02", 2, **location("PV1-3", "KZP^101^2"), **location("PV1-6", "KZP^101^1")))
    assert beds(arrived, moved) == {"101/1": "U", "101/2": "O", "102/1": ""}
    assert first(arrived, sent(message("A03", 2, **location("PV1-3", "KZP^101^1")))) == "U"


@pytest.mark.parametrize("code", ["U", "O", "C", "H", "K", "I"])
def test_a_status_is_the_bed_s_until_a_later_one(code: str) -> None:
    assert first(status("KZP^101^1", code, 2), status("KZP^101^1", "O", 1)) == code


def test_a_status_and_a_movement_supersede_each_other_by_time() -> None:
    arrived = admit("v", "KZP^101^1", 2)
    assert first(status("KZP^101^1", "U", 1), arrived) == "O"
    assert first(status("KZP^101^1", "U", 3), arrived) == "U"
    assert first(arrived, discharge("v", "KZP^101^1", 3), status("KZP^101^1", "H", 4)) == "H"
    assert first(status("KZP^101^1", "C", 1), arrived, discharge("v", "KZP^101^1", 3)) == "U"


@pytest.mark.parametrize(("code", "after"), [("U", "U"), ("H", "H"), ("C", "C"), ("I", "O"), ("K", "O"), ("O", "O")])
def test_only_some_statuses_say_that_who_was_there_has_left(code: str, after: str) -> None:
    assert first(admit("v", "KZP^101^1", 1), status("KZP^101^1", code, 2)) == after


def test_at_one_moment_the_statement_counts_that_leaves_fewer_beds_free() -> None:
    assert first(admit("v", "KZP^101^1", 1), status("KZP^101^1", "U", 1)) == "O"
    assert first(discharge("v", "KZP^101^1", 1), status("KZP^101^1", "H", 1)) == "H"


def test_two_visits_in_one_bed_are_a_warning() -> None:
    found = fold([admit("v", "KZP^101^1", 1), admit("w", "KZP^101^1", 2)], KZP)
    assert [(issue.code, issue.place, issue.severity) for issue in found.issues] == [
        ("bed-occupied-twice", "KH/KZP, 101/1", "warning")
    ]


def test_a_later_version_of_a_movement_replaces_it() -> None:
    sent_first = admit("v", "KZP^101^1", 1, ZBE_1="m", ZBE_4="INSERT")
    corrected = admit("v", "KZP^101^2", 1, recorded=2, ZBE_1="m", ZBE_4="UPDATE")
    assert beds(sent_first, corrected) == {"101/1": "", "101/2": "O", "102/1": ""}


def test_a_historic_movement_of_ihe_pam_stands_for_the_event_it_names() -> None:
    moved = transfer("v", "KZP^101^2", 2, "KZP^101^1", ZBE_1="m")
    taken_back = sent(message("Z99", 2, recorded=3, PV1_19="v", ZBE_1="m", ZBE_4="CANCEL", ZBE_6="A02"))
    assert beds(admit("v", "KZP^101^1", 1), moved, taken_back) == {"101/1": "O", "101/2": "", "102/1": ""}


def test_a_movement_corrected_to_elsewhere_leaves_the_ward() -> None:
    for number in ("v", ""):
        wrong = admit(number, "KZP^101^1", 1, ZBE_1="m", ZBE_4="INSERT")
        assert first(wrong, admit(number, "CHI^1^1", 1, recorded=2, ZBE_1="m", ZBE_4="UPDATE")) == ""


def test_a_movement_written_down_late_counts_when_it_happened() -> None:
    late = transfer("v", "KZP^101^2", 2, "KZP^101^1", recorded=9)
    events = admit("v", "KZP^101^1", 1), transfer("v", "KZP^102^1", 3, "KZP^101^2"), late
    assert beds(*events) == {"101/1": "U", "101/2": "U", "102/1": "O"}


# --- where a visit is, without a movement ---------------------------------------------------------------------------


def update(visit: str, bed: str, hour: float, left: str = "", **more: Any) -> CensusEvent:
    return sent(message("A08", hour, PV1_19=visit, **location("PV1-3", bed), **location("PV1-6", left), **more))


def test_an_update_moves_a_visit_that_is_there_to_the_bed_it_names() -> None:
    events = admit("v", "KZP^101^1", 1), update("v", "KZP^101^2", 2)
    assert beds(*events) == {"101/1": "U", "101/2": "O", "102/1": ""}
    assert first(*events[:1], update("v", "KZP", 2)) == "O"
    assert first(*events[:1], update("v", "KZP^101^1", 2)) == "O"


def test_an_update_finds_a_visit_whose_admission_was_elsewhere_or_never_sent() -> None:
    assert first(*all_free(0), update("v", "KZP^101^1", 2)) == "O"
    assert first(*all_free(0), transfer("v", "CHI^1^1", 1), update("v", "KZP^101^1", 2)) == "O"


def test_an_update_that_names_a_bed_elsewhere_counts_where_it_names_the_bed_left() -> None:
    arrived = admit("v", "KZP^101^1", 1)
    assert first(arrived, update("v", "CHI^1^1", 2, "KZP^101^1")) == "U"
    assert first(arrived, update("v", "CHI^1^1", 2, "UEP^9^1")) == "O"


def test_an_update_after_the_discharge_brings_nobody_back() -> None:
    events = admit("v", "KZP^101^1", 1), discharge("v", "KZP^101^1", 2), update("v", "KZP^101^1", 3)
    assert first(*events) == "U"
    assert first(*events, admit("v", "KZP^101^1", 4), update("v", "KZP^101^2", 5)) == "U"


def test_an_update_of_a_visit_whose_admission_was_taken_back_is_nobody_s() -> None:
    events = admit("v", "KZP^101^1", 1), cancel("A11", "v", 1, recorded=2)
    for hour in (0.5, 1.5, 3):
        assert first(*all_free(0), *events, update("v", "KZP^101^1", hour)) == "U"
    assert first(*all_free(0), *events, admit("v", "KZP^101^1", 4), update("v", "KZP^101^2", 5)) == "U"


def test_an_update_knows_nothing_of_a_movement_that_was_written_down_after_it() -> None:
    late = transfer("v", "KZP^101^2", 2, "KZP^101^1", recorded=4)
    assert beds(admit("v", "KZP^101^1", 1), update("v", "KZP^101^1", 3), late) == {
        "101/1": "U",
        "101/2": "O",
        "102/1": "",
    }


def test_an_update_in_the_bed_of_a_visit_confirms_the_ward() -> None:
    told = admit("v", "KZP^101^1", 1)
    assert fold([told, update("v", "KZP^101^1", 20)], KZP).valid_at == START + timedelta(hours=20)


def test_an_update_to_a_bed_that_is_not_declared_is_an_error() -> None:
    fields = message("A08", 1, PV1_19="v", **location("PV1-3", "KZP^103^1"))
    assert [issue.code for issue in event_of(fields, WardIndex(WARDS), RECEIVED).issues] == ["bed-not-declared"]


@pytest.mark.parametrize("trigger", ["A06", "A07"])
def test_who_changes_class_is_then_where_the_message_says(trigger: str) -> None:
    changed = sent(message(trigger, 2, PV1_19="v", **location("PV1-3", "KZP^101^2")))
    assert beds(admit("v", "KZP^101^1", 1), changed) == {"101/1": "U", "101/2": "O", "102/1": ""}
    out = sent(message(trigger, 2, PV1_19="v", **location("PV1-3", "AMB")))
    assert first(admit("v", "KZP^101^1", 1), out) == "U"


def test_two_visits_swap_their_beds() -> None:
    swap = [
        sent(message("A17", 2, PV1_19=visit, **location("PV1-3", to), **location("PV1-6", left)))
        for visit, to, left in (("v", "KZP^101^2", "KZP^101^1"), ("w", "KZP^101^1", "KZP^101^2"))
    ]
    found = fold([admit("v", "KZP^101^1", 1), admit("w", "KZP^101^2", 1), *swap], KZP)
    assert ({name: str(code) for name, code in found.statuses.items()}, found.issues) == (
        {"101/1": "O", "101/2": "O", "102/1": ""},
        (),
    )
    assert first(admit("v", "KZP^101^1", 1), admit("w", "KZP^101^2", 1), *swap, discharge("w", "", 3)) == "U"


def leave(visit: str, hour: float, trigger: str = "A21", bed: str = "KZP^101^1", **more: Any) -> CensusEvent:
    return sent(message(trigger, hour, PV1_19=visit, **location("PV1-3", bed), **more))


def test_on_leave_a_bed_is_held_and_not_free() -> None:
    there = [*all_free(0), admit("v", "KZP^101^1", 1)]
    away = fold([*there, leave("v", 2)], KZP)
    assert away.statuses["101/1"] is OCCUPIED
    assert away.counts == Counts(licensed=3, operable=3, occupied=0, held=1, accepting=2)
    back = fold([*there, leave("v", 2), leave("v", 3, "A22")], KZP)
    assert back.counts == Counts(licensed=3, operable=3, occupied=1, accepting=2)
    for more in (cancel("A52", "v", 2, recorded=3), transfer("v", "KZP^101^2", 3), status("KZP^101^1", "U", 3)):
        assert fold([*there, leave("v", 2), more], KZP).counts.held is None
    never_back = fold([*there, leave("v", 2), leave("v", 3, "A22"), cancel("A53", "v", 3, recorded=4)], KZP)
    assert never_back.counts.held == 1


def test_who_comes_back_into_another_bed_is_there() -> None:
    events = admit("v", "KZP^101^1", 1), leave("v", 2), leave("v", 3, "A22", "KZP^101^2")
    assert beds(*events) == {"101/1": "U", "101/2": "O", "102/1": ""}


# --- what is expected -----------------------------------------------------------------------------------------------


def expect(visit: str, hour: float, day: str = "20260310", **more: Any) -> CensusEvent:
    told: dict[str, Any] = {} if more.get("EVN_3") else {"PV2_9": day}
    return sent(message("A16", hour, PV1_19=visit, **location("PV1-3", "KZP^101^1"), **told, **more))


def expected(*events: CensusEvent) -> list[date]:
    return list(fold(events, KZP).expected)


def test_an_expected_discharge_frees_nothing_and_is_a_block_of_its_own_from_its_day_on() -> None:
    events = [*all_free(0), admit("v", "KZP^101^1", 1)]
    before, after = fold(events, KZP), fold([*events, expect("v", 2)], KZP)
    assert (after.statuses, after.counts) == (before.statuses, before.counts)
    report = ward_report(KZP, after)
    assert report.blocks == (Block(count=2), Block(count=1, start=date(2026, 3, 10)))
    assert (report.state, report.counts.accepting, report.estimated) == (State.SOME, 2, True)
    assert not ward_report(KZP, before).estimated


def test_in_a_full_ward_an_expected_discharge_leaves_the_state_none() -> None:
    full = [admit(visit, f"KZP^{bed}", 1) for visit, bed in (("v", "101^1"), ("w", "101^2"), ("x", "102^1"))]
    report = ward_report(KZP, fold([*full, expect("v", 2)], KZP))
    assert (report.state, report.counts.accepting) == (State.NONE, 0)
    assert report.blocks == (Block(count=1, start=date(2026, 3, 10)),)


@pytest.mark.parametrize("day", [date(2026, 3, 10), date(2026, 3, 11)])
def test_a_day_that_has_come_without_the_discharge_is_expected_no_more(day: date) -> None:
    found = fold([*all_free(0), admit("v", "KZP^101^1", 1), expect("v", 2)], KZP)
    report = ward_report(KZP, found, today=day)
    assert (report.blocks, report.estimated) == ((Block(count=2),), False)


def test_a_ward_that_is_unknown_expects_nothing() -> None:
    assert ward_report(UEP, fold([status("UEP^9^1", "O", 1)], UEP)).blocks == ()
    told = [admit("v", "KZP^101^1", 1), expect("v", 2)]
    assert ward_report(KZP, fold(told, KZP)).blocks == ()


def test_what_is_expected_ends_with_its_cancel_the_discharge_or_a_new_stay() -> None:
    told = [admit("v", "KZP^101^1", 1), expect("v", 2)]
    assert expected(*told) == [date(2026, 3, 10)]
    assert expected(*told, cancel("A25", "v", 2, recorded=3)) == []
    assert expected(*told, discharge("v", "KZP^101^1", 3)) == []
    assert expected(*told, discharge("v", "KZP^101^1", 3), admit("v", "KZP^101^1", 4)) == []
    assert expected(*told, discharge("v", "KZP^101^1", 3), cancel("A13", "v", 3, recorded=4)) == [date(2026, 3, 10)]


def test_what_is_expected_moves_with_the_visit_and_with_a_later_word() -> None:
    told = [admit("v", "KZP^101^1", 1), expect("v", 2)]
    assert expected(*told, transfer("v", "KZP^101^2", 3)) == [date(2026, 3, 10)]
    assert expected(*told, expect("v", 3, "20260312")) == [date(2026, 3, 12)]
    assert expected(*told, update("v", "KZP^101^1", 3, PV2_9="20260311")) == [date(2026, 3, 11)]
    assert expected(told[0], update("v", "KZP^101^1", 3, PV2_9="20260311")) == []
    assert expected(*told, transfer("v", "CHI^1^1", 3)) == []


def test_an_expected_day_is_the_hospital_s_and_stands_in_pv2_9_else_in_evn_3() -> None:
    arrived = admit("v", "KZP^101^1", 1)
    assert expected(arrived, expect("v", 2, "202603092330+0000")) == [date(2026, 3, 10)]
    assert expected(arrived, expect("v", 2, EVN_3="20260311")) == [date(2026, 3, 11)]
    ahead = message("A16", 1000, recorded=2, PV1_19="v", PV2_9="20260310", **location("PV1-3", "KZP^101^1"))
    assert sent(ahead).occurred_at == START + timedelta(hours=2)


# --- cancels --------------------------------------------------------------------------------------------------------


def test_cancels_reverse_the_event_of_their_movement_number() -> None:
    arrived = admit("v", "KZP^101^1", 1, ZBE_1="m1")
    moved = transfer("v", "KZP^101^2", 2, ZBE_1="m2")
    gone = discharge("v", "KZP^101^2", 3, ZBE_1="m3")
    stays = [arrived, moved, gone]
    assert beds(*stays, cancel("A13", "v", 3, recorded=4, ZBE_1="m3"))["101/2"] == "O"
    assert beds(*stays, cancel("A12", "v", 2, recorded=4, ZBE_1="m2"))["101/2"] == "U"
    assert beds(arrived, moved, cancel("A12", "v", 2, recorded=4, ZBE_1="m2"))["101/1"] == "O"
    assert first(arrived, cancel("A11", "v", 1, recorded=4, ZBE_1="m1")) == ""


def test_a_cancel_reverses_nothing_but_its_own_event() -> None:
    arrived, moved = admit("v", "KZP^101^1", 1, ZBE_1="m1"), transfer("v", "KZP^101^2", 2, ZBE_1="m2")
    for stray in (
        cancel("A12", "v", 2, recorded=4, ZBE_1="m9"),
        cancel("A12", "w", 2, recorded=4, ZBE_1="m2"),
        cancel("A11", "v", 2, recorded=4, ZBE_1="m2"),
        cancel("A13", "v", 2, recorded=4),
    ):
        assert beds(arrived, moved, stray) == beds(arrived, moved)


def test_a_cancel_without_movement_number_takes_the_event_of_its_time_else_the_latest() -> None:
    arrived = admit("v", "KZP^101^1", 0)
    moves = [arrived, transfer("v", "KZP^101^2", 1), transfer("v", "KZP^102^1", 2)]
    by_time = sent(message("A12", 1, recorded=5, PV1_19="v"))
    latest = sent({name: value for name, value in message("A12", 5, PV1_19="v").items() if name != "EVN-6"})
    assert beds(*moves, by_time) == {"101/1": "U", "101/2": "", "102/1": "O"}
    assert beds(*moves, latest) == {"101/1": "U", "101/2": "O", "102/1": ""}
    before_all = sent(message("A12", -1, PV1_19="v"))
    assert beds(*moves, before_all) == beds(*moves)


def test_an_admission_after_its_cancel_stands() -> None:
    again = admit("v", "KZP^101^2", 1, recorded=3)
    events = admit("v", "KZP^101^1", 1), cancel("A11", "v", 1, recorded=2), again
    assert beds(*events) == {"101/1": "", "101/2": "O", "102/1": ""}


def test_a_discharge_taken_back_puts_the_visit_back_though_its_bed_was_said_to_be_free() -> None:
    events = admit("v", "KZP^101^1", 1), discharge("v", "KZP^101^1", 2), status("KZP^101^1", "U", 3)
    assert first(*events, cancel("A13", "v", 2, recorded=4)) == "O"


def test_cancel_in_zbe_4_takes_back_whatever_the_trigger() -> None:
    assert first(discharge("v", "KZP^101^1", 2, ZBE_1="m"), discharge("v", "", 2, ZBE_1="m", ZBE_4="CANCEL")) == ""


# --- what comes of it -----------------------------------------------------------------------------------------------


def test_a_ward_whose_beds_are_all_known_is_counted() -> None:
    events = [*all_free(0), admit("v", "KZP^101^1", 1), status("KZP^102^1", "C", 2)]
    found = fold(events, KZP)
    assert found.counts == Counts(licensed=3, operable=2, occupied=1, accepting=1)
    assert found.state is State.SOME


def test_only_free_beds_accept() -> None:
    events = [status("KZP^101^1", "H", 0), status("KZP^101^2", "I", 0), status("KZP^102^1", "K", 0)]
    found = fold(events, KZP)
    assert found.counts == Counts(licensed=3, operable=3, occupied=0, accepting=0)
    assert found.state is State.NONE


def test_an_unknown_bed_leaves_all_unknown_but_free_beds() -> None:
    assert fold([status("KZP^101^1", "U", 0)], KZP).counts == Counts(licensed=3, accepting=1)
    assert fold([status("KZP^101^1", "U", 0)], KZP).state is State.SOME
    assert fold([status("KZP^101^1", "O", 0)], KZP).counts == Counts(licensed=3)
    assert fold([status("KZP^101^1", "O", 0)], KZP).state is State.UNKNOWN
    assert fold([], KZP).valid_at is None


def test_a_visit_on_the_ward_without_a_bed_takes_one_of_the_free_beds() -> None:
    found = fold([*all_free(0), admit("v", "KZP", 1)], KZP)
    assert found.counts == Counts(licensed=3, operable=3, occupied=1, accepting=2)
    assert fold([*all_free(0), admit("v", "KZP", 1), discharge("v", "KZP", 2)], KZP).counts.accepting == 3


def test_a_visit_without_a_bed_may_be_in_one_occupied_by_nobody_known() -> None:
    events = [*all_free(0), status("KZP^101^1", "O", 1), admit("v", "KZP", 1)]
    assert fold(events, KZP).counts == Counts(licensed=3, operable=3, occupied=1, accepting=2)


def test_more_visits_than_beds_are_a_warning() -> None:
    found = fold([*all_free(0), *(admit(visit, "KZP", 1) for visit in "abcd")], KZP)
    assert found.counts == Counts(licensed=3, operable=3, occupied=4, accepting=0)
    assert [issue.code for issue in found.issues] == ["ward-over-capacity"]


def test_the_report_is_the_ward_as_an_offer() -> None:
    report = ward_report(KZP, fold([*all_free(0), admit("v", "KZP^101^1", 1)], KZP), sequence=7)
    assert (report.facility, report.offer.key, report.offer.care_form) == (
        KZP.facility,
        "KH/KZP",
        "kurzzeitpflege-solitaer",
    )
    assert (report.offer.name, report.offer.needs, report.offer.care_grades) == (
        "Kurzzeitpflege",
        ("rollstuhl",),
        (2, 3),
    )
    assert (report.valid_at, report.sequence, report.state) == (START + timedelta(hours=1), 7, State.SOME)
    assert report.blocks == (Block(count=2),)


def test_a_ward_without_a_free_bed_has_no_block() -> None:
    assert ward_report(KZP, fold([], KZP)).blocks == ()


def test_a_cancel_makes_the_statement_newer() -> None:
    found = fold([admit("v", "KZP^101^1", 1), cancel("A11", "v", 1, recorded=5)], KZP)
    assert found.valid_at == START + timedelta(hours=5)


# --- from a message to its event ------------------------------------------------------------------------------------


_UNMOVED: list[dict[str, Any]] = [
    {},
    *({"PV1_19": "v", **told} for told in ({"PV1_45": at(1)}, {"PV1_2": "P"}, {"PV1_2": "O"})),
]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (message("A08", 1, PV1_19="v"), "keine Wirkung auf die Belegung (A08) / no census effect (A08)"),
        *(
            (
                message(trigger, 1, PV1_19="v"),
                f"keine Wirkung auf die Belegung ({trigger}) / no census effect ({trigger})",
            )
            for trigger in ("A04", "A05", "A09", "A10", "A14", "A15", "A26", "A27", "A31", "A38", "A40", "A54", "A99")
        ),
        *(
            (
                message("A08", 1, **location("PV1-3", "KZP^101^1"), **more),
                "keine Wirkung auf die Belegung (A08) / no census effect (A08)",
            )
            for more in _UNMOVED
        ),
        (message("A08", 1, PV1_19="v", **location("PV1-3", "CHI^1^1")), _ELSEWHERE),
        (message("A16", 1, PV1_19="v", **location("PV1-3", "KZP^101^1")), _UNDATED),
        (message("A16", 1, PV1_19="v", PV2_9="20260310", **location("PV1-3", "CHI^1^1")), _ELSEWHERE),
        (message("A21", 1, PV1_19="v", **location("PV1-3", "CHI^1^1")), _ELSEWHERE),
        (message("A11", 1, **location("PV1-3", "CHI^1^1")), _ELSEWHERE),
        (
            message("A22", 1, **location("PV1-3", "KZP^101^1")),
            "keine Wirkung auf die Belegung (A22) / no census effect (A22)",
        ),
        (message("Z99", 1, PV1_19="v", ZBE_6="A01"), "keine Wirkung auf die Belegung (Z99) / no census effect (Z99)"),
        (
            message("A01", 1) | {"MSH-9.1": "ORU"},
            "keine Wirkung auf die Belegung (kein ADT) / no census effect (not ADT)",
        ),
        (message("A01", 1, ZBE_5="Y", **location("PV1-3", "KZP^101^1")), _HISTORICAL),
        (
            message("A01", 1, PV1_19="v", **location("PV1-3", "CHI^1^1")),
            _ELSEWHERE,
        ),
        (
            message("A20", 1, NPU_2="U", **location("NPU-1", "CHI^1^1")),
            _ELSEWHERE,
        ),
        (
            message("A01", 1, PV1_19="v", **location("PV1-3", "KZP^101^1")) | {"MSH-4.1": "ANDERES"},
            _ELSEWHERE,
        ),
    ],
)
def test_what_moves_no_census_is_left_out_with_its_reason(fields: dict[str, str], reason: str) -> None:
    reading = event_of(fields, WardIndex(WARDS), RECEIVED)
    assert (reading.event, reading.issues, reading.left_out) == (None, (), reason)


@pytest.mark.parametrize(
    ("fields", "place", "code"),
    [
        (message("A20", 1, NPU_2="U"), "NPU-1.1", "hl7-field-missing"),
        (message("A20", 1, NPU_2="U", **location("NPU-1", "KZP^101")), "NPU-1.3", "hl7-field-missing"),
        (message("A20", 1, **location("NPU-1", "KZP^101^1")), "NPU-2", "hl7-field-missing"),
        (message("A20", 1, NPU_2="U", **location("NPU-1", "KZP^103^1")), "NPU-1.3", "bed-not-declared"),
        (message("A01", 1, PV1_19="v"), "PV1-3.1", "hl7-field-missing"),
        (message("A01", 1, PV1_19="v", **location("PV1-3", "KZP^103^1")), "PV1-3.3", "bed-not-declared"),
        (message("A03", 1), "PV1-3.1", "hl7-field-missing"),
        (message("A11", 1, **location("PV1-3", "KZP^101^1")), "PV1-19", "hl7-field-missing"),
        (message("A03", 1, PV1_19="v") | {"EVN-6": "gestern"}, "EVN-6", "time-unreadable"),
        (message("A03", 1, PV1_19="v") | {"EVN-6": "202603"}, "EVN-6", "time-unreadable"),
        (message("A03", 27, PV1_19="v", recorded=1), "EVN-6", "time-in-future"),
        (message("A03", 1, PV1_19="v", recorded=27), "EVN-2", "time-in-future"),
        ({"MSH-4.1": "KH", "MSH-9.1": "ADT", "MSH-9.2": "A03", "PV1-19": "v"}, "EVN-2", "hl7-field-missing"),
        ({"MSH-4.1": "KH", "MSH-9.1": "ADT"}, "MSH-9.2", "hl7-field-missing"),
    ],
)
def test_what_is_missing_or_wrong_is_an_error_at_its_place(fields: dict[str, str], place: str, code: str) -> None:
    reading = event_of(fields, WardIndex(WARDS), RECEIVED)
    assert reading.event is None
    assert (place, code, "error") in [(issue.place, issue.code, issue.severity) for issue in reading.issues]


def test_a_clock_two_hours_ahead_is_tolerated() -> None:
    assert discharge("v", "KZP^101^1", 26).occurred_at == START + timedelta(hours=26)


def test_an_event_occurred_when_evn_6_says_else_zbe_2_else_evn_2() -> None:
    fields = message("A03", 1, recorded=3, PV1_19="v") | {"ZBE-2": at(2)}
    for expected in (1, 2, 3):
        found = sent(fields)
        assert (found.occurred_at, found.recorded_at) == (START + timedelta(hours=expected), START + timedelta(hours=3))
        fields = {name: value for name, value in fields.items() if name != {1: "EVN-6", 2: "ZBE-2"}.get(expected)}


def test_times_without_an_offset_are_of_the_ward_s_zone() -> None:
    fields = message("A03", 1, PV1_19="v") | {"EVN-6": "20260302093000"}
    assert sent(fields).occurred_at == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def test_a_time_at_the_change_of_clocks_is_doubted() -> None:
    fields = message("A03", 1, PV1_19="v") | {"EVN-6": "20251026023000"}
    reading = event_of(fields, WardIndex(WARDS), RECEIVED)
    assert reading.event is not None
    assert reading.event.occurred_at == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert [(issue.code, issue.severity) for issue in reading.issues] == [("time-ambiguous", "warning")]


def test_an_event_survives_json() -> None:
    for event in (
        transfer("v", "KZP^101^1", 1, "UEP^1^2", ZBE_1="m"),
        status("KZP^101^1", "H", 1),
        cancel("A11", "v", 1),
    ):
        assert CensusEvent.from_json(json.loads(json.dumps(event.to_json()))) == event


def test_the_same_statement_is_the_same_event_and_any_other_is_another() -> None:
    event = admit("v", "KZP^101^1", 1, ZBE_1="m")
    assert admit("v", "KZP^101^1", 1, ZBE_1="m", MSH_10="resent").key == event.key
    others = {
        admit("w", "KZP^101^1", 1, ZBE_1="m").key,
        admit("v", "KZP^101^2", 1, ZBE_1="m").key,
        admit("v", "KZP^101^1", 2, ZBE_1="m").key,
        admit("v", "KZP^101^1", 1, ZBE_1="n").key,
        admit("v", "KZP^101^1", 1, recorded=2, ZBE_1="m").key,
        cancel("A11", "v", 1, ZBE_1="m", **location("PV1-3", "KZP^101^1")).key,
    }
    assert len(others - {event.key}) == 6


def test_visit_and_movement_numbers_become_pseudonyms_that_tell_hospitals_and_numbers_apart() -> None:
    def seen(**changes: str) -> tuple[str, str]:
        found = pseudonymised(message("A01", 1, PV1_19="4711", ZBE_1="4711") | changes, lambda text: f"<{text}>")
        return found["PV1-19"], found["ZBE-1"]

    visit, movement = seen()
    assert visit != movement
    assert seen(**{"MSH-4.1": "ANDERES"})[0] != visit
    assert pseudonymised({"EVN-2": "2026"}, lambda text: "<>") == {"EVN-2": "2026"}


def test_what_is_forgotten_is_who_it_was_about_and_nothing_else() -> None:
    numbers = {"PV1-19": "4711", "PV1-19.4": "4711", "PV1-19~": "4711", "ZBE-1": "4711", "ZBE-1.2": "4711"}
    rest = message("A01", 1) | {"PV1-2": "I", "PV1-190": "x", "ZBE-10": "x", "ZBE-2": "20260302"}
    rest.pop("PV1-19", "")
    assert forgotten({**numbers, **rest}) == rest


def kept(fields: Mapping[str, Any]) -> dict[str, Any]:
    return admitted(fields, WardIndex(WARDS))


MOVED = {"MSH-4.1": "KH", "MSH-9.1": "ADT", "EVN-2": at(1), "EVN-6": at(1), "PV1-19": "v"}


def test_of_a_message_only_what_makes_its_event_is_kept() -> None:
    beside = {"MSH-3.1": "GEHEIM", "MSH-10": "GEHEIM", "PV1-10": "GEHEIM", "PV1-40": "U", "PV2-1.1": "GEHEIM"}
    arrived = {**MOVED, "MSH-9.2": "A01", "PV1-3.1": "KZP", "PV1-3.3": "101/1"}
    assert kept({**arrived, **beside, "EVN-1": "A01", "PV1-6.1": "KZP", "NPU-1.1": "KZP"}) == arrived | {"EVN-1": "A01"}
    state = {"MSH-4.1": "KH", "MSH-9.1": "ADT", "MSH-9.2": "A20", "EVN-2": at(1), "NPU-1.1": "KZP", "NPU-2": "U"}
    assert kept({**state, "NPU-1.3": "101/1", "PV1-19": "v", "ZBE-1": "m", "PV1-3.1": "KZP"}) == {
        **state,
        "NPU-1.3": "101/1",
    }


def test_a_declared_bed_is_kept_by_the_name_it_is_declared_under() -> None:
    found = kept({**MOVED, "MSH-9.2": "A01", "PV1-3.1": "uep", "PV1-3.2": "GEHEIM", "PV1-3.3": "1"})
    assert {name: found[name] for name in found if name.startswith("PV1-3")} == {"PV1-3.1": "UEP", "PV1-3.3": "1"}


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("GEHEIM^GEHEIM^GEHEIM", ["?"]),
        ("KZP^GEHEIM^GEHEIM", ["KZP", "?"]),
        ("KZP^GEHEIM", ["KZP"]),
        ("KZP^X110411675^1", ["KZP", "1"]),
        ("KZP^103^2b", ["KZP", "103", "2b"]),  # numbered as beds are: declared later, it can be run again
    ],
)
def test_what_is_not_declared_is_not_kept(place: str, left: list[str]) -> None:
    found = kept({**MOVED, "MSH-9.2": "A02", **message("A02", 1, **location("PV1-3", place))})
    assert [value for name, value in found.items() if name.startswith("PV1-3")] == left


def test_a_bed_that_is_declared_after_its_message_came_is_found_when_it_is_run_again() -> None:
    arrived = kept(message("A01", 1, PV1_19="v", **location("PV1-3", "KZP^103^2")))
    assert [issue.code for issue in event_of(arrived, WardIndex(WARDS), RECEIVED).issues] == ["bed-not-declared"]
    later = WardIndex([replace(KZP, beds=(*KZP.beds, "103/2"))])
    assert event_of(arrived, later, RECEIVED).event == sent_to(later, "KZP^103^2")


def sent_to(wards: WardIndex, place: str) -> CensusEvent | None:
    return event_of(message("A01", 1, PV1_19="v", **location("PV1-3", place)), wards, RECEIVED).event


@pytest.mark.parametrize("trigger", ["A04", "A28", "Z99"])
def test_of_a_message_without_census_effect_its_trigger_and_its_declared_hospital_are_kept(trigger: str) -> None:
    fields = message(trigger, 1, PV1_19="v", ZBE_1="m", NPU_1_1="KZP", **location("PV1-3", "KZP^101^1"))
    assert kept(fields) == {"MSH-4.1": "KH", "MSH-9.1": "ADT", "MSH-9.2": trigger}
    assert kept({**fields, "MSH-4.1": "GEHEIM", "MSH-9.1": "ORU"}) == {"MSH-9.2": trigger}


_ADT = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from([*values, "GEHEIM", "Canaria", " ", "?"])
        for name, values in {
            "MSH-4.1": ["KH", "kh", "ANDERES"],
            "MSH-9.1": ["ADT"] * 9,
            "MSH-9.2": ["A01", "A02", "A03", "A11", "A12", "A13", "A20", "A08", "A04", "Z99"] * 2
            + ["A06", "A07", "A16", "A17", "A21", "A22", "A25", "A52", "A53"],
            "EVN-1": ["A01", "A20"],
            "EVN-2": [at(1)] * 5 + ["2026", "20260302"],
            "EVN-6": [at(2), at(90)],
            "ZBE-1": ["m"],
            "ZBE-2": [at(3)],
            "ZBE-4": ["INSERT", "UPDATE", "CANCEL"],
            "ZBE-5": ["Y", "N"],
            "ZBE-6": ["A01", "A02", "A03"],
            "NPU-2": list("CHIKOU"),
            "EVN-3": [at(300), "bald"],
            "PV1-2": ["I", "P"],
            "PV1-10": [],
            "PV1-45": [at(1), at(900)],
            "PV2-9": [at(200), "20260310", "bald"],
            "PV1-19": ["v"] * 5,
            **{
                f"{place}.{part}": names
                for place in ("NPU-1", "PV1-3", "PV1-6")
                for part, names in {1: ["KZP", "uep"] * 3, 2: ["101", "9"], 3: ["1", "2", "101/1", "9"]}.items()
            },
        }.items()
    },
)


@given(_ADT, st.sampled_from([WARDS, (), (replace(KZP, hospital=""), replace(UEP, beds=("9/1", "1", "/1")))]))
def test_what_is_kept_makes_the_same_event(fields: dict[str, str], wards: tuple[Ward, ...]) -> None:
    index = WardIndex(wards)
    found, before = admitted_event(fields, index, RECEIVED)
    assert (found, before) == (admitted(fields, index), event_of(fields, index, RECEIVED))
    after = event_of(found, index, RECEIVED)
    assert (after.event, after.left_out) == (before.event, before.left_out)
    assert [issue.code for issue in after.issues] == [issue.code for issue in before.issues]
    assert admitted(found, index) == found
    told = {name: value for name, value in found.items() if name not in ("PV1-19", "ZBE-1")}
    assert not any(word in repr((told, after.left_out)) for word in ("GEHEIM", "Canaria", "ANDERES"))


@pytest.mark.parametrize("trigger", ["A08", "A21", "A22"])
def test_an_expected_day_makes_the_event_that_what_is_kept_makes(trigger: str) -> None:
    fields = message(trigger, 1, PV1_19="v", PV2_9="20260310", **location("PV1-3", "KZP^101^1"))
    found, told = admitted_event(fields, WardIndex(WARDS), RECEIVED)
    assert (told.event, told.event and told.event.expected) == (
        event_of(found, WardIndex(WARDS), RECEIVED).event,
        date(2026, 3, 10) if trigger == "A08" else None,
    )


@pytest.mark.parametrize("trigger", ["A21", "A22"])
def test_a_leave_says_nothing_of_a_discharge(trigger: str) -> None:
    """What of it is kept does not tell when that is to be: read again, it would be another event."""
    fields = {"MSH-4.1": "KH", "MSH-9.1": "ADT", "MSH-9.2": trigger, "EVN-2": at(1), "PV1-19": "v", "PV1-3.1": "KZP"}
    index = WardIndex(WARDS)
    kept, first = admitted_event({**fields, "PV2-9": at(200)}, index, RECEIVED)
    assert first.event is not None
    assert first.event.expected is None
    assert event_of(kept, index, RECEIVED) == first


# --- the census is a function of the set of events ------------------------------------------------------------------

_VISITS = st.sampled_from(["v", "v", "w", ""])
_PLACES = st.sampled_from([Bed("KH/KZP", "101/1"), Bed("KH/KZP", "101/2"), Bed("KH/KZP"), Bed("KH/UEP", "1"), None])
_DAYS = st.sampled_from([date(2026, 3, 5), date(2026, 3, 6), None])
_HOURS = st.integers(0, 6).map(lambda hour: START + timedelta(hours=hour))


@st.composite
def events(draw: st.DrawFn, *, cancels: bool = True) -> CensusEvent:
    kind = draw(st.sampled_from(Kind))
    if kind is Kind.BED_STATUS:
        bed = draw(_PLACES.filter(lambda place: place is not None and place.name != ""))
        code = draw(st.sampled_from(list(set(BedStatus) - {UNKNOWN})))
        moment = draw(_HOURS)
        return CensusEvent(kind=kind, occurred_at=moment, recorded_at=moment, to_bed=bed, status=code).keyed()
    return CensusEvent(
        kind=kind,
        occurred_at=draw(_HOURS),
        recorded_at=draw(_HOURS),
        visit=draw(_VISITS),
        movement=draw(st.sampled_from(["m", "n", ""])),
        cancels=cancels and draw(st.booleans()),
        from_bed=None if kind is Kind.ADMIT else draw(_PLACES),
        to_bed=None if kind is Kind.DISCHARGE else draw(_PLACES),
        expected=draw(_DAYS) if kind in (Kind.EXPECT, Kind.UPDATE) else None,
    ).keyed()


def seen(told: Iterable[CensusEvent]) -> tuple[Beds, Beds]:
    told = list(told)
    return fold(told, KZP), fold(told, UEP)


def shown(told: Iterable[CensusEvent]) -> list[tuple[Mapping[str, BedStatus], int, int, tuple[date, ...]]]:
    return [(found.statuses, found.unplaced, found.on_leave, found.expected) for found in seen(told)]


STREAM = (
    status("KZP^101^2", "U", 0),
    admit("v", "KZP^101^1", 1, ZBE_1="m1"),
    admit("v", "KZP^102^1", 1, recorded=2, ZBE_1="m1", ZBE_4="UPDATE"),
    transfer("v", "KZP^101^2", 3, "KZP^102^1", ZBE_1="m2"),
    discharge("v", "KZP^101^2", 4),
    cancel("A13", "v", 4, recorded=5),
    status("KZP^102^1", "H", 4),
)


def test_every_order_of_delivery_gives_the_same_census() -> None:
    for order in permutations(STREAM):
        assert beds(*order) == {"101/1": "", "101/2": "O", "102/1": "H"}


@given(st.data(), st.lists(events(), min_size=2, max_size=12))
def test_any_order_of_delivery_and_any_repetition_gives_the_same_census(
    data: st.DataObject, told: list[CensusEvent]
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(told), max_size=4))
    assert seen(data.draw(st.permutations([*told, *repeated]))) == seen(told)


@given(st.lists(events(cancels=False), max_size=10), st.sampled_from([Kind.ADMIT, Kind.TRANSFER, Kind.DISCHARGE]))
def test_a_cancelled_movement_is_as_if_never_sent(told: list[CensusEvent], kind: Kind) -> None:
    moment = START + timedelta(hours=3)
    event = CensusEvent(
        kind=kind,
        occurred_at=moment,
        recorded_at=moment,
        visit="v",
        movement="its own",
        from_bed=None if kind is Kind.ADMIT else Bed("KH/KZP", "101/1"),
        to_bed=None if kind is Kind.DISCHARGE else Bed("KH/KZP", "101/2"),
    )
    taken_back = replace(event, cancels=True, recorded_at=START + timedelta(hours=4), from_bed=None, to_bed=None)
    # A status said before the cancel no longer counts for a visit that the cancel says is there.
    told = [each for each in told if each.kind is not Kind.BED_STATUS]
    if kind is Kind.ADMIT:
        # Whose admission is taken back, of them nothing else is believed but that they moved.
        told = [each for each in told if each.kind in (Kind.ADMIT, Kind.TRANSFER, Kind.DISCHARGE)]
    assert shown([*told, event.keyed(), taken_back.keyed()]) == shown(told)


@given(st.lists(events(), max_size=10), events())
def test_more_is_known_with_every_event(told: list[CensusEvent], event: CensusEvent) -> None:
    for before, after in zip(seen(told), seen([*told, event]), strict=True):
        assert before.valid_at is None or (after.valid_at is not None and after.valid_at >= before.valid_at)


@given(st.lists(events(), max_size=12))
def test_counts_are_plausible_and_never_more_than_the_ward_has(told: list[CensusEvent]) -> None:
    for found in seen(told):
        counts = found.counts
        known = [count for count in (counts.occupied, counts.held, counts.accepting) if count is not None]
        assert counts.licensed == len(found.statuses)
        if counts.operable is not None and not found.issues:
            assert sum(known) <= counts.operable <= counts.licensed
        assert (found.state is State.SOME) == bool(counts.accepting)
        assert (counts.occupied is None) == (UNKNOWN in found.statuses.values())


# --- what is deleted ------------------------------------------------------------------------------------------------

LATER = START + timedelta(days=31)


def after_purge(told: Iterable[CensusEvent], now: datetime) -> list[CensusEvent]:
    told = list(told)
    purge = purgeable(told, now)
    return [event for event in told if event.key not in purge.keys] + list(purge.residues)


def test_a_visit_is_deleted_30_days_after_its_discharge_and_not_before() -> None:
    stay = [admit("v", "KZP^101^1", 1), discharge("v", "KZP^101^1", 2)]
    assert purgeable(stay, START + timedelta(days=30, hours=2)).keys == frozenset()
    assert purgeable(stay, START + timedelta(days=30, hours=3)).keys == {event.key for event in stay}


def test_a_visit_that_is_still_there_is_kept() -> None:
    stay = [admit("v", "KZP^101^1", 1), discharge("v", "KZP^101^1", 2), cancel("A13", "v", 2, recorded=3)]
    assert purgeable(stay, LATER).keys == frozenset()


def test_a_visit_that_was_never_on_a_ward_is_deleted() -> None:
    elsewhere = transfer("v", "CHI^1^1", 1, "INN^1^1")
    assert purgeable([elsewhere], LATER).keys == {elsewhere.key}


def test_a_bed_left_by_a_deleted_visit_is_still_known_to_be_free() -> None:
    left = after_purge([admit("v", "KZP^101^1", 1), discharge("v", "KZP^101^1", 2)], LATER)
    assert first(*left) == "U"
    assert [event.visit for event in left] == [""]
    assert after_purge(left, LATER) == left


def test_superseded_statuses_are_deleted_but_for_the_last_that_says_who_left() -> None:
    told = [status("KZP^101^1", code, hour) for hour, code in enumerate("OUHO")]
    assert purgeable(told, RECEIVED).keys == {told[0].key, told[1].key}


@given(st.lists(events(), max_size=12), st.integers(0, 40))
def test_deleting_once_or_twice_changes_no_census_and_names_no_visit_anew(told: list[CensusEvent], days: int) -> None:
    now = START + timedelta(days=days)
    left = after_purge(told, now)
    assert shown(left) == shown(told)
    assert all(not event.visit or event in told for event in left)
    assert shown(after_purge(left, now)) == shown(told)
