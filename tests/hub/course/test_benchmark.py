"""What the benchmark lets the estimator know: all that was said until a day, and nothing of what came after."""

import sys
from bisect import bisect_right
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from hub.demo.courses import courses
from hub.demo.regimes import REGIMES


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program, which is in no package."""
    spec = spec_from_file_location("still_free", Path(__file__).parents[3] / "benchmarks/still_free.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "still_free", module)
    spec.loader.exec_module(module)
    return module


def test_a_hub_has_heard_what_was_said_by_then_and_no_more(benchmark: Any) -> None:
    told = courses(4, REGIMES["mixed"], offers=30, days=40)
    assert tuple(benchmark.heard(told, told.as_of)) == told.runs
    then = (told.since + told.as_of) // 2
    runs = list(benchmark.heard(told, then))
    assert 0 < len(runs) < len(told.runs)
    assert max(run.until for run in runs) <= then
    assert all(run.ended is None or run.ended <= then for run in runs)
    for offer, moments in told.said_at.items():
        assert sum(run.said for run in runs if run.offer == offer) == bisect_right(moments, then)
