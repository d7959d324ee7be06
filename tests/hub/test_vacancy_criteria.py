"""HealthcareService/$find-vacancies: every criterion, by itself and together, and why no more fit.

What keeps offers out is held against the same search without it, and what a change promises against its own search.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from hub.errors import http_part
from hub.fhir.fitting_slots import fitting_slots
from hub.fhir.vacancy_parameters import ONCE, REPEATABLE
from hub.fhir.why_not_entry import why_not_outcome
from hub.hub import Hub
from hub.search.vacancy_days import Stay, first_day, longest, most
from hub.search.vacancy_query import Criterion
from hub.search.why_not import Change, KeptOut, WhyNot
from mappings import gazetteer
from mappings.to_fhir import PLACE
from mappings.vacancy import Block, Operator, OwnShare, Per, ReportedBy, Room, Sex, State, VacancyReport
from tests.conftest import NOW, Clock
from tests.hub.client import Client
from tests.hub.region import report, tell

OPERATION = "/fhir/HealthcareService/$find-vacancies"
WHY_NOT = "https://platzfrei.org/fhir/StructureDefinition/why-not"
TODAY = NOW.date()
HERE = "near=52.85|8.05|25|km"


def ask(hub: Hub, query: str) -> dict[str, Any]:
    bundle: dict[str, Any] = Client(hub, sandbox=True).json(f"{OPERATION}?{query}")
    return bundle


def names(bundle: dict[str, Any]) -> list[str]:
    found = [entry for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]
    return [entry["resource"]["identifier"][0]["value"].split("/")[0] for entry in found]


def issues(bundle: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each issue of the outcome entry, and its facts."""
    (outcome,) = (one["resource"] for one in bundle["entry"] if one["search"]["mode"] == "outcome")
    for issue in outcome["issue"]:
        for extension in issue.get("extension", ()):
            assert extension["url"] == WHY_NOT
            yield (
                issue,
                {part["url"]: next(iter(part[key] for key in part if key != "url")) for part in extension["extension"]},
            )


