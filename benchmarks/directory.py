"""An invented directory of 10,000 resources for measurements, the same for every server, and what it answers.

Deterministic: a seed makes the resources, the questions, and the totals that right answers have.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Directory", "Question"]

_FORMS = ("kurzzeitpflege", "dauerpflege", "tagespflege", "nachtpflege", "ambulant", "hospiz", "reha", "beratung")
_FORM_SYSTEM = "https://platzfrei.example/form"
_KEY_SYSTEM = "https://platzfrei.example/key"
_TOWN = ("Moor", "Heide", "Wald", "See", "Berg", "Feld", "Bach", "Burg", "Kirch", "Neu", "Alt", "Nord", "Süd", "Hohen")
_END = ("hausen", "dorf", "stedt", "loh", "büttel", "heim", "rode", "werder", "brück", "horst")
_HOUSE = ("Haus", "Residenz", "Zentrum", "Hof", "Stift", "Pflegehaus", "Park")


@dataclass(frozen=True, slots=True)
class Question:
    """A search, and how many it finds in all."""

    path: str
    total: int


@dataclass(slots=True)
class Directory:
    """`size` resources: an eighth operators and homes, half places, the rest offers."""

    size: int = 10_000
    seed: int = 1
    resources: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        draw = random.Random(self.seed)
        towns = [first + end for first in _TOWN for end in _END]
        homes = self.size // 4
        for number in range(homes):
            town = draw.choice(towns)
            self.resources.append(_organization(number, f"{draw.choice(_HOUSE)} {draw.choice(_TOWN)} {town}", town))
        for number in range(self.size * 3 // 8):
            self.resources.append(_location(number, draw.randrange(homes), draw.choice(towns), draw))
        for number in range(self.size - len(self.resources)):
            self.resources.append(
                _service(number, draw.randrange(homes), draw.randrange(self.size * 3 // 8), draw.choice(_FORMS), draw)
            )

    def of(self, resource_type: str) -> list[dict[str, Any]]:
        """The resources of a type."""
        return [resource for resource in self.resources if resource["resourceType"] == resource_type]

    def bundles(self, entries: int) -> Iterator[dict[str, Any]]:
        """Transactions that write the directory, each thing after what it refers to."""
        for begin in range(0, len(self.resources), entries):
            yield {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    {
                        "resource": resource,
                        "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
                    }
                    for resource in self.resources[begin : begin + entries]
                ],
            }

    def questions(self) -> dict[str, list[Question]]:
        """Searches by kind; every one of a kind is as likely."""
        organizations, locations, services = map(self.of, ("Organization", "Location", "HealthcareService"))
        towns = Counter(location["address"]["city"] for location in locations)
        forms = Counter(service["type"][0]["coding"][0]["code"] for service in services)
        words = Counter(" ".join(home["name"].split()[:2]) for home in organizations)
        town_of = {location["id"]: location["address"]["city"] for location in locations}
        by_town = Counter(town_of[_id(service["location"][0])] for service in services)
        page = "_count=50"
        kinds = {
            "identifier": [
                Question(f"Organization?identifier={_KEY_SYSTEM}|{home['identifier'][0]['value']}", 1)
                for home in organizations
            ],
            "address-city": [Question(f"Location?address-city={town}&_count=10", n) for town, n in towns.items()],
            "name": [Question(f"Organization?name={word}&_count=10", n) for word, n in words.items()],
            "service-type": [
                Question(f"HealthcareService?service-type={_FORM_SYSTEM}|{form}&_count=10", n)
                for form, n in forms.items()
            ],
        }
        return {
            **kinds,
            "mixed": [question for each in kinds.values() for question in (each * 400)[:400]],
            "_include": [
                Question(
                    f"HealthcareService?service-type={_FORM_SYSTEM}|{form}&{page}"
                    "&_include=HealthcareService:location&_include=HealthcareService:organization",
                    n,
                )
                for form, n in forms.items()
            ],
            "chained": [
                Question(f"HealthcareService?location.address-city={town}&{page}", n) for town, n in by_town.items()
            ],
            "_sort": [
                Question(f"HealthcareService?service-type={_FORM_SYSTEM}|{form}&_sort=name&{page}", n)
                for form, n in forms.items()
            ],
        }


def _id(reference: dict[str, str]) -> str:
    return reference["reference"].partition("/")[2]


def _organization(number: int, name: str, town: str) -> dict[str, Any]:
    return {
        "resourceType": "Organization",
        "id": f"bench-org-{number}",
        "identifier": [{"system": _KEY_SYSTEM, "value": f"k{number}"}],
        "active": True,
        "type": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "prov"}]}],
        "name": name,
        "telecom": [{"system": "phone", "value": f"04000 555-{number}", "use": "work"}],
        "address": [{"line": [f"Lange Straße {number % 90}"], "city": town, "postalCode": f"2{number % 10_000:04}"}],
    }


def _location(number: int, home: int, town: str, draw: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Location",
        "id": f"bench-loc-{number}",
        "status": "active",
        "name": f"Standort {number} {town}",
        "mode": "instance",
        "address": {"line": [f"Am Deich {number % 90}"], "city": town, "postalCode": f"2{number % 10_000:04}"},
        "position": {"longitude": round(draw.uniform(6, 15), 5), "latitude": round(draw.uniform(47, 55), 5)},
        "managingOrganization": {"reference": f"Organization/bench-org-{home}"},
    }


def _service(number: int, home: int, place: int, form: str, draw: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "HealthcareService",
        "id": f"bench-srv-{number}",
        "identifier": [{"system": _KEY_SYSTEM, "value": f"s{number}"}],
        "active": draw.random() < 0.9,
        "providedBy": {"reference": f"Organization/bench-org-{home}"},
        "type": [{"coding": [{"system": _FORM_SYSTEM, "code": form, "display": form}]}],
        "location": [{"reference": f"Location/bench-loc-{place}"}],
        "name": f"{form} {draw.choice(_TOWN)} {number}",
        "telecom": [{"system": "phone", "value": f"04000 777-{number}"}],
    }
