"""Free blocks of offers as rows of whole numbers: what memory keeps of them, and the search for places reckons with."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "NOT_SAID", "NUMBERS", "TIMES", "Rows"]

TIMES = ("valid_at", "confirmed_at", "aging_at", "stale_at", "expires_at")
"""As in `Projection.freshness`; `NOT_SAID` where there is none."""
NUMBERS = (
    *("needs", "operator", "payers", "starts", "ends", "places", "care_grades", "rooms", "sexes", "own_share", "ags"),
)
"""As in `Projection.vacancy`."""
COLUMNS = (
    "rid",  # of the HealthcareService
    *("x", "y", "z"),  # where it is, on a sphere of radius 1
    *TIMES,
    *NUMBERS,
    *("languages", "care_form", "state"),  # numbers of `Words`
    "by_area",
)
"""What is known of a block."""

NOT_SAID = int(np.iinfo(np.int64).min)
"""The moment of a source that names none."""

_COLUMN_OF = {name: place for place, name in enumerate(COLUMNS)}
_X, _Z = _COLUMN_OF["x"], _COLUMN_OF["z"]


class Rows:
    """Blocks, one row each; `rows["places"]` is a column of them (`COLUMNS`), whole numbers."""

    __slots__ = ("cells",)

    def __init__(self, cells: NDArray[np.int64]) -> None:
        self.cells = cells

    @classmethod
    def of(cls, blocks: Sequence[tuple[int, ...]]) -> "Rows":
        """Those of blocks as tuples in the order of the columns."""
        return cls(np.array(blocks, np.int64).reshape(-1, len(COLUMNS)))

    @classmethod
    def joined(cls, several: Sequence["Rows"]) -> "Rows":
        """All rows of several."""
        return cls(np.concatenate([one.cells for one in several])) if several else cls.of(())

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, column: str) -> NDArray[np.int64]:
        return self.cells[:, _COLUMN_OF[column]]

    @property
    def places_on_sphere(self) -> NDArray[np.float64]:
        """Where each is, on a sphere of radius 1: x, y and z."""
        return self.cells.view(np.float64)[:, _X : _Z + 1]

    @property
    def based_on(self) -> NDArray[np.int64]:
        """From when on their statements age: as of when a source says, else when it was heard last."""
        valid_at = self["valid_at"]
        return np.where(valid_at == NOT_SAID, self["confirmed_at"], valid_at)

    def at(self, places: NDArray[np.intp]) -> "Rows":
        """Those at some places, in their order: a copy."""
        return Rows(self.cells.take(places, axis=0))

    def where(self, flags: NDArray[np.bool_]) -> "Rows":
        """Those of which it is true: a copy."""
        return Rows(self.cells.take(flags.nonzero()[0], axis=0))
