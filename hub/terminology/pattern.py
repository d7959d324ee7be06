"""A regular expression that no text can make slow: the value of a value set's `regex` filter
(https://hl7.org/fhir/R4/valueset-filter-operator.html).

All states that the text read so far can lead to are carried on at once, so a character costs at most as many steps as
the expression has states; there is nothing to go back to. What would need it (back references, looking ahead) is
refused. The whole text has to match.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["NotPattern", "Pattern"]

_LENGTH_MAX = 500
_DEPTH_MAX = 50
_STATES_MAX = 4_000
_SEEN_MAX = 2_000

_Test = Callable[[str], bool]


class NotPattern(ValueError):
    """`reason` says what cannot be read, `position` where."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at {position}")
        self.reason = reason
        self.position = position


@dataclass(slots=True)
class _State:
    """Goes on by one character that passes `test`, or, without a test, by none."""

    test: _Test | None = None
    onward: list[int] = field(default_factory=list)


class Pattern:
    """A compiled expression; `NotPattern` where it is none, or one that is too large."""

    def __init__(self, expression: str) -> None:
        if len(expression) > _LENGTH_MAX:
            raise NotPattern(f"more than {_LENGTH_MAX} characters", _LENGTH_MAX)
        self._states: list[_State] = []
        end = self._state()
        start = _Reader(expression).read()(self._state, self._states, end)
        self._end = end
        self._start = self._closed([start])
        self._seen: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def matches(self, text: str, spend: Callable[[int], None]) -> bool:
        """Whether the whole text matches; `spend` is told of each step, and may stop it."""
        now = self._start
        for character in text:
            spend(1)
            then = self._seen.get((now, character))
            if then is None:
                spend(len(now))
                then = self._step(now, character)
            now = then
            if not now:
                return False
        return self._end in now

    def _state(self, test: _Test | None = None) -> int:
        if len(self._states) >= _STATES_MAX:
            raise NotPattern(f"more than {_STATES_MAX} states", 0)
        self._states.append(_State(test))
        return len(self._states) - 1

    def _step(self, now: frozenset[int], character: str) -> frozenset[int]:
        if len(self._seen) >= _SEEN_MAX:
            self._seen.clear()
        reached = [
            after
            for each in now
            if (test := self._states[each].test) is not None and test(character)
            for after in self._states[each].onward
        ]
        then = self._closed(reached)
        self._seen[now, character] = then
        return then

    def _closed(self, states: list[int]) -> frozenset[int]:
        found, waiting = set(states), list(states)
        for each in waiting:
            if self._states[each].test is None:
                for other in self._states[each].onward:
                    if other not in found:
                        found.add(other)
                        waiting.append(other)
        return frozenset(found)


_Part = Callable[[Callable[..., int], list[_State], int], int]
"""Adds its states before a given one, and says where it starts."""


def _one(test: _Test) -> _Part:
    def add(state: Callable[..., int], states: list[_State], after: int) -> int:
        made = state(test)
        states[made].onward.append(after)
        return made

    return add


def _all(parts: list[_Part]) -> _Part:
    def add(state: Callable[..., int], states: list[_State], after: int) -> int:
        for part in reversed(parts):
            after = part(state, states, after)
        return after

    return add


def _any(parts: list[_Part]) -> _Part:
    def add(state: Callable[..., int], states: list[_State], after: int) -> int:
        made = state()
        states[made].onward.extend(part(state, states, after) for part in parts)
        return made

    return add


def _repeated(part: _Part, least: int, most: int | None) -> _Part:
    def add(state: Callable[..., int], states: list[_State], after: int) -> int:
        if most is None:
            loop = state()
            states[loop].onward.extend([part(state, states, loop), after])
            after = loop
        else:
            end = after
            for _ in range(most - least):
                made = state()
                states[made].onward.extend([part(state, states, after), end])
                after = made
        for _ in range(least):
            # A state of its own, so that repeating nothing is counted as well.
            made = state()
            states[made].onward.append(part(state, states, after))
            after = made
        return after

    return add


