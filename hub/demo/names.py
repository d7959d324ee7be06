"""Invented names of facilities, operators and streets, and phone numbers that nobody has; no person's name in any."""

from random import Random

__all__ = ["clinic", "help_desk", "home", "operator", "pharmacy", "phone", "service", "street", "town"]

_HOMES = ("Haus", "Seniorenzentrum", "Pflegezentrum", "Seniorenresidenz", "Altenzentrum", "Pflegehaus", "Seniorenpark")
_SERVICES = ("Pflegedienst", "Ambulante Pflege", "Pflegeteam", "Sozialstation", "Häusliche Pflege", "Pflegedienste")
_CLINICS = ("Klinikum", "Krankenhaus", "Fachklinik", "Kreiskrankenhaus")
_HELP = ("Treffpunkt", "Anlaufstelle", "Nachbarschaftshilfe", "Lotsenpunkt", "Werkstatt", "Initiative")
_SPOTS = (
    *("Abendrot", "Ahornallee", "Apfelgarten", "Birkenhain", "Brunnenhof", "Buchengrund", "Deichblick", "Dünenweg"),
    *("Eichenhof", "Erlengrund", "Fliederbusch", "Gezeiten", "Heideblüte", "Holunderhof", "Kastanienhof", "Kiebitz"),
    *("Kornblume", "Kranichmoor", "Lavendelhof", "Leuchtturm", "Lindenhof", "Mohnblume", "Moorblick", "Morgenrot"),
    *("Mühlenteich", "Nordlicht", "Nordwind", "Regenbogen", "Rosengarten", "Sandkrug", "Sanddorn", "Schilfgrund"),
    *("Schwanensee", "Silberdistel", "Sommerwiese", "Sonnenhof", "Südwind", "Torfkahn", "Ulmenhof", "Vogelsang"),
    *("Wacholder", "Waldrand", "Wattblick", "Weidenhof", "Wiesengrund", "Windrose", "Zugvogel", "Zwei Eichen"),
)
_CLINIC_SPOTS = ("am Kurpark", "am Stadtwald", "an der Aue", "Nord", "Ost", "Süd", "West", "Mitte")
_OPERATORS = (
    *("Ahorn", "Anker", "Bernstein", "Brise", "Deichland", "Fährhaus", "Geest", "Hafen", "Horizont", "Kompass"),
    *("Küste", "Marsch", "Moorland", "Nordstern", "Siel", "Strandgut", "Tide", "Treibholz", "Wellenschlag", "Wurten"),
)
_TRADES = ("Pflege", "Seniorendienste", "Sozialwerk", "Wohnen und Pflege", "Pflegegesellschaft")
_LEGAL_FORMS = ("gGmbH", "GmbH", "e. V.", "eG", "gGmbH & Co. KG")
_STREETS = (
    *("Ahornweg", "Alter Postweg", "Am Bahnhof", "Am Deich", "Am Kanal", "Am Markt", "Am Moor", "Am Stadtgarten"),
    *("Bahnhofstraße", "Birkenweg", "Buchenweg", "Dorfstraße", "Eichenstraße", "Fasanenweg", "Feldstraße"),
    *("Gartenstraße", "Grüner Weg", "Hafenstraße", "Hauptstraße", "Heideweg", "Hinterm Hof", "Im Winkel"),
    *("Kiefernweg", "Kirchstraße", "Lange Straße", "Lindenstraße", "Marktplatz", "Mittelweg", "Mühlenstraße"),
    *("Neue Straße", "Nordstraße", "Parkstraße", "Querstraße", "Ringstraße", "Rosenweg", "Sandweg", "Schulstraße"),
    *("Seestraße", "Sonnenweg", "Südring", "Uferstraße", "Waldstraße", "Wiesenweg", "Ziegeleistraße"),
)


def town(place: str) -> str:
    """A settlement's name as it stands in the name of a facility: `Lohne (Oldenburg)` is Lohne there."""
    return place.partition(" (")[0]


def home(rng: Random, place: str) -> str:
    """The name of a home or of another facility with beds."""
    return f"{rng.choice(_HOMES)} {rng.choice(_SPOTS)} {town(place)}"


def service(rng: Random, place: str) -> str:
    """The name of a care service."""
    return f"{rng.choice(_SERVICES)} {rng.choice(_SPOTS)} {town(place)}"


def clinic(rng: Random, place: str) -> str:
    """The name of a hospital."""
    return f"{rng.choice(_CLINICS)} {town(place)} {rng.choice(_CLINIC_SPOTS)}"


def help_desk(rng: Random, place: str) -> str:
    """The name of who offers help beyond care."""
    return f"{rng.choice(_HELP)} {rng.choice(_SPOTS)} {town(place)}"


def operator(rng: Random, district: str) -> str:
    """The name of an operator; half of those that belong to a district bear its name."""
    where = district.split(",")[0].split(" ")[-1] if district and rng.random() < 0.5 else ""
    words = (rng.choice(_OPERATORS), rng.choice(_TRADES), where, rng.choice(_LEGAL_FORMS))
    return " ".join(word for word in words if word)


def street(rng: Random) -> tuple[str, str]:
    """A street and a house number."""
    letter = rng.choice("abc") if rng.random() < 0.1 else ""
    return rng.choice(_STREETS), f"{rng.randint(1, 140)}{letter}"


def pharmacy(rng: Random, place: str) -> str:
    """The name of a pharmacy."""
    return f"{rng.choice(_SPOTS)}-Apotheke {town(place)}"


def phone(rng: Random, postal_code: str) -> str:
    """A number made up of the postal code and 555: plainly invented."""
    return f"0{postal_code[:4]} 555-{rng.randint(0, 9999):04d}"
