"""`platzfrei homes`, as the coordination office uses it."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from hub import cli
from hub.hub import Hub
from hub.settings import Settings
from hub.store.tables import delivery


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Office":
    monkeypatch.setenv("PLATZFREI_BASE_URL", "https://platzfrei.example/")
    return Office(f"sqlite:///{tmp_path / 'data' / 'platzfrei.db'}", capsys)


class Office:
    """Runs the command; `told` and `wrong` are what it printed last."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.url = url
        self._capsys = capsys
        self.told = self.wrong = ""

    def __call__(self, *arguments: str, language: str = "en") -> int:
        status = cli.main(["homes", "--database", self.url, "--language", language, *arguments])
        self.told, self.wrong = self._capsys.readouterr()
        return status

    def add(self, *more: str) -> int:
        return self("add", "moor", "--name", "Haus am Moor", "--postal-code", "49661", "--phone", "04471 1", *more)


def test_an_office_keeps_a_home_from_its_first_day_to_its_last(office: Office) -> None:
    assert office() == 0
    assert "no home yet" in office.told
    assert office.add("--offer", "dauerpflege=40", "--offer", "tagespflege") == 0
    assert office("due") == 0
    assert "04471 1" in office.told
    assert office("report", "moor", "--free", "dauerpflege=2", "--free", "tagespflege=0") == 0
    assert "Reported by the coordination office on the home's behalf" in office.told
    assert office() == 0
    assert "Long-term residential care 2; Day care 0" in office.told
    assert office("due") == 0
    assert "nobody is due" in office.told
    assert office("link", "moor") == 0
    assert office.told.startswith("https://platzfrei.example/m/")
    assert office.wrong == ""
    assert office("revoke", "moor") == 0
    assert "platzfrei homes link moor" in office.told
    assert office("change", "moor", "--offer", "dauerpflege=41", "--without", "tagespflege") == 0
    assert "Long-term residential care: 40 places → 41 places" in office.told
    assert "Day care: ? places → no offer" in office.told
    assert "Withdrawn: what it reported of one offer" in office.told
    assert "Others see this from its next report on" in office.told
    assert office("report", "moor", "--free", "3") == 0
    assert office("remove", "moor", language="de") == 0
    assert "Zurückgenommen: was es zu einem Angebot gemeldet hat" in office.told
    assert office("link", "moor", language="de") == 2
    assert "dieses Haus gibt es nicht" in office.wrong


@pytest.mark.parametrize(
    ("address", "language", "told"),
    [
        (None, "de", "der Link beginnt mit http://127.0.0.1:8080, denn PLATZFREI_BASE_URL ist nicht gesetzt"),
        (None, "en", "the link begins with http://127.0.0.1:8080, for PLATZFREI_BASE_URL is not set"),
        (None, "en", "PLATZFREI_BASE_URL=https://… platzfrei homes link moor\n"),
        ("http://10.0.0.7:8090", "en", "note: without https"),
    ],
)
def test_a_link_that_others_cannot_open_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch, address: str | None, language: str, told: str
) -> None:
    assert office.add("--offer", "dauerpflege") == 0
    monkeypatch.delenv("PLATZFREI_BASE_URL")
    if address:
        monkeypatch.setenv("PLATZFREI_BASE_URL", address)
    assert office("link", "moor", language=language) == 0
    assert office.told.startswith(f"{address or 'http://127.0.0.1:8080'}/m/")
    assert told in office.wrong


def test_what_cannot_be_is_a_sentence(office: Office) -> None:
    assert office.add("--offer", "pflege") == 2
    assert "--offer: expected: at least one care form: ambulante-pflege" in office.wrong
    assert office.add("--offer", "dauerpflege=viele") == 2
    assert "a whole number" in office.wrong
    assert office.add("--offer", "dauerpflege", "--email", "nobody") == 2
    assert "--email: expected: an address" in office.wrong
    for option, value in (("--street", "Weg X110411675"), ("--name", "Haus X110411675")):
        assert office.add("--offer", "dauerpflege", option, value) == 2
        assert f"{option}: expected: something without an insurance number" in office.wrong
        assert "X110411675" not in office.wrong
    assert office("add", "x110411675", "--name", "Haus", "--postal-code", "49661", "--offer", "dauerpflege") == 2
    assert "ID: expected: something without an insurance number" in office.wrong
    assert office.add("--offer", "dauerpflege=40", "--offer", "tagespflege") == 0
    assert office("report", "moor", "--free", "2") == 2
    assert "several care forms (dauerpflege, tagespflege)" in office.wrong
    assert office("report", "moor", "--free", "hospiz=2") == 2
    assert "does not offer this" in office.wrong
    assert office("report", "moor", "--free", "dauerpflege=41") == 2
    assert "0 to 40 free places" in office.wrong
    assert office("remind") == 2
    assert "platzfrei homes due" in office.wrong
    for told in ("link", "due moor", "report moor", "add moor", "change moor", "link moor --days 0"):
        with pytest.raises(SystemExit):
            office(*told.split())
    for told in ("link moor --phone 1", "due --free 1"):
        with pytest.raises(SystemExit):
            office(*told.split())