def kept_out(bundle: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {
        (facts["criterion"], facts.get("code", "")): facts["keptOut"]
        for _, facts in issues(bundle)
        if "keptOut" in facts
    }


def changes(bundle: dict[str, Any]) -> dict[tuple[str, str], tuple[str, int]]:
    return {
        (facts["criterion"], facts.get("code", "")): (issue["diagnostics"], facts["total"])
        for issue, facts in issues(bundle)
        if "total" in facts
    }


def offer(key: str, **told: Any) -> VacancyReport:
    """A report in which the offer has these properties."""
    made = report(key, latitude=told.pop("latitude", 52.85))
    blocks = told.pop("blocks", None)
    operator = told.pop("operator", None)
    facility = replace(made.facility, operator=Operator(key=operator, name=operator)) if operator else made.facility
    told.setdefault("needs", ())
    return replace(
        made,
        facility=facility,
        offer=replace(made.offer, **told),
        blocks=made.blocks if blocks is None else tuple(blocks),
    )


@pytest.mark.parametrize(
    ("criterion", "found"),
    [
        ("need=dialyse", ["dialyse", "both"]),
        ("need=dialyse,demenz", ["both"]),
        ("need=dialyse&need=demenz", ["both"]),
        ("care-grade=5", ["both", "demenz", "none", "five"]),
        ("care-grade=3", ["both", "demenz", "dialyse", "none"]),
        ("language=tr", ["both"]),
        ("max-age=999d", ["both", "demenz", "dialyse", "five", "none"]),
    ],
)
def test_what_an_offer_says_of_itself(hub: Hub, criterion: str, found: list[str]) -> None:
    tell(
        hub,
        offer("none"),
        offer("five", care_grades=(4, 5)),
        offer("dialyse", needs=("dialyse",), care_grades=(1, 2, 3)),
        offer("demenz", needs=("demenz",), languages=("de",)),
        offer("both", needs=("dialyse", "demenz"), languages=("de", "tr-TR")),
    )
    assert sorted(names(ask(hub, f"{HERE}&{criterion}"))) == sorted(found)


def test_needs_room_sex_and_days_must_hold_of_the_same_places(hub: Hub) -> None:
    soon, later = TODAY + timedelta(days=3), TODAY + timedelta(days=30)
    tell(
        hub,
        offer(
            "moor",
            needs=("dialyse", "rollstuhl"),
            blocks=[
                Block(count=1, room=Room.SINGLE, sex=Sex.FEMALE, needs=("dialyse",), end=soon),
                Block(count=1, room=Room.DOUBLE, start=later),
            ],
        ),
    )
    for query, fits in (
        ("room=single&need=dialyse&sex=female", True),
        ("room=single&sex=male", False),
        ("room=double&sex=male", True),
        # What one block says that it serves, the others do not; what none says, all do.
        ("room=double&need=dialyse", False),
        ("room=double&need=rollstuhl", True),
        (f"room=single&start={later}", False),
        (f"room=double&start={later}", True),
        (f"room=single,double&start={later}", True),
    ):
        assert bool(names(ask(hub, f"{HERE}&{query}"))) is fits, query


def test_a_stay_needs_one_block_that_covers_it_or_several_that_do(hub: Hub) -> None:
    def block(first: int, last: int, count: int = 1) -> Block:
        return Block(count=count, start=TODAY + timedelta(days=first), end=TODAY + timedelta(days=last))

    tell(
        hub,
        offer("long", blocks=[block(0, 20)]),
        offer("joined", blocks=[block(0, 9), block(10, 20)]),
        offer("gap", blocks=[block(0, 9), block(11, 20)]),
        offer("two", blocks=[block(0, 9, 2), block(10, 20, 1)]),
    )
    start, end = TODAY + timedelta(days=5), TODAY + timedelta(days=15)
    assert sorted(names(ask(hub, f"{HERE}&start={start}&end={end}"))) == ["joined", "long", "two"]
    assert sorted(names(ask(hub, f"{HERE}&start={start}&duration=11"))) == ["joined", "long", "two"]
    assert names(ask(hub, f"{HERE}&start={start}&end={end}&places=2")) == []
    assert sorted(names(ask(hub, f"{HERE}&duration=10"))) == ["gap", "joined", "long", "two"]
    assert sorted(names(ask(hub, f"{HERE}&duration=21"))) == ["joined", "long", "two"]
    assert names(ask(hub, f"{HERE}&duration=22")) == []


def test_the_operator_is_one_however_many_sources_name_it(hub: Hub) -> None:
    tell(
        hub, offer("a", operator="Moorland gGmbH"), offer("b", operator="Moorland  GGMBH"), offer("c", operator="Heide")
    )
    client = Client(hub, sandbox=True)
    found = client.json("/fhir/Organization?name=Moorland%20gGmbH&_count=9")
    one = next(entry["resource"]["id"] for entry in found["entry"] if "partOf" not in entry["resource"])
    assert sorted(names(ask(hub, f"{HERE}&operator=Organization/{one}"))) == ["a", "b"]
    assert sorted(names(ask(hub, f"{HERE}&operator={one}"))) == ["a", "b"]
    assert client.get(f"{OPERATION}?{HERE}&operator=nobody").status_code == 400


def test_what_was_said_too_long_ago_is_left_out_where_asked(hub: Hub, clock: Clock) -> None:
    tell(hub, offer("old"))
    clock.forward(days=2)
    tell(hub, offer("new"))
    assert sorted(names(ask(hub, HERE))) == ["new", "old"]
    told = ask(hub, f"{HERE}&max-age=24h")
    assert names(told) == ["new"]
    assert kept_out(told)["max-age", ""] == 1
    assert "Statements up to 48 hours old: 2 offers (1 more)" in [issue["details"]["text"] for issue, _ in issues(told)]
    assert sorted(names(ask(hub, f"{HERE}&max-age=2d"))) == ["new", "old"]


def test_a_service_comes_where_it_says_and_not_where_its_office_is(hub: Hub) -> None:
    tell(
        hub,
        service("far-and-comes", 54.3, "49661", "49681"),
        service("near-and-does-not", 52.85, "49681"),
        service("near-and-says-nothing", 52.85),
        service("far-and-says-nothing", 54.3),
    )
    found = names(ask(hub, "postal-code=49661&distance=25&care-form=ambulante-pflege"))
    assert sorted(found) == ["far-and-comes", "near-and-says-nothing"]
    tell(hub, service("far-and-comes", 54.3, "49681"))
    assert names(ask(hub, "postal-code=49661&distance=25&care-form=ambulante-pflege")) == ["near-and-says-nothing"]


def test_hits_stand_in_the_order_that_was_asked_for(hub: Hub, clock: Clock) -> None:
    later = TODAY + timedelta(days=9)
    tell(hub, offer("near", latitude=52.86, blocks=[Block(count=1, start=later)]))
    clock.forward(hours=5)
    tell(hub, offer("far", latitude=52.9, blocks=[Block(count=1, room=Room.SINGLE)], needs=("demenz",)))
    assert names(ask(hub, HERE)) == ["near", "far"]
    assert names(ask(hub, f"{HERE}&_sort=freshness")) == ["far", "near"]
    assert names(ask(hub, f"{HERE}&_sort=start")) == ["far", "near"]
    assert names(ask(hub, f"{HERE}&_sort=score")) == ["near", "far"]
    assert names(ask(hub, f"{HERE}&_sort=score&prefer=demenz,single")) == ["far", "near"]
    hits = [one for one in ask(hub, f"{HERE}&prefer=demenz,single")["entry"] if one["search"]["mode"] == "match"]
    near, far = (hit["search"]["score"] for hit in hits)
    assert near < far, "what is wished for is told in the score, whatever the order"
    for sort in ("distance", "freshness", "start", "score"):
        page = ask(hub, f"{HERE}&_sort={sort}&_count=1")
        (after,) = (link["url"] for link in page["link"] if link["relation"] == "next")
        second = Client(hub, sandbox=True).json(after.split("127.0.0.1:8080")[-1])
        assert names(page) + names(second) == names(ask(hub, f"{HERE}&_sort={sort}"))


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("end=2020-01-01", "end"),
        (f"start={TODAY + timedelta(days=9)}&end={TODAY + timedelta(days=8)}", "end"),
        (f"end={TODAY}&duration=3", "duration"),
        ("duration=0", "duration"),
        ("duration=367", "duration"),
        ("care-grade=6", "care-grade"),
        ("need=tanzen", "need"),
        ("need=braucht viel Zuwendung", "need"),
        ("prefer=ruhig", "prefer"),
        ("sex=any", "sex"),
        ("room=suite", "room"),
        ("language=türkisch", "language"),
        ("max-age=0h", "max-age"),
        ("max-age=1 Woche", "max-age"),
        ("own-share=viel", "own-share"),
        ("operator=Haus am See!", "operator"),
    ],
)
def test_what_cannot_be_asked_is_told(sqlite_hub: Hub, query: str, place: str) -> None:
    outcome = Client(sqlite_hub).json(f"{OPERATION}?{HERE}&{query}", status=400)
    assert outcome["issue"][0]["expression"] == [http_part(place)]


