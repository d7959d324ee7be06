"""`platzfrei still-free`: where the hub says how likely a place is still free, and how good that is."""

import argparse
from collections.abc import Sequence

from hub.commands.json_list import json_list
from hub.commands.options import opened, parser, run, text
from hub.commands.table import table
from hub.course.learnt import Learnt
from hub.course.still_free import Model, Showing

__all__ = ["main"]

_VERDICTS = {
    Showing.SHOWN: ("ja", "yes"),
    Showing.FEW: ("nein, zu wenig bekannt", "no, too little is known"),
    Showing.ON_CHANGE: ("nein, meldet bei Änderung", "no, reports upon changes"),
    Showing.WEEKLY: ("nein, trägt wöchentlich ein", "no, enters changes weekly"),
    Showing.NO_BETTER: ("nein, Leiter gleich gut", "no, the ladder is as good"),
}


def main(arguments: Sequence[str]) -> int:
    """The command; exit status 0."""
    made = parser("still-free", "List where the hub says how likely a place is still free, and how good that is.")
    made.add_argument("--learn", action="store_true", help="learn now; a server does so once a day")
    made.add_argument("--json", action="store_true", help="a list of sources and care forms as JSON")
    return run(made, arguments, _command)


def _command(options: argparse.Namespace) -> int:
    hub = opened(options)
    try:
        if options.learn:
            hub.learner.learn()
        with hub.database.snapshot() as reader:
            model = Learnt().model(reader)
    finally:
        hub.close()
    if options.json:
        print(json_list(_rows(model) if model is not None else ()))
    elif model is None or not model.scores:
        print(
            text(
                options,
                "noch ist nichts bekannt: der Server lernt täglich aus dem, was Quellen melden; gleich: "
                "platzfrei still-free --learn",
                "nothing is known yet: the server learns daily from what sources report; now: "
                "platzfrei still-free --learn",
            )
        )
    else:
        print(_table(model, options))
    return 0


def _rows(model: Model) -> list[dict[str, str | int | float | bool]]:
    return [
        {
            "source": source,
            "careForm": care_form,
            "places": places,
            "n": score.looks,
            "gone": score.gone,
            "brier": round(score.brier, 4),
            "ladder": round(score.baseline, 4),
            "shown": score.verdict is Showing.SHOWN,
            "verdict": score.verdict.value,
        }
        for (source, care_form, places), score in model.scores.items()
    ]


def _table(model: Model, options: argparse.Namespace) -> str:
    heads = text(
        options,
        "Quelle|Versorgungsform|Plätze|Vergleiche|davon weg|Brier|Leiter|gezeigt",
        "source|care form|places|comparisons|gone|Brier|ladder|shown",
    )
    rows = [
        (
            source,
            care_form,
            str(places),
            str(score.looks),
            str(score.gone),
            f"{score.brier:.3f}",
            f"{score.baseline:.3f}",
            text(options, *_VERDICTS[score.verdict]),
        )
        for (source, care_form, places), score in model.scores.items()
    ]
    told = text(
        options,
        "Verglichen wird mit der nächsten Meldung. Brier: mittleres Fehlerquadrat, kleiner ist besser; Leiter: "
        "dasselbe mit einer festen Zahl je Stufe (aktuell, alternd, veraltet).",
        "Compared is with the next report. Brier: mean squared error, less is better; ladder: the same with one "
        "constant a rung (fresh, aging, stale).",
    )
    return f"{table(heads.split('|'), rows, right=(2, 3, 4, 5, 6))}\n\n{told}"
