"""The wards of the demo's clinics: a few days of admissions, transfers and discharges, bed by bed.

What happened is what the clinic's KIS tells as HL7 v2 messages (`hub/demo/adt.py`); what is free after it is the
ward's vacancy report.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from mappings.vacancy import Block, Counts, Facility, Offer, State, VacancyReport, derived_state

__all__ = ["Movement", "Station", "station"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One thing that happened to a bed; `event` is HL7's trigger event, `status` a code of HL7 table 0116 (A20 only).

    A cancel (A11, A12, A13) bears the visit and the number of the movement that it takes back.
    """

    event: str
    at: datetime
    bed: str
    status: str = ""
    visit: str = ""
    number: str = ""
    prior_bed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A ward whose beds are one offer; beds are named `room/bed`."""

    hospital: str
    code: str
    care_form: str
    facility: Facility
    beds: tuple[str, ...]
    movements: tuple[Movement, ...]
    statuses: tuple[str, ...]
    """What became of each bed, by HL7 table 0116; empty where nothing was ever said of it."""

    @property
    def name(self) -> str:
        """The offer's name."""
        return f"{'Übergangspflege' if self.care_form == 'uebergangspflege' else 'Kurzzeitpflege'}, Station {self.code}"

    @property
    def report(self) -> VacancyReport:
        """What the ward's census says."""
        free = self.statuses.count("U")
        occupied = None if "" in self.statuses else self.statuses.count("O")
        state = State.UNKNOWN if free == 0 and occupied is None else derived_state(free)
        return VacancyReport(
            facility=self.facility,
            offer=Offer(key=f"{self.hospital}/{self.code}", care_form=self.care_form, name=self.name),
            valid_at=max(movement.at for movement in self.movements),
            state=state,
            counts=Counts(
                licensed=len(self.beds),
                operable=len(self.beds) - self.statuses.count("C"),
                occupied=occupied,
                accepting=free,
            ),
            blocks=(Block(count=free),) if free else (),
        )


def station(rng: Random, *, hospital: str, code: str, care_form: str, facility: Facility, until: datetime) -> Station:
    """A ward and the days before `until`."""
    rooms = rng.randint(4, 9)
    beds = tuple(f"{100 * rng.randint(1, 3) + room}/{bed}" for room in range(1, rooms + 1) for bed in (1, 2))
    days = _Days(rng, hospital, code, beds, until)
    days.pass_by()
    return Station(
        hospital=hospital,
        code=code,
        care_form=care_form,
        facility=facility,
        beds=beds,
        movements=tuple(days.movements),
        statuses=tuple(days.status[bed] for bed in beds),
    )


class _Days:
    def __init__(self, rng: Random, hospital: str, code: str, beds: tuple[str, ...], until: datetime) -> None:
        self.rng = rng
        self.status = dict.fromkeys(beds, "")
        self.visits: dict[str, str] = {}
        self.movements: list[Movement] = []
        self.steps = 3 * len(beds)
        self.step = timedelta(minutes=rng.randint(20, 90))
        # Nothing happens at the same moment twice, and the last thing happens at `until`, or a little before.
        self.now = until - self.step * (4 * self.steps + len(beds) + 1)
        self.prefix = f"{hospital}-{code}"
        self.serial = 0

    def pass_by(self) -> None:
        mute = self.rng.choice(list(self.status)) if self.rng.random() < 0.08 else ""
        for bed in self.status:
            if bed != mute:
                self._set(bed, "U")
        for _ in range(self.steps):
            self._one_thing()

    def _one_thing(self) -> None:
        taken = [bed for bed, status in self.status.items() if status == "O"]
        free = [bed for bed, status in self.status.items() if status == "U"]
        unfit = [bed for bed, status in self.status.items() if status in {"H", "K", "C"}]
        draw = self.rng.random()
        if unfit and draw < 0.5:
            self._set(self.rng.choice(unfit), "U")
        elif free and (draw < 0.75 or not taken):
            self._admit(self.rng.choice(free))
        elif free and draw < 0.85:
            self._transfer(self.rng.choice(taken), self.rng.choice(free))
        elif taken and draw < 0.97:
            self._discharge(self.rng.choice(taken))
        elif free:
            self._set(self.rng.choice(free), self.rng.choice(("C", "K")))

    def _admit(self, bed: str) -> None:
        visit = f"{self.prefix}-F{self._next():05d}"
        number = self._move("A01", bed, visit)
        if self.rng.random() < 0.06:
            self._move("A11", bed, visit, number=number)
        else:
            self.status[bed] = "O"
            self.visits[bed] = visit

    def _transfer(self, bed: str, to: str) -> None:
        visit = self.visits[bed]
        number = self._move("A02", to, visit, prior_bed=bed)
        if self.rng.random() < 0.06:
            self._move("A12", bed, visit, number=number)
            return
        self.status[to] = "O"
        self.visits[to] = self.visits.pop(bed)
        self.status[bed] = "U"
        self._set(bed, "H")

    def _discharge(self, bed: str) -> None:
        visit = self.visits[bed]
        number = self._move("A03", bed, visit)
        if self.rng.random() < 0.06:
            self._move("A13", bed, visit, number=number)
            return
        del self.visits[bed]
        self.status[bed] = "U"
        self._set(bed, "H")

    def _set(self, bed: str, status: str) -> None:
        self.status[bed] = status
        self.movements.append(Movement(event="A20", at=self._tick(), bed=bed, status=status))

    def _move(self, event: str, bed: str, visit: str, *, number: str = "", prior_bed: str = "") -> str:
        number = number or f"{self.prefix}-B{self._next():05d}"
        self.movements.append(
            Movement(event=event, at=self._tick(), bed=bed, visit=visit, number=number, prior_bed=prior_bed)
        )
        return number

    def _next(self) -> int:
        self.serial += 1
        return self.serial

    def _tick(self) -> datetime:
        self.now += self.step
        return self.now