WRONG = {
    "near": "x|y",
    "postal-code": "4966",
    "city": "Musterstadthausen",
    "district": "Landkreis Nirgends",
    "distance": "weit",
    "start": "2020-01-01",
    "end": "2026-02-30",
    "duration": "0",
    "places": "0",
    "care-form": "hotel",
    "need": "tanzen",
    "prefer": "ruhig",
    "care-grade": "6",
    "sex": "any",
    "room": "suite",
    "operator": "Haus am See!",
    "language": "türkisch",
    "payer": "Onkel",
    "own-share": "viel",
    "max-age": "alt",
    "state": "maybe",
    "why-not": "ja",
    "monitor": "ja",
    "_count": "x",
    "_sort": "price",
    "_after": "x",
}
"""Every parameter that has a value of its own, with one that it cannot have."""


def wrong(hub: Hub, query: str) -> list[str]:
    """The parameters that are told to be wrong, in the order of the alphabet."""
    outcome = Client(hub).json(f"{OPERATION}?{query}", status=400)
    for issue in outcome["issue"]:
        (translation,) = issue["details"]["_text"]["extension"]
        texts = issue["details"]["text"], translation["extension"][1]["valueString"]
        name = issue["expression"][0].removeprefix("http").strip(".`")
        assert all(text.startswith(f"{name}: ") for text in texts if name)
    return sorted(place.removeprefix("http").strip(".`") for issue in outcome["issue"] for place in issue["expression"])


def test_all_that_is_wrong_is_told_at_once(sqlite_hub: Hub) -> None:
    assert sorted(WRONG) == sorted({*ONCE, *REPEATABLE} - {"_since"})
    assert wrong(sqlite_hub, urlencode(WRONG)) == sorted(WRONG)
    unknown = [(f"p{number}", "x") for number in range(100)]
    assert wrong(sqlite_hub, urlencode([*unknown, *WRONG.items(), ("need", "lachen")])) == ["", *sorted(WRONG)]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_wrong_is_the_same_whatever_stands_beside_it(sqlite_hub: Hub, seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(40):
        told = dict(draw.sample(list(WRONG.items()), draw.randint(1, 5)))
        beside = {} if told.keys() & {"near", "postal-code", "city", "district"} else {"postal-code": "49661"}
        assert wrong(sqlite_hub, urlencode({**told, **beside, "_pretty": "true"})) == sorted(told)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("near=52|8|10|km&postal-code=49661&need=tanzen", ["near", "need"]),
        ("near=52|8|10|km&postal-code=4966", ["postal-code"]),
        ("near=52|8|10|km&distance=weit", ["distance"]),
        ("near=52|8|10|km&distance=5&sex=any", ["distance", "sex"]),
        ("district=03453&distance=5", ["distance"]),
        ("district=Nirgends&distance=5", ["district"]),
        ("city=Musterstadthausen&district=Nirgends", ["city", "district"]),
        ("city=Neustadt&district=Nirgends", ["district"]),
        ("city=Neustadt&distance=weit", ["city", "distance"]),
        ("distance=weit", ["distance", "near"]),
        ("plz=49661", ["", "near"]),
        ("city=Vechta&city=Diepholz&room=suite", ["city", "room"]),
        ("why-not=ja&why-not=nein&postal-code=49661", ["why-not"]),
        (f"{HERE}&end=2027-12-31&duration=0", ["duration"]),
        (f"{HERE}&end=2027-12-31&start=morgen", ["start"]),
        (f"{HERE}&end=2026-12-31&start=morgen&duration=3", ["duration", "start"]),
        (f"{HERE}&end=2028-12-31&start=2026-12-01&places=0", ["end", "places"]),
        (f"{HERE}&end=2027-12-31&start=2027-12-01&places=0", ["places"]),
    ],
)
def test_what_contradicts_is_told_where_each_can_be_read(sqlite_hub: Hub, query: str, places: list[str]) -> None:
    assert wrong(sqlite_hub, query) == places


@pytest.mark.parametrize(
    "query",
    [
        *("need=A123456780", "operator=a123456780", "x=A123456780", "A123456780=1"),
        "sex=any&need=tanzen&x=1&places=0&city=A123456780",
        *(f"city=A{between}123{between}456{between}780" for between in ("%E2%80%90", "%E2%80%93", "%E2%80%8B", ",")),
    ],
)
def test_an_insurance_number_is_refused_and_not_repeated(sqlite_hub: Hub, query: str) -> None:
    response = Client(sqlite_hub).get(f"{OPERATION}?{HERE}&{query}")
    assert response.status_code == 400
    assert "123456780" not in response.text
    assert [issue["code"] for issue in response.json()["issue"]] == ["security"]


