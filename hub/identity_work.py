"""The work list of identity: what waits for a person, why, and what the person decides; for the command and the API."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.sql import ColumnElement

from hub.errors import NotFound
from hub.ingest.identity import Identity
from hub.ingest.identity_decisions import Decision, Decisions, log
from hub.ingest.identity_proposals import Proposal, explain, is_proposed, proposals, waiting
from hub.ingest.joined_view import Member
from hub.ingest.known_facilities import members
from hub.reason import WHO, WHY, reason
from hub.store.clock import instant, micros
from hub.store.database import Database
from hub.store.reader import Transaction
from hub.store.tables import facility as facilities
from mappings.errors import Issue, Rejected
from mappings.likeness import Verdict

__all__ = ["ACTIONS", "IdentityWork"]

ACTIONS: Mapping[str, int] = {"confirm": 2, "refuse": 2, "merge": 2, "split": 1, "undo": 1}
"""What a person decides, and of how many facilities (of `undo`: decisions)."""

_SHORTEST = 6


class IdentityWork:
    """Facilities are named by the id of their Organization, its first six characters or more, or `source:key`."""

    def __init__(self, database: Database, identity: Identity, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._decisions = Decisions(identity)
        self._clock = clock

    def proposals(self, *, most: int) -> dict[str, Any]:
        """What waits, the likeliest first: both facilities side by side, and every reason."""
        with self._database.reading() as connection:
            found = proposals(connection, most=most)
            return {"waiting": waiting(connection), "proposals": self._pairs(connection, found)}

    def explain(self, name: str) -> dict[str, Any]:
        """Who is one with a facility and why, what else looks alike, and what was decided."""
        with self._database.reading() as connection:
            told = explain(connection, self._named(connection, name))
            ids = {member.id for member in told.members}
            ties = self._pairs(connection, told.ties)
            return {
                "joined": told.joined,
                "members": [_member(member) for member in told.members],
                "ties": [tie for tie in ties if {one["id"] for one in tie["facilities"]} <= ids],
                "alike": [tie for tie in ties if not {one["id"] for one in tie["facilities"]} <= ids],
                "decisions": [_decision(one) for one in told.decisions],
            }

    def decisions(self, *, most: int) -> dict[str, Any]:
        """The log, newest first."""
        with self._database.reading() as connection:
            return {"decisions": [_decision(one) for one in log(connection, most=most)]}

    def act(self, action: str, names: Sequence[str], *, who: str, why: str) -> dict[str, Any]:
        """Decide; says the numbers of the decisions, by which they are undone, and what the facilities, and all that
        were joined with them, are now.

        Raises `NotFound` for who is not known, `Rejected` for what cannot be.
        """
        who = reason(who, "who", WHO, code="identity-who")
        why = reason(why, "why", WHY, code="identity-why")
        if len(names) != ACTIONS[action]:
            raise _wrong_number(action)
        now = micros(self._clock())
        with self._database.writing() as connection:
            if action == "undo":
                made = self._decisions.undo(connection, _number(names[0]), who=who, why=why, now=now)
                return {"decisions": made}
            ids = [self._named(connection, name) for name in names]
            if len(set(ids)) != len(ids):
                raise _itself()
            around = {one.id for name in ids for one in explain(connection, name).members}
            if action == "split":
                made = self._decisions.split(connection, ids[0], who=who, why=why, now=now)
            else:
                if action != "merge":
                    self._refuse_unproposed(connection, ids)
                verdict = "different" if action == "refuse" else "same"
                made = self._decisions.decide(connection, [(ids[0], ids[1])], verdict, who=who, why=why, now=now)
            after = members(Transaction(connection), sorted(around))
            return {"decisions": made, "facilities": [_member(member) for member in after]}

    def _refuse_unproposed(self, connection: Connection, ids: Sequence[str]) -> None:
        if not is_proposed(connection, ids[0], ids[1]):
            raise Rejected(
                Issue(
                    code="not-proposed",
                    fhir_code="business-rule",
                    text_de="diese beiden stehen nicht zur Entscheidung; zusammenführen ohne Vorschlag: merge, "
                    "trennen: split",
                    text_en="these two do not wait for a decision; to join without a proposal: merge, to part: split",
                )
            )

    def _named(self, connection: Connection, name: str) -> str:
        """The id of a facility, or of a joined one."""
        source, colon, key = name.partition(":")
        if colon:
            found = _ids(connection, facilities.c.id, (facilities.c.source == source) & (facilities.c.key == key))
        elif re.fullmatch(r"[0-9a-f-]{6,36}", name):
            found = {
                one
                for column in (facilities.c.id, facilities.c.joined)
                for one in _ids(connection, column, (column >= name) & (column < f"{name}g"))
            }
        else:
            found = set()
        if len(found) != 1:
            raise NotFound(
                Issue(
                    code="ambiguous-facility" if found else "unknown-facility",
                    fhir_code="not-found",
                    place=name[:64],
                    text_de="so beginnen mehrere; mehr Zeichen nennen"
                    if found
                    else f"unbekannt; erwartet wird die Id der Organization, ihre ersten {_SHORTEST} Zeichen oder "
                    "mehr, oder Quelle:Schlüssel",
                    text_en="several begin so; give more characters"
                    if found
                    else f"unknown; expected the Organization's id, its first {_SHORTEST} characters or more, or "
                    "source:key",
                )
            )
        return found.pop()

    def _pairs(self, connection: Connection, found: Sequence[Proposal]) -> list[dict[str, Any]]:
        ends = {end for one in found for end in (one.one, one.other)}
        known = {member.id: member for member in members(Transaction(connection), ends)}
        return [
            {
                "score": one.likeness.score,
                "since": instant(one.since),
                "certain": one.likeness.verdict is Verdict.SAME,
                "facilities": [_member(known[one.one]), _member(known[one.other])],
                "evidence": [
                    {"code": each.code, "points": each.points, "text": {"de": each.text_de, "en": each.text_en}}
                    for each in one.likeness.evidences
                ],
            }
            for one in found
        ]


def _ids(connection: Connection, column: ColumnElement[Any], where: ColumnElement[bool]) -> set[str]:
    return {one for one in connection.execute(select(column).where(where).limit(3)).scalars() if one is not None}


def _member(member: Member) -> dict[str, Any]:
    facility = member.facility
    address = facility.address
    return {
        "id": member.id,
        "source": member.source,
        "key": member.key,
        "joined": member.joined,
        "name": facility.name,
        "operator": facility.operator.name if facility.operator else "",
        "address": ", ".join(
            part
            for part in (
                f"{address.street} {address.house_number}".strip(),
                f"{address.postal_code} {address.city}".strip(),
            )
            if part
        ),
        "ik": list(facility.iks),
        "telematikId": facility.telematik_id,
        "phone": [one.value for one in facility.contacts if one.system == "phone" and not one.internal],
    }


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "number": one.number,
        "facilities": [one.one, one.other],
        "verdict": one.verdict,
        "stands": one.stands,
        "undoes": one.undoes,
        "at": instant(one.decided_at),
        "who": one.who,
        "why": one.why,
    }


def _number(written: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", written, re.ASCII):
        raise Rejected(
            Issue(
                code="decision-number",
                place=written[:20],
                text_de="erwartet wird die Nummer einer Entscheidung",
                text_en="expected the number of a decision",
            )
        )
    return int(written)


def _wrong_number(action: str) -> Rejected:
    count = ACTIONS[action]
    return Rejected(
        Issue(
            code="identity-arguments",
            fhir_code="required",
            place=action,
            text_de=f"erwartet wird {count} Angabe" + ("" if count == 1 else "n"),
            text_en=f"expected {count} name" + ("" if count == 1 else "s"),
        )
    )


def _itself() -> Rejected:
    return Rejected(
        Issue(
            code="identity-itself",
            fhir_code="business-rule",
            text_de="das ist zweimal dieselbe Einrichtung",
            text_en="that is the same facility twice",
        )
    )
