"""Names of places as people write them, in one spelling, and the names that a misspelt one may mean.

Umlauts may be written ae, oe, ue; case, hyphens, blanks and accents do not count; `St.` is Sankt. What tells towns of
one name apart (`am Main`, `/Oder`, `(Oldb)`, `a. d. Saale`) is parted from the name. Pure, and knows no place.
"""

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

__all__ = ["LONGEST", "Name", "Spellings", "abbreviates", "apart", "bare", "name_of"]

LONGEST = 80
"""No name of a place is longer, in characters as written."""

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_BARE = str.maketrans("äöüÄÖÜßẞ", "aouAOUsS")
_WORD = re.compile(r"[a-z0-9]+|[(/,]")
_SAINT = re.compile(r"\bst\b\.?(?=[\s-]*\w)")
_PREPOSITIONS = frozenset(
    ("a", "am", "an", "auf", "b", "bei", "beim", "i", "im", "in", "o", "ob", "u", "unter", "unterm", "v", "vor", "vorm")
)
_JOINING = _PREPOSITIONS | {"d", "der", "dem", "den", "des", "die"}
_ENDS: tuple[list[str], ...] = ([], ["("], ["/"], [","])
"""What follows the last word of an addition: that is never a preposition, but shortens a word (`Frankfurt/O`)."""
_ONE_ERROR, _TWO_ERRORS = 5, 9
_PREFIX = 10
_END = (1 << 64) - 1
_KEY_BITS = 20
_HASH, _NUMBER = (1 << (64 - _KEY_BITS)) - 1, (1 << _KEY_BITS) - 1


@dataclass(frozen=True, slots=True)
class Name:
    """A name in one spelling: its words, and the words that tell it from its like (`main` of `Frankfurt am Main`)."""

    words: tuple[str, ...]
    addition: tuple[str, ...]
    whole: str
    """All that was written, prepositions too, in one word."""

    @property
    def base(self) -> str:
        """The name without its addition, in one word."""
        return "".join(self.words)

    @property
    def content(self) -> str:
        """Name and addition, without what joins them, in one word."""
        return self.base + "".join(self.addition)


def name_of(text: str) -> Name:
    """A name in one spelling; of text without a letter, one without words."""
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text[:LONGEST]).casefold()).translate(_UMLAUTS)
    plain = "".join(one for one in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(one))
    tokens = _WORD.findall(_SAINT.sub("sankt", plain))
    written = [token for token in tokens if token.isalnum()]
    begin = next((at for at in range(1, len(tokens)) if _adds(tokens, at)), len(tokens))
    return Name(
        words=tuple(token for token in tokens[:begin] if token.isalnum()),
        addition=tuple(
            token
            for at, token in enumerate(tokens[begin:], begin)
            if token.isalnum() and not (token in _JOINING and tokens[at + 1 : at + 2] not in _ENDS)
        ),
        whole="".join(written),
    )


def _adds(tokens: list[str], at: int) -> bool:
    """Whether an addition begins here: at a sign, or at a preposition that something follows (not `Wakendorf I`)."""
    return not tokens[at].isalnum() or (tokens[at] in _PREPOSITIONS and at + 1 < len(tokens))


def bare(text: str) -> str:
    """A name as who has no umlauts and no ß writes it: Osnabruck, Weisenburg."""
    return unicodedata.normalize("NFC", text).translate(_BARE)


def abbreviates(short: str, word: str) -> bool:
    """Whether letters of a word, in their order and from its first on, make the short one: `oldb` of `oldenburg`."""
    if not short or short[:1] != word[:1]:
        return False
    letters = iter(word)
    return all(letter in letters for letter in short)


def apart(one: str, other: str, most: int) -> int:
    """How many wrong, missing, added or swapped letters are between two words; `most` + 1 for more."""
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for down, letter in enumerate(one, 1):
        earlier, before, row = before, row, [down]
        for along, of_other in enumerate(other, 1):
            cost = min(before[along] + 1, row[-1] + 1, before[along - 1] + (letter != of_other))
            if down > 1 and along > 1 and letter == other[along - 2] and one[down - 2] == of_other:
                cost = min(cost, earlier[along - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


class Spellings:
    """Words in one spelling, and the numbers of the things that each names."""

    def __init__(self, named: Iterable[tuple[str, int]]) -> None:
        self._named: dict[str, int | tuple[int, ...]] = {}
        for word, number in named:
            told = self[word]
            if number not in told:
                self._named[word] = (*told, number) if told else number

    def __getitem__(self, word: str) -> tuple[int, ...]:
        """What a word names; nothing where it is none."""
        told = self._named.get(word, ())
        return told if isinstance(told, tuple) else (told,)

    def misspelt(self, word: str) -> dict[str, int]:
        """The words that this one may mean, and how many errors it then has: one at least, and as few as in any.

        One error is forgiven in words of 5 letters, two in words of 9.
        """
        if not _ONE_ERROR - 1 <= len(word) <= LONGEST:
            return {}
        words, starts, table = self._table
        shortest, longest = starts[max(0, len(word) - 2)], starts[len(word) + 3]
        seen: set[int] = set()
        for part in _shortened(word[:_PREFIX], 2):
            key = (hash(part) & _HASH) << _KEY_BITS
            at, end = bisect_left(table, key | shortest), key | longest
            while table[at] < end:
                seen.add(table[at] & _NUMBER)
                at += 1
        fewest, found = 2, {}
        for number in seen:
            meant = words[number]
            most = min(fewest, _forgiven(len(meant)))
            if abs(len(meant) - len(word)) <= most and 0 < (errors := apart(word, meant, most)) <= most:
                fewest = errors
                found[meant] = errors
        return {meant: errors for meant, errors in found.items() if errors == fewest}

    @cached_property
    def _table(self) -> tuple[list[str], list[int], "array[int]"]:
        """The words by length, where each length begins, and all words without up to two letters of their beginning.

        Two words that are near have such a rest in common (SymSpell): a hash of it, then the word's number.
        """
        words = sorted((word for word in self._named if len(word) >= _ONE_ERROR), key=len)
        starts = [bisect_left(words, length, key=len) for length in range(LONGEST + 4)]
        rests = [
            (hash(rest) & _HASH) << _KEY_BITS | number
            for number, word in enumerate(words)
            for rest in _shortened(word[:_PREFIX], _forgiven(len(word)))
        ]
        return words, starts, array("Q", (*sorted(rests), _END))


def _forgiven(letters: int) -> int:
    return (letters >= _ONE_ERROR) + (letters >= _TWO_ERRORS)


def _shortened(word: str, letters: int) -> set[str]:
    """A word, and what is left of it without one to so many letters."""
    seen = now = {word}
    for _ in range(letters):
        now = {left[:at] + left[at + 1 :] for left in now for at in range(len(left))}
        seen = seen | now
    return seen
