"""The receipt: what became of every record of a delivery, so that a sender can trust it and correct what was wrong."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from adapters.resend import Resend, advice
from mappings.errors import Issue

__all__ = ["Receipt", "Result", "in_language"]

_ISSUES_SHOWN = 200
_RESULTS_SHOWN = 1000


def in_language(reason: str, language: str) -> str:
    """A reason in one language: they are written `deutsch / english`."""
    german, _, english = reason.partition(" / ")
    return english or german if language == "en" else german


@dataclass(slots=True)
class Result:
    """What became of one record: `taken`, `leftOut`, `setAside` or `rejected`; of a taken one each offer, by the
    source's own key: `applied`, `unchanged` or `superseded`."""

    place: str
    outcome: str
    offers: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The result as published."""
        told: dict[str, Any] = {"place": self.place, "outcome": self.outcome}
        if self.offers:
            told["offers"] = [{"id": key, "effect": effect} for key, effect in self.offers.items()]
        return told

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Result":
        """The result that `to_json` wrote."""
        return cls(told["place"], told["outcome"], {one["id"]: one["effect"] for one in told.get("offers", ())})


@dataclass(slots=True, kw_only=True)
class Receipt:
    """Every record is taken, left out, set aside or rejected; every offer of a taken record is applied, unchanged or
    superseded.

    `left_out` counts records that are no care offer, by reason; `unread` counts names of columns, fields and types
    that no map names; `versions` counts the FHIR versions written (public and professional together).
    """

    source: str
    delivery: int = 0
    received_at: str = ""
    records: int = 0
    taken: int = 0
    set_aside: int = 0
    rejected: int = 0
    applied: int = 0
    unchanged: int = 0
    superseded: int = 0
    versions: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    issues: list[Issue] = field(default_factory=list)
    issues_not_shown: int = 0
    results: list[Result] = field(default_factory=list)
    results_not_shown: int = 0
    duplicate: bool = False
    """The same message was taken before; this is what was said then."""
    kept_whole: bool = False
    """What was rejected or set aside lies as it came, so that it can be read again once our side is mended."""
    held: bool = False
    """Nothing of it is in effect: it is unlike what this source sends, and an operator decides (`platzfrei drift`)."""

    @property
    def good(self) -> bool:
        """Nothing was rejected or set aside."""
        return not (self.set_aside or self.rejected)

    @property
    def nothing_taken(self) -> bool:
        """Records came, and none was taken or known to be no offer: whoever sent them must act, or the operator."""
        return bool(self.records) and not (self.held or self.taken or self.left_out)

    @property
    def resend(self) -> Resend:
        """Whether sending it again helps."""
        codes = {issue.code for issue in self.issues if issue.severity == "error"}
        return advice(good=self.good, held=self.held, codes=codes)

    def note(self, *issues: Issue) -> None:
        """Add what was found; beyond a limit only counted."""
        shown = issues[: max(_ISSUES_SHOWN - len(self.issues), 0)]
        self.issues.extend(shown)
        self.issues_not_shown += len(issues) - len(shown)

    def tell(self, *results: Result) -> None:
        """Add what became of records; beyond a limit only counted."""
        shown = results[: max(_RESULTS_SHOWN - len(self.results), 0)]
        self.results.extend(shown)
        self.results_not_shown += len(results) - len(shown)

    def count(self, effect: str, versions: int) -> None:
        """Count what became of an offer."""
        if effect == "applied":
            self.applied += 1
        elif effect == "unchanged":
            self.unchanged += 1
        else:
            self.superseded += 1
        self.versions += versions

    def note_first(self, *issues: Issue) -> None:
        """Add what must be read before all else."""
        self.issues[:0] = issues

    def hold(self) -> None:
        """Nothing of the delivery is in effect: all of it is set aside until somebody decides."""
        self.held = True
        self.set_aside, self.taken, self.rejected = self.records, 0, 0
        self.left_out.clear()
        for result in self.results:
            result.outcome = "setAside"

    def to_json(self) -> dict[str, Any]:
        """The receipt as published: names and codes are stable."""
        return {
            "source": self.source,
            "delivery": self.delivery,
            "receivedAt": self.received_at,
            "duplicate": self.duplicate,
            "held": self.held,
            "records": {
                "received": self.records,
                "taken": self.taken,
                "leftOut": self.left_out.total(),
                "setAside": self.set_aside,
                "rejected": self.rejected,
            },
            "offers": {"applied": self.applied, "unchanged": self.unchanged, "superseded": self.superseded},
            "versions": self.versions,
            "results": [result.to_json() for result in self.results],
            "resultsNotShown": self.results_not_shown,
            "leftOut": [
                {"reason": {"de": in_language(reason, "de"), "en": in_language(reason, "en")}, "count": count}
                for reason, count in self.left_out.most_common()
            ],
            "unread": dict(self.unread.most_common()),
            "issues": [issue.to_json() for issue in self.issues],
            "issuesNotShown": self.issues_not_shown,
            "keptWhole": self.kept_whole,
            "resend": self.resend.to_json(),
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Receipt":
        """The receipt that `to_json` wrote."""
        return cls(
            source=told["source"],
            delivery=told["delivery"],
            received_at=told["receivedAt"],
            records=told["records"]["received"],
            taken=told["records"]["taken"],
            set_aside=told["records"]["setAside"],
            rejected=told["records"]["rejected"],
            applied=told["offers"]["applied"],
            unchanged=told["offers"]["unchanged"],
            superseded=told["offers"]["superseded"],
            versions=told["versions"],
            left_out=Counter(
                {f"{one['reason']['de']} / {one['reason']['en']}": one["count"] for one in told["leftOut"]}
            ),
            unread=Counter(told["unread"]),
            issues=[
                Issue(
                    severity=issue["severity"],
                    code=issue["code"],
                    place=issue["place"],
                    text_de=issue["text"]["de"],
                    text_en=issue["text"]["en"],
                )
                for issue in told["issues"]
            ],
            issues_not_shown=told["issuesNotShown"],
            # Receipts of before 2026-11-22 may tell no results.
            results=[Result.from_json(result) for result in told.get("results", ())],
            results_not_shown=told.get("resultsNotShown", 0),
            kept_whole=told["keptWhole"],
            held=told.get("held", False),
        )
