"""Regular expressions in time linear in the text, whoever wrote the pattern
(https://hl7.org/fhirpath/N1/#matchesregex--string--boolean, https://swtch.com/~rsc/regexp/regexp2.html).

Python's own engine needs exponential time for some patterns, and patterns come from outside. This one simulates the
automaton instead: all alternatives at once, each step once per character. What no automaton can do is refused:
backreferences, looking ahead or behind, word boundaries, possessive repetition.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["NotRegular", "Pattern", "pattern"]

_LONGEST: Final = 1_000
_DEEPEST: Final = 30
_LARGEST: Final = 4_000
_MOST_REMEMBERED: Final = 500
_MOST_GROUPS: Final = 50
_MOST_EMITTED: Final = 20_000

Test = Callable[[str], bool]
Spend = Callable[[int], None]


class NotRegular(ValueError):
    """A pattern that is none, or one that this engine does not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """What a pattern is made of: `kind` is one of set, start, end, sequence, choice, group, repeat."""

    kind: str
    test: Test | None = None
    parts: tuple["_Item", ...] = ()
    group: int = 0
    least: int = 0
    most: int | None = None
    greedy: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instruction:
    """One step of the automaton: `kind` is one of set, start, end, split, jump, save, match."""

    kind: str
    test: Test | None = None
    first: int = 0
    second: int = 0


_States = tuple[int, ...]


