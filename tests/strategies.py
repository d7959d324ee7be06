"""What hypothesis feeds to readers: JSON values, and bytes that were once good."""

from typing import Any

from hypothesis import strategies as st

__all__ = ["cells", "json_values", "mutated"]

_usual = ["", " ", "0", "3", "-1", "3,0", "ja", "x", "KZP", "Dauerpflege", "Apotheke", "EZ", "01.12.2026"]

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(_usual)
"""What may stand in a cell of a table."""

_scalars = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | cells

json_values: st.SearchStrategy[Any] = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(cells, inner, max_size=4), max_leaves=12
)
"""Any JSON value, as `strict_json` reads it."""


@st.composite
def mutated(draw: st.DrawFn, body: bytes) -> bytes:
    """A body with some stretches of it cut out, doubled or overwritten, and perhaps its end missing."""
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 40)))
        middle = draw(st.sampled_from([b"", body[start:end] * 2]) | st.binary(max_size=8))
        body = body[:start] + middle + body[end:]
    return body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body
