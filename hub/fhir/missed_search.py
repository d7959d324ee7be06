"""What is counted of a search for places that found nothing: where, which care forms, which needs, and nothing else."""

from hub.fhir.vacancy_parameters import Told
from hub.reports.tally import Tally
from hub.search.vacancy_query import VacancyQuery
from mappings import terminology
from mappings.vacancy import State

__all__ = ["count_missed"]

_OF_MUNICIPALITY = 1000
"""What a municipality's key of 8 digits has more than that of its district."""


def count_missed(tally: Tally, told: Told, query: VacancyQuery) -> None:
    """Count a search whose first page is empty; one that did not look for free places is no demand for them."""
    if State.SOME not in query.states or query.after is not None:
        return
    care_forms, needs = _known(told, "care-form"), _known(told, "need")
    if query.district is None:
        tally.missed(query.latitude, query.longitude, care_forms=care_forms, needs=needs)
    else:
        tally.missed_in(f"{query.district[0] // _OF_MUNICIPALITY:05}", care_forms=care_forms, needs=needs)


def _known(told: Told, name: str) -> list[str]:
    codes = terminology.codes(name)
    return [code for code in told.get(name, ()) if code in codes]
