"""How likely the places of hits are still free, where that is known better than the ladder tells."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select

from hub.course.learnt import Learnt
from hub.store.prepared import Prepared, one_of
from hub.store.reader import Reader
from hub.store.tables import pool_bound, statement

__all__ = ["Chances"]

_SAID = Prepared(
    select(statement.c.offer, statement.c.source, statement.c.care_form, statement.c.accepting)
    .outerjoin(pool_bound, pool_bound.c.offer == statement.c.offer)
    .where(one_of(statement.c.offer, "offers"), statement.c.state == "some", pool_bound.c.offer.is_(None))
)
_TWO_OR_MORE = 2


class Chances:
    """Those of one view; the `public` one knows numbers up to two or more."""

    def __init__(self, learnt: Learnt, *, public: bool) -> None:
        self._learnt = learnt
        self._public = public

    def of(self, reader: Reader, ages: Mapping[str, int], *, places: int) -> dict[str, float]:
        """The probability that so many places are still free, by the ids of offers.

        Left out are those of which nothing better is known, what several sources say together, and what has fewer
        places than its source said, because of its pool. `ages` are those of what was said, in microseconds.
        """
        model = self._learnt.model(reader) if ages else None
        if model is None or not model.curves:
            return {}
        found = {}
        for offer, source, care_form, accepting in reader.all(_SAID, {"offers": list(ages)}):
            shown = min(accepting, _TWO_OR_MORE) if self._public and accepting is not None else accepting
            age = timedelta(microseconds=ages[offer])
            chance = model.probability(source, care_form, shown, age, places=places, coarsened=self._public)
            if chance is not None:
                found[offer] = chance
        return found
