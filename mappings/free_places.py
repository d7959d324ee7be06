"""From when the free places of a report can be taken, for formats that say one number for today."""

from datetime import date

from mappings.vacancy import BlockStatus, VacancyReport

__all__ = ["AT_LEAST", "free_later"]

AT_LEAST = "Mindestens so viele. / So many at least."
"""What stands beside a coarsened number where a format has room for a sentence."""


def free_later(report: VacancyReport, today: date) -> dict[date, int]:
    """Of the places that the report counts as accepting, those that cannot be taken today: how many by the day from
    which they can, in the order of the days. A report without a number has none."""
    left = max(report.counts.accepting or 0, 0)
    later: dict[date, int] = {}
    starts = [
        (block.start, block.count)
        for block in report.blocks
        if block.status is BlockStatus.FREE and block.start is not None and block.start > today
    ]
    for start, count in sorted(starts):
        taken = min(max(count, 0), left)
        if taken:
            later[start] = later.get(start, 0) + taken
            left -= taken
    return later
