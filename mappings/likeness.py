"""Whether two sources speak of one facility: named evidences, a score that is their sum, and a verdict with reasons.

`same` needs the Telematik-ID, or the IK and the address: one IK can have many sites. What else looks alike is a
`proposal`, which a person decides; two Telematik-IDs are two facilities, whatever else agrees. Pure: nothing is guessed
here, and every point of the score has its sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache

from mappings import gazetteer
from mappings.vacancy import Address, Facility

__all__ = [
    "COMMON_KEY",
    "PROPOSAL_SCORE",
    "Evidence",
    "Facts",
    "Likeness",
    "Verdict",
    "contradict",
    "facts_of",
    "likeness",
    "match_keys",
    "name_words",
    "normal_address",
    "normal_phone",
]


class Verdict(StrEnum):
    """What two facilities of two sources are to each other."""

    SAME = "same"
    PROPOSAL = "proposal"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What of a facility tells it from others, in one spelling; blank or empty where its source does not say."""

    name: str = ""
    words: tuple[str, ...] = ()
    """Of the name, without what half of all homes are called."""
    kinds: tuple[str, ...] = ()
    """`home`, `service`: what the name says that it is."""
    telematik_id: str = ""
    iks: tuple[str, ...] = ()
    postal_code: str = ""
    street: str = ""
    house_number: str = ""
    phones: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None

    @property
    def address(self) -> str:
        """Postal code, street and house number; blank where one of them is missing."""
        parts = (self.postal_code, self.street, self.house_number)
        return "|".join(parts) if all(parts) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One reason for or against; points below 0 speak against."""

    code: str
    points: int
    text_de: str
    text_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The verdict on two facilities, and everything that it rests on."""

    verdict: Verdict
    score: int
    evidences: tuple[Evidence, ...]


COMMON_KEY = 40
"""A key that more facilities than these have says nothing: a chain's hotline, a business park's address."""
PROPOSAL_SCORE = 45
"""From this score on two facilities are shown to a person."""

_TELEMATIK_SAME = Evidence(
    code="telematik-same", points=100, text_de="dieselbe Telematik-ID", text_en="the same Telematik-ID"
)
_TELEMATIK_DIFFERS = Evidence(
    code="telematik-differs",
    points=-100,
    text_de="verschiedene Telematik-IDs: zwei Einrichtungen",
    text_en="different Telematik-IDs: two facilities",
)
_IK_SAME = Evidence(code="ik-same", points=40, text_de="dieselbe IK", text_en="the same IK")
_IK_DIFFERS = Evidence(code="ik-differs", points=-25, text_de="verschiedene IK", text_en="different IKs")
_ADDRESS_SAME = Evidence(code="address-same", points=30, text_de="dieselbe Adresse", text_en="the same address")
_STREET_SAME = Evidence(
    code="street-same",
    points=10,
    text_de="dieselbe Straße, andere oder keine Hausnummer",
    text_en="the same street, another or no house number",
)
_NAME_SAME = Evidence(code="name-same", points=30, text_de="derselbe Name", text_en="the same name")
_NAME_ALIKE = Evidence(code="name-alike", points=18, text_de="ähnlicher Name", text_en="a similar name")
_NAME_DIFFERS = Evidence(
    code="name-differs",
    points=-15,
    text_de="jeder der Namen hat ein Wort, das dem anderen fehlt",
    text_en="each of the names has a word that the other lacks",
)
_PHONE_SAME = Evidence(code="phone-same", points=25, text_de="dieselbe Telefonnummer", text_en="the same phone number")
_KIND_DIFFERS = Evidence(
    code="kind-differs",
    points=-25,
    text_de="dem Namen nach ein Haus und ein Dienst",
    text_en="by their names a home and a service",
)
_TOWN_DIFFERS = Evidence(
    code="postal-code-differs", points=-15, text_de="verschiedene Postleitzahlen", text_en="different postal codes"
)
_NEAR = Evidence(code="near", points=10, text_de="höchstens 150 m auseinander", text_en="at most 150 m apart")
_FAR = Evidence(code="far", points=-20, text_de="mehr als 20 km auseinander", text_en="more than 20 km apart")

