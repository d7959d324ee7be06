"""The number that a statutory insurance gives a person for life (KVNR, § 290 SGB V): a letter, eight digits, a check
digit. It stands for a patient wherever it stands."""

import re

__all__ = ["has_insurance_number"]

_LIKE = re.compile(r"(?<![A-Za-z0-9])([A-Za-z])(\d{8})(\d)(?!\d)")


def has_insurance_number(text: str) -> bool:
    """Whether a text has such a number in it, by its check digit."""
    return any(_checks(letter, digits, check) for letter, digits, check in _LIKE.findall(text))


def _checks(letter: str, digits: str, check: str) -> bool:
    """Each digit, the letter as its place in the alphabet before them, times 1 and 2 in turn, added digit by digit."""
    number = f"{ord(letter.upper()) - ord('A') + 1:02}{digits}"
    products = (int(digit) * (1 + at % 2) for at, digit in enumerate(number))
    return sum(product // 10 + product % 10 for product in products) % 10 == int(check)
