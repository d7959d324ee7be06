"""The work list of phantoms: free places that seem to be none, with the evidence, and what the coordination office
decides of them; for the command and the API."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, select

from hub.course.decisions import Decided, Decision, decide, decisions, is_decided, newest
from hub.course.phantoms import Phantom, phantoms
from hub.course.runs import runs
from hub.course.sentences import question, sentence
from hub.errors import NotFound
from hub.reason import WHO, WHY, reason
from hub.store.clock import instant, micros
from hub.store.database import Database
from hub.store.reader import Reader
from hub.store.tables import statement
from mappings.errors import Issue

__all__ = ["ACTIONS", "PhantomWork"]

ACTIONS: Mapping[str, Decided] = {"confirm": "confirmed", "dismiss": "dismissed"}
"""What a person decides of a finding."""

_WINDOW = timedelta(days=180)
"""What was said before is of another time."""
_SOME = 500
_SURELY_NOT_LESS = 1e-6
"""No model of what is usual is as good as it would have to be for less."""


class PhantomWork:
    """What is found is found anew each time, from what sources said in the last 180 days."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def found(self, *, source: str | None = None, decided: bool = False) -> dict[str, Any]:
        """What waits, the least probable to be chance first; of one `source` alone, `decided`: what was decided, too.

        Each with its id, kind, source, facility, care form, since when, the figures, the probability that it is chance,
        and what to say and to ask in both languages.
        """
        now = self._clock()
        with self._database.reading() as connection:
            known = newest(connection)
            listed = [
                one
                for one in self._phantoms(connection, now)
                if source in (None, one.source) and (decided or not is_decided(one, known))
            ]
            names = _names(connection, {one.offer for one in listed if one.offer is not None})
        return {"asOf": instant(micros(now)), "phantoms": [_told(one, names, known) for one in listed]}

    def decisions(self, *, most: int) -> dict[str, Any]:
        """The log, newest first."""
        with self._database.reading() as connection:
            return {"decisions": [_decision(one) for one in decisions(connection, most=most)]}

    def act(self, action: str, name: str, *, who: str, why: str) -> dict[str, Any]:
        """Decide of what is found under an id: it does not wait any more until there is twice the evidence, or new.

        Raises `NotFound` for what is not found, `Rejected` for who and why that are none.
        """
        who = reason(who, "who", WHO, code="phantom-who")
        why = reason(why, "why", WHY, code="phantom-why")
        now = self._clock()
        with self._database.reading() as connection:
            one = next((one for one in self._phantoms(connection, now) if one.id == name), None)
            if one is None:
                raise _unknown(name)
            evidence = _told(one, _names(connection, {one.offer} if one.offer else ()), {})
        with self._database.writing() as connection:
            number = decide(connection, one, ACTIONS[action], evidence=evidence, who=who, why=why, now=micros(now))
        return {"decision": number, "phantom": evidence}

    def _phantoms(self, connection: Connection, now: datetime) -> list[Phantom]:
        # Not `Database.snapshot`: reading all of it takes longer than a request may.
        reader = Reader(connection.connection.driver_connection, self._database.dialect)
        return phantoms(runs(reader, since=micros(now - _WINDOW)), at=micros(now))


def _names(connection: Connection, offers: Collection[str]) -> dict[str, str]:
    """The names of the facilities of some offers."""
    found: dict[str, str] = {}
    wanted = sorted(offers)
    for start in range(0, len(wanted), _SOME):
        chosen = select(statement.c.offer, statement.c.report).where(
            statement.c.offer.in_(wanted[start : start + _SOME])
        )
        found |= {row.offer: orjson.loads(row.report)["facility"]["name"] for row in connection.execute(chosen)}
    return found


def _told(one: Phantom, names: Mapping[str, str], known: Mapping[str, Decision]) -> dict[str, Any]:
    name = one.source if one.offer is None else names.get(one.offer) or one.offer
    decided = known.get(one.id)
    return {
        "id": one.id,
        "kind": one.kind.value,
        "source": one.source,
        "offer": one.offer,
        "facility": None if one.offer is None else name,
        "careForm": one.care_form,
        "since": instant(one.since),
        "chance": max(float(f"{one.chance:.2g}"), _SURELY_NOT_LESS),
        "figures": {key: value if value is None else round(value, 2) for key, value in one.figures.items()},
        "offers": list(one.offers),
        "text": sentence(one.kind, name, one.care_form, one.figures),
        "question": question(one.kind),
        "decided": None if decided is None else _decided(decided),
    }


def _decided(one: Decision) -> dict[str, Any]:
    return {"number": one.number, "verdict": one.verdict, "at": instant(one.at), "who": one.who, "why": one.why}


def _decision(one: Decision) -> dict[str, Any]:
    return {**_decided(one), "phantom": one.evidence}


def _unknown(name: str) -> NotFound:
    return NotFound(
        Issue(
            code="unknown-phantom",
            fhir_code="not-found",
            place=name[:64],
            text_de="so etwas ist nicht gefunden; erwartet wird eine Kennung aus der Liste (platzfrei phantoms)",
            text_en="nothing is found under this; expected an id of the list (platzfrei phantoms)",
        )
    )
