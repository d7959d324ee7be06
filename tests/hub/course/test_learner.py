"""Once a day the hub learns from what it recorded, keeps that, and tells what is shown of it."""

import json
import math
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import insert

from hub import cli
from hub.course.learnt import Learnt, keep
from hub.course.run import Run
from hub.course.still_free import Model, Showing, fit
from hub.hub import Hub
from hub.store.clock import micros
from hub.store.tables import course_run
from tests.conftest import Clock
from tests.hub.course.looked_at import FORM, memoryless
from tests.hub.region import report, tell

GAPS = (12.0, 24.0, 24.0, 48.0, 90.0)


def told(seed: int) -> list[Run]:
    rng = Random(seed)
    return [
        *memoryless(rng, "csv-long", 1 / 30, offers=20, words=60, gaps=GAPS),
        *memoryless(rng, "json", 1 / 300, offers=20, words=60, gaps=GAPS),
    ]


def recorded(hub: Hub, runs: list[Run], clock: Clock) -> None:
    """As if the hub had heard them until now."""
    shift = micros(clock()) - max(run.until for run in runs)
    rows = [
        {
            "source": run.source,
            "offer": run.offer,
            "care_form": run.care_form,
            "state": run.state.value,
            "accepting": run.accepting,
            "since": run.since + shift,
            "until": run.until + shift,
            "ended": run.ended + shift,
            "said": run.said,
        }
        for run in runs
        if run.ended is not None
    ]
    with hub.database.writing() as connection:
        connection.execute(insert(course_run), rows)


def known(hub: Hub, learnt: Learnt) -> Model | None:
    with hub.database.snapshot() as reader:
        return learnt.model(reader)


def test_what_was_learnt_is_kept_and_told(hub: Hub, clock: Clock) -> None:
    learnt = Learnt()
    assert known(hub, learnt) is None
    recorded(hub, told(1), clock)
    made = hub.learner.learn()
    model = known(hub, learnt)
    assert model is not None
    assert model.scores == made.scores
    assert known(hub, learnt) is model
    for source, rate in (("csv-long", 1 / 30), ("json", 1 / 300)):
        assert model.scores[source, FORM, 1].verdict is Showing.SHOWN
        for hours in (6, 24, 70):
            found = model.probability(source, FORM, 1, timedelta(hours=hours))
            assert found == made.probability(source, FORM, 1, timedelta(hours=hours))
            assert found == pytest.approx(math.exp(-rate * hours), abs=0.08)
    # Nobody ever reported two places: of these nothing is foretold.
    assert model.probability("json", FORM, 2, timedelta(hours=5), places=2) is None
    assert model.probability("csv-wide", FORM, 1, timedelta(hours=5)) is None


def test_it_learns_once_a_day_and_who_answers_sees_the_new_model(hub: Hub, clock: Clock) -> None:
    learnt = Learnt()
    recorded(hub, told(1), clock)
    assert hub.learner.learn_if_due()
    first = known(hub, learnt)
    clock.forward(hours=23)
    assert not hub.learner.learn_if_due()
    assert known(hub, learnt) is first
    clock.forward(hours=2)
    recorded(hub, told(2), clock)
    assert hub.learner.learn_if_due()
    second = known(hub, learnt)
    assert second is not None and first is not None
    assert second is not first
    assert second.scores != first.scores


def test_only_what_is_shown_is_kept_of_the_curves(hub: Hub) -> None:
    model = fit(told(1), now=10**18)
    worse = {key: score for key, score in model.scores.items() if key[0] == "json"}
    with hub.database.transaction() as transaction:
        keep(transaction, Model(curves=model.curves, scores=worse, ladder={}), at=1)
    found = known(hub, Learnt())
    assert found is not None
    assert set(found.curves) == {("json", FORM)}
    assert found.scores == worse


def test_the_hub_learns_from_what_it_was_told(hub: Hub, clock: Clock) -> None:
    for day in range(40):
        tell(hub, *(report(f"h{number}", free=(day + number) % 3, valid_at=clock()) for number in range(6)))
        clock.forward(days=1)
    score = hub.learner.learn().scores["test", "kurzzeitpflege-solitaer", 1]
    # Two of three words of each offer tell of free places, and of each the next word tells; not of the last.
    assert score.looks == sum((day + number) % 3 > 0 for day in range(39) for number in range(6))
    assert score.gone == sum((day + number) % 3 == 2 for day in range(39) for number in range(6))


def test_the_command_tells_where_it_is_shown(
    hub: Hub, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATZFREI_FOLDER", str(hub.settings.folder))
    options = ["--database", hub.settings.database]
    assert cli.main(["still-free", *options, "--language", "en"]) == 0
    assert "nothing is known yet" in capsys.readouterr().out
    recorded(hub, told(1), clock)
    assert cli.main(["still-free", *options, "--learn", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["source"], row["places"], row["shown"]) for row in rows] == [("csv-long", 1, True), ("json", 1, True)]
    assert all(row["brier"] < row["ladder"] for row in rows)
    assert cli.main(["still-free", *options, "--language", "de"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split()[:2] == ["Quelle", "Versorgungsform"]
    assert [line.split()[-1] for line in out.splitlines() if line.startswith(("json", "csv-long"))] == ["ja", "ja"]