def test_why_not_is_told_where_few_fit_and_where_asked(hub: Hub) -> None:
    tell(hub, *(offer(f"h{number}") for number in range(10)))
    assert all(entry["search"]["mode"] != "outcome" for entry in ask(hub, HERE)["entry"])
    assert ask(hub, f"{HERE}&why-not=true")["entry"][-1]["search"]["mode"] == "outcome"
    alone = ask(hub, f"{HERE}&need=dialyse")
    assert alone["total"] == 0
    assert kept_out(alone) == {("need", "dialyse"): 10}
    assert changes(alone) == {
        ("need", "dialyse"): ("HealthcareService/$find-vacancies?near=52.85%7C8.05%7C25%7Ckm", 10)
    }
    (issue, _), *_ = issues(alone)
    assert "10 offers here" in issue["details"]["text"]
    assert "10 Angebote hier" in str(issue["details"]["_text"])


def test_a_larger_own_share_is_offered_as_far_as_it_must_be(hub: Hub, clock: Clock) -> None:
    tell(
        hub,
        offer("cheap", own_share=OwnShare(cents=150_000, per=Per.MONTH)),
        offer("near", own_share=OwnShare(cents=190_050, per=Per.MONTH)),
        offer("a-day", own_share=OwnShare(cents=6_249, per=Per.DAY)),  # 1,900.95 a month
        offer("dear", own_share=OwnShare(cents=250_000, per=Per.MONTH)),
        offer("silent"),
    )
    told = ask(hub, f"{HERE}&own-share=1600")
    assert told["total"] == 1
    assert kept_out(told) == {("own-share", ""): 4}
    offered = [
        (issue["details"]["text"], issue["diagnostics"].partition("?")[2], facts["total"])
        for issue, facts in issues(told)
        if facts["criterion"] == "own-share" and "total" in facts
    ]
    assert [(text, total) for text, _, total in offered] == [
        ("Regardless of the own share: 5 offers (4 more)", 5),
        ("Own share up to 1901 € a month: 3 offers (2 more)", 3),
    ]
    for _, url, total in offered:
        assert ask(hub, url)["total"] == total
    assert ask(hub, f"{HERE}&own-share=1900")["total"] == 1
    # Where all that are dearer fit by it, nothing more is to be had without.
    clock.forward(minutes=1)
    tell(hub, replace(offer("silent"), state=State.NONE, blocks=()))
    told = ask(hub, f"{HERE}&own-share=1901")
    assert [facts["total"] for _, facts in issues(told) if facts["criterion"] == "own-share" and "total" in facts] == [
        4
    ]


@pytest.mark.parametrize(
    ("asked", "yes", "no", "text_de", "text_en"),
    [
        ("need=dialyse", {"needs": ("dialyse",)}, {"needs": ("peg",)}, "zu Bedarfen", "needs"),
        ("language=tr", {"languages": ("tr",)}, {"languages": ("pl",)}, "dazu", "it"),
        ("payer=beihilfe", {"payers": ("beihilfe",)}, {"payers": ("pflegekasse",)}, "dazu", "it"),
        (
            "own-share=1000",
            {"own_share": OwnShare(cents=0, per=Per.MONTH)},
            {"own_share": OwnShare(cents=200_000, per=Per.MONTH)},
            "dazu",
            "it",
        ),
        ("room=single", {"blocks": [Block(count=1, room=Room.SINGLE)]}, {"blocks": [Block(count=1, room=Room.DOUBLE)]},
         "dazu", "it"),
    ],
)  # fmt: skip
def test_who_says_nothing_is_told_from_who_says_otherwise(
    hub: Hub, clock: Clock, asked: str, yes: dict[str, Any], no: dict[str, Any], text_de: str, text_en: str
) -> None:
    tell(hub, offer("yes", **yes), offer("no", **no), offer("also-no", **no), offer("silent"))
    criterion = asked.partition("=")[0]
    (issue, facts), *_ = [(issue, facts) for issue, facts in issues(ask(hub, f"{HERE}&{asked}")) if "keptOut" in facts]
    assert (facts["criterion"], facts["keptOut"], facts["unstated"]) == (criterion, 3, 1)
    assert issue["details"]["text"].endswith(f"; 1 of them says nothing about {text_en}: please ask")
    assert f"; 1 davon macht {text_de} keine Angabe: bitte nachfragen" in str(issue["details"]["_text"])
    clock.forward(minutes=1)
    tell(hub, offer("no", **yes), offer("also-no", **yes))
    (issue, facts), *_ = [(issue, facts) for issue, facts in issues(ask(hub, f"{HERE}&{asked}")) if "keptOut" in facts]
    assert (facts["keptOut"], facts["unstated"]) == (1, 1)
    assert issue["details"]["text"].endswith(f"; nothing is said about {text_en}: please ask")


