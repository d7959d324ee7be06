"""A table of text for the terminal."""

from collections.abc import Collection, Sequence

__all__ = ["table"]

_WIDEST = 38
_NARROWEST = 10
_GAP = "  "


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Collection[int] = (),
    shrink: Collection[int] = (),
    width: int = 0,
    widest: int = _WIDEST,
) -> str:
    """Heads, a rule and rows; columns in `right` are set flush right, those in `shrink` are cut to fit into `width`.

    No column is more than `widest` characters wide.
    """
    cells = [list(heads), *(list(row) for row in rows)]
    widths = [min(max(len(row[column]) for row in cells), widest) for column in range(len(heads))]
    while width and sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        widest = max(shrink, key=lambda column: widths[column])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    lines = [
        _GAP.join(
            _cut(cell, wide).rjust(wide) if column in right else _cut(cell, wide).ljust(wide)
            for column, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], _GAP.join("─" * wide for wide in widths), *lines[1:]])


def _cut(cell: str, wide: int) -> str:
    return cell if len(cell) <= wide else cell[: wide - 1] + "…"