_NEAR_KM, _FAR_KM = 0.15, 20.0
_WORDS_ALIKE = 0.84
_KINDS = {
    "service": re.compile("pflegedienst|pflegeteam|sozialstation|ambulant|haeuslich|mobil"),
    "home": re.compile("heim|haus|senioren|altenzentrum|pflegezentrum|residenz|wohn|stift|tagespflege|hospiz"),
}
_NATIONWIDE = ("49800", "49180", "49900", "49700", "49137", "4932")
"""Service numbers, which are answered for many sites."""
_GENERIC = frozenset(
    {
        *("haus", "heim", "altenheim", "altenzentrum", "altenpflegeheim", "altenhilfe", "altenpflege", "pflegeheim"),
        *("pflegehaus", "pflegezentrum", "pflegeeinrichtung", "pflegedienst", "pflegedienste", "pflegeteam", "pflege"),
        *("seniorenheim", "seniorenhaus", "seniorenzentrum", "seniorenresidenz", "seniorenpark", "seniorenstift"),
        *(
            "seniorenwohnpark",
            "seniorenpflegeheim",
            "senioren",
            "residenz",
            "zentrum",
            "stift",
            "wohnpark",
            "wohnstift",
        ),
        *("alten", "und", "ambulante", "ambulanter", "haeusliche", "krankenpflege", "sozialstation", "einrichtung"),
        *("am", "an", "im", "in", "der", "die", "das", "dem", "den", "des", "zum", "zur", "vom", "von", "fuer", "e"),
        *("gmbh", "ggmbh", "ev", "v", "eg", "kg", "co", "mbh", "ag", "se", "ug", "stiftung", "verein"),
        *("sz", "az", "aph", "apz", "spz", "phz"),
    }
)
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_TYPED_THROUGH = "123456789"
"""What stands in a field that had to be filled, as nine equal digits do: many have it."""
_HOUSE_NUMBER = re.compile(r"^(.*?\D)\s*(\d{1,4}\s*[a-z]?(?:\s*[-/+]\s*\d{0,4}\s*[a-z]?)?)$")


@lru_cache(maxsize=2048)
def facts_of(facility: Facility) -> Facts:
    """What of a facility tells it from others."""
    postal_code, street, house_number = normal_address(facility.address)
    position = facility.position
    phones = (normal_phone(one.value) for one in facility.contacts if one.system == "phone" and not one.internal)
    return Facts(
        name=facility.name,
        words=name_words(facility.name, facility.address.city),
        kinds=tuple(kind for kind, words in _KINDS.items() if words.search(_plain(facility.name))),
        telematik_id="".join(facility.telematik_id.split()).casefold(),
        iks=tuple(sorted({ik for ik in facility.iks if len(set(ik)) > 1 and ik != _TYPED_THROUGH})),
        postal_code=postal_code,
        street=street,
        house_number=house_number,
        phones=tuple(sorted({phone for phone in phones if phone})),
        latitude=None if position is None else round(position.latitude, 5),
        longitude=None if position is None else round(position.longitude, 5),
    )


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return text.casefold().translate(_UMLAUTS).replace("\u0308", "e")


def normal_address(address: Address) -> tuple[str, str, str]:
    """(postal code, street, house number) in one spelling: `Lange-Str. 3 A` and `Lange Straße 3a` are the same."""
    street, number = _plain(address.street.strip()), _plain(address.house_number.strip())
    if not number and (parted := _HOUSE_NUMBER.match(street)):
        street, number = parted[1], parted[2]
    street = re.sub(r"strasse\b|str\b\.?|str\.", "str", street)
    street = re.sub(r"platz\b|pl\.", "pl", street)
    number = re.sub(r"[^0-9a-z/+-]", "", number).lstrip("0").replace("/", "-").replace("+", "-").rstrip("-")
    return address.postal_code.strip(), re.sub(r"[^0-9a-z]", "", street), number


def normal_phone(written: str) -> str:
    """Digits with the country's code; blank for what is too short, or is answered for the whole country."""
    text = written.replace("(0)", "").strip()
    digits = re.sub(r"\D", "", text)
    if digits.startswith("00"):
        digits = digits[2:]
    elif digits.startswith("0"):
        digits = f"49{digits[1:]}"
    elif not text.startswith("+"):
        return ""  # without an area code it is many people's number
    return digits if len(digits) >= 8 and not digits.startswith(_NATIONWIDE) else ""


def name_words(name: str, city: str) -> tuple[str, ...]:
    """The words that tell one name from another, sorted: without kinds of home, legal forms, and the town."""
    town = set(re.findall(r"[0-9a-z]+", _plain(city)))
    words = (_ROMAN.get(word, word) for word in re.findall(r"[0-9a-z]+", _plain(name)))
    return tuple(sorted({word for word in words if word not in _GENERIC and word not in town}))