@pytest.mark.parametrize(
    ("found", "text_de", "text_en"),
    [
        (
            KeptOut("language", "", 3, 2),
            "3 Angebote hier passen bis auf die Sprache; 2 davon machen dazu keine Angabe: bitte nachfragen",
            "3 offers here would fit except for the language; 2 of them say nothing about it: please ask",
        ),
        (
            KeptOut("need", "paar", 1, 1),
            "1 Angebot hier passt bis auf den Bedarf „Für Paare“; zu Bedarfen fehlt jede Angabe: bitte nachfragen",
            "1 offer here would fit except for the need “Couple”; nothing is said about needs: please ask",
        ),
        (
            KeptOut("state", "none", 2),
            "2 Angebote hier passen sonst; dort ist nichts frei",
            "2 offers here would otherwise fit; no places are free there",
        ),
        (
            KeptOut("district", "", 1),
            "1 Angebot in der Nähe passt, liegt aber außerhalb des Gebiets",
            "1 offer nearby would fit, but lies outside the area",
        ),
        (Change("distance", 39, 5), "Im Umkreis von 39 km: 5 Angebote (4 mehr)", "Within 39 km: 5 offers (4 more)"),
        (
            Change("district", "52.9|7.9|25|km", 5),
            "Im Umkreis von 25 km um die Mitte des Kreises: 5 Angebote (4 mehr)",
            "Within 25 km of the middle of the district: 5 offers (4 more)",
        ),
        (Change("places", 1, 2), "Nur 1 Platz: 2 Angebote (1 mehr)", "Only 1 place: 2 offers (1 more)"),
        (
            Change("max-age", "1h", 2),
            "Meldungen bis 1 Stunde alt: 2 Angebote (1 mehr)",
            "Statements up to 1 hour old: 2 offers (1 more)",
        ),
        (
            Change("max-age", None, 2),
            "Ohne Rücksicht auf das Alter der Meldung: 2 Angebote (1 mehr)",
            "Regardless of the age of the statement: 2 offers (1 more)",
        ),
        (
            Change("state", "some,ask", 2, "ask"),
            "Auch Angebote, bei denen erst angefragt werden muss: 2 Angebote (1 mehr)",
            "Including offers where you have to ask first: 2 offers (1 more)",
        ),
        (
            Change("care-form", "tagespflege", 2, "tagespflege"),
            "Auch Tagespflege: 2 Angebote (1 mehr)",
            "Also Day care: 2 offers (1 more)",
        ),
    ],
)
def test_why_not_is_said_as_people_say_it(found: KeptOut | Change, text_de: str, text_en: str) -> None:
    assert _texts(found) == (text_de, text_en)


def test_every_criterion_and_state_can_be_said() -> None:
    days = ("start", "duration", "places")
    told: list[KeptOut | Change] = [KeptOut(criterion, "", 2) for criterion in (*Criterion, *days, "care-form")]
    told += [KeptOut("state", state, 2) for state in State]
    told += [Change(criterion, None, 2) for criterion in Criterion if criterion != "district"]
    told += [Change("state", f"{state}", 2, state) for state in (State.SOME, State.ASK)]
    assert len({_texts(one) for one in told}) == len(told)


def _texts(found: KeptOut | Change) -> tuple[str, str]:
    told = WhyNot(1, 1)
    if isinstance(found, KeptOut):
        told.kept_out.append(found)
    else:
        told.changes.append(found)
    asked = {"district": ["03453"], "need": ["paar"], "care-form": ["hospiz"]}
    (issue,) = orjson.loads(why_not_outcome(told, asked, "x"))["issue"]
    return issue["details"]["_text"]["extension"][0]["extension"][1]["valueString"], issue["details"]["text"]


def test_the_worst_question_is_the_nearest_place_beyond(hub: Hub) -> None:
    tell(hub, offer("beyond", latitude=53.2), offer("farther", latitude=53.25))
    told = ask(hub, f"{HERE}&need=")
    assert names(told) == []
    url, total = changes(told)["distance", ""]
    assert (total, len(names(ask(hub, url.partition("?")[2])))) == (1, 1)


def test_one_of_several_rooms_is_enough_beyond(hub: Hub) -> None:
    tell(hub, offer("beyond", latitude=53.2, blocks=[Block(count=1, room=Room.SINGLE)]))
    assert changes(ask(hub, f"{HERE}&room=single&room=double"))["distance", ""][1] == 1
    assert changes(ask(hub, f"{HERE}&room=double")) == {}


def in_vechta(made: VacancyReport) -> VacancyReport:
    """The same where it stands, and in another district."""
    address = replace(made.facility.address, postal_code="49377", city="Vechta")
    return replace(made, facility=replace(made.facility, address=address))


def test_who_fits_outside_the_district_is_found_around_its_middle(hub: Hub) -> None:
    outside = (in_vechta(offer(key, latitude=at)) for key, at in (("outside", 52.85), ("farther", 53.15)))
    middle = gazetteer.nearest(52.89815, 7.91272).postal_code
    tell(hub, offer("here", latitude=53.1), *outside, service("comes", 48.1, middle))
    told = ask(hub, "district=03453&care-form=kurzzeitpflege&max-age=7d")
    assert (names(told), kept_out(told)["district", ""]) == (["here"], 2)
    url, promised = changes(told)["district", ""]
    assert url.endswith("?care-form=kurzzeitpflege&max-age=7d&near=52.89815%7C7.91272%7C25%7Ckm")
    assert names(ask(hub, url.partition("?")[2])) == ["outside", "here"]
    assert promised == 2
    assert ("district", "") not in changes(ask(hub, "district=03453&care-form=dauerpflege"))
    url, promised = changes(ask(hub, "district=03453"))["district", ""]
    assert (promised, names(ask(hub, url.partition("?")[2]))) == (3, ["outside", "here", "comes"])
    # Who comes elsewhere in the district is not found around its middle: nothing more would be.
    tell(hub, service("comes-elsewhere", 53.0, "49661"))
    told = ask(hub, "district=03453")
    assert (told["total"], kept_out(told)["district", ""]) == (3, 2)
    assert ("district", "") not in changes(told)


