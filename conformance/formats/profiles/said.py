"""What is said of a resource that does not follow a profile, in German and English
(https://hl7.org/fhir/R4/operationoutcome.html).

The texts name what the profile expects, never what the resource says.
"""

from collections.abc import Iterable
from typing import Any

from conformance.formats.profiles.definition import Constraint
from conformance.formats.profiles.values import shown
from conformance.formats.r4_finding import Said

__all__ = [
    "context",
    "fixed",
    "in_no_slice",
    "length",
    "missing",
    "no_profile_of_these",
    "not_coded",
    "not_judged",
    "not_told_apart",
    "other_type",
    "out_of_order",
    "out_of_range",
    "pattern",
    "rule",
    "rule_not_read",
    "slice_missing",
    "slice_too_many",
    "too_costly",
    "too_many",
    "unknown",
    "unreadable",
    "wrong_target",
    "wrong_type",
]

_MOST_LISTED = 20


def _said(key: str, code: str, profile: str, en: str, de: str, **more: Any) -> Said:
    act_en, act_de = more.pop("act", ("The sender must correct it.", "Der Absender muss das berichtigen."))
    where = shown(profile)
    return Said(
        key=key,
        code=code,
        text_en=f"{en} (profile {where}). {act_en}",
        text_de=f"{de} (Profil {where}). {act_de}",
        **more,
    )


_ADD = ("The sender must add it.", "Der Absender muss es ergänzen.")
_DROP = ("The sender must leave it out.", "Der Absender muss es weglassen.")


def missing(name: str, least: int, profile: str) -> Said:
    if least == 1:
        return _said("required", "required", profile, f"{name} must be there", f"{name} muss es geben", act=_ADD)
    en, de = f"{name} must be there {least} times at least", f"{name} muss es mindestens {least}-mal geben"
    return _said("required", "required", profile, en, de, act=_ADD)


def too_many(name: str, most: int, profile: str) -> Said:
    if most == 0:
        en, de = f"{name} must not be there", f"{name} darf es hier nicht geben"
        return _said("cardinality", "structure", profile, en, de, act=_DROP)
    en, de = f"{name} may be there {most} times at most", f"{name} darf es höchstens {most}-mal geben"
    return _said("cardinality", "structure", profile, en, de, act=_DROP)


def slice_missing(name: str, slice_name: str, least: int, profile: str) -> Said:
    en = f"{name} must be there as {shown(slice_name)} {least} times at least"
    de = f"{name} muss es als {shown(slice_name)} mindestens {least}-mal geben"
    return _said("slice", "required", profile, en, de, act=_ADD)


def slice_too_many(name: str, slice_name: str, most: int, profile: str) -> Said:
    en = f"{name} may be there as {shown(slice_name)} {most} times at most"
    de = f"{name} darf es als {shown(slice_name)} höchstens {most}-mal geben"
    return _said("slice", "structure", profile, en, de, act=_DROP)


def in_no_slice(slices: Iterable[str], profile: str) -> Said:
    expected = _listed(slices) or "-"
    en = f"This is none of: {expected}; others may not be here"
    de = f"Dies ist keines von: {expected}; andere darf es nicht geben"
    return _said("slice", "structure", profile, en, de)


def out_of_order(slices: Iterable[str], profile: str) -> Said:
    expected = _listed(slices)
    en, de = f"The order must be: {expected}, then others", f"Die Reihenfolge muss sein: {expected}, dann andere"
    return _said("slice", "structure", profile, en, de)


def not_told_apart(slice_name: str, profile: str) -> Said:
    return _said(
        "slice-unclear",
        "not-supported",
        profile,
        f"What belongs to the slice {shown(slice_name)} cannot be told: it was not checked",
        f"Was zum Slice {shown(slice_name)} gehört, ist nicht zu erkennen: er ist nicht geprüft",
        severity="information",
        act=_KEEPER,
    )


_KEEPER = ("Who keeps the profile should correct it.", "Wer das Profil pflegt, sollte es berichtigen.")


def wrong_type(types: Iterable[str], profile: str) -> Said:
    expected = _listed(types)
    en, de = f"Expected is a value of type: {expected}", f"Erwartet ist ein Wert vom Typ: {expected}"
    return _said("type", "structure", profile, en, de)


def other_type(type_name: str, profile: str) -> Said:
    en, de = f"The profile is one for {shown(type_name)}", f"Das Profil ist eines für {shown(type_name)}"
    return _said("profile", "structure", profile, en, de)


def wrong_target(targets: Iterable[str], profile: str) -> Said:
    expected = _listed(sorted(targets))
    en, de = f"This may refer to one of: {expected}", f"Hier darf verwiesen werden auf: {expected}"
    return _said("target", "structure", profile, en, de)


def no_profile_of_these(profiles: Iterable[str], profile: str) -> Said:
    expected = _listed(profiles)
    en, de = f"This must follow one of the profiles {expected}", f"Dies muss einem der Profile {expected} folgen"
    return _said("profile", "structure", profile, en, de)


