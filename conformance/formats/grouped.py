"""Large numbers in sentences: German groups digits by points, where English has commas."""

__all__ = ["grouped"]


def grouped(number: int) -> str:
    """`1.048.576`: in German a comma begins what is less than one."""
    return f"{number:,}".replace(",", ".")
