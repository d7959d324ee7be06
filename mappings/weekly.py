"""Days of the week and hours of the day as people write them: the conversions of telephone hours and of admission."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import time
from types import MappingProxyType
from typing import Any

from mappings.conversions import Unreadable, folded, text
from mappings.reader import is_blank
from mappings.vacancy import Hours, Weekday

__all__ = ["CONVERSIONS", "in_week_order"]

_WEEK = tuple(Weekday)
_MOST = 50
_LAST_MINUTE = time(23, 59)
_ALL_DAY = (time(0, 0), _LAST_MINUTE)

_NAMES: Mapping[str, tuple[Weekday, ...]] = {
    **{
        name: (day,)
        for day, names in zip(
            _WEEK,
            (
                ("mo", "montag", "montags", "mon", "monday", "mondays"),
                ("di", "dienstag", "dienstags", "tue", "tues", "tuesday", "tuesdays"),
                ("mi", "mittwoch", "mittwochs", "wed", "wednesday", "wednesdays"),
                ("do", "donnerstag", "donnerstags", "thu", "thur", "thurs", "thursday", "thursdays"),
                ("fr", "freitag", "freitags", "fri", "friday", "fridays"),
                ("sa", "samstag", "samstags", "sonnabend", "sonnabends", "sat", "saturday", "saturdays"),
                ("so", "sonntag", "sonntags", "sun", "sunday", "sundays"),
            ),
            strict=True,
        )
        for name in names
    },
    **dict.fromkeys(("täglich", "taeglich", "tgl", "daily"), _WEEK),
    **dict.fromkeys(("weekdays",), _WEEK[:5]),
    **dict.fromkeys(("wochenende", "weekend", "weekends"), _WEEK[5:]),
}
"""What days are called. Not `werktags`: to the law a Saturday is one, to most offices it is none."""

_TOKEN = re.compile(
    r"(?P<always>rund um die uhr|around the clock|24 ?/ ?7"
    r"|(?<![-–—])(?<![-–—] )(?<!bis )(?<!to )24 ?(?:h|std|stunden|hours)\b\.?)"
    r"|(?P<time>[0-9]{1,2}(?:[:.][0-9]{2})?(?![0-9:]))(?: ?(?:uhr|h\b))?"
    r"|(?P<to>-|–|—|\bbis\b|\bto\b)"
    r"|(?P<also>[,;/&+]|\bund\b|\bu\.|\bsowie\b|\band\b)"
    r"|(?P<name>[a-zäöü]+)\.?"
    r"|(?P<filler>[: ]+)"
)
_FILLERS = frozenset({"uhr", "von", "from", "h"})

_HOURS = (
    "Zeiten wie „Mo–Fr 8–16 Uhr; Sa 9–12 Uhr“ oder „täglich rund um die Uhr“",
    'times like "Mo-Fr 8:00-16:00; Sa 9:00-12:00", or "daily 24 hours"',
)
_DAYS = ("Wochentage wie „Mo–Fr“ oder „Mo, Mi, Fr“", 'days of the week like "Mo-Fr" or "Mon, Wed"')


def in_week_order(days: Sequence[Weekday]) -> tuple[Weekday, ...]:
    """Each of the days once, Monday first."""
    return tuple(day for day in _WEEK if day in days)


def clock(value: Any) -> time:
    """A time of the day: `15:00`, `15 Uhr`, `bis 15.30 Uhr`; 24:00 is the last minute."""
    match = None
    if isinstance(value, str):
        match = re.fullmatch(r"(?:bis |until )?([0-9]{1,2}(?:[:.][0-9]{2})?(?::00)?)(?: ?(?:uhr|h))?", folded(value))
    found = None if match is None else _time(match[1])
    if found is None:
        raise Unreadable("eine Uhrzeit wie 15:00", "a time of the day like 15:00")
    return found


def weekdays(value: Any) -> tuple[Weekday, ...]:
    """Days of the week, of a list of their names or of a text: `Mo–Fr`, `montags und mittwochs`, `täglich`."""
    if isinstance(value, list):
        if value and all(isinstance(each, str) and folded(each) in _NAMES for each in value):
            return in_week_order([day for each in value for day in _NAMES[folded(each)]])
        raise Unreadable(*_DAYS)
    tokens = _Tokens(_words(value, _DAYS), _DAYS)
    days = tokens.days()
    if tokens.left:
        raise Unreadable(*_DAYS)
    return days


def hours(value: Any) -> tuple[Hours, ...]:
    """Hours of every week, of a text (`Mo–Fr 8–12 und 14–16 Uhr; Sa 9–12`) or of a list of objects.

    An object has `days` (a list), `opens` and `closes` (`08:00`; from 00:00 to 24:00 is all day), and nothing else.
    """
    if isinstance(value, list):
        if not 0 < len(value) <= _MOST:
            raise Unreadable(*_HOURS)
        found = [_of_object(each) for each in value]
    else:
        found = list(_of_text(_words(value, _HOURS)))
    return tuple(dict.fromkeys(found))


def _of_object(value: Any) -> Hours:
    expected = Unreadable(
        'Objekte wie {"days": ["mon", "tue"], "opens": "08:00", "closes": "16:00"}',
        'objects like {"days": ["mon", "tue"], "opens": "08:00", "closes": "16:00"}',
    )
    if (
        not isinstance(value, Mapping)
        or value.keys() != {"days", "opens", "closes"}
        or any(map(is_blank, value.values()))
    ):
        raise expected
    return _hours(weekdays(value["days"]), clock(value["opens"]), clock(value["closes"]))


def _of_text(words: list[tuple[str, str]]) -> Iterator[Hours]:
    tokens = _Tokens(words, _HOURS)
    while tokens.left:
        is_always = tokens.take("always") is not None
        days = _WEEK if is_always and not tokens.left else tokens.days()
        if is_always or tokens.take("always") is not None:
            yield Hours(days=days)
        else:
            for opens, closes in tokens.spans():
                yield _hours(days, opens, closes)
        tokens.take("also")


def _hours(days: tuple[Weekday, ...], opens: time, closes: time) -> Hours:
    if (opens, closes) == _ALL_DAY:
        return Hours(days=days)
    if not opens < closes:
        raise Unreadable(
            "ein Ende nach dem Anfang desselben Tages; was über Mitternacht geht, sind zwei Zeiten",
            "an end after the beginning of the same day; what goes past midnight are two spans",
        )
    return Hours(days=days, opens=opens, closes=closes)


def _words(value: Any, expected: tuple[str, str]) -> list[tuple[str, str]]:
    """The tokens of a text, each with its kind."""
    if not isinstance(value, str):
        raise Unreadable(*expected)
    try:
        plain = folded(text(value))
    except Unreadable:
        raise Unreadable(*expected) from None
    found = []
    place = 0
    while place < len(plain):
        match = _TOKEN.match(plain, place)
        if match is None or match.lastgroup is None:
            raise Unreadable(*expected)
        place = match.end()
        kind, word = match.lastgroup, match[match.lastgroup]
        if kind == "name" and word not in _FILLERS and word not in _NAMES:
            raise Unreadable(*expected)
        if kind != "filler" and word not in _FILLERS:
            found.append((kind, word))
    if not found:
        raise Unreadable(*expected)
    return found


class _Tokens:
    """What is left of a text to be read; every way to read what is not there raises what was expected."""

    def __init__(self, words: list[tuple[str, str]], expected: tuple[str, str]) -> None:
        self.left = words
        self._expected = expected

    def take(self, *kinds: str) -> str | None:
        """The words of these kinds are taken off, and the last given; None, and nothing taken, where others stand."""
        if tuple(kind for kind, _ in self.left[: len(kinds)]) != kinds:
            return None
        taken, self.left = self.left[: len(kinds)], self.left[len(kinds) :]
        return taken[-1][1]

    def days(self) -> tuple[Weekday, ...]:
        """Days and spans of days, up to what is none."""
        found: list[Weekday] = []
        word = self.take("name")
        while word is not None:
            first = _NAMES[word]
            last = self.take("to", "name")
            found.extend(first if last is None else self._span(first, _NAMES[last]))
            word = self.take("also", "name") or self.take("name")
        if not found:
            raise Unreadable(*self._expected)
        return in_week_order(found)

    def _span(self, first: tuple[Weekday, ...], last: tuple[Weekday, ...]) -> Iterator[Weekday]:
        if len(first) != 1 or len(last) != 1:
            raise Unreadable(*self._expected)
        start, end = _WEEK.index(first[0]), _WEEK.index(last[0])
        yield from (_WEEK[place % 7] for place in range(start, end + 1 if start <= end else end + 8))

    def spans(self) -> Iterator[tuple[time, time]]:
        """Spans of hours, up to what is none."""
        opens = self._required_time(self.take("time"))
        while True:
            yield opens, self._required_time(self.take("to", "time"))
            following = self.take("also", "time")
            if following is None:
                return
            opens = self._required_time(following)

    def _required_time(self, word: str | None) -> time:
        found = None if word is None else _time(word)
        if found is None:
            raise Unreadable(*self._expected)
        return found


def _time(word: str) -> time | None:
    hour, _, minute = word.replace(".", ":").partition(":")
    clock_hour, clock_minute = int(hour), int(minute.removesuffix(":00") or 0)
    if (clock_hour, clock_minute) == (24, 0):
        return _LAST_MINUTE
    return time(clock_hour, clock_minute) if clock_hour < 24 and clock_minute < 60 else None


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {function.__name__: function for function in (clock, hours, weekdays)}
)
"""The conversions by the name that a source map calls them."""
