"""The page of a home, as a phone, a mail scanner and somebody with the wrong link meet it."""

import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from hub.hub import Hub
from hub.store.tables import delivery
from hub.store.tables import home as homes
from mappings.vacancy import ReportedBy
from tests.conftest import Clock
from tests.hub.client import Client
from tests.hub.homes.home import SEE, added, form, text


class Phone(Client):
    """Whoever has a home's link."""

    def __init__(self, hub: Hub, path: str) -> None:
        super().__init__(hub)
        self.path = path

    def open(self, **arguments: Any) -> httpx.Response:
        return self.get(self.path, **arguments)

    def press(self, page: httpx.Response, do: str, **changed: str) -> httpx.Response:
        return self.request("POST", self.path, data=form(page, do=do, **changed))


@pytest.fixture
def phone(hub: Hub) -> Phone:
    return Phone(hub, hub.homes.link(added(hub, dauerpflege=2, tagespflege=0)))


def free(hub: Hub) -> dict[str, int | None]:
    return hub.homes.standing(hub.homes.named("moor")).free


def deliveries(hub: Hub) -> int:
    with hub.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(delivery)).scalar_one())


def test_still_right_takes_three_taps(hub: Hub, phone: Phone, clock: Clock) -> None:
    clock.forward(hours=30)
    page = phone.open()
    assert page.status_code == 200
    assert "zuletzt 2 frei, gestern" in text(page)
    check = phone.press(page, "check")
    assert "Das melden Sie jetzt" in text(check)
    assert "2 frei unverändert" in text(check)
    told = text(phone.press(check, "send"))
    assert "Danke, Ihre Meldung ist angekommen" in told
    assert "Nächste Meldung spätestens Donnerstag, 26.11., 16:00 Uhr" in told
    assert hub.homes.standing(hub.homes.named("moor")).oldest == int(clock.at.timestamp()) * 1_000_000


def test_one_more_takes_three_taps(hub: Hub, phone: Phone) -> None:
    stepped = phone.press(phone.open(), "more-1")
    assert form(stepped)["n1"] == "1"
    assert free(hub) == {"dauerpflege": 2, "tagespflege": 0}
    assert "Danke" in text(phone.press(stepped, "send"))
    assert free(hub) == {"dauerpflege": 2, "tagespflege": 1}
    assert hub.homes.standing(hub.homes.named("moor")).said["tagespflege"].by is ReportedBy.HOME  # type: ignore[union-attr]


def test_steps_stay_between_none_and_all(phone: Phone) -> None:
    page = phone.open()
    assert form(phone.press(page, "less-1"))["n1"] == "0"
    assert form(phone.press(page, "more-0", n0="40"))["n0"] == "40"
    assert form(phone.press(page, "less-0", n0="x"))["n0"] == "0"


def test_opening_the_link_changes_nothing(hub: Hub, phone: Phone) -> None:
    before = deliveries(hub)
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        answer = phone.request(method, phone.path, headers={"Sec-Purpose": "prefetch"})
        assert answer.status_code == (200 if method in ("GET", "HEAD") else 405)
    assert phone.request("HEAD", phone.path).content == b""
    phone.press(phone.open(), "check")
    assert deliveries(hub) == before


def test_sent_twice_it_counts_once(hub: Hub, phone: Phone) -> None:
    stepped = phone.press(phone.open(), "more-1")
    first, second = phone.press(stepped, "send"), phone.press(stepped, "send")
    assert text(first) == text(second)
    assert deliveries(hub) == 2


def test_numbers_that_changed_meanwhile_are_asked_again(hub: Hub, phone: Phone) -> None:
    page = phone.open()
    hub.homes.report(hub.homes.named("moor"), {"dauerpflege": 5}, ReportedBy.OFFICE)
    again = phone.press(page, "send")
    assert again.status_code == 409
    assert "Inzwischen wurden andere Zahlen gemeldet" in text(again)
    assert "zuletzt 5 frei, heute, 10:00 Uhr, stellvertretend gemeldet" in text(again)
    assert free(hub)["dauerpflege"] == 5
    assert "Danke" in text(phone.press(again, "send"))


def test_a_page_that_lay_open_overnight_asks_again(hub: Hub, phone: Phone, clock: Clock) -> None:
    page = phone.open()
    clock.forward(hours=13)
    before = deliveries(hub)
    assert phone.press(page, "send").status_code == 409
    assert deliveries(hub) == before


@pytest.mark.parametrize("number", ["41", "-1", "1.5", "zwei", "²", "1" * 5000])
def test_what_is_no_number_of_places_is_asked_again(hub: Hub, phone: Phone, number: str) -> None:
    wrong = phone.press(phone.open(), "send", n0=number)
    assert wrong.status_code == 422
    assert "Bitte eine Zahl von 0 bis 40 eintragen." in text(wrong)
    assert 'aria-invalid="true"' in wrong.text
    assert free(hub)["dauerpflege"] == 2


def test_a_first_report_begins_with_blank_fields_and_zero_is_a_number(hub: Hub) -> None:
    phone = Phone(hub, hub.homes.link(added(hub)))
    page = phone.open()
    assert form(page)["n0"] == ""
    assert phone.press(page, "send").status_code == 422
    told = text(phone.press(page, "send", n0="0"))
    assert "Dauerpflege 0 frei" in told
    assert free(hub) == {"dauerpflege": 0, "tagespflege": None}