def fixed(expected: Any, profile: str) -> Said:
    en, de = f"Expected is exactly: {shown(expected)}", f"Erwartet ist genau: {shown(expected)}"
    return _said("fixed", "value", profile, en, de)


def pattern(expected: Any, profile: str) -> Said:
    en, de = f"Expected is at least: {shown(expected)}", f"Erwartet ist mindestens: {shown(expected)}"
    return _said("pattern", "value", profile, en, de)


def not_coded(value_set: str, codes: Iterable[tuple[str, str]], profile: str) -> Said:
    listed = sorted({code for _, code in codes})
    expected = _listed(listed)
    url = shown(value_set)
    en = f"Expected is one of: {expected} (value set {url})"
    de = f"Erwartet ist eines von: {expected} (Wertemenge {url})"
    return _said("code", "code-invalid", profile, en, de)


def not_judged(value_set: str, profile: str) -> Said:
    url = shown(value_set)
    return _said(
        "code-not-checked",
        "not-supported",
        profile,
        f"The codes of the value set {url} are not known here: the code was not checked",
        f"Die Codes der Wertemenge {url} sind hier nicht bekannt: der Code ist nicht geprüft",
        severity="information",
        act=_OPERATOR_ADDS_CODES,
    )


_OPERATOR_ADDS_CODES = (
    "Who keeps the server can store the value set with its code systems.",
    "Wer den Server betreibt, kann die Wertemenge mit ihren Codesystemen speichern.",
)


def length(most: int, profile: str) -> Said:
    en, de = f"Expected are {most} characters at most", f"Erwartet sind höchstens {most} Zeichen"
    return _said("length", "too-long", profile, en, de)


def out_of_range(least: Any, most: Any, profile: str) -> Said:
    from_en = f" from {shown(least)}" if least is not None else ""
    from_de = f" ab {shown(least)}" if least is not None else ""
    to_en = f" up to {shown(most)}" if most is not None else ""
    to_de = f" bis {shown(most)}" if most is not None else ""
    return _said(
        "range", "value", profile, f"Expected is a value{from_en}{to_en}", f"Erwartet ist ein Wert{from_de}{to_de}"
    )


def rule(constraint: Constraint, profile: str) -> Said:
    name, human = shown(constraint.key), shown(constraint.human or constraint.expression).rstrip(".")
    softly = constraint.severity == "warning"
    return _said(
        constraint.key,
        "invariant",
        profile,
        f"Rule {name}: {human}",
        f"Regel {name}: {human}",
        severity=constraint.severity,
        act=(
            "The sender should correct this." if softly else "The sender must correct this.",
            "Der Absender sollte das berichtigen." if softly else "Der Absender muss das berichtigen.",
        ),
    )


def rule_not_read(constraint: Constraint, profile: str) -> Said:
    name = shown(constraint.key)
    return _said(
        "rule-not-checked",
        "not-supported",
        profile,
        f"Rule {name} is written in a way that is not understood here: it was not checked",
        f"Regel {name} ist so geschrieben, dass sie hier nicht verstanden wird: sie ist nicht geprüft",
        severity="information",
        act=_KEEPER,
    )


def context(places: Iterable[str], profile: str) -> Said:
    expected = _listed(places)
    en, de = f"This extension may stand in: {expected}", f"Diese Erweiterung darf stehen in: {expected}"
    return _said("context", "structure", profile, en, de)


def unknown(profile: str) -> Said:
    return Said(
        key="unknown-profile",
        code="not-found",
        severity="warning",
        text_en=f"The profile {shown(profile)} is not known here: what it asks was not checked. "
        "Who keeps the server can store its StructureDefinition.",
        text_de=f"Das Profil {shown(profile)} ist hier nicht bekannt: was es verlangt, ist nicht geprüft. "
        "Wer den Server betreibt, kann seine StructureDefinition speichern.",
    )


def unreadable(profile: str, reason: str) -> Said:
    return Said(
        key="unreadable-profile",
        code="not-supported",
        severity="warning",
        text_en=f"The profile {shown(profile)} cannot be used ({reason}): it was not checked. "
        "Who keeps the profile should correct it.",
        text_de=f"Das Profil {shown(profile)} ist nicht zu gebrauchen ({reason}): es ist nicht geprüft. "
        "Wer das Profil pflegt, sollte es berichtigen.",
    )


def too_costly(profile: str) -> Said:
    return _said(
        "too-costly",
        "too-costly",
        profile,
        "Checking this profile costs more than a request may: the rest was not checked",
        "Dieses Profil zu prüfen kostet mehr, als eine Anfrage darf: der Rest ist nicht geprüft",
        severity="warning",
        act=_KEEPER,
    )


def _listed(names: Iterable[str]) -> str:
    found = [shown(one) for one in names]
    more = len(found) - _MOST_LISTED
    return ", ".join(found[:_MOST_LISTED]) + (f" … (+{more})" if more > 0 else "")
