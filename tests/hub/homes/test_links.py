"""A link opens one home, and none when anybody changed it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.homes.homes import Opened, Shut
from hub.homes.links import Form, Forms, Link, Links
from hub.hub import Hub
from hub.keys import Key
from tests.conftest import NOW, Clock
from tests.hub.homes.home import SEE, added

KEY = Key(bytes(range(32)))
LINKS = Links(KEY)
TOKEN = LINKS.make(7, 3, at=NOW)


def test_a_link_says_what_it_was_made_for() -> None:
    assert LINKS.read(TOKEN) == Link(7, 3, 20779 + 180)
    assert len(TOKEN) == 36


@given(st.integers(0, 35), st.characters(codec="ascii"))
def test_a_changed_link_is_none(at: int, other: str) -> None:
    changed = TOKEN[:at] + other + TOKEN[at + 1 :]
    assert changed == TOKEN or LINKS.read(changed) is None


@given(st.text(max_size=80))
def test_no_text_is_a_link_by_chance(text: str) -> None:
    assert LINKS.read(text) is None


def test_a_link_of_another_hub_is_none() -> None:
    assert Links(Key(bytes(32))).read(TOKEN) is None


def test_what_a_form_is_signed_with_signs_no_link() -> None:
    """The control of domain separation: every derived key differs, and none is a hash that the ledger keeps."""
    purposes = ("home link", "home form", "fingerprint")
    derived = {KEY.derived(purpose) for purpose in purposes}
    assert len(derived) == 3
    assert derived.isdisjoint(KEY.digest(b"platzfrei key\n" + purpose.encode()) for purpose in purposes)


def test_a_form_goes_with_its_link_and_says_if_it_shows_what_is_known() -> None:
    forms, link = Forms(KEY), Link(7, 3, 20959)
    at = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    mark = forms.make(link, b"2 free", at=at)
    assert forms.read(mark, link, b"2 free") == Form(int(at.timestamp()), current=True)
    assert forms.read(mark, link, b"3 free") == Form(int(at.timestamp()), current=False)
    assert forms.read(mark, Link(8, 3, 20959), b"2 free") is None
    assert forms.read(mark, Link(7, 4, 20959), b"2 free") is None
    assert forms.read(mark[:-1] + "!", link, b"2 free") is None


def test_a_link_opens_its_home_until_it_expires(hub: Hub, clock: Clock) -> None:
    home = added(hub)
    token = hub.homes.link(home, timedelta(days=2)).removeprefix("/m/")
    opened = hub.homes.opened(token)
    assert isinstance(opened, Opened)
    assert opened.home == home
    clock.forward(days=3)
    assert hub.homes.opened(token) is Shut.EXPIRED


def test_revoking_ends_the_links_of_one_home_alone(hub: Hub) -> None:
    home, other = (
        added(hub),
        added(hub, SEE),
    )
    old, others = hub.homes.link(home)[3:], hub.homes.link(other)[3:]
    hub.homes.revoke("moor")
    assert hub.homes.opened(old) is Shut.REVOKED
    assert isinstance(hub.homes.opened(others), Opened)
    assert isinstance(hub.homes.opened(hub.homes.link(hub.homes.named("moor"))[3:]), Opened)


def test_a_home_that_is_gone_never_lends_its_links_to_the_next(hub: Hub) -> None:
    old = hub.homes.link(added(hub))[3:]
    hub.homes.remove("moor")
    assert hub.homes.opened(old) is Shut.UNKNOWN
    added(hub)
    assert hub.homes.opened(old) is Shut.UNKNOWN


def test_a_home_that_is_changed_keeps_its_links(hub: Hub) -> None:
    home = added(hub)
    token = hub.homes.link(home)[3:]
    assert hub.homes.change(replace(home, name="Neu")) == 0
    opened = hub.homes.opened(token)
    assert isinstance(opened, Opened)
    assert opened.home.name == "Neu"
