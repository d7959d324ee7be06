"""A vacancy report as one sentence in German or English."""

from mappings import terminology
from mappings.local_time import day_text, moment_text
from mappings.terminology import Language
from mappings.vacancy import Block, BlockStatus, State, VacancyReport

__all__ = ["told"]

_STATES = {
    "de": {State.SOME: "frei", State.NONE: "nichts frei", State.ASK: "erst fragen", State.UNKNOWN: "unbekannt"},
    "en": {State.SOME: "free", State.NONE: "nothing free", State.ASK: "ask first", State.UNKNOWN: "unknown"},
}
_COUNTS = {
    "de": ("zugelassen", "betreibbar", "belegt", "reserviert", "wartend"),
    "en": ("licensed", "operable", "occupied", "held", "waiting"),
}
_BLOCKS = {
    "de": {BlockStatus.FREE: "frei", BlockStatus.HELD: "reserviert", BlockStatus.CLOSED: "geschlossen"},
    "en": {BlockStatus.FREE: "free", BlockStatus.HELD: "held", BlockStatus.CLOSED: "closed"},
}
_SEXES = {
    "de": {"female": "Frauen", "male": "Männer", "other": "divers"},
    "en": {"female": "women", "male": "men", "other": "other"},
}


def told(report: VacancyReport, language: Language) -> str:
    """What the report says: whose it is, how many places, as of when, and which."""
    facility, offer, counts = report.facility, report.offer, report.counts
    where = " ".join(part for part in (facility.address.postal_code, facility.address.city) if part)
    form = terminology.display("care-form", offer.care_form, language)
    free = _STATES[language][report.state]
    if counts.accepting is not None and report.state in (State.SOME, State.NONE):
        free = f"{counts.accepting} {'free' if language == 'en' else 'frei'}"
    numbers = (counts.licensed, counts.operable, counts.occupied, counts.held, counts.waiting)
    besides = [f"{count} {word}" for count, word in zip(numbers, _COUNTS[language], strict=True) if count is not None]
    parts = [f"{facility.name} ({facility.key}){', ' + where if where else ''}: {form}, {', '.join((free, *besides))}"]
    if report.valid_at is not None:
        parts.append(f"{'as of' if language == 'en' else 'Stand'} {moment_text(report.valid_at, language)}")
    parts += [_block(block, language) for block in report.blocks]
    return "; ".join(parts)


def _block(block: Block, language: Language) -> str:
    said = [f"{block.count} {_BLOCKS[language][block.status]}"]
    if block.start is not None:
        said.append(f"{'from' if language == 'en' else 'ab'} {day_text(block.start, language)}")
    if block.end is not None:
        said.append(f"{'until' if language == 'en' else 'bis'} {day_text(block.end, language)}")
    if block.room is not None:
        said.append(terminology.display("room-type", block.room, language))
    if block.sex is not None:
        said.append(_SEXES[language][block.sex])
    return " ".join(said)
