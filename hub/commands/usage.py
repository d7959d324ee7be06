"""The parser of a command, whose complaints are one sentence in the reader's language."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from mappings.terminology import Language

__all__ = ["Parser", "Usage", "language_of"]

_SET_BY = ("LC_ALL", "LC_MESSAGES", "LANG")
"""What says a terminal's language, the first that is set (POSIX.1-2017, 8.2)."""
_GERMAN = (
    (r"unrecognized arguments: (.*)", r"unbekannt: \1"),
    (r"the following arguments are required: (.*)", r"es fehlt: \1"),
    (r"argument (.*): expected one argument", r"\1: ein Wert fehlt"),
    (r"argument (.*): expected at least one argument", r"\1: mindestens ein Wert fehlt"),
    (r"argument (.*): invalid choice: (.*) \(choose from (.*)\)", r"\1: \2 gibt es nicht, nur \3"),
    (r"argument (.*): invalid int value: (.*)", r"\1: \2 ist keine ganze Zahl"),
    (r"argument (.*): expected (.*)", r"\1: erwartet wird \2"),
    (r"argument (.*): ignored explicit argument (.*)", r"\1: \2 ist zu viel"),
    (
        r"expected --why (.*): whoever asks later finds it there",
        r"es fehlt: --why \1: wer später fragt, findet es dort",
    ),
    (r"expected: --delivery and --all with --discard alone", r"erwartet wird: --delivery und --all nur mit --discard"),
    (
        r"expected --fhir without --care-form: a MeasureReport has all of them",
        r"erwartet wird: --fhir ohne --care-form: ein MeasureReport enthält alle",
    ),
    (
        r"--missing is of now: expected (.*), (.*) or (.*) beside it, nothing else",
        r"--missing ist von jetzt: daneben steht höchstens \1, \2 oder \3",
    ),
    (r"(.*) goes with: (.*)", r"\1 gehört zu: \2"),
    (r"(.*): ([0-9]+) to ([0-9]+)", r"\1: \2 bis \3"),
    (r"expected:? (.*)", r"erwartet wird: \1"),
)
"""What argparse and our commands complain of, and how that is said in German."""


class Usage(Exception):
    """A command was called in a way that it does not have; `prog` is which, as its --help is asked for."""

    def __init__(self, prog: str, complaint: str) -> None:
        super().__init__(complaint)
        self.prog = prog
        self.complaint = complaint

    def told(self, language: Language) -> str:
        """One line, and where all of it is described."""
        if language == "en":
            return f"{self.prog}: {self.complaint}; see: {self.prog} --help"
        return f"{self.prog}: {_in_german(self.complaint)}; siehe: {self.prog} --help"


class Parser(argparse.ArgumentParser):
    """Raises `Usage` where others print all options and end the program."""

    def error(self, message: str) -> NoReturn:
        """Raises `Usage`."""
        raise Usage(self.prog, message)


def language_of(arguments: Sequence[str] = (), environment: Mapping[str, str] = os.environ) -> Language:
    """The language that arguments ask for, readable or not, else the terminal's; German where that is not English."""
    asked = re.findall(r"(?:^|\0)--language[\0=](de|en)(?=\0|$)", "\0".join(arguments))
    if asked:
        return "en" if asked[-1] == "en" else "de"
    told = next((environment[name] for name in _SET_BY if environment.get(name)), "")
    return "en" if told.startswith("en") else "de"


def _in_german(complaint: str) -> str:
    for pattern, german in _GERMAN:
        if re.fullmatch(pattern, complaint, re.DOTALL):
            return re.sub(pattern, german, complaint, flags=re.DOTALL).replace(", or ", " oder ")
    return complaint
