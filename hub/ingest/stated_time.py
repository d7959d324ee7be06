"""The moment that a report states, held against ours."""

from datetime import datetime, timedelta

from mappings.errors import Issue
from mappings.source_map import Ladder
from mappings.vacancy import State, VacancyReport

__all__ = ["AHEAD", "oddities_of_time"]

AHEAD = timedelta(seconds=10)
"""How far a source's clock may be ahead of ours before its word is clamped."""


def oddities_of_time(report: VacancyReport, received_at: datetime, ladder: Ladder, place: str) -> tuple[Issue, ...]:
    """A warning where the moment that a report states lies in the future, or is so old that it counts no more."""
    if report.valid_at is None:
        return ()
    if report.valid_at + ladder.stale <= received_at:
        if report.state is State.UNKNOWN and report.counts.accepting is None:
            return ()  # It says itself what it counts as.
        return (_expired_already(place, ladder),)
    if report.valid_at <= received_at + AHEAD:
        return ()
    return (
        Issue(
            code="valid-at-in-the-future",
            severity="warning",
            place=place,
            text_de="der Stand liegt in der Zukunft und zählt als jetzt; bitte die Uhr der Quelle prüfen",
            text_en="the statement's time lies in the future and counts as now; please check the source's clock",
        ),
    )


def _expired_already(place: str, ladder: Ladder) -> Issue:
    days = ladder.stale / timedelta(days=1)
    return Issue(
        code="expired-already",
        severity="warning",
        place=place,
        text_de=f"der Stand ist älter als {days:g} Tage: das Angebot gilt als unbekannt, bis ein neuer Stand kommt",
        text_en=f"the statement is older than {days:g} days: the offer counts as unknown until a new one comes",
    )
