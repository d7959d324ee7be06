"""The wards of the demo's clinics: a few days of admissions, transfers and discharges, bed by bed.

What happened is what the clinic's KIS tells as HL7 v2 messages (`hub/demo/adt.py`); what is free after it is the
ward's vacancy report.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from mappings.vacancy import Block, Counts, Facility, Offer, VacancyReport, derived_state

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
        if "" in self.statuses:
            # Free beds are a statement even so; that there is none is not.
            counts = Counts(licensed=len(self.beds), accepting=free or None)
        else:
            counts = Counts(
                licensed=len(self.beds),
                operable=len(self.beds) - self.statuses.count("C"),
                occupied=self.statuses.count("O"),
                accepting=free,
            )
        return VacancyReport(
            facility=self.facility,
            offer=Offer(key=f"{self.hospital}/{self.code}", care_form=self.care_form, name=self.name),
            valid_at=max(movement.at for movement in self.movements),
            state=derived_state(counts.accepting),
            counts=counts,
            blocks=(Block(count=free),) if free else (),
        )


def station(rng: Random, *, hospital: str, code: str, care_form: str, facility: Facility, until: datetime) -> Station:
    """A ward and the days before `until`."""
    floor = 100 * rng.randint(1, 4)
    beds = tuple(f"{floor + room}/{bed}" for room in range(1, rng.randint(4, 7)) for bed in (1, 2))
    days = _Days(rng, f"{hospital}-{code}", beds, until)
    days.pass_by()
    # How long it all took is known now: the last thing happened at `until`.
    took = days.now - until
    movements = tuple(replace(movement, at=movement.at - took) for movement in days.movements)
    return Station(
        hospital=hospital,
        code=code,
        care_form=care_form,
        facility=facility,
        beds=beds,
        movements=movements,
        statuses=tuple(days.status.values()),
    )


class _Days:
    def __init__(self, rng: Random, prefix: str, beds: tuple[str, ...], now: datetime) -> None:
        self.rng = rng
        self.prefix = prefix
        self.status = dict.fromkeys(beds, "")
        self.visits: dict[str, str] = {}
        self.movements: list[Movement] = []
        self.now = now
        self.pause = timedelta(minutes=rng.randint(60, 240))
        self.serial = 0

    def pass_by(self) -> None:
        mute = self.rng.choice(list(self.status)) if self.rng.random() < 0.08 else ""
        for bed in self.status:
            if bed != mute:
                self._set(bed, "U") if self.rng.random() < 0.15 else self._admit(bed)
        for _ in self.status:
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
            # The bed is what it was before, and may have been nothing.
            self._set(bed, "U")
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
        self.now += self.pause
        return self.now
