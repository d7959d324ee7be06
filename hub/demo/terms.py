"""What the providers of a demo region say beside their places: when to ring, when people are taken in, what it costs
and who pays. About a third says nothing of each, as in reality."""

from dataclasses import replace
from datetime import date, time
from random import Random

from mappings.terminology import ambulatory
from mappings.vacancy import Admission, Hours, Offer, OwnShare, Per, VacancyReport, Weekday

__all__ = ["with_terms"]

_WEEK = tuple(Weekday)
_TELLS = 0.65
_HOURS = (
    (Hours(days=_WEEK[:5], opens=time(8), closes=time(16)),),
    (Hours(days=_WEEK[:5], opens=time(9), closes=time(12)), Hours(days=_WEEK[:4], opens=time(14), closes=time(16, 30))),
    (Hours(days=_WEEK[:4], opens=time(8), closes=time(16)), Hours(days=_WEEK[4:5], opens=time(8), closes=time(13))),
    (Hours(days=_WEEK[:5], opens=time(7, 30), closes=time(18)), Hours(days=_WEEK[5:], opens=time(10), closes=time(14))),
    (Hours(days=_WEEK),),
)
_ADMISSION_DAYS = (_WEEK[:5], _WEEK[:5], _WEEK[:4], (_WEEK[0], _WEEK[2], _WEEK[4]), _WEEK)
_COSTS = {
    "dauerpflege": (Per.MONTH, 2_100, 3_700),
    "kurzzeitpflege": (Per.DAY, 32, 78),
    "kurzzeitpflege-solitaer": (Per.DAY, 32, 78),
    "kurzzeitpflege-eingestreut": (Per.DAY, 32, 78),
    "tagespflege": (Per.DAY, 22, 55),
    "nachtpflege": (Per.DAY, 20, 50),
    "wohngemeinschaft": (Per.MONTH, 1_500, 2_900),
    "betreutes-wohnen": (Per.MONTH, 450, 1_600),
}
"""The own share of a care form: for a month or a day, from and to so many euros."""
_HEALTH = frozenset({"hospiz-stationaer", "hospizdienst-ambulant", "sapv", "intensivpflege"})
"""Care forms that health insurance pays."""
_FREE_OF_CHARGE = frozenset({"beratung", "angehoerigenunterstuetzung"})


def with_terms(rng: Random, reports: tuple[VacancyReport, ...], today: date) -> tuple[VacancyReport, ...]:
    """The reports of one facility, their offers with what it says beside the places."""
    hours = rng.choice(_HOURS) if rng.random() < _TELLS else ()
    as_of = _first_of_a_month(rng, today) if rng.random() < 0.8 else None
    return tuple(
        replace(report, offer=_with_terms(rng, replace(report.offer, hours=hours), as_of)) for report in reports
    )


def _with_terms(rng: Random, offer: Offer, as_of: date | None) -> Offer:
    admission, own_share, payers = _admission(rng), _own_share(rng, offer.care_form), _payers(rng, offer.care_form)
    if offer.care_form in _FREE_OF_CHARGE:
        return offer
    told = [rng.random() < _TELLS for _ in range(3)]
    return replace(
        offer,
        admission=admission if told[0] and offer.care_form not in ambulatory() else None,
        own_share=replace(own_share, as_of=as_of) if told[1] and own_share else None,
        payers=payers if told[2] else (),
        payers_as_of=as_of if told[2] else None,
    )


def _admission(rng: Random) -> Admission:
    return Admission(days=rng.choice(_ADMISSION_DAYS), latest=time(rng.choice((12, 14, 15, 16, 18))))


def _own_share(rng: Random, care_form: str) -> OwnShare | None:
    per, fewest, most = _COSTS.get(care_form, (Per.DAY, 0, 0))
    cents = round(rng.triangular(fewest, most) * 100)
    return OwnShare(cents=cents, per=per) if cents else None


def _payers(rng: Random, care_form: str) -> tuple[str, ...]:
    insured = ("krankenkasse",) if care_form in _HEALTH else ("pflegekasse",)
    both = ("krankenkasse",) if care_form == "ambulante-pflege" else ()
    others = ("sozialhilfe", "selbstzahler", "beihilfe", "unfallversicherung")
    return (*insured, *both, *(payer for payer in others if rng.random() < 0.6))


def _first_of_a_month(rng: Random, today: date) -> date:
    months = today.year * 12 + today.month - 1 - rng.randint(0, 14)
    return date(months // 12, months % 12 + 1, 1)
