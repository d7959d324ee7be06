"""A home for tests, and a reader of its page's forms."""

import re
from html import unescape

import httpx

from hub.homes.home import Home, HomeOffer
from hub.hub import Hub
from mappings.vacancy import ReportedBy

__all__ = ["MOOR", "SEE", "added", "form", "text"]

MOOR = Home(
    id="moor",
    name="Haus am Moor & Söhne <b>",
    offers=(HomeOffer(care_form="dauerpflege", licensed=40), HomeOffer(care_form="tagespflege")),
    postal_code="49661",
    city="Cloppenburg",
    phone="04471 555-10",
    email="leitung@haus-am-moor.example",
)
SEE = Home(id="see", name="Am See", offers=(HomeOffer(care_form="hospiz"),), postal_code="26603")


def added(hub: Hub, home: Home = MOOR, **free: int) -> Home:
    """The home, written down; with numbers, it has reported them."""
    hub.homes.add(home)
    known = hub.homes.named(home.id)
    if free:
        assert hub.homes.report(known, free, ReportedBy.HOME).good
    return known


def form(page: httpx.Response, **changed: str) -> dict[str, str]:
    """The fields of a page's form as a browser would post them, without a button."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page.text):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name is not None
        assert value is not None
        fields[name[1]] = unescape(value[1])
    return {**fields, **changed}


def text(page: httpx.Response) -> str:
    """What a person reads."""
    body = re.sub(r"<(style|title)[^>]*>.*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
