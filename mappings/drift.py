"""Drift: whether a delivery, as a whole, looks like those of its source before; a column that vanishes, a code that is
new, numbers that jump.

A `Profile` holds the snapshots of deliveries that were taken. Deliveries are compared with those of like size, so that
a nightly export and the pushes of the day do not blur each other; the range of the earlier values, widened by what
chance explains and by a tolerance, is what is expected.
"""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mappings.delivery_tally import FEWEST, Share, Snapshot
from mappings.errors import Issue, Severity

__all__ = ["Profile", "findings"]

_ALIKE = 3
"""So many deliveries of like size are learnt before another one is judged by them."""
_REGULAR = 5
_LIKE_SIZE = 3.0
_KEPT = 30
"""So many snapshots of a class of sizes are kept."""
_HOUR = 3_600_000_000
_SIGMAS = 5.0
_BY_CHANCE = 1e-6
_TAIL = 1e-4
"""A share is outside of its range where chance alone brings it there less often than this."""
_THROUGHOUT = 1e-3
"""The same of what is said of every offer at once, by the whole of what was said before, not by its worst day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The deliveries of a source that were taken, the oldest first, of each class of sizes the last thirty."""

    snapshots: tuple[Snapshot, ...] = ()

    def to_json(self) -> list[dict[str, Any]]:
        """As it is stored."""
        return [one.to_json() for one in self.snapshots]

    @classmethod
    def from_json(cls, told: Sequence[Mapping[str, Any]]) -> "Profile":
        """What `to_json` wrote."""
        return cls(snapshots=tuple(Snapshot.from_json(one) for one in told))

    def alike(self, records: int) -> tuple[Snapshot, ...]:
        """The snapshots of deliveries that a delivery of so many records can be held against."""
        return tuple(one for one in self.snapshots if records / _LIKE_SIZE <= one.records <= records * _LIKE_SIZE)

    def is_news(self, at: int, records: int) -> bool:
        """Whether a delivery would teach anything: of like ones, after the first ten, one an hour is enough."""
        of_class = [one for one in self.snapshots if _size_class(one.records) == _size_class(records)]
        return records >= FEWEST and (len(of_class) < 10 or not 0 <= at - of_class[-1].at < _HOUR)

    def with_one_more(self, snapshot: Snapshot) -> "Profile":
        """The profile that knows this delivery, too."""
        if not self.snapshots:
            # Nothing was known before the first delivery: that all is new in it says nothing.
            snapshot = Snapshot(
                at=snapshot.at,
                records=snapshot.records,
                shares={name: share for name, share in snapshot.shares.items() if name not in _OF_CHANGES},
                means=snapshot.means,
                accepted=snapshot.accepted,
            )
        kept = [*self.snapshots, snapshot]
        of_class = [one for one in kept if _size_class(one.records) == _size_class(snapshot.records)]
        if len(of_class) > _KEPT:
            kept.remove(of_class[0])
        return Profile(snapshots=tuple(kept))


_OF_CHANGES = frozenset({"known", "emptied", "opened", "moved"})


