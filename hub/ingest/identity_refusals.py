"""What people are told who decide about facilities what cannot be."""

from hub.errors import NotFound
from mappings.errors import Issue, Rejected

__all__ = ["contradicted", "no_decision", "not_joined", "stands_no_more", "torn", "unknown"]


def unknown(end: str) -> NotFound:
    """A facility that nobody told of."""
    return NotFound(
        Issue(
            code="unknown-facility",
            fhir_code="not-found",
            place=end[:64],
            text_de="diese Einrichtung kennt der Abgleich nicht; erwartet wird die Id ihrer Organization",
            text_en="no such facility is known here; expected the id of its Organization",
        )
    )


def contradicted() -> Rejected:
    """Two that say themselves that they are two."""
    return Rejected(
        Issue(
            code="identity-contradicted",
            fhir_code="conflict",
            text_de="verschiedene Telematik-IDs: das sind zwei Einrichtungen. Ist eine ID falsch, muss ihre Quelle sie "
            "berichtigen",
            text_en="different Telematik-IDs: these are two facilities. If one is wrong, its source must correct it",
        )
    )


def torn() -> Rejected:
    """What would join those that are held to be different."""
    return Rejected(
        Issue(
            code="identity-torn",
            fhir_code="conflict",
            text_de="damit würde eins, was anderswo als verschieden gilt; erst diese Entscheidung zurücknehmen "
            "(platzfrei identity explain)",
            text_en="this would make one what is held to be different elsewhere; undo that decision first "
            "(platzfrei identity explain)",
        )
    )


def not_joined() -> Rejected:
    """What stands for itself already."""
    return Rejected(
        Issue(
            code="not-joined",
            fhir_code="business-rule",
            text_de="diese Einrichtung ist mit keiner zusammengeführt",
            text_en="this facility is not joined with any",
        )
    )


def no_decision(number: int) -> NotFound:
    """A number that no decision has."""
    return NotFound(
        Issue(
            code="unknown-decision",
            fhir_code="not-found",
            place=str(number),
            text_de="diese Entscheidung gibt es nicht; siehe platzfrei identity decisions",
            text_en="there is no such decision; see platzfrei identity decisions",
        )
    )


def stands_no_more(number: int) -> Rejected:
    """A decision that another followed."""
    return Rejected(
        Issue(
            code="decision-stands-no-more",
            fhir_code="business-rule",
            place=str(number),
            text_de="diese Entscheidung gilt nicht mehr; zurückgenommen wird nur, was gilt",
            text_en="this decision does not stand any more; only what stands can be undone",
        )
    )