@pytest.mark.parametrize("seed", range(2))
def test_what_keeps_out_and_what_would_help_is_what_its_own_search_finds(hub: Hub, seed: int) -> None:
    draw = random.Random(seed)
    tell(hub, *(_drawn(draw, number) for number in range(150)))
    told_of: set[str] = set()
    for number in range(30):
        asked = _asked(draw)
        if number % 5 == 0:
            del asked["near"]
            asked["district"] = "03453"
        told = ask(hub, f"{urlencode(asked, doseq=True)}&why-not=true&_count=0")
        total = told["total"]
        for (criterion, code), offers in kept_out(told).items():
            told_of.add(criterion)
            if criterion == "district":
                continue
            without = _without(asked, criterion, code)
            found = ask(hub, f"{urlencode(without, doseq=True)}&_count=0")["total"]
            assert offers == found - (0 if criterion == "state" else total), (asked, criterion, code)
        for (criterion, code), (url, promised) in changes(told).items():
            told_of.add(f"+{criterion}")
            assert url.startswith("HealthcareService/$find-vacancies?")
            assert ask(hub, url.partition("?")[2])["total"] == promised, (asked, criterion, code)
            assert promised > total
        for criterion in ("care-grade", "sex", "room", "language", "places"):
            if criterion in asked:
                found = ask(hub, f"{urlencode(_without(asked, criterion, ''), doseq=True)}&_count=0")["total"]
                assert kept_out(told).get((criterion, ""), 0) == found - total, (asked, criterion)
    assert {
        "need",
        "room",
        "sex",
        "start",
        "duration",
        "places",
        "state",
        "care-form",
        "+distance",
        "+district",
        "+start",
    } <= told_of


def _without(asked: dict[str, Any], criterion: str, code: str) -> dict[str, Any]:
    if criterion == "need":
        return {**asked, "need": [need for need in asked["need"] if need != code]}
    if criterion == "state":
        return {**asked, "state": code}
    return {name: value for name, value in asked.items() if name != criterion}


def _asked(draw: random.Random) -> dict[str, Any]:
    asked: dict[str, Any] = {"near": f"{draw.uniform(52.7, 53.0):.3f}|8.05|{draw.choice((8, 15, 30))}|km"}
    may = {
        "need": draw.sample(("dialyse", "demenz", "peg"), draw.randint(1, 2)),
        "care-grade": draw.randint(1, 5),
        "sex": draw.choice(("female", "male")),
        "room": draw.choice(("single", "double")),
        "language": "tr",
        "places": 2,
        "duration": draw.choice((7, 14)),
        "start": (TODAY + timedelta(days=draw.randrange(20))).isoformat(),
        "care-form": draw.choice(("kurzzeitpflege", "kurzzeitpflege-solitaer", "dauerpflege")),
        "state": draw.choice(("some", "some,ask")),
    }
    return asked | {name: may[name] for name in draw.sample(sorted(may), draw.randint(1, 4))}


def _drawn(draw: random.Random, number: int) -> VacancyReport:
    def block() -> Block:
        start = draw.choice((None, TODAY + timedelta(days=draw.randrange(25))))
        return Block(
            count=draw.randint(1, 3),
            start=start,
            end=draw.choice((None, (start or TODAY) + timedelta(days=draw.randrange(3, 20)))),
            room=draw.choice((None, *Room)),
            sex=draw.choice((None, None, Sex.FEMALE, Sex.MALE)),
            needs=draw.choice(((), (), ("peg",))),
        )

    made = offer(
        f"h{number:03}",
        latitude=round(draw.uniform(52.6, 53.1), 4),
        needs=tuple(draw.sample(("dialyse", "demenz", "peg"), draw.randrange(3))),
        care_grades=draw.choice(((), (1, 2, 3), (3, 4, 5))),
        languages=draw.choice(((), ("de",), ("de", "tr"))),
        blocks=[block() for _ in range(draw.randint(1, 3))],
    )
    if number % 3 == 0:
        made = in_vechta(made)
    form = draw.choice(("kurzzeitpflege-solitaer", "kurzzeitpflege-eingestreut", "dauerpflege"))
    made = replace(made, offer=replace(made.offer, care_form=form))
    state = draw.choice((State.SOME, State.SOME, State.SOME, State.ASK, State.NONE))
    return made if state is State.SOME else replace(made, state=state, blocks=(), reported_by=ReportedBy.HOME)


