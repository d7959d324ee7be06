"""What the runs of one offer come to: how often something else was found, and how long free places lasted."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hub.course.run import Run
from mappings.vacancy import State

__all__ = ["DAY", "OfferCourse", "Rhythm", "day_of", "level", "offer_course"]

_HOUR = 3_600_000_000
DAY = 24 * _HOUR

_GAPS = (3 * _HOUR, 15 * _HOUR, 36 * _HOUR, 5 * DAY, 10 * DAY)
_LEVELS = (1, 2, 3, 4, 6, 10)
_SOON = 3 * _HOUR
"""Of who says only what changes: whether the next word came at once."""
_REPEATING = 0.3
"""Of what an offer's source says: who repeats less sends changes alone, and its silence says nothing."""
_DAYS_MOST = 84
_LONGEST_SILENCE = 4

Rhythm = int
"""How often something is said: the number of a gap; -1: on change alone."""


@dataclass(slots=True)
class OfferCourse:
    """One offer of one source; a level is a number of places, large ones in classes, or a state without a number."""

    source: str
    offer: str
    care_form: str
    begun: int
    rhythm: Rhythm = -1
    looks: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    """(level, how long after the last word) → how often it was looked at again, how often something else was said."""
    standing: Run | None = None
    """What is said now, where it says that something is free."""
    last: Run | None = None
    lasting: dict[str, list[float]] = field(default_factory=dict)
    """Level → how often fewer places were said next, and over how many days that level stood."""
    ended: int = 0
    """How often something free was said and then something else."""
    gone: int = 0
    """Of these: the very next word was that there are fewer; of who says only what changes, within three hours."""
    gone_after: float = 0.0
    """Hours, all of these together, until that word."""
    last_gone: int = 0
    changes: int = 0
    """Between days, where something was said a week before, too."""
    repeated: int = 0
    """Of these: the same from and to as a week before."""
    copied_from: int | None = None
    """The first day since when every day is as a week before."""
    copied_until: int = 0
    copied_before: tuple[int, int] = (0, 0)
    """`repeated` and `changes` until then."""
    copied_changes: tuple[int, ...] = ()
    """The days since then on which something changed."""

    @property
    def repeats(self) -> bool:
        """Whether it says again what has not changed."""
        return self.rhythm >= 0

    @property
    def follows_the_week(self) -> bool:
        """Whether most of its changes are those of the week before, as where guests come on fixed weekdays."""
        return self.changes >= 4 and 2 * self.repeated >= self.changes

    @property
    def standing_look(self) -> tuple[str, int] | None:
        """The level of what is said last, and how often it is said again."""
        if self.last is None or self.last.said < 2:
            return None
        return level(self.last), _gap((self.last.until - self.last.since) // (self.last.said - 1))


def offer_course(runs: Sequence[Run]) -> OfferCourse:
    """What the runs of one offer, in order of time, come to."""
    first, last = runs[0], runs[-1]
    made = OfferCourse(source=first.source, offer=first.offer, care_form=first.care_form, begun=first.since, last=last)
    again = sum(run.said - 1 for run in runs)
    if again > _REPEATING * sum(run.said for run in runs):
        made.rhythm = _gap(sum(run.until - run.since for run in runs) // again)
    for run, following in zip(runs, [*runs[1:], None], strict=True):
        _add(made, run, following)
    if _is_free(last) and last.ended is None:
        made.standing = last
    _find_copies(made, runs)
    return made


def level(run: Run) -> str:
    """What a run says, numbers that are much alike together."""
    if run.accepting is None or run.accepting == 0:
        return run.state.value
    return str(_LEVELS[bisect_right(_LEVELS, run.accepting) - 1])


def day_of(moment: int) -> int:
    """The day of a moment, counted from 1970, by the winter's clock of Germany."""
    return (moment + _HOUR) // DAY


def _gap(length: int) -> int:
    return bisect_right(_GAPS, length)


def _is_free(run: Run) -> bool:
    return run.state is State.SOME and run.accepting != 0


def _is_fewer(run: Run, following: Run) -> bool:
    if following.state is State.NONE:
        return True
    both = run.accepting is not None and following.accepting is not None
    return both and (following.accepting or 0) < (run.accepting or 0)


def _add(made: OfferCourse, run: Run, following: Run | None) -> None:
    if run.state is State.UNKNOWN:
        return
    here = level(run)
    if run.said > 1:
        made.looks.setdefault((here, _gap((run.until - run.since) // (run.said - 1))), [0, 0])[0] += run.said - 1
    known = following is not None and following.state is not State.UNKNOWN
    if following is not None and known:
        counted = made.looks.setdefault((here, _gap(following.since - run.until)), [0, 0])
        counted[0] += 1
        counted[1] += 1
    if not _is_free(run):
        return
    if following is None:
        made.lasting.setdefault(here, [0, 0.0])[1] += (run.until - run.since) / DAY
        return
    # When it changed between two words nobody knows: in the middle; who sends changes says it at once.
    silence = following.since - run.until
    lasted = run.until - run.since + (silence // 2 if made.repeats else silence)
    counts = made.lasting.setdefault(here, [0, 0.0])
    counts[1] += lasted / DAY
    if not known:
        return
    made.ended += 1
    if _is_fewer(run, following):
        counts[0] += 1
        if run.said == 1 and (made.repeats or silence <= _SOON):
            made.gone += 1
            made.gone_after += silence / _HOUR
            made.last_gone = following.since


def _find_copies(made: OfferCourse, runs: Sequence[Run]) -> None:
    said: dict[int, tuple[State, int | None]] = {}
    last = day_of(runs[-1].until)
    for run in runs:
        for day in range(max(day_of(run.since), last - _DAYS_MOST), day_of(run.until) + 1):
            said[day] = (run.state, run.accepting)
    before = {day: earlier for earlier, day in pairwise(sorted(said)) if day - earlier <= _LONGEST_SILENCE}
    moved: dict[int, bool] = defaultdict(bool)
    for day, earlier in before.items():
        if said[day] != said[earlier] and day - 7 in said and earlier - 7 in said:
            moved[day] = said[day] == said[day - 7] and said[earlier] == said[earlier - 7]
    made.changes, made.repeated = len(moved), sum(moved.values())
    copied = []
    for day in sorted(said, reverse=True):
        if day - 7 not in said:
            continue
        if said[day] != said[day - 7]:
            break
        copied.append(day)
    if copied:
        made.copied_from, made.copied_until = copied[-1], copied[0]
        made.copied_changes = tuple(day for day in moved if day >= copied[-1] and before[day] >= copied[-1])
        earlier_on = [same for day, same in moved.items() if day < copied[-1]]
        made.copied_before = (sum(earlier_on), len(earlier_on))