class Pattern:
    """A pattern, ready to be looked for."""

    def __init__(self, text: str) -> None:
        parser = _Parser(text)
        self._program: list[_Instruction] = []
        self._emitted = 0
        self._emit(parser.whole())
        self._add(_Instruction(kind="match"))
        self._groups = parser.groups
        self._remembered: dict[tuple[_States, str], _States] = {}
        self._at_start = self._closure((0,), at_start=True)
        self._later = self._closure((0,))

    def found_in(self, text: str, spend: Spend) -> bool:
        """Whether it matches some part of the text."""
        return self._run(text, spend, everywhere=True)

    def matches(self, text: str, spend: Spend) -> bool:
        """Whether it matches the whole text."""
        return self._run(text, spend, everywhere=False)

    def replaced(self, text: str, by: str, spend: Spend) -> str:
        """The text with each match replaced; `$1` stands for the first group, `\\$` for a dollar."""
        pieces = []
        at = 0
        while (match := self._next(text, at, spend)) is not None:
            start, end = match[0], match[1]
            piece = _substituted(by, text, match)
            spend((end - at + len(piece)) // 100 + 1)
            pieces += [text[at:start], piece]
            at = end
        return "".join(pieces) + text[at:]

    def _run(self, text: str, spend: Spend, *, everywhere: bool) -> bool:
        spend(len(text) // 10 + 1)
        accept = len(self._program) - 1
        states = self._at_start
        for character in text:
            if everywhere and accept in states:
                return True
            states = self._after(states, character, spend, again=everywhere)
            if not states:
                return False
        at_end = self._closure(states, at_start=not text, at_end=True)
        return accept in at_end

    def _after(self, states: _States, character: str, spend: Spend, *, again: bool) -> _States:
        known = self._remembered.get((states, character)) if again else None
        if known is not None:
            return known
        program = self._program
        moved = [state + 1 for state in states if (test := program[state].test) is not None and test(character)]
        found = self._closure((*moved, *(self._later if again else ())))
        spend(len(states) + len(found) + 1)
        if again and len(self._remembered) < _MOST_REMEMBERED and len(found) < _MOST_GROUPS:
            self._remembered[states, character] = found
        return found

    def _closure(self, states: _States, *, at_start: bool = False, at_end: bool = False) -> _States:
        """The states that can be reached without a character, those wanted first coming first."""
        found: dict[int, None] = {}
        waiting = list(reversed(states))
        while waiting:
            state = waiting.pop()
            if state in found:
                continue
            found[state] = None
            one = self._program[state]
            if one.kind == "split":
                waiting += [one.second, one.first]
            elif one.kind == "jump":
                waiting.append(one.first)
            elif one.kind == "save" or (one.kind == "start" and at_start) or (one.kind == "end" and at_end):
                waiting.append(state + 1)
        return tuple(found)

    def _next(self, text: str, begin: int, spend: Spend) -> list[int] | None:
        """The first match that is not empty: start and end of the whole and of each group, -1 where there is none."""
        threads: list[tuple[int, tuple[int, ...]]] = []
        best: tuple[int, ...] | None = None
        blank = (-1,) * (2 * self._groups + 2)
        for at in range(begin, len(text) + 1):
            if best is None:
                threads.append((0, (at, *blank[1:])))
            alive: list[tuple[int, tuple[int, ...]]] = []
            seen: set[int] = set()
            for state, saved in threads:
                reached = self._follow(state, saved, at, len(text), seen)
                for one, kept in reached:
                    if self._program[one].kind == "match":
                        if at > kept[0]:
                            best = (kept[0], at, *kept[2:])
                            break
                        continue
                    test = self._program[one].test
                    if at < len(text) and test is not None and test(text[at]):
                        alive.append((one + 1, kept))
                else:
                    continue
                # Whatever is wanted less than this match is given up.
                break
            spend(len(seen) + 1)
            threads = alive
            if not threads and best is not None:
                break
        return None if best is None else list(best)

    def _follow(
        self, state: int, saved: tuple[int, ...], at: int, length: int, seen: set[int]
    ) -> list[tuple[int, tuple[int, ...]]]:
        reached = []
        waiting = [(state, saved)]
        while waiting:
            state, saved = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            one = self._program[state]
            match one.kind:
                case "split":
                    waiting += [(one.second, saved), (one.first, saved)]
                case "jump":
                    waiting.append((one.first, saved))
                case "save":
                    waiting.append((state + 1, (*saved[: one.first], at, *saved[one.first + 1 :])))
                case "start" | "end":
                    if at == (0 if one.kind == "start" else length):
                        waiting.append((state + 1, saved))
                case _:
                    reached.append((state, saved))
        return reached

    def _add(self, one: _Instruction) -> int:
        if len(self._program) >= _LARGEST:
            raise NotRegular("too many repetitions")
        self._program.append(one)
        return len(self._program) - 1

    def _emit(self, item: _Item) -> None:
        # Counted apart: a repetition of nothing emits nothing, however often.
        self._emitted += 1
        if self._emitted > _MOST_EMITTED:
            raise NotRegular("too many repetitions")
        match item.kind:
            case "sequence":
                for part in item.parts:
                    self._emit(part)
            case "choice":
                self._emit_choice(item.parts)
            case "group":
                self._add(_Instruction(kind="save", first=2 * item.group))
                self._emit(item.parts[0])
                self._add(_Instruction(kind="save", first=2 * item.group + 1))
            case "repeat":
                self._emit_repeat(item)
            case _:
                self._add(_Instruction(kind=item.kind, test=item.test))

    def _emit_choice(self, parts: tuple[_Item, ...]) -> None:
        ends = []
        for part in parts[:-1]:
            split = self._add(_Instruction(kind="split"))
            self._emit(part)
            ends.append(self._add(_Instruction(kind="jump")))
            self._program[split] = _Instruction(kind="split", first=split + 1, second=len(self._program))
        self._emit(parts[-1])
        for end in ends:
            self._program[end] = _Instruction(kind="jump", first=len(self._program))

    def _emit_repeat(self, item: _Item) -> None:
        for _ in range(item.least):
            self._emit(item.parts[0])
        splits = []
        for _ in range(1 if item.most is None else item.most - item.least):
            splits.append(self._add(_Instruction(kind="split")))
            self._emit(item.parts[0])
        if item.most is None:
            self._add(_Instruction(kind="jump", first=splits[0]))
        for split in splits:
            into, past = split + 1, len(self._program)
            self._program[split] = _Instruction(
                kind="split", first=into if item.greedy else past, second=past if item.greedy else into
            )


@lru_cache(maxsize=64)
def pattern(text: str) -> Pattern:
    """The pattern that the text writes. Raises `NotRegular`."""
    return Pattern(text)


def _substituted(by: str, text: str, match: list[int]) -> str:
    pieces = []
    place = 0
    while place < len(by):
        character = by[place]
        following = by[place + 1 : place + 2]
        if character == "\\" and following:
            pieces.append(following)
            place += 2
        elif character == "$" and following in "0123456789" and following:
            group = int(following)
            if 2 * group + 1 >= len(match):
                raise NotRegular("a group that the pattern does not have")
            start, end = match[2 * group : 2 * group + 2]
            pieces.append(text[start:end] if start >= 0 and end >= 0 else "")
            place += 2
        else:
            pieces.append(character)
            place += 1
    return "".join(pieces)


def _any(_: str) -> bool:
    return True


def _digit(character: str) -> bool:
    return "0" <= character <= "9"


def _word(character: str) -> bool:
    return character == "_" or (character.isascii() and character.isalnum())


def _blank(character: str) -> bool:
    return character in " \t\n\r\f\v"


_CLASSES: Final[dict[str, Test]] = {"d": _digit, "w": _word, "s": _blank}
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_HEXADECIMAL: Final = {"u": 4, "x": 2}
"""Escapes of a character by its number, and how many digits they have."""


def _negated(test: Test) -> Test:
    return lambda character: not test(character)


def _between(low: str, high: str) -> Test:
    return lambda character: low <= character <= high


def _one_of(characters: frozenset[str], tests: tuple[Test, ...]) -> Test:
    if not tests:
        return characters.__contains__
    return lambda character: character in characters or any(test(character) for test in tests)


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise NotRegular(f"longer than {_LONGEST} characters")
        self._text = text
        self._at = 0
        self._depth = 0
        self.groups = 0

    def whole(self) -> _Item:
        found = self._choice()
        if self._at < len(self._text):
            raise NotRegular("a bracket that nothing opened")
        return found

    def _choice(self) -> _Item:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotRegular(f"nested deeper than {_DEEPEST} levels")
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else _Item(kind="choice", parts=tuple(parts))

    def _sequence(self) -> _Item:
        parts = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return _Item(kind="sequence", parts=tuple(parts))

    def _repeated(self, item: _Item) -> _Item:
        bounds = self._bounds()
        if bounds is None:
            return item
        least, most = bounds
        greedy = not self._take("?")
        if self._text[self._at : self._at + 1] in ("*", "+", "?") and self._at < len(self._text):
            raise NotRegular("a repetition of a repetition")
        return _Item(kind="repeat", parts=(item,), least=least, most=most, greedy=greedy)

    def _bounds(self) -> tuple[int, int | None] | None:
        if self._take("*"):
            return 0, None
        if self._take("+"):
            return 1, None
        if self._take("?"):
            return 0, 1
        if not self._take("{"):
            return None
        least, comma, most = self._until("}").partition(",")
        if not _number(least) or not (most == "" or _number(most)):
            raise NotRegular("a repetition without its number")
        upper = (int(most) if most else None) if comma else int(least)
        if int(least) > _LARGEST or (upper is not None and not int(least) <= upper <= _LARGEST):
            raise NotRegular("too many repetitions")
        return int(least), upper

    def _atom(self) -> _Item:
        character = self._next()
        match character:
            case "(":
                return self._group()
            case "[":
                return _Item(kind="set", test=self._set())
            case ".":
                return _Item(kind="set", test=_any)
            case "^":
                return _Item(kind="start")
            case "$":
                return _Item(kind="end")
            case "\\":
                escaped = self._escape()
                return _Item(kind="set", test=escaped if callable(escaped) else escaped.__eq__)
            case "*" | "+" | "?" | "{":
                raise NotRegular("a repetition of nothing")
        return _Item(kind="set", test=character.__eq__)

    def _group(self) -> _Item:
        number = 0
        if self._take("?"):
            if not self._take(":"):
                raise NotRegular("a group that looks ahead or behind, or has a name")
        else:
            self.groups += 1
            if self.groups > _MOST_GROUPS:
                raise NotRegular(f"more than {_MOST_GROUPS} groups")
            number = self.groups
        inner = self._choice()
        if not self._take(")"):
            raise NotRegular("a bracket without its end")
        return _Item(kind="group", parts=(inner,), group=number) if number else inner

    def _set(self) -> Test:
        negative = self._take("^")
        characters: set[str] = set()
        tests: list[Test] = []
        first = True
        while first or self._text[self._at : self._at + 1] != "]":
            first = False
            one = self._member()
            if callable(one):
                tests.append(one)
                continue
            if self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                last = self._member()
                if callable(last) or last < one:
                    raise NotRegular("a range without its end")
                tests.append(_between(one, last))
            else:
                characters.add(one)
        self._at += 1
        test = _one_of(frozenset(characters), tuple(tests))
        return _negated(test) if negative else test

    def _member(self) -> str | Test:
        character = self._next()
        if character == "[":
            # In some dialects this begins a set within a set.
            raise NotRegular("a '[' within brackets that is not escaped")
        return self._escape() if character == "\\" else character

    def _escape(self) -> str | Test:
        character = self._next()
        if character.lower() in _CLASSES:
            test = _CLASSES[character.lower()]
            return test if character.islower() else _negated(test)
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character in _HEXADECIMAL:
            length = _HEXADECIMAL[character]
            digits = self._text[self._at : self._at + length]
            if len(digits) < length or not all(one in "0123456789abcdefABCDEF" for one in digits):
                raise NotRegular(f"an escape without its {length} digits")
            self._at += length
            return chr(int(digits, 16))
        if character.isascii() and character.isalnum():
            raise NotRegular("an escape that is not known here")
        return character

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise NotRegular("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, character: str) -> bool:
        if self._text[self._at : self._at + 1] == character:
            self._at += 1
            return True
        return False

    def _until(self, character: str) -> str:
        end = self._text.find(character, self._at)
        if end < 0:
            raise NotRegular("a bracket without its end")
        found = self._text[self._at : end]
        self._at = end + 1
        return found


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6
