"""The number that a statutory insurance gives a person for life (KVNR, § 290 SGB V): a letter, eight digits, a check
digit. It stands for a patient wherever it stands."""

import re
import unicodedata

__all__ = ["has_insurance_number", "without_random_ids"]

_LIKE = re.compile(r"(?<![A-Za-z0-9])([A-Za-z])(?:\s?|[./-](?=\d{3}[./-]))(\d{3})([\s./-]?)(\d{3})\3(\d{2})(\d)(?!\d)")
"""Also in groups of three, as people write it by hand; parted otherwise it may be a key with an IK in it."""
_RANDOM_ID = re.compile(
    r"(?<![A-Za-z0-9])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,})(?![A-Za-z0-9])", re.IGNORECASE
)
"""A UUID or a hash: of some thousands one has such a number in it by chance."""
_LENGTH = 10
"""Of such a number where nothing parts it."""


def has_insurance_number(text: str) -> bool:
    """Whether a text has such a number in it, by its check digit, in whatever letters Unicode has for it; never
    within a random id."""
    if text.isascii():
        if len(text) < _LENGTH:
            return False
        plain = text
    else:
        plain = unicodedata.normalize("NFKC", text)
    return _is_in(plain) and _is_in(without_random_ids(plain))


def without_random_ids(text: str) -> str:
    """A text without the UUIDs and hashes in it."""
    return _RANDOM_ID.sub("|", text)


def _is_in(text: str) -> bool:
    return any(
        _checks(letter, first + second + third, check) for letter, first, _, second, third, check in _LIKE.findall(text)
    )


def _checks(letter: str, digits: str, check: str) -> bool:
    """Each digit, the letter as its place in the alphabet before them, times 1 and 2 in turn, added digit by digit."""
    number = f"{ord(letter.upper()) - ord('A') + 1:02}{digits}"
    products = (int(digit) * (1 + at % 2) for at, digit in enumerate(number))
    return sum(product // 10 + product % 10 for product in products) % 10 == int(check)
