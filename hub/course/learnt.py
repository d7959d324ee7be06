"""What was learnt last, as the database keeps it, and in memory for whoever answers requests."""

from sqlalchemy import bindparam, delete, insert, select

from hub.course.curve import EDGES
from hub.course.still_free import Asked, Group, Model, Points, Score, Showing
from hub.store.prepared import Prepared
from hub.store.reader import Reader, Transaction
from hub.store.tables import about, still_free, still_free_score

__all__ = ["Learnt", "keep", "learnt_at"]

_NAME = "still free learnt"
_AGES = frozenset(int(hours) for hours in EDGES)
_ASKED = frozenset(asked.value for asked in Asked)
_AT = Prepared(select(about.c.value).where(about.c.name == _NAME))
_FORGET_AT = Prepared(delete(about).where(about.c.name == _NAME))
_SET_AT = Prepared(insert(about).values(name=_NAME, value=bindparam("value")))
_CURVES, _SCORES = Prepared(select(still_free)), Prepared(select(still_free_score))
_FORGET = (Prepared(delete(still_free)), Prepared(delete(still_free_score)))
_PUT_CURVE, _PUT_SCORE = Prepared(insert(still_free)), Prepared(insert(still_free_score))


def learnt_at(reader: Reader) -> int | None:
    """When it was learnt last, in microseconds; None: never."""
    row = reader.first(_AT)
    return None if row is None else int(row[0])


def keep(transaction: Transaction, model: Model, *, at: int) -> None:
    """Put a model in the place of the last: all scores, and the probabilities that are shown."""
    for forget in _FORGET:
        transaction.run(forget)
    shown = {key for key, score in model.scores.items() if score.verdict is Showing.SHOWN}
    transaction.many_rows(
        _PUT_CURVE,
        [
            (*group, asked.places, asked.value[2:], int(hours), probability)
            for group, curves in model.curves.items()
            for asked, points in curves.items()
            if (*group, asked.places) in shown
            for hours, probability in zip(EDGES, points, strict=True)
        ],
    )
    transaction.many_rows(
        _PUT_SCORE,
        [(*key, one.looks, one.gone, one.brier, one.baseline, one.verdict.value) for key, one in model.scores.items()],
    )
    transaction.run(_FORGET_AT)
    transaction.run(_SET_AT, {"value": str(at)})


class Learnt:
    """The model that was kept last; read again where another was kept meanwhile. Any thread may ask."""

    def __init__(self) -> None:
        self._kept: tuple[int, Model] | None = None

    def model(self, reader: Reader) -> Model | None:
        """It, with the curves that are shown; None where nothing was learnt yet."""
        at = learnt_at(reader)
        if at is None:
            return None
        kept = self._kept
        if kept is None or kept[0] != at:
            kept = self._kept = (at, _read(reader))
        return kept[1]


def _read(reader: Reader) -> Model:
    points: dict[tuple[Group, Asked], dict[int, float]] = {}
    for source, care_form, places, reported, hours, probability in reader.all(_CURVES):
        told = f"{places}/{reported}"
        if told in _ASKED:
            points.setdefault(((source, care_form), Asked(told)), {})[hours] = probability
    curves: dict[Group, dict[Asked, Points]] = {}
    for (group, asked), mine in points.items():
        # Another version may have learnt for other ages: then nothing is known until it is learnt again.
        if mine.keys() == _AGES:
            curves.setdefault(group, {})[asked] = tuple(mine[hours] for hours in sorted(_AGES))
    scores = {
        (source, care_form, places): Score(
            looks=looks, gone=gone, brier=brier, baseline=baseline, verdict=Showing(verdict)
        )
        for source, care_form, places, looks, gone, brier, baseline, verdict in sorted(reader.all(_SCORES))
    }
    return Model(curves=curves, scores=scores, ladder={})
