"""What can change of a view that processes keep in memory."""

from enum import IntEnum

__all__ = ["ChangeKind"]


class ChangeKind(IntEnum):
    """What is another than it was of a row of `Projection.resource`."""

    PLACES = 0
    """When places of an offer are free, where it is and what else it is found by; its times."""
    AREAS = 1
    """To which postal codes an offer comes."""
    MEMBERS = 2
    """What is shown with an offer."""
    VERSION = 3
    """The version of a resource."""
