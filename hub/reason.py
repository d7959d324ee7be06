"""Who decided and why, as it is kept with a decision."""

from mappings.errors import Issue, Rejected

__all__ = ["WHO", "WHY", "reason"]

WHO, WHY = 100, 500
"""How many characters at most."""


def reason(value: str, name: str, most: int, *, code: str) -> str:
    """One line of text; raises `Rejected` with this code, `name` being the place, for what is none or too long."""
    plain = " ".join(value.split())
    if not plain or len(plain) > most or not plain.isprintable():
        raise Rejected(
            Issue(
                code=code,
                fhir_code="required",
                place=name,
                text_de=f"erwartet wird ein Satz von höchstens {most} Zeichen; nichts von Bewohnern",
                text_en=f"expected a sentence of at most {most} characters; nothing of residents",
            )
        )
    return plain