def test_an_answer_names_what_is_still_open_beside_the_due_day(hub: Hub) -> None:
    phone = Phone(hub, hub.homes.link(added(hub)))
    told = text(phone.press(phone.open(), "send", n0="0"))
    assert "Dauerpflege 0 frei Tagespflege keine Angabe" in told
    assert "Nächste Meldung spätestens Mittwoch, 25.11., 10:00 Uhr" in told


def test_an_empty_field_says_that_its_number_is_unknown(hub: Hub) -> None:
    page = Phone(hub, hub.homes.link(added(hub))).open()
    assert page.text.count('value="" placeholder="?"') == 2


def test_a_form_of_one_home_is_none_of_another(hub: Hub, phone: Phone) -> None:
    stranger = Phone(hub, hub.homes.link(added(hub, SEE, hospiz=1)))
    fields = form(stranger.open(), do="send")
    refused = phone.request("POST", phone.path, data=fields)
    assert refused.status_code == 400
    assert "Das Formular kam unvollständig an" in text(refused)
    assert free(hub) == {"dauerpflege": 2, "tagespflege": 0}


@pytest.mark.parametrize(
    "body", [b"", b"%", b"form=x", b"form=" + b"x" * 20_000, b"&".join(b"a=1" for _ in range(200)), b"\xff=\xff"]
)
def test_any_body_is_answered_with_a_page(hub: Hub, phone: Phone, body: bytes) -> None:
    answer = phone.request("POST", phone.path, content=body)
    assert 400 <= answer.status_code < 500
    assert "Es ist nichts gesendet worden." in text(answer)


def test_a_link_that_opens_nothing_says_whom_to_ask(hub: Hub, clock: Clock) -> None:
    home = added(hub)
    short, long = (Phone(hub, hub.homes.link(home, timedelta(days=days))) for days in (1, 90))
    clock.forward(days=5)
    told = [short.open(), Client(hub).get("/m/nonsense"), long.open()]
    hub.homes.revoke("moor")
    told.append(long.open())
    assert [page.status_code for page in told] == [410, 404, 200, 410]
    for page, what in zip(told, ("abgelaufen", "funktioniert nicht", "frei?", "funktioniert nicht mehr"), strict=True):
        assert what in text(page)
        assert ("Koordinierungsstelle" in text(page)) == (page.status_code != 200)


def test_a_revoked_link_promises_no_newer_one(hub: Hub) -> None:
    phone = Phone(hub, hub.homes.link(added(hub)))
    hub.homes.revoke("moor")
    told = text(phone.open())
    assert "Die Koordinierungsstelle hat ihn gesperrt. Wenn Sie seitdem einen neuen Link bekommen haben" in told
    assert "The coordination office has blocked it." in text(phone.get(f"{phone.path}?lang=en"))
    assert "Es gibt einen neueren" not in told


def test_thirty_reports_an_hour_are_enough(hub: Hub, phone: Phone, clock: Clock) -> None:
    page = phone.open()
    answers = [phone.press(page, "send").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
    clock.forward(hours=1, seconds=1)
    assert phone.press(page, "send").status_code == 200


def test_the_page_speaks_the_browsers_language(phone: Phone) -> None:
    english = phone.open(headers={"Accept-Language": "fr, en;q=0.8, de;q=0.5"})
    assert '<html lang="en">' in english.text
    assert "How many places are free today?" in text(english)
    assert '<html lang="de">' in phone.get(f"{phone.path}?lang=de", headers={"Accept-Language": "en"}).text


def test_the_page_is_closed_to_everybody_else(phone: Phone) -> None:
    for page in (phone.open(), phone.get("/m/x"), phone.press(phone.open(), "send")):
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; form-action")
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert "noindex" in page.headers["x-robots-tag"]
        assert "set-cookie" not in page.headers
        assert "<script" not in page.text
        assert " style=" not in page.text
    assert phone.get("/m/style.css").headers["content-type"].startswith("text/css")


def test_what_a_home_is_called_is_text(phone: Phone) -> None:
    page = phone.open()
    assert "<b>" not in page.text
    assert "Haus am Moor & Söhne <b>" in text(page)


def test_every_field_has_a_label_and_every_button_words(phone: Phone) -> None:
    page = phone.open().text
    assert page.count('<label for="n0"') == page.count('<label for="n1"') == 1
    assert 'aria-label="Dauerpflege: einer mehr"' in page
    # Enter presses the first button: that must be the one that goes on.
    assert page.index('value="check"') < page.index('value="less-0"')


def test_no_log_names_a_link(hub: Hub, phone: Phone, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    phone.press(phone.open(), "send")
    phone.get(phone.path[:-1])
    with hub.database.writing() as connection:
        connection.execute(homes.update().values(facility=b"{}"))
    assert phone.open().status_code == 500
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert ours
    assert phone.path[3:-1] not in "\n".join(ours)


def test_professionals_see_who_reported_and_the_public_does_not(hub: Hub) -> None:
    added(hub, dauerpflege=2)
    hub.homes.report(hub.homes.named("moor"), {"dauerpflege": 1}, ReportedBy.OFFICE)
    seen = {sandbox: Client(hub, sandbox=sandbox).get("/fhir/Schedule").text for sandbox in (True, False)}
    assert '{"url":"reportedBy","valueCode":"office"}' in seen[True]
    assert "reportedBy" not in seen[False]
    assert "haus-am-moor.example" not in seen[True]