def _size_class(records: int) -> int:
    return int(math.log(max(records, 1), 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """By how much a share may rise above or fall below its range before it is drift, and what is then said."""

    name: str
    code: str
    german: str
    english: str
    up: float = 2.0
    down: float = 2.0
    throughout: bool = False
    """Whether it is drift by itself that it is so of all offers, where that never was and is improbable."""


_BLANK = ("Anteil der Angebote ohne Zahl freier Plätze", "share of offers without a number of free places")
_WATCHES = (
    _Watch(
        name="unreadable",
        code="drift-unreadable",
        german="Anteil der Datensätze mit Fehlern",
        english="share of records with errors",
        up=0.2,
    ),
    _Watch(
        name="unknown-code",
        code="drift-code",
        german="Anteil der Datensätze mit unbekanntem Code",
        english="share of records with an unknown code",
        up=0.1,
    ),
    _Watch(
        name="zero",
        code="drift-numbers",
        german="Anteil der Angebote mit 0 freien Plätzen",
        english="share of offers with 0 free places",
        up=0.25,
        down=0.25,
        throughout=True,
    ),
    _Watch(
        name="blank",
        code="drift-numbers",
        german=_BLANK[0],
        english=_BLANK[1],
        up=0.25,
        throughout=True,
    ),
    _Watch(
        name="emptied",
        code="drift-change",
        german="Anteil der Angebote, die von frei auf 0 fallen",
        english="share of offers that go from free to 0",
        up=0.3,
    ),
    _Watch(
        name="opened",
        code="drift-change",
        german="Anteil der Angebote, die von 0 auf frei steigen",
        english="share of offers that go from 0 to free",
        up=0.3,
    ),
    _Watch(
        name="moved",
        code="drift-facility",
        german="Anteil der Angebote, deren Einrichtung anders heißt und anderswo liegt",
        english="share of offers whose facility has another name and place",
        up=0.3,
    ),
    _Watch(
        name="position",
        code="drift-facility",
        german="Anteil der Angebote mit brauchbaren Koordinaten",
        english="share of offers with coordinates that can be used",
        down=0.3,
    ),
    _Watch(
        name="valid-at",
        code="drift-facility",
        german="Anteil der Angebote mit einem Stand",
        english="share of offers that say as of when",
        down=0.3,
    ),
)


def findings(profile: Profile, now: Snapshot) -> tuple[Issue, ...]:
    """What about a delivery is unlike those before, with numbers expected and found.

    An error is reason enough to hold the delivery; a warning is not. Empty where too little is learnt to judge by.
    """
    if now.records < FEWEST:
        return ()
    found = [*_size(profile, now)]
    alike = profile.alike(now.records)
    if len(alike) >= _ALIKE:
        found += _vanished(alike, now)
        found += _shares(alike, now)
        found += _forms(alike, now)
        found += _keys(alike, now)
        found += _means(alike, now)
    return tuple(found)


def _size(profile: Profile, now: Snapshot) -> Iterator[Issue]:
    sizes = sorted(one.records for one in profile.snapshots)
    # What was new when it came is a part of something larger, sent in portions: only what is said again has a size.
    repeated = [one.records for one in profile.snapshots if _part(one, "known") >= 0.5]
    if len(repeated) < _REGULAR:
        return
    if now.records > 3 * sizes[-1] and now.records - sizes[-1] >= 100:
        yield _said("drift-size", "", "Zahl der Datensätze", "number of records", f"≤ {sizes[-1]}", f"{now.records}")
        return
    next_size = next((size for size in sizes if size >= now.records), 0)
    regular = [size for size in repeated if 0.8 * next_size <= size <= 1.5 * next_size]
    if len(regular) < _REGULAR:
        return
    usual = statistics.median(regular[-_REGULAR:])
    between = any(0.1 * usual <= size < 0.6 * usual for size in sizes)
    if between or now.records >= 0.6 * usual or usual - now.records < FEWEST:
        return
    never_few = sizes[0] >= 0.6 * usual
    if now.records >= 0.1 * usual or never_few:
        yield _said(
            "drift-size",
            "",
            "Zahl der Datensätze",
            "number of records",
            f"{min(regular)}–{max(regular)}",
            f"{now.records}",
            # So few are rather the first push of somebody who sent everything before; nothing is deleted by it.
            severity="error" if now.records >= 0.1 * usual else "warning",
        )


def _vanished(alike: Sequence[Snapshot], now: Snapshot) -> Iterator[Issue]:
    names = {name for one in alike for name in one.shares if name.startswith("field ")}
    for name in sorted(names):
        if now.shares.get(name, (0, 0))[0]:
            continue
        low, high = _range(alike, name)[0], max(_part(one, name) for one in alike)
        if high <= 0.0:
            continue
        column = f"column {name.removeprefix('field ')}"
        is_gone = column not in now.shares and _range(alike, column)[0] >= 1.0
        if is_gone or (low > 0.0 and (1 - _smoothed(alike, name, low)) ** now.records < _BY_CHANCE):
            yield _said(
                "drift-column",
                name.removeprefix("field "),
                "Spalte fehlt oder ist durchgehend leer; gefüllt waren sonst"
                if not is_gone
                else "Spalte fehlt; gefüllt waren sonst",
                "the column is missing or blank throughout; usually filled"
                if not is_gone
                else "the column is missing; usually filled",
                _between(low, high),
                "0 %",
                severity="error" if high >= 0.01 else "warning",
            )


def _shares(alike: Sequence[Snapshot], now: Snapshot) -> Iterator[Issue]:
    blank, offers = now.shares.get("blank", (0, 0))
    low, high = _range(alike, "blank")
    if offers and not blank and low > 0.0 and (1 - _smoothed(alike, "blank", low)) ** offers < _BY_CHANCE:
        # What nobody knows became a number, most often 0.
        german, english = _BLANK
        yield _of_share("drift-numbers", "", german, english, (low, high), (blank, offers))
    for watch in _WATCHES:
        bounds = _outside(alike, now, watch.name, up=watch.up, down=watch.down)
        if bounds is None and watch.throughout:
            bounds = _throughout(alike, now, watch.name, up=watch.up)
        if bounds is not None:
            yield _of_share(watch.code, "", watch.german, watch.english, bounds, now.shares[watch.name])
    for name in sorted(now.shares):
        if name.startswith("field ") and now.shares[name][0]:
            bounds = _outside(alike, now, name, down=0.4)
            if bounds is not None:
                place = name.removeprefix("field ")
                yield _of_share(
                    "drift-column", place, "Anteil gefüllter Zellen", "share of filled cells", bounds, now.shares[name]
                )


def _forms(alike: Sequence[Snapshot], now: Snapshot) -> Iterator[Issue]:
    """Care forms that come up or go, by the codes that the source's words were translated to."""
    offers = now.shares.get("zero", (0, 0))[1]
    for name in sorted({name for one in (*alike, now) for name in one.shares if name.startswith("form ")}):
        bounds = _outside(alike, now, name, up=0.25, down=0.25, whole=offers)
        if bounds is not None:
            code = name.removeprefix("form ")
            yield _of_share(
                "drift-code",
                "",
                f"Anteil der Versorgungsform {code}",
                f"share of the care form {code}",
                bounds,
                now.shares.get(name, (0, offers)),
            )


def _keys(alike: Sequence[Snapshot], now: Snapshot) -> Iterator[Issue]:
    """Offers that nobody knows, where those that were known do not come any more: keys have changed."""
    bounds = _outside(alike, now, "known", down=0.4)
    if bounds is None:
        return
    before = min(_part(one, "known") * one.records for one in alike if "known" in one.shares)
    if _part(now, "known") * now.records < 0.6 * before:
        yield _of_share(
            "drift-keys",
            "",
            "Anteil der Angebote, die schon bekannt sind: ihre Schlüssel sind andere geworden",
            "share of offers that are known already: their keys have become others",
            bounds,
            now.shares["known"],
        )


def _means(alike: Sequence[Snapshot], now: Snapshot) -> Iterator[Issue]:
    for name, one in sorted(now.means.items()):
        before = [snapshot.means[name] for snapshot in alike if name in snapshot.means]
        before = [each for each in before if each.count >= FEWEST]
        if one.count < FEWEST or len(before) < _ALIKE:
            continue
        low, high = min(each.mean for each in before), max(each.mean for each in before)
        deviation = max(each.deviation for each in before)
        allowed = 0.8 * _caution(alike) + _SIGMAS * deviation / math.sqrt(one.count)
        if low - one.mean > allowed or one.mean - high > allowed:
            german, english = _COUNT_NAMES[name]
            expected = f"{_typical(low)}–{_typical(high)}"
            yield _said(
                "drift-numbers",
                "",
                f"übliche Zahl {german} Plätze, wo welche genannt sind",
                f"usual number of {english} places, where there are any",
                expected,
                _typical(one.mean),
            )


_COUNT_NAMES = {
    "licensed": ("zugelassener", "licensed"),
    "operable": ("betreibbarer", "operable"),
    "occupied": ("belegter", "occupied"),
    "held": ("reservierter", "held"),
    "accepting": ("freier", "free"),
    "waiting": ("wartender Menschen auf", "waited-for"),
}


def _outside(
    alike: Sequence[Snapshot], now: Snapshot, name: str, *, up: float = 2.0, down: float = 2.0, whole: int = 0
) -> tuple[float, float] | None:
    """The range of a share before, where the share is outside of it by more than chance and tolerance explain."""
    part, of = now.shares.get(name, (0, whole))
    if of < FEWEST or not any(name in one.shares for one in (*alike, now)):
        return None
    with_it = alike if whole else [one for one in alike if name in one.shares]
    if len(with_it) < _ALIKE:
        return None
    low, high = _range(with_it, name)
    share, caution = part / of, _caution(with_it)
    above, below = share - high, low - share
    distance, tolerance = (above, up) if above > below else (below, down)
    if distance <= tolerance * caution or distance * of < FEWEST:
        return None
    if above > below:
        by_chance = _at_least(part, of, _smoothed(with_it, name, high))
    else:
        by_chance = _at_least(of - part, of, 1 - _smoothed(with_it, name, low))
    return (low, high) if by_chance < _TAIL else None


def _throughout(alike: Sequence[Snapshot], now: Snapshot, name: str, *, up: float) -> tuple[float, float] | None:
    """The range of a share before, where it is of all offers now, far beyond that range, and improbably so.

    The chance is that of drawing as many again, all alike, after what was drawn before (Pólya's urn, begun with a half
    of each), so few deliveries prove little. It takes offers for independent of each other: that is why the range
    counts, too.
    """
    part, of = now.shares.get(name, (0, 0))
    with_it = [one for one in alike if name in one.shares]
    if not of or part < of or len(with_it) < _ALIKE:
        return None
    low, high = _range(with_it, name)
    if 1.0 - high <= up * _caution(with_it):
        return None
    had, whole = (sum(one.shares[name][which] for one in with_it) for which in (0, 1))
    chance = math.prod((had + 0.5 + drawn) / (whole + 1 + drawn) for drawn in range(of))
    return (low, high) if chance < _THROUGHOUT else None


def _at_least(part: int, of: int, share: float) -> float:
    """The probability of so many or more of so many, each with the probability `share`, which is between 0 and 1."""
    begin = math.lgamma(of + 1)
    return sum(
        math.exp(
            begin
            - math.lgamma(each + 1)
            - math.lgamma(of - each + 1)
            + each * math.log(share)
            + (of - each) * math.log1p(-share)
        )
        for each in range(part, of + 1)
    )


def _range(alike: Sequence[Snapshot], name: str) -> tuple[float, float]:
    """Lowest and highest share before; of many without a tenth on either side, but with the last ones, since things
    change slowly, and with what a person accepted."""
    shares = sorted(_part(one, name) for one in alike)
    cut = len(shares) // 10
    inner = shares[cut : len(shares) - cut]
    inner += [_part(one, name) for one in alike[-_ALIKE:]]
    inner += [_part(one, name) for one in alike if one.accepted]
    return min(inner), max(inner)


def _smoothed(alike: Sequence[Snapshot], name: str, share: float) -> float:
    """A share as it may be in truth: one of 0 or 1 was only never seen otherwise."""
    whole = sum(one.shares[name][1] for one in alike if name in one.shares) or 1
    return (share * whole + 0.5) / (whole + 1)


def _caution(alike: Sequence[Snapshot]) -> float:
    return 1.5 if len(alike) < 2 * _ALIKE else 1.0


def _part(snapshot: Snapshot, name: str) -> float:
    part, whole = snapshot.shares.get(name, (0, 1))
    return part / whole


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _typical(mean: float) -> str:
    return f"{2**mean - 1:.1f}"


def _of_share(code: str, place: str, german: str, english: str, bounds: tuple[float, float], share: Share) -> Issue:
    low, high = bounds
    expected = _between(low, high)
    return _said(code, place, german, english, expected, f"{_percent(share[0] / share[1])} ({share[0]}/{share[1]})")


def _said(
    code: str, place: str, german: str, english: str, expected: str, found: str, *, severity: Severity = "error"
) -> Issue:
    return Issue(
        code=code,
        place=place,
        text_de=f"{german}: erwartet nach früheren Lieferungen {_commas(expected)}, gefunden {_commas(found)}.",
        text_en=f"{english}: expected by earlier deliveries {expected}, found {found}.",
        severity=severity,
        fhir_code="business-rule",
    )


def _between(low: float, high: float) -> str:
    return _percent(low) if _percent(low) == _percent(high) else f"{_percent(low)}–{_percent(high)}"


def _commas(numbers: str) -> str:
    return numbers.replace(".", ",")
