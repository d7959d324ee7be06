"""What is read out on the telephone."""

import pytest

from hub.course.phantoms import Kind
from hub.course.sentences import question, sentence

UNMOVED = {"days": 41, "places": 2, "expected": 6.9, "others_days": 5.9}
GONE = {"days": 90, "reported": 23, "gone": 22, "hours": 0.7, "others_days": 6.2}
WEEK = {"days": 28, "changes": 12, "others_share": 0.01}
DAY = {"days": 30, "number": 9, "expected": 120.4}


def test_a_number_that_never_moves() -> None:
    told = sentence(Kind.UNMOVED, "Haus X", "kurzzeitpflege", UNMOVED)
    assert told["de"] == (
        "Haus X (Kurzzeitpflege) meldet seit 41 Tagen unverändert 2 freie Plätze; vergleichbare Angebote ändern sich "
        "alle 6 Tage, hätten sich in dieser Zeit also etwa 7-mal geändert."
    )
    assert told["en"] == (
        "Haus X (Short-term residential care) has reported 2 free places for 41 days without a change; comparable "
        "offers change every 6 days, so would have changed about 7 times in that time."
    )


def test_free_that_never_survives() -> None:
    told = sentence(Kind.GONE, "Haus X", "dauerpflege", GONE)
    assert told["de"] == (
        "Von Haus X (Dauerpflege) wurden in 90 Tagen 23-mal freie Plätze gemeldet; 22-mal waren es schon bei der "
        "nächsten Meldung weniger, im Mittel nach 42 Minuten. Bei vergleichbaren Angeboten werden es im Mittel nach "
        "6 Tagen weniger."
    )
    assert told["en"] == (
        "Of Haus X (Long-term residential care) free places were reported 23 times in 90 days; 22 times there were "
        "fewer at the very next word, after 42 minutes on average. Of comparable offers there are fewer after 6 days "
        "on average."
    )
    whole = sentence(Kind.GONE, "xy", None, {**GONE, "number": 3, "hours": 1.0})
    assert whole["de"].startswith("Von 3 Angeboten der Quelle xy wurden in 90 Tagen 23-mal")
    assert "nach 1 Stunde." in whole["de"]


def test_weekdays_that_are_copies() -> None:
    told = sentence(Kind.COPIED_WEEK, "Haus X", "dauerpflege", WEEK)
    assert told["de"] == (
        "Haus X (Dauerpflege) meldet seit 28 Tagen an jedem Wochentag dasselbe wie in der Woche davor, samt 12 "
        "Änderungen; bei vergleichbaren Angeboten ist das bei kaum einer von so vielen Änderungen so."
    )
    assert told["en"] == (
        "Haus X (Long-term residential care) said the same on every weekday for 28 days as in the week before, 12 "
        "changes included; of as many changes of comparable offers hardly any are so."
    )
    whole = sentence(Kind.COPIED_WEEK, "xy", None, {**WEEK, "number": 3, "others_share": 0.1})
    assert whole["de"].startswith("Alle 3 Angebote der Quelle xy melden seit 28 Tagen")
    assert whole["de"].endswith("bei etwa 1 von so vielen Änderungen so.")


def test_a_source_that_stands_still() -> None:
    told = sentence(Kind.COPIED_DAY, "xy", None, DAY)
    assert told["de"] == (
        "Alle 9 Angebote der Quelle xy melden seit 30 Tagen jeden Tag dasselbe wie am Tag davor; so viele Angebote "
        "anderer Quellen hätten sich in dieser Zeit etwa 120-mal geändert."
    )
    assert told["en"] == (
        "All 9 offers of the source xy have said the same as the day before, every day for 30 days; as many offers of "
        "other sources would have changed about 120 times in that time."
    )


@pytest.mark.parametrize("kind", Kind)
def test_there_is_something_to_ask(kind: Kind) -> None:
    assert set(question(kind)) == {"de", "en"}
    assert all(text.endswith("?") for text in question(kind).values())


def test_one_is_singular_and_a_name_is_taken_as_it_is() -> None:
    told = sentence(
        Kind.UNMOVED, "Haus {days}", "dauerpflege", {"days": 41, "places": 1, "expected": 40, "others_days": 1.0}
    )
    assert told["de"].startswith("Haus {days} (Dauerpflege) meldet seit 41 Tagen unverändert 1 freien Platz; ")
    assert "etwa täglich" in told["de"]
    assert " 1 free place for " in told["en"]
