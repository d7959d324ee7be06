"""What is found of an offer or a source, as a coordination office reads it out on the telephone."""

from collections.abc import Mapping

from hub.course.phantoms import Kind
from mappings.terminology import display

__all__ = ["question", "sentence"]

_NAME = "\0"

_QUESTIONS: Mapping[Kind, tuple[str, str]] = {
    Kind.GONE: (
        "Zu fragen ist: Sind die Plätze schon vergeben, wenn sie gemeldet werden?",
        "To ask: are the places already promised to somebody when they are reported?",
    ),
    Kind.UNMOVED: (
        "Zu fragen ist: Sind diese Plätze noch frei, und wer trägt die Zahl ein?",
        "To ask: are these places still free, and who enters the number?",
    ),
    Kind.COPIED_DAY: (
        "Zu fragen ist: Liest der Export noch die Zahlen von heute?",
        "To ask: does the export still read the numbers of today?",
    ),
    Kind.COPIED_WEEK: (
        "Zu fragen ist: Werden die Zahlen der Vorwoche übernommen?",
        "To ask: are the numbers of the week before taken over?",
    ),
}


def question(kind: Kind) -> dict[str, str]:
    """What to ask, by language."""
    german, english = _QUESTIONS[kind]
    return {"de": german, "en": english}


def sentence(kind: Kind, name: str, care_form: str | None, figures: Mapping[str, float | None]) -> dict[str, str]:
    """What the figures of a finding say, by language; `name` is the facility's, of a source as a whole the source's."""
    german, english = _TOLD[kind]({key: value for key, value in figures.items() if value is not None})
    if care_form is None:
        names = (f"der Quelle {name}", f"the source {name}")
    else:
        names = (
            f"{name} ({display('care-form', care_form, 'de')})",
            f"{name} ({display('care-form', care_form, 'en')})",
        )
    return {"de": german.replace(_NAME, names[0]), "en": english.replace(_NAME, names[1])}


def _gone(figures: Mapping[str, float]) -> tuple[str, str]:
    days, reported, gone = round(figures["days"]), round(figures["reported"]), round(figures["gone"])
    hours, usual = figures["hours"], figures["others_days"] * 24
    of_german, of_english = (f"Von {_NAME}", f"Of {_NAME}")
    if "number" in figures:
        number = round(figures["number"])
        of_german, of_english = (f"Von {number} Angeboten {_NAME}", f"Of {number} offers of {_NAME}")
    german = (
        f"{of_german} wurden in {days} Tagen {reported}-mal freie Plätze gemeldet; {gone}-mal waren es schon bei der "
        f"nächsten Meldung weniger, im Mittel nach {_span(hours, 'de')}. Bei vergleichbaren Angeboten werden es im "
        f"Mittel nach {_span(usual, 'de')} weniger."
    )
    english = (
        f"{of_english} free places were reported {_times(reported)} in {days} days; {_times(gone)} there were fewer at "
        f"the very next word, after {_span(hours, 'en')} on average. Of comparable offers there are fewer after "
        f"{_span(usual, 'en')} on average."
    )
    return german, english


def _unmoved(figures: Mapping[str, float]) -> tuple[str, str]:
    days, places, moves = round(figures["days"]), round(figures["places"]), round(figures["expected"])
    every = figures["others_days"]
    german = (
        f"{_NAME} meldet seit {days} Tagen unverändert {places} {'freien Platz' if places == 1 else 'freie Plätze'}; "
        f"vergleichbare Angebote ändern sich {_every(every, 'de')}, hätten sich in dieser Zeit also etwa {moves}-mal "
        "geändert."
    )
    english = (
        f"{_NAME} has reported {places} free {'place' if places == 1 else 'places'} for {days} days without a change; "
        f"comparable offers change {_every(every, 'en')}, so would have changed about {_times(moves)} in that time."
    )
    return german, english


def _copied_day(figures: Mapping[str, float]) -> tuple[str, str]:
    days, number, moves = round(figures["days"]), round(figures["number"]), round(figures["expected"])
    german = (
        f"Alle {number} Angebote {_NAME} melden seit {days} Tagen jeden Tag dasselbe wie am Tag davor; so viele "
        f"Angebote anderer Quellen hätten sich in dieser Zeit etwa {moves}-mal geändert."
    )
    english = (
        f"All {number} offers of {_NAME} have said the same as the day before, every day for {days} days; as many "
        f"offers of other sources would have changed about {_times(moves)} in that time."
    )
    return german, english


def _copied_week(figures: Mapping[str, float]) -> tuple[str, str]:
    days, changes = round(figures["days"]), round(figures["changes"])
    usual = round(changes * figures["others_share"])
    german_usual, english_usual = (f"etwa {usual}", f"about {usual}") if usual else ("kaum einer", "hardly any")
    german = (
        f"seit {days} Tagen an jedem Wochentag dasselbe wie in der Woche davor, samt {changes} Änderungen; bei "
        f"vergleichbaren Angeboten ist das bei {german_usual} von so vielen Änderungen so."
    )
    english = (
        f"said the same on every weekday for {days} days as in the week before, {changes} changes included; of as many "
        f"changes of comparable offers {english_usual} are so."
    )
    if "number" in figures:
        number = round(figures["number"])
        return f"Alle {number} Angebote {_NAME} melden {german}", f"All {number} offers of {_NAME} {english}"
    return f"{_NAME} meldet {german}", f"{_NAME} {english}"


_TOLD = {
    Kind.GONE: _gone,
    Kind.UNMOVED: _unmoved,
    Kind.COPIED_DAY: _copied_day,
    Kind.COPIED_WEEK: _copied_week,
}


def _every(days: float, language: str) -> str:
    if days < 1.5:
        return "etwa täglich" if language == "de" else "about every day"
    return f"alle {round(days)} Tage" if language == "de" else f"every {round(days)} days"


def _span(hours: float, language: str) -> str:
    if hours < 0.99:
        number, words = max(round(hours * 60), 1), ("Minute", "Minuten", "minute", "minutes")
    elif hours < 36:
        number, words = round(hours), ("Stunde", "Stunden", "hour", "hours")
    else:
        number, words = round(hours / 24), ("Tag", "Tagen", "day", "days")
    return f"{number} {words[(0 if language == 'de' else 2) + (number != 1)]}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")