def test_days_are_counted_one_by_one() -> None:
    """The three answers about days, each held against a loop over the days."""
    draw = random.Random(1)
    for _ in range(400):
        rows = [
            ((first := draw.randrange(-3, 12)), first + draw.randrange(0, 8), draw.randint(1, 3))
            for _ in range(draw.randint(1, 4))
        ]
        start, days, places = draw.randrange(6), draw.randint(1, 6), draw.randint(1, 4)

        def holds(first: int, span: int, wanted: int, rows: list[Any] = rows) -> bool:
            return all(
                sum(row[2] for row in rows if row[0] <= day <= row[1]) >= wanted for day in range(first, first + span)
            )

        for exact in (True, False):
            stay = Stay(start, exact, days, places)
            firsts = [start] if exact else list(range(start, 30))
            expected = next((first for first in firsts if holds(first, days, places)), None)
            assert first_day(rows, stay) == expected
            spans = [span for span in range(1, days + 1) for first in firsts if holds(first, span, places)]
            assert longest(rows, stay) == max(spans, default=0)
            wanted = [one for one in range(1, places + 1) if any(holds(first, days, one) for first in firsts)]
            assert most(rows, stay) == max(wanted, default=0)


def test_a_town_and_a_district_are_found_as_people_write_them(hub: Hub) -> None:
    here = offer("moor")
    elsewhere = replace(here.facility, address=replace(here.facility.address, postal_code="49082", city="Osnabrück"))
    tell(hub, here, replace(offer("hase", latitude=52.27), facility=replace(elsewhere, key="hase", position=None)))
    for query, found in (
        ("city=cloppenburg", ["moor"]),
        ("city=Clopenburg&distance=5", ["moor"]),
        ("city=Osnabrueck", ["hase"]),
        ("district=Landkreis Cloppenburg", ["moor"]),
        ("district=03453", ["moor"]),
        ("district=03404", ["hase"]),
        ("district=03453004", []),
    ):
        assert names(ask(hub, query)) == found, query
    outcome = Client(hub).json(f"{OPERATION}?city=Neustadt", status=400)
    assert outcome["issue"][0]["code"] == "multiple-matches"
    assert "district=" in outcome["issue"][0]["details"]["text"]
    assert Client(hub).json(f"{OPERATION}?city=Nirgendwo", status=400)["issue"][0]["expression"] == ["http.city"]
    assert Client(hub).json(f"{OPERATION}?district=03453&distance=9", status=400)["issue"][0]["code"] == "business-rule"


def test_a_search_that_finds_nothing_is_counted_and_no_other(hub: Hub, clock: Clock) -> None:
    tell(hub, offer("moor"))
    for _ in range(10):  # Few are not told.
        ask(hub, "district=03453")
        ask(hub, f"{HERE}&need=dialyse")
    hub.tally.close()
    clock.forward(days=1)
    with hub.database.snapshot() as reader:
        counted = hub.region.missed(reader, TODAY, TODAY)
    assert sum(one.searches for one in counted) == 10


def test_who_pays_and_what_the_person_pays(hub: Hub) -> None:
    tell(
        hub,
        offer("silent"),
        offer("month", own_share=OwnShare(cents=250_000, per=Per.MONTH), payers=("pflegekasse",)),
        offer("day", own_share=OwnShare(cents=10_000, per=Per.DAY), payers=("selbstzahler", "sozialhilfe")),
    )
    for query, found in (
        ("own-share=2500", ["month"]),
        ("own-share=2499.99", []),
        ("own-share=3042", ["day", "month"]),
        ("own-share=3041.99", ["month"]),
        ("payer=pflegekasse", ["month"]),
        ("payer=pflegekasse,sozialhilfe", ["day", "month"]),
    ):
        assert sorted(names(ask(hub, f"{HERE}&{query}"))) == found, query
    assert Client(hub).get(f"{OPERATION}?{HERE}&payer=Tante").status_code == 400


def service(key: str, latitude: float, *codes: str) -> VacancyReport:
    made = offer(key, latitude=latitude, catchment=codes)
    return replace(made, offer=replace(made.offer, care_form="ambulante-pflege"))


def test_who_comes_from_afar_fits_once_and_comes_to_a_district_too(hub: Hub) -> None:
    tell(hub, service("far-and-comes", 54.3, "49661"))
    told = ask(hub, "postal-code=49661&distance=25&care-form=ambulante-pflege")
    assert (names(told), changes(told)) == (["far-and-comes"], {})
    far = service("far-and-comes", 54.3, "49661")
    schleswig = replace(far.facility.address, postal_code="24837", city="Schleswig")
    tell(hub, replace(far, facility=replace(far.facility, address=schleswig)))
    assert names(ask(hub, "district=01059&care-form=ambulante-pflege")) == []
    assert names(ask(hub, "district=03453&care-form=ambulante-pflege")) == ["far-and-comes"]
    moved = service("far-and-comes", 54.3, "49661")
    tell(hub, replace(moved, offer=replace(moved.offer, care_form="dauerpflege")))
    assert names(ask(hub, "postal-code=49661&distance=25")) == []


def test_who_comes_is_told_of_where_another_form_or_state_is_asked_for(hub: Hub) -> None:
    tell(hub, service("far-and-comes", 54.3, "49661"), service("far-and-comes-not", 54.3, "49681"))
    here = "postal-code=49661&distance=25"
    assert kept_out(ask(hub, f"{here}&care-form=tagespflege")) == {("care-form", ""): 1}
    told = ask(hub, f"{here}&care-form=ambulante-pflege&state=ask")
    assert kept_out(told) == {("state", "some"): 1}
    assert changes(told)["state", "some"][1] == 1
    assert kept_out(ask(hub, f"{here}&care-form=tagespflege&state=ask")) == {}


