"""What a hub has heard of invented courses: all that was said until a day, and nothing of what came after."""

from bisect import bisect_right

from hub.demo.courses import courses, heard
from hub.demo.regimes import REGIMES


def test_a_hub_has_heard_what_was_said_by_then_and_no_more() -> None:
    told = courses(4, REGIMES["mixed"], offers=30, days=40)
    assert tuple(heard(told, told.as_of)) == told.runs
    then = (told.since + told.as_of) // 2
    runs = list(heard(told, then))
    assert 0 < len(runs) < len(told.runs)
    assert max(run.until for run in runs) <= then
    assert all(run.ended is None or run.ended <= then for run in runs)
    for offer, moments in told.said_at.items():
        assert sum(run.said for run in runs if run.offer == offer) == bisect_right(moments, then)