_CLASSES: dict[str, _Test] = {
    "d": str.isdecimal,
    "D": lambda character: not character.isdecimal(),
    "s": str.isspace,
    "S": lambda character: not character.isspace(),
    "w": lambda character: character.isalnum() or character == "_",
    "W": lambda character: not (character.isalnum() or character == "_"),
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, expression: str) -> None:
        self.text = expression
        self.at = 0
        self.depth = 0

    def read(self) -> _Part:
        part = self.alternatives()
        if self.at < len(self.text):
            raise self.wrong("no group is open here")
        return part

    def alternatives(self) -> _Part:
        parts = [self.sequence()]
        while self.next("|"):
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else _any(parts)

    def sequence(self) -> _Part:
        parts: list[_Part] = []
        # The whole text has to match anyway.
        if self.depth == 0:
            self.next("^")
        while (character := self.peek()) and character not in "|)":
            if character == "$" and self.depth == 0 and self.text[self.at + 1 : self.at + 2] in ("", "|"):
                self.at += 1
                break
            parts.append(self.quantified(self.atom()))
        return _all(parts)

    def quantified(self, part: _Part) -> _Part:
        bounds = self.quantifier()
        if bounds is None:
            return part
        # Lazy or greedy is the same for a match of the whole.
        self.next("?")
        if self.peek() and self.peek() in "*+?{":
            raise self.wrong("nothing to repeat")
        return _repeated(part, *bounds)

    def quantifier(self) -> tuple[int, int | None] | None:
        if self.next("*"):
            return 0, None
        if self.next("+"):
            return 1, None
        if self.next("?"):
            return 0, 1
        if not self.next("{"):
            return None
        end = self.text.find("}", self.at)
        least, comma, most = self.text[self.at : max(end, self.at)].partition(",")
        if not (_is_count(least) and (not most or _is_count(most))):
            raise self.wrong("expected {n}, {n,} or {n,m}")
        self.at = end + 1
        bounds = int(least), (int(most) if most else None) if comma else int(least)
        if bounds[1] is not None and bounds[1] < bounds[0]:
            raise self.wrong("the second number is less than the first")
        return bounds

    def atom(self) -> _Part:
        character = self.taken()
        if character == "(":
            return self.group()
        if character == "[":
            return _one(self.characters())
        if character == ".":
            return _one(lambda character: character != "\n")
        if character == "\\":
            return _one(self.escaped())
        if character in "*+?{^$":
            self.at -= 1
            raise self.wrong("nothing to repeat" if character in "*+?{" else "an anchor in the middle")
        return _one(_exactly(character))

    def group(self) -> _Part:
        if self.next("?") and not self.next(":"):
            raise self.wrong("only groups ( ) and (?: ) are read")
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise self.wrong(f"more than {_DEPTH_MAX} groups in one another")
        part = self.alternatives()
        if not self.next(")"):
            raise self.wrong("a group is not closed")
        self.depth -= 1
        return part

    def escaped(self) -> _Test:
        character = self.taken()
        if character in _CLASSES:
            return _CLASSES[character]
        return _exactly(self.literal(character))

    def literal(self, character: str) -> str:
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character.isalnum():
            raise self.wrong("this escape is not read; known: \\d \\D \\s \\S \\w \\W \\t \\n \\r \\f and signs")
        return character

    def characters(self) -> _Test:
        negated = self.next("^")
        tests: list[_Test] = []
        while (first := self.taken()) != "]" or not tests:  # a bracket that comes first stands for itself
            if first == "\\":
                escaped = self.taken()
                if escaped in _CLASSES:
                    tests.append(_CLASSES[escaped])
                    continue
                first = self.literal(escaped)
            tests.append(self.range_from(first))
        if negated:
            return lambda character: not any(test(character) for test in tests)
        return lambda character: any(test(character) for test in tests)

    def range_from(self, first: str) -> _Test:
        if self.peek() != "-" or self.text[self.at + 1 : self.at + 2] in ("", "]"):
            return _exactly(first)
        self.at += 1
        last = self.taken()
        if last == "\\":
            last = self.literal(self.taken())
        if last < first:
            raise self.wrong("a range that ends before it starts")
        return lambda character: first <= character <= last

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def next(self, expected: str) -> bool:
        if self.peek() != expected:
            return False
        self.at += 1
        return True

    def taken(self) -> str:
        character = self.peek()
        if not character:
            raise self.wrong("the expression ends too early")
        self.at += 1
        return character

    def wrong(self, reason: str) -> NotPattern:
        return NotPattern(reason, self.at)


def _exactly(character: str) -> _Test:
    return character.__eq__


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