def test_a_wider_form_is_promised_with_all_its_forms(hub: Hub) -> None:
    for form in ("kurzzeitpflege", "kurzzeitpflege-eingestreut", "kurzzeitpflege-solitaer"):
        made = offer(form)
        tell(hub, replace(made, offer=replace(made.offer, care_form=form)))
    told = ask(hub, f"{HERE}&care-form=kurzzeitpflege-solitaer")
    for url, total in changes(told).values():
        assert ask(hub, url.partition("?")[2])["total"] == total
    assert changes(told)["care-form", "kurzzeitpflege"][1] == 3


def test_forms_of_another_kind_that_serve_the_need_are_named_last_and_only_where_nobody_does(hub: Hub) -> None:
    def of(form: str, key: str, latitude: float = 52.85, needs: tuple[str, ...] = ("beatmung",)) -> VacancyReport:
        made = offer(key, latitude=latitude, needs=needs)
        return replace(made, offer=replace(made.offer, care_form=form))

    tell(
        hub,
        *(of("intensivpflege", f"i{number}") for number in range(3)),
        *(of(form, form) for form in ("dauerpflege", "tagespflege", "hospiz-stationaer")),
        of("ambulante-pflege", "far", latitude=53.2),
        of("ambulante-pflege", "silent", needs=()),
    )
    asked = f"{HERE}&care-form=ambulante-pflege&need=beatmung"
    told = list(changes(ask(hub, asked)))
    assert set(told[:2]) == {("distance", ""), ("need", "beatmung")}
    assert told[2:] == [("care-form", form) for form in ("intensivpflege", "dauerpflege", "hospiz-stationaer")]
    for url, total in changes(ask(hub, asked)).values():
        assert ask(hub, url.partition("?")[2])["total"] == total
    assert ("care-form", "intensivpflege") not in changes(ask(hub, f"{HERE}&care-form=ambulante-pflege&why-not=true"))
    tell(hub, of("ambulante-pflege", "near"))
    assert ("care-form", "intensivpflege") not in changes(ask(hub, asked))


def test_forms_of_another_kind_are_counted_and_not_promised_to_who_names_no_need(hub: Hub) -> None:
    made = offer("moor")
    tell(hub, replace(made, offer=replace(made.offer, care_form="dauerpflege")))
    told = ask(hub, f"{HERE}&care-form=kurzzeitpflege-solitaer")
    assert (kept_out(told), changes(told)) == ({("care-form", ""): 1}, {})


@pytest.mark.parametrize("ags", ["034530040004", "03453", "3453004", "99999999", "x" * 23, "1" * 23])
def test_an_odd_municipality_key_leaves_the_postal_code(hub: Hub, ags: str) -> None:
    made = offer("moor")
    tell(hub, replace(made, facility=replace(made.facility, address=replace(made.facility.address, ags=ags))))
    assert names(ask(hub, "district=03453")) == ["moor"]


def test_what_costs_nothing_is_found(hub: Hub) -> None:
    tell(hub, offer("free", own_share=OwnShare(cents=0, per=Per.MONTH)), offer("silent"))
    assert names(ask(hub, f"{HERE}&own-share=0")) == ["free"]


@pytest.mark.parametrize(
    "query",
    [
        "end=2026-12-%201",
        "end=2026-12-0١",
        "why-not=Erna",
        "monitor=ja",
        "_after=nan_0_1",
        "_after=0%20_0_1",
        "_after=0_0_٠",
        "Erna Meier=x",
    ],
)
def test_what_nobody_could_mean_is_refused_and_not_repeated(sqlite_hub: Hub, query: str) -> None:
    tell(sqlite_hub, offer("moor", blocks=[Block(count=1, end=TODAY + timedelta(days=3))]))
    response = Client(sqlite_hub).get(f"{OPERATION}?{HERE}&{query}")
    assert response.status_code == 400
    assert "Erna" not in response.text


def test_booleans_can_be_posted_as_such(hub: Hub) -> None:
    tell(hub, offer("moor"))
    given = [{"name": "near", "valueString": "52.85|8.05"}, {"name": "monitor", "valueBoolean": True}]
    bundle = (
        Client(hub)
        .request(
            "POST",
            OPERATION,
            json={"resourceType": "Parameters", "parameter": given},
            headers={"Content-Type": "application/fhir+json"},
        )
        .json()
    )
    assert [link["relation"] for link in bundle["link"]] == ["self", "monitor"]
    # How far was looked is said, where it was not asked.
    assert "25" in bundle["link"][0]["url"]


def test_only_the_places_that_fit_are_shown_as_fitting() -> None:
    def slot(room: str, sex: str = "", *needs: str) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"url": "room", "valueCoding": {"code": room}}]
        parts += [{"url": "sex", "valueCode": sex}] if sex else []
        parts += [{"url": "need", "valueCoding": {"code": need}} for need in needs]
        return {"extension": [{"url": PLACE, "extension": parts}]}

    single, double = slot("single", "female", "dialyse"), slot("double")
    for told, fitting in (
        ({}, [single, double]),
        ({"room": ["single"]}, [single]),
        ({"room": ["single,double"]}, [single, double]),
        ({"sex": ["male"]}, [double]),
        ({"need": ["dialyse"]}, [single]),
        ({"need": ["demenz"]}, [single, double]),
    ):
        assert fitting_slots([single, double], told) == fitting
