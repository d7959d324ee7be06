"""What the providers of a demo region offer and say: care forms, places, occupancy, blocks, as they come in reality.

Almost everything is full, some do not say, some ask for a call, and some have not said anything for a week.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random

from mappings.vacancy import (
    Block,
    BlockStatus,
    Counts,
    Facility,
    Offer,
    Room,
    Sex,
    State,
    VacancyReport,
    derived_state,
)

__all__ = ["HELP", "Voice", "help_offer", "home_offers", "service_offers"]

HELP = ("beratung", "praevention", "lotse", "angehoerigenunterstuetzung", "telemedizin", "projekt")
"""The care forms of the offers beyond care."""

_DRIVING = frozenset({"ambulante-pflege", "sapv", "hospizdienst-ambulant", "beratung", "angehoerigenunterstuetzung"})
"""Care forms that come to the people, and so have a catchment."""

_BESIDES = frozenset({"beratung", "angehoerigenunterstuetzung"})
"""Care forms without places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What the format of a source can tell: a provider's statements say no more than its own export can carry.

    `fine` voices tell of closed places, of "ask us", of catchments and languages; `silent` ones of no vacancy at all.
    """

    care_forms: frozenset[str] | None = None
    """None: all of them."""
    needs: frozenset[str] | None = None
    """None: all of them."""
    several_blocks: bool = False
    fine: bool = False
    silent: bool = False

    def tells(self, care_form: str) -> bool:
        """Whether the format has a word for a care form."""
        return self.care_forms is None or care_form in self.care_forms


@dataclass(frozen=True, slots=True)
class _Habit:
    """How large an offer of a care form is, how often a place of it is free, whom it takes."""

    fewest: int
    most: int
    vacancy: float
    care_grades: tuple[int, ...] = ()
    needs: tuple[str, ...] = ()


_HABITS = {
    "dauerpflege": _Habit(20, 120, 0.035, (2, 3, 4, 5), ("demenz", "rollstuhl", "peg", "palliativ", "mre-isolation")),
    "kurzzeitpflege": _Habit(2, 12, 0.09, (2, 3, 4, 5), ("demenz", "rollstuhl", "peg", "mre-isolation")),
    "kurzzeitpflege-solitaer": _Habit(8, 30, 0.09, (2, 3, 4, 5), ("demenz", "rollstuhl", "dialyse", "peg")),
    "kurzzeitpflege-eingestreut": _Habit(2, 8, 0.05, (2, 3, 4, 5), ("demenz", "rollstuhl", "peg")),
    "tagespflege": _Habit(12, 30, 0.07, (1, 2, 3, 4, 5), ("demenz", "rollstuhl")),
    "nachtpflege": _Habit(4, 10, 0.12, (2, 3, 4, 5), ("demenz",)),
    "hospiz-stationaer": _Habit(6, 14, 0.07, (), ("palliativ", "peg", "tracheostoma")),
    "intensivpflege": _Habit(4, 16, 0.06, (2, 3, 4, 5), ("beatmung", "tracheostoma", "wachkoma", "dialyse", "peg")),
    "wohngemeinschaft": _Habit(6, 12, 0.05, (1, 2, 3, 4, 5), ("demenz", "junge-pflege", "paar")),
    "betreutes-wohnen": _Habit(8, 60, 0.03, (), ("rollstuhl", "paar")),
    "ambulante-pflege": _Habit(0, 0, 0.0, (1, 2, 3, 4, 5), ("demenz", "palliativ", "adipositas", "peg")),
    "sapv": _Habit(0, 0, 0.0, (), ("palliativ",)),
    "hospizdienst-ambulant": _Habit(0, 0, 0.0, (), ("palliativ",)),
    "beratung": _Habit(0, 0, 0.0),
    "angehoerigenunterstuetzung": _Habit(0, 0, 0.0),
}


def home_offers(
    rng: Random, facility: Facility, voice: Voice, valid_at: datetime | None, today: date
) -> tuple[VacancyReport, ...]:
    """What a home, or another facility with beds or chairs, says about its offers."""
    teller = _Teller(rng, facility, voice, valid_at, today)
    return tuple(teller.reports(_home_forms(rng, voice)))


def service_offers(
    rng: Random, facility: Facility, voice: Voice, valid_at: datetime | None, today: date, catchment: tuple[str, ...]
) -> tuple[VacancyReport, ...]:
    """What a care service says about its offers."""
    teller = _Teller(rng, facility, voice, valid_at, today, catchment)
    return tuple(teller.reports(_service_forms(rng, voice)))


def help_offer(facility: Facility, care_form: str, catchment: tuple[str, ...]) -> VacancyReport:
    """What the coordination office says about an offer beyond care: that it exists, and for whom."""
    return VacancyReport(
        facility=facility, offer=Offer(key=f"{facility.key}/{care_form}", care_form=care_form, catchment=catchment)
    )


def _home_forms(rng: Random, voice: Voice) -> list[str]:
    draw = rng.random()
    if draw < 0.78:
        forms = ["dauerpflege"]
        short_term = rng.random()
        if short_term < 0.7:
            forms.append("kurzzeitpflege-eingestreut")
        elif short_term < 0.8:
            forms.append("kurzzeitpflege-solitaer")
        besides = {"tagespflege": 0.4, "betreutes-wohnen": 0.35, "nachtpflege": 0.04, "intensivpflege": 0.04}
        forms += _also(rng, besides | {"beratung": 0.4, "angehoerigenunterstuetzung": 0.3})
    elif draw < 0.86:
        forms = ["tagespflege", *_also(rng, {"nachtpflege": 0.15, "angehoerigenunterstuetzung": 0.3})]
    elif draw < 0.91:
        forms = ["kurzzeitpflege-solitaer"]
    elif draw < 0.94:
        forms = ["hospiz-stationaer", *_also(rng, {"hospizdienst-ambulant": 0.5})]
    elif draw < 0.97:
        forms = ["intensivpflege"]
    else:
        forms = ["wohngemeinschaft", *_also(rng, {"betreutes-wohnen": 0.5})]
    return _told(forms, voice) or ["dauerpflege"]


def _service_forms(rng: Random, voice: Voice) -> list[str]:
    if rng.random() < 0.06:
        forms = ["intensivpflege", "ambulante-pflege"]
    elif rng.random() < 0.04:
        forms = ["sapv", *_also(rng, {"hospizdienst-ambulant": 0.3})]
    else:
        besides = {"tagespflege": 0.3, "wohngemeinschaft": 0.25, "betreutes-wohnen": 0.35, "sapv": 0.06}
        forms = [
            "ambulante-pflege",
            *_also(rng, besides | {"hospizdienst-ambulant": 0.06}),
            *_also(rng, {"beratung": 0.8, "angehoerigenunterstuetzung": 0.7}),
        ]
    return _told(forms, voice) or ["ambulante-pflege"]


def _also(rng: Random, chances: dict[str, float]) -> list[str]:
    return [form for form, chance in chances.items() if rng.random() < chance]


def _told(forms: list[str], voice: Voice) -> list[str]:
    # A format without words for solitaer and eingestreut still has one for Kurzzeitpflege.
    plain = [
        form if voice.tells(form) else form.partition("-solitaer")[0].partition("-eingestreut")[0] for form in forms
    ]
    return [form for form in dict.fromkeys(plain) if voice.tells(form)]


@dataclass(frozen=True, slots=True)
class _Teller:
    rng: Random
    facility: Facility
    voice: Voice
    valid_at: datetime | None
    today: date
    catchment: tuple[str, ...] = ()

    def reports(self, care_forms: list[str]) -> Iterator[VacancyReport]:
        pool = "dauerpflege" if "kurzzeitpflege-eingestreut" in care_forms else ""
        shared_free = 0
        for care_form in care_forms:
            shares = pool if care_form in {"dauerpflege", "kurzzeitpflege-eingestreut"} else ""
            habit = _HABITS[care_form]
            licensed = round(self.rng.triangular(habit.fewest, habit.most)) or None
            free = sum(self.rng.random() < habit.vacancy for _ in range(licensed or 0))
            if care_form == "dauerpflege":
                shared_free = free
            elif shares:
                # The places are those of the Dauerpflege, and no more of them can be free.
                free = min(shared_free, licensed or 0)
            yield self._report(care_form, habit, licensed, free, shares)

    def _report(self, care_form: str, habit: _Habit, licensed: int | None, free: int, pool: str) -> VacancyReport:
        needs = tuple(sorted(need for need in habit.needs if self._tells_need(need) and self.rng.random() < 0.45))
        state, counts, blocks = self._statement(care_form, licensed, free, needs)
        tongue = self.rng.choice(("en", "nl", "pl", "ru", "ar", "hr"))
        fluent = self.voice.fine and self.rng.random() < 0.15
        return VacancyReport(
            facility=self.facility,
            offer=Offer(
                key=f"{self.facility.key}/{care_form}",
                care_form=care_form,
                needs=needs,
                care_grades=habit.care_grades,
                languages=("de", tongue) if fluent else (),
                catchment=self.catchment if care_form in _DRIVING else (),
                pool=pool,
            ),
            valid_at=self.valid_at,
            state=state,
            counts=counts,
            blocks=blocks,
        )

    def _tells_need(self, need: str) -> bool:
        return self.voice.needs is None or need in self.voice.needs

    def _statement(
        self, care_form: str, licensed: int | None, free: int, needs: tuple[str, ...]
    ) -> tuple[State, Counts, tuple[Block, ...]]:
        rng = self.rng
        if self.voice.silent:
            return State.UNKNOWN, Counts(licensed=licensed), ()
        if care_form in _BESIDES:
            return (State.ASK if self.voice.fine else State.UNKNOWN), Counts(), ()
        draw = rng.random()
        if draw < 0.06:
            return State.UNKNOWN, Counts(licensed=licensed), ()
        if draw < 0.12 and self.voice.fine:
            return State.ASK, Counts(licensed=licensed), ()
        if licensed is None:
            taking = max(0, rng.randint(-3, 4))
            counts = Counts(accepting=taking, waiting=self._waiting(taking))
            return derived_state(taking), counts, self._free_blocks(care_form, taking, needs)
        closed = rng.randint(1, 2) if draw > 0.93 and self.voice.fine else 0
        operable = licensed - closed
        free = min(free, operable)
        held = 1 if free and rng.random() < 0.12 else 0
        accepting = free - held
        counts = Counts(
            licensed=licensed,
            operable=operable,
            occupied=operable - free,
            held=held,
            accepting=accepting,
            waiting=self._waiting(accepting),
        )
        blocks = list(self._free_blocks(care_form, accepting, needs))
        if held:
            blocks.append(Block(count=held, status=BlockStatus.HELD))
        if closed:
            reason = rng.choice(("staff", "staff", "infection", "renovation", "other"))
            blocks.append(Block(count=closed, status=BlockStatus.CLOSED, closing_reason=reason))
        return derived_state(accepting), counts, tuple(blocks)

    def _waiting(self, accepting: int) -> int | None:
        return self.rng.randint(1, 25) if accepting == 0 and self.rng.random() < 0.6 else None

    def _free_blocks(self, care_form: str, accepting: int, needs: tuple[str, ...]) -> tuple[Block, ...]:
        counts: dict[Block, int] = {}
        left = accepting
        while left:
            count = min(left, self.rng.choice((1, 1, 1, 2))) if self.voice.several_blocks else left
            like = self._free_place(care_form, needs)
            counts[like] = counts.get(like, 0) + count
            left -= count
        return tuple(replace(like, count=count) for like, count in counts.items())

    def _free_place(self, care_form: str, needs: tuple[str, ...]) -> Block:
        rng = self.rng
        start = self.today + timedelta(days=rng.randint(0, 42)) if rng.random() < 0.5 else None
        end = None
        if care_form.startswith("kurzzeitpflege") and rng.random() < 0.4:
            end = (start or self.today) + timedelta(days=rng.randint(14, 56))
        if care_form not in {"dauerpflege", "kurzzeitpflege", "kurzzeitpflege-solitaer", "kurzzeitpflege-eingestreut"}:
            return Block(count=1, start=start, end=end)
        room = rng.choices((Room.SINGLE, Room.DOUBLE, None), (60, 30, 10))[0]
        sex = rng.choice((Sex.FEMALE, Sex.MALE)) if room is Room.DOUBLE and rng.random() < 0.7 else None
        served = needs if self.voice.fine and rng.random() < 0.3 else ()
        return Block(count=1, start=start, end=end, room=room, sex=sex, needs=served)