def test_adding_a_home_twice_changes_nothing(office: Office) -> None:
    office.add("--offer", "dauerpflege=40")
    told = ("add", "moor", "--name", "Villa Fremd", "--postal-code", "26121", "--offer", "tagespflege")
    assert office(*told, language="de") == 2
    assert "„moor“ gibt es schon: Haus am Moor, 49661; nichts wurde geändert" in office.wrong
    assert "platzfrei homes change moor" in office.wrong
    office()
    assert "Haus am Moor" in office.told
    assert "Long-term residential care ?" in office.told


def test_a_change_touches_what_is_given_and_names_it(office: Office) -> None:
    office.add("--offer", "dauerpflege=40", "--street", "Moorweg", "--email", "a@moor.example")
    assert office("change", "moor", "--phone", "04471 2") == 0
    assert office.told.splitlines()[0] == "--phone: 04471 1 → 04471 2"
    assert office.wrong == ""
    hub = Hub.open(Settings.of(database=office.url, environment={}))
    home = hub.homes.named("moor")
    hub.close()
    assert (home.phone, home.street, home.email) == ("04471 2", "Moorweg", "a@moor.example")
    assert [(offer.care_form, offer.licensed) for offer in home.offers] == [("dauerpflege", 40)]
    assert office("change", "moor", "--phone", "04471 2") == 0
    assert "nothing changed" in office.told
    assert office("change", "moor", "--street", "") == 0
    assert "--street: Moorweg → –" in office.told
    assert office("change", "moor", "--without", "hospiz") == 2
    assert "--without: the home does not offer this; there are: dauerpflege" in office.wrong
    assert office("change", "moor", "--without", "dauerpflege") == 2
    assert "at least one care form" in office.wrong


def test_another_name_asks_whether_it_is_the_same_home(office: Office) -> None:
    office.add("--offer", "dauerpflege")
    assert office("change", "moor", "--name", "Villa Fremd", language="de") == 0
    assert "Ist es noch dasselbe Haus? Wer einen Link von „Haus am Moor“ hat, meldet jetzt für „Villa Fremd“." in (
        office.wrong
    )


def test_of_two_offers_the_one_that_was_reported_shows_its_number_and_moment(office: Office) -> None:
    office.add("--offer", "dauerpflege=40", "--offer", "kurzzeitpflege-solitaer=8")
    assert office("report", "moor", "--free", "dauerpflege=3", language="de") == 0
    assert "Kurzzeitpflege, solitär: noch nie gemeldet" in office.told
    assert "nächste Meldung spätestens" in office.told
    office(language="de")
    line = office.told.splitlines()[2]
    assert "Dauerpflege 3; Kurzzeitpflege, solitär ?" in line
    assert "heute, " in line
    office("due", language="de")
    line = office.told.splitlines()[2]
    assert "04471 1  Kurzzeitpflege, solitär (noch nie)  heute, " in line


def test_two_numbers_for_one_care_form_are_none(office: Office) -> None:
    office.add("--offer", "dauerpflege=40")
    assert office("report", "moor", "--free", "2", "--free", "dauerpflege=3") == 2
    assert "dauerpflege: told twice" in office.wrong


def test_a_wrong_mail_server_is_told_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATZFREI_SMTP", "mail.example")
    assert office() == 2
    assert "PLATZFREI_SMTP: expected: smtps://" in office.wrong


def test_the_ledger_says_that_the_office_reported(office: Office) -> None:
    office.add("--offer", "dauerpflege")
    office("report", "moor", "--free", "1")
    hub = Hub.open(Settings.of(database=office.url, environment={}))
    with hub.database.reading() as connection:
        (receipt,) = connection.execute(select(delivery.c.receipt)).scalars()
    hub.close()
    assert [issue["code"] for issue in json.loads(receipt)["issues"]] == ["on-behalf"]


def test_an_offer_that_is_removed_waits_for_no_report(office: Office) -> None:
    assert office.add("--offer", "dauerpflege=40", "--offer", "tagespflege") == 0
    assert office("report", "moor", "--free", "dauerpflege=2", "--free", "tagespflege=0") == 0
    assert office("change", "moor", "--without", "tagespflege") == 0
    assert "Withdrawn: what it reported of one offer" in office.told
    assert "Others see this" not in office.told
