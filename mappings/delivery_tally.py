"""A delivery as a whole, counted while its records are read; and what stays of it.

No value of a record is in a `Snapshot`: names of fields that the map names, codes of ours, counts.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.errors import Issue
from mappings.reader import is_blank
from mappings.vacancy import VacancyReport

__all__ = ["FEWEST", "DeliveryTally", "Known", "Mean", "Share", "Snapshot"]

FEWEST = 5
"""A delivery of fewer records is a push: it is neither judged nor learnt."""
_SAMPLE = 2_000
_COUNTS = ("licensed", "operable", "occupied", "held", "accepting", "waiting")

Share = tuple[int, int]
"""How many of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is said of one offer: its free places, and by what its facility is told from others."""

    accepting: int | None
    facility: tuple[str, str, str, str]
    """Name, street, postal code, city."""

    @classmethod
    def of(cls, report: VacancyReport) -> "Known":
        """The same of a report."""
        one, address = report.facility, report.facility.address
        return cls(
            accepting=report.counts.accepting,
            facility=(one.name, address.street, address.postal_code, address.city),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Of how many numbers the mean and standard deviation of log2(1 + number)."""

    count: int
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What stays of a delivery: when it came (microseconds), its size, shares and means by name."""

    at: int
    records: int
    shares: Mapping[str, Share]
    means: Mapping[str, Mean]
    accepted: bool = False
    """A person decided that this is how it is now."""

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "at": self.at,
            "records": self.records,
            "shares": {name: list(share) for name, share in self.shares.items()},
            "means": {
                name: [one.count, round(one.mean, 3), round(one.deviation, 3)] for name, one in self.means.items()
            },
            "accepted": self.accepted,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Snapshot":
        """What `to_json` wrote."""
        return cls(
            at=told["at"],
            records=told["records"],
            shares={name: (part, whole) for name, (part, whole) in told["shares"].items()},
            means={
                name: Mean(count=count, mean=mean, deviation=deviation)
                for name, (count, mean, deviation) in told["means"].items()
            },
            accepted=told["accepted"],
        )


@dataclass(slots=True)
class DeliveryTally:
    """Counts a delivery, record by record, in bounded memory; `names` are the fields that its map reads.

    But for `records` nothing is counted before there are `FEWEST`, or somebody asks for the snapshot.
    """

    names: frozenset[str]
    records: int = 0
    offers: int = 0
    sample: dict[str, Known] = field(default_factory=dict)
    """Some of its offers by key, to hold against what is known of them; the same ones in each delivery."""
    known: Mapping[str, Known] | None = None
    """What was known of the sampled offers before the delivery, once somebody has looked."""
    _shares: Counter[str] = field(default_factory=Counter)
    _there: Counter[str] = field(default_factory=Counter)
    _filled: Counter[str] = field(default_factory=Counter)
    _numbers: dict[str, list[float]] = field(default_factory=dict)
    _coarseness: int = 1
    _first: list[tuple[Mapping[str, Any] | None, Iterable[Issue], Sequence[VacancyReport]]] = field(
        default_factory=list
    )
    """Records that are not counted yet: most deliveries have too few to be compared."""

    def add(self, fields: Mapping[str, Any] | None, issues: Iterable[Issue], reports: Sequence[VacancyReport]) -> None:
        """Count one record: its fields as they passed the patient filter (None: it is broken), what is wrong with it,
        and what it says."""
        self.records += 1
        self._first.append((fields, issues, reports))
        if self.records >= FEWEST:
            self._count_first()

    def _count_first(self) -> None:
        first, self._first = self._first, []
        for fields, issues, reports in first:
            self._count_record(fields, issues, reports)

    def _count_record(
        self, fields: Mapping[str, Any] | None, issues: Iterable[Issue], reports: Sequence[VacancyReport]
    ) -> None:
        wrong = {issue.code for issue in issues if issue.severity == "error"}
        self._shares["unreadable"] += bool(wrong)
        self._shares["unknown-code"] += "unknown-code" in wrong
        if fields is not None:
            there: set[str] = set()
            filled: set[str] = set()
            _look(fields, "", self.names, there, filled)
            self._there.update(there)
            self._filled.update(filled)
        for report in reports:
            self._count(report)

    def _count(self, report: VacancyReport) -> None:
        shares, counts = self._shares, report.counts
        self.offers += 1
        accepting = counts.accepting
        shares["zero"] += accepting is not None and accepting <= 0
        shares["blank"] += accepting is None
        shares["position"] += report.facility.position is not None
        shares["valid-at"] += report.valid_at is not None
        shares[f"form {report.offer.care_form}"] += 1
        for name in _COUNTS:
            number = getattr(counts, name)
            if number is not None and number > 0:
                size = math.log2(1 + number)
                sums = self._numbers.setdefault(name, [0, 0.0, 0.0])
                sums[0] += 1
                sums[1] += size
                sums[2] += size * size
        key = report.offer.key
        if self._is_sampled(key):
            self.sample[key] = Known.of(report)
            if len(self.sample) > 2 * _SAMPLE:
                self._coarseness *= 2
                self.sample = {one: said for one, said in self.sample.items() if self._is_sampled(one)}

    def _is_sampled(self, key: str) -> bool:
        return self._coarseness == 1 or _spread(key) % self._coarseness == 0

    def snapshot(self, *, at: int, known: Mapping[str, Known], accepted: bool = False) -> Snapshot:
        """What stays of the delivery; `known` is what was known of the sampled offers before it, by key."""
        self._count_first()
        of_offers = ("zero", "blank", "position", "valid-at")
        shares: dict[str, Share] = {
            name: (self._shares[name], self.offers if name in of_offers or name.startswith("form ") else self.records)
            for name in (*of_offers, "unreadable", "unknown-code", *self._shares)
        }
        shares |= {f"column {name}": (count, self.records) for name, count in self._there.items()}
        shares |= {f"field {name}": (count, self.records) for name, count in self._filled.items()}
        if self.sample:
            shares |= self._changes(known)
        return Snapshot(
            at=at,
            records=self.records,
            shares={name: share for name, share in shares.items() if share[1]},
            means={name: _mean(*sums) for name, sums in self._numbers.items()},
            accepted=accepted,
        )

    def _changes(self, known: Mapping[str, Known]) -> dict[str, Share]:
        pairs = [(known[key], said) for key, said in self.sample.items() if key in known]
        was_free = [said for before, said in pairs if (before.accepting or 0) > 0]
        was_full = [said for before, said in pairs if before.accepting is not None and before.accepting <= 0]
        moved = sum(sum(map(str.__ne__, before.facility, said.facility)) >= 2 for before, said in pairs)
        return {
            "known": (len(pairs), len(self.sample)),
            "emptied": (sum(said.accepting is not None and said.accepting <= 0 for said in was_free), len(was_free)),
            "opened": (sum((said.accepting or 0) > 0 for said in was_full), len(was_full)),
            "moved": (moved, len(pairs)),
        }


def _look(node: Mapping[str, Any], prefix: str, names: frozenset[str], there: set[str], filled: set[str]) -> None:
    """Which of the names are in a record, and which of them say something; one in a list by its way."""
    for key, value in node.items():
        name = prefix + key if prefix else key
        if name in names:
            there.add(name)
            # Asked for each field of each record: what is usual is told apart without a call.
            if (value and not value.isspace()) if type(value) is str else not is_blank(value):
                filled.add(name)
        if type(value) in _SCALARS:
            continue
        if isinstance(value, Mapping):
            _look(value, f"{name}.", names, there, filled)
        elif isinstance(value, list):
            for element in value:
                if isinstance(element, Mapping):
                    _look(element, f"{name}.", names, there, filled)


_SCALARS = frozenset({str, int, bool, type(None)})


def _spread(key: str) -> int:
    """A number that is the same in every process, and evenly spread."""
    number = 2166136261
    for byte in key.encode("utf-8", "replace"):
        number = ((number ^ byte) * 16777619) & 0xFFFFFFFF
    return number ^ number >> 15


def _mean(count: float, total: float, squares: float) -> Mean:
    mean = total / count
    return Mean(count=int(count), mean=mean, deviation=math.sqrt(max(squares / count - mean * mean, 0.0)))
