"""One resource from its body into the store: validated, then written."""

from hub.fhir.context import Context
from hub.fhir.received import Received
from hub.fhir.validation import refuse_invalid
from hub.store.clock import micros
from hub.store.draft import Draft
from hub.store.reader import Transaction
from hub.store.repository import Version

__all__ = ["store"]


def store(
    context: Context, transaction: Transaction, sent: Received, resource_id: str, *, posted: bool = False
) -> Version:
    """The version that a resource has once it is written under an id.

    Raises `Invalid` with all findings where it is not valid.
    """
    assert context.store is not None, "the router refuses what writes where nothing is written"
    tree = {**sent.tree, "id": resource_id}
    refuse_invalid(context, transaction, tree)
    draft = Draft.received(tree, sent.text, resource_id=resource_id, posted=posted)
    made = context.store(transaction, [draft], at=micros(context.clock()))
    return made.versions[(draft.type, resource_id)]