def match_keys(facts: Facts) -> tuple[str, ...]:
    """What facilities must share one of to be compared at all; so a new one is held against few."""
    return tuple(sorted(set(_keys(facts))))


def _keys(facts: Facts) -> Iterator[str]:
    if facts.telematik_id:
        yield f"t:{facts.telematik_id}"
    for ik in facts.iks:
        if facts.address:
            yield f"a:{ik}|{facts.address}"
        if facts.postal_code:
            yield f"i:{ik}|{facts.postal_code[:3]}"
    if facts.address:
        yield f"s:{facts.address}"
    for phone in facts.phones:
        yield f"p:{phone}"
    if facts.words and facts.postal_code:
        # A home that moved stays near; a word that is misspelt leaves the others to be found by.
        for word in sorted(facts.words, key=lambda one: (-len(one), one))[:2]:
            yield f"n:{facts.postal_code[:3]}|{word}"


def contradict(one: Facts, other: Facts) -> bool:
    """Whether both say who they are, and are not the same: such are never joined."""
    return bool(one.telematik_id and other.telematik_id and one.telematik_id != other.telematik_id)


def likeness(one: Facts, other: Facts) -> Likeness:
    """The verdict on facilities of two sources; which of them is named first does not matter."""
    evidences = tuple(_evidences(one, other))
    codes = {evidence.code for evidence in evidences}
    score = sum(evidence.points for evidence in evidences)
    if _TELEMATIK_DIFFERS.code in codes:
        verdict = Verdict.DIFFERENT
    elif _TELEMATIK_SAME.code in codes:
        verdict = Verdict.SAME
    elif {_IK_SAME.code, _ADDRESS_SAME.code} <= codes:
        # What is in one house under one IK, only its name tells apart: where that speaks against, a person knows.
        verdict = Verdict.PROPOSAL if codes & {_NAME_DIFFERS.code, _KIND_DIFFERS.code} else Verdict.SAME
    else:
        verdict = Verdict.PROPOSAL if score >= PROPOSAL_SCORE else Verdict.DIFFERENT
    return Likeness(verdict=verdict, score=score, evidences=evidences)


def _evidences(one: Facts, other: Facts) -> Iterator[Evidence]:
    if one.telematik_id and other.telematik_id:
        yield _TELEMATIK_SAME if one.telematik_id == other.telematik_id else _TELEMATIK_DIFFERS
    if one.iks and other.iks:
        yield _IK_SAME if set(one.iks) & set(other.iks) else _IK_DIFFERS
    if one.address and one.address == other.address:
        yield _ADDRESS_SAME
    elif one.street and (one.postal_code, one.street) == (other.postal_code, other.street):
        yield _STREET_SAME
    elif one.postal_code and other.postal_code and one.postal_code != other.postal_code:
        yield _TOWN_DIFFERS
    if (named := _names(one.words, other.words)) is not None:
        yield named
    if one.kinds and other.kinds and not set(one.kinds) & set(other.kinds):
        yield _KIND_DIFFERS
    if set(one.phones) & set(other.phones):
        yield _PHONE_SAME
    kilometres = _kilometres(one, other)
    if kilometres is not None and kilometres <= _NEAR_KM:
        yield _NEAR
    elif kilometres is not None and kilometres > _FAR_KM:
        yield _FAR


def _names(one: tuple[str, ...], other: tuple[str, ...]) -> Evidence | None:
    if not one or not other:
        return None
    if one == other:
        return _NAME_SAME
    alone = [word for word in one if not _has(other, word)]
    others_alone = [word for word in other if not _has(one, word)]
    if alone and others_alone:
        return _NAME_DIFFERS
    return _NAME_ALIKE


def _has(words: tuple[str, ...], word: str) -> bool:
    """Whether a word stands among others, were it misspelt; numbers and short words are not misspelt, they differ."""
    if word in words:
        return True
    if len(word) < 6 or not word.isalpha():
        return False
    return any(
        abs(len(word) - len(other)) <= 2
        and len(other) >= 6
        and other.isalpha()
        and SequenceMatcher(None, min(word, other), max(word, other), autojunk=False).ratio() >= _WORDS_ALIKE
        for other in words
    )


def _kilometres(one: Facts, other: Facts) -> float | None:
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    return gazetteer.kilometres(one.latitude, one.longitude, other.latitude, other.longitude)
