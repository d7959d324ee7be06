"""Fields that look like numbers of places by their names and values: one that no rule reads takes free places along."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from mappings.reader import is_blank
from mappings.vocabulary import care_form, counts_places, is_of_keys, is_of_people, vocabulary, words

__all__ = ["named_values", "uncounted"]

_NUMBER = re.compile(r"-?\d{1,3}([.,]0+)?")
_MANY = 0.95
_SOME = 0.3


def uncounted(unread: Mapping[str, Sequence[Any]], read: Iterable[str] = ()) -> tuple[str, ...]:
    """Of fields that no rule reads, with values of a sample, those that seem to count places, in their order.

    A name that says so is enough where nothing stands there yet. By its values alone a field is one only beside
    others whose names say so; `read` are the names of those that rules read.
    """
    by_name = {name: _by_name(name, values) for name, values in unread.items()}
    beside = any(by_name.values()) or any(any(counts_places(name)) or care_form(name) for name in read)
    return tuple(name for name, values in unread.items() if by_name[name] or (beside and _by_values(name, values)))


def named_values(fields: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What stands in every field of a record, by its way without positions in lists (`rows.Frei`)."""
    if isinstance(fields, Mapping):
        for key, value in fields.items():
            yield from named_values(value, f"{name}.{key}" if name else str(key))
    elif isinstance(fields, list):
        for element in fields:
            yield from named_values(element, name)
    else:
        yield name, fields


def _by_name(name: str, values: Sequence[Any]) -> bool:
    said, ends = counts_places(name)
    if not said and care_form(name) is None:
        return False
    share = _share(values)
    if share is None:
        return ends
    return share >= (_SOME if said else _MANY)


def _by_values(name: str, values: Sequence[Any]) -> bool:
    if len(values) < 2 or is_of_people(name) or _is_something_else(name):
        return False
    share = _share(values)
    if share is not None and _is_numbering(values):
        return False
    # What is 0 or 1 alone says yes or no.
    return share is not None and share >= _MANY and any(_plain(value) not in ("", "0", "1") for value in values)


def _is_numbering(values: Sequence[Any]) -> bool:
    """Whether the values are those of a running number."""
    told = [int(text) for text in map(_plain, values) if text.isdigit()]
    return len(told) == len(values) and all(one < other for one, other in pairwise(told))


def _is_something_else(name: str) -> bool:
    """Whether the name is one of a place of the model that is no number of places, or a key."""
    own = name.rpartition(".")[2]
    said = tuple(words(own))
    return is_of_keys(own) or any(
        phrase == said
        for place, phrases in vocabulary().places.items()
        if place == "counts.waiting" or not place.startswith(("counts.", "block.count"))
        for phrase in phrases
    )


def _share(values: Sequence[Any]) -> float | None:
    """The share of small whole numbers among what is not blank; None where all is."""
    told = [value for value in values if not is_blank(value)]
    return sum(bool(_NUMBER.fullmatch(_plain(value))) for value in told) / len(told) if told else None


def _plain(value: Any) -> str:
    return str(value).strip() if not isinstance(value, bool) else ""
