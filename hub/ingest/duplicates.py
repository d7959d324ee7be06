"""What a delivery is told that is not taken now: the receipt of before, or that it is refused, or to come again."""

from adapters.receipt import Receipt
from hub.errors import Invalid, http_part
from hub.ingest.ledger import Known
from mappings.errors import Issue, Retriable

__all__ = ["busy", "not_finished", "reused", "told_before", "unknown_delivery"]


def told_before(before: Known, digest: bytes) -> Receipt | Exception:
    """What is told of a delivery with this digest under the message id of one before."""
    if before.digest != digest:
        return reused()
    if before.receipt is None or before.status in ("arriving", "received"):
        return not_finished()
    before.receipt.duplicate = True
    return before.receipt


def reused() -> Invalid:
    """The message id came with another content before."""
    return Invalid(
        Issue(
            code="message-id-reused",
            fhir_code="duplicate",
            place=http_part("Idempotency-Key"),
            text_de="unter dieser Kennung kam schon anderer Inhalt; neuen Inhalt unter neuer Kennung senden",
            text_en="this id came with another content before; send new content under a new id",
        )
    )


def not_finished() -> Retriable:
    """The delivery is there, and not done yet."""
    return Retriable(
        Issue(
            code="not-finished",
            fhir_code="transient",
            place=http_part("Idempotency-Key"),
            text_de="diese Lieferung wird gerade aufgenommen; dieselbe in einer Minute noch einmal senden",
            text_en="this delivery is being taken in just now; send the same again in a minute",
        )
    )


def busy() -> Retriable:
    """Too many large deliveries are being taken in."""
    return Retriable(
        Issue(
            code="busy",
            fhir_code="throttled",
            place="http",
            text_de="gerade werden zu viele große Lieferungen aufgenommen; diese in einigen Minuten neu senden",
            text_en="too many large deliveries are being taken in just now; send this one again in a few minutes",
        )
    )


def unknown_delivery(place: str) -> Issue:
    """What is told of a delivery's number that its source has not; what another sent and what nobody sent alike."""
    return Issue(
        code="unknown-delivery",
        fhir_code="not-found",
        place=place,
        text_de="diese Quelle hat keine Lieferung mit dieser Nummer; ihre Nummern stehen in ihren Quittungen",
        text_en="this source has no delivery of this number; its numbers stand in its receipts",
    )
