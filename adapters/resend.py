"""Whether sending a delivery again helps, by what became of it (`CodeSystem/ingest-issue`, property `resend`)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from adapters.issue_code import published

__all__ = ["AGAIN", "CORRECTED", "HELD", "NO", "TAKEN", "Resend", "advice", "of_code", "of_codes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """What whoever sent a delivery does next."""

    how: str
    """`corrected`, `again` (the same, later), `no` (somebody else acts first) or `unneeded`."""
    text_de: str
    text_en: str

    @property
    def helps(self) -> bool:
        """Whether the same delivery, sent again as it is, would be taken."""
        return self.how == "again"

    def to_json(self) -> dict[str, Any]:
        """As published: names and codes are stable."""
        return {"helps": self.helps, "how": self.how, "text": {"de": self.text_de, "en": self.text_en}}


CORRECTED = Resend(
    how="corrected",
    text_de="erst berichtigt, und unter neuer Kennung, wo eine dabei war; unverändert kommt dieselbe Antwort",
    text_en="once corrected, and under a new id where it had one; unchanged it gets the same answer",
)
AGAIN = Resend(
    how="again",
    text_de="ja, dieselbe Lieferung in einigen Minuten noch einmal",
    text_en="yes, the same delivery again in some minutes",
)
NO = Resend(
    how="no",
    text_de="hilft nicht, zuerst ist der Betreiber am Zug",
    text_en="does not help, the operator acts first",
)
HELD = Resend(
    how="no",
    text_de="hilft nicht, der Betreiber entscheidet, ob die Lieferung gilt",
    text_en="does not help, the operator decides whether the delivery takes effect",
)
TAKEN = Resend(
    how="unneeded",
    text_de="nicht nötig, die Lieferung ist aufgenommen",
    text_en="not needed, the delivery is taken in",
)
_BY_HOW = {one.how: one for one in (CORRECTED, AGAIN, NO)}


def advice(*, good: bool, held: bool, codes: Collection[str]) -> Resend:
    """What to do after a receipt; `codes` are those of its errors."""
    if held:
        return HELD
    return TAKEN if good else of_codes(codes)


def of_codes(codes: Iterable[str]) -> Resend:
    """What to do about errors: what the sender can correct goes before what others do, and that before the clock."""
    said = {of_code(code) for code in codes}
    return next((_BY_HOW[how] for how in ("corrected", "no", "again") if how in said), CORRECTED)


def of_code(code: str) -> str:
    """Whether sending again helps where a code stands; a code that is not published is the sender's to correct."""
    return known.resend if (known := published().get(code)) is not None else "corrected"
