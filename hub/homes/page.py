"""The page of a home: one link shows today's numbers, and confirms or corrects them in three taps; without JavaScript.

GET changes nothing, since mail scanners open links. A POST carries the mark of the form that was shown: it goes with
the link and with what was known then, so that nobody overwrites what he has not seen.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adapters.receipt import Receipt
from hub.body import read_body
from hub.errors import status_of
from hub.homes.home import PLACES_MAX
from hub.homes.homes import Homes, Opened, Shut
from hub.homes.standing import Standing
from hub.homes.texts import TEXTS, ago, day_and_time, language
from hub.store.clock import micros, moment
from mappings.errors import PlatzfreiError
from mappings.terminology import Language, display
from mappings.vacancy import ReportedBy

__all__ = ["HomePage", "Office"]

_BYTES_MAX = 16 * 1024
_FIELDS_MAX = 100
_SHOWN_FOR = timedelta(hours=12)
_TEMPLATES = Path(__file__).with_name("templates")
_STYLE = "style.css"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Language",
}
_REFUSED: Mapping[Shut, int] = {Shut.UNKNOWN: 404, Shut.EXPIRED: 410, Shut.REVOKED: 410}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the page says of the office that keeps the links."""

    whom_to_ask: str = ""
    reminds: bool = False
    """Whether mails are sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One care form on the page; `text` is what stands in its field, `before` the number that is known."""

    index: int
    care_form: str
    name: str
    text: str
    before: int | None
    licensed: int | None
    last: str
    stepped: str = ""
    """`less` or `more`, where that button was pressed."""

    @property
    def most(self) -> int:
        return self.licensed or PLACES_MAX

    @property
    def number(self) -> int | None:
        """The number in the field, None where it is blank or cannot be."""
        digits = self.text.isascii() and self.text.isdigit() and len(self.text) <= 3
        return int(self.text) if digits and int(self.text) <= self.most else None

    @property
    def wrong(self) -> bool:
        return bool(self.text) and self.number is None

    @property
    def changed(self) -> bool:
        return self.number != self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request for a home's page; `form` is what was posted."""

    opened: Opened
    standing: Standing
    now: datetime
    language: Language
    form: Mapping[str, str]


class HomePage:
    """Serves `/m/{token}` to whoever has the link."""

    def __init__(self, homes: Homes, office: Office, clock: Callable[[], datetime]) -> None:
        self._homes = homes
        self._office = office
        self._clock = clock
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._style = (_TEMPLATES / _STYLE).read_bytes()

    def routes(self) -> list[Route]:
        """What the application serves."""
        return [Route(f"/m/{_STYLE}", self._serve_style), Route("/m/{token}", _Endpoint(self))]

    async def answer(self, request: Request, receive: Receive) -> Response:
        """The page, or what became of the form; never an exception, whose text might name the link."""
        spoken = language(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))
        try:
            form: Mapping[str, str] | None = None
            if request.method == "POST":
                form = _fields(await read_body(request.scope, receive, most=_BYTES_MAX))
            return await run_in_threadpool(self._answer, request.path_params["token"], form, spoken)
        except (PlatzfreiError, ValueError) as error:
            status = status_of(error) if isinstance(error, PlatzfreiError) else 400
            return self._message("unreadable", status, spoken)
        except Exception as error:
            _log.error("%s on the page of a home", type(error).__name__)
            return self._message("fault", 500, spoken)

    def _serve_style(self, _request: Request) -> Response:
        headers = _HEADERS | {"Cache-Control": "max-age=3600"}
        return Response(self._style, media_type="text/css", headers=headers)

    def _answer(self, token: str, form: Mapping[str, str] | None, spoken: Language) -> Response:
        opened = self._homes.opened(token)
        if isinstance(opened, Shut):
            return self._message(opened.value, _REFUSED[opened], spoken)
        asked = _Asked(
            opened=opened,
            standing=self._homes.standing(opened.home),
            now=self._clock(),
            language=spoken,
            form=form or {},
        )
        return self._first(asked) if form is None else self._posted(asked)

    def _first(self, asked: _Asked, notice: str = "", status: int = 200) -> Response:
        """The numbers as they are known."""
        fields = _known(asked)
        known = all(field.before is not None for field in fields)
        mark = self._homes.forms.make(asked.opened.link, asked.standing.shown, at=asked.now)
        return self._edit(asked, fields, mark, "check" if known else "send", notice, status)

    def _posted(self, asked: _Asked) -> Response:
        mark, act = asked.form.get("form", ""), asked.form.get("do", "")
        form = self._homes.forms.read(mark, asked.opened.link, asked.standing.shown)
        if form is None:
            return self._message("unreadable", 400, asked.language)
        fields = _filled(asked)
        told = {field.care_form: field.number for field in fields if field.number is not None}
        # Sent twice, it is what is known already.
        if not form.current and any(asked.standing.free[care_form] != number for care_form, number in told.items()):
            return self._first(asked, "changed_meanwhile", 409)
        shown_for = asked.now.timestamp() - form.shown_at
        if not -60 <= shown_for <= _SHOWN_FOR.total_seconds():
            return self._first(asked, "too_old", 409)
        if act.startswith(("less-", "more-")):
            return self._edit(asked, fields, mark, "send")
        if any(field.wrong for field in fields):
            return self._edit(asked, fields, mark, "send", status=422)
        if not told:
            return self._edit(asked, fields, mark, "send", "nothing", 422)
        if act == "check":
            return self._rendered("check", asked, fields=fields, mark=mark)
        if act == "send":
            return self._send(asked, mark, told)
        return self._edit(asked, fields, mark, "send")

    def _send(self, asked: _Asked, mark: str, told: Mapping[str, int]) -> Response:
        home = asked.opened.home
        if not self._homes.may_send(home):
            return self._message("too_often", 429, asked.language, {"Retry-After": "3600"})
        numbers = " ".join(f"{care_form}={number}" for care_form, number in told.items())
        receipt = self._homes.report(home, told, ReportedBy.HOME, message_id=f"{mark} {numbers}")
        if not receipt.good:
            _log.error("a report of the home %s was not taken: delivery %d", home.id, receipt.delivery)
            return self._message("refused", 500, asked.language)
        return self._received(asked, receipt, told)

    def _received(self, asked: _Asked, receipt: Receipt, told: Mapping[str, int]) -> Response:
        standing = self._homes.standing(asked.opened.home)
        fields = [
            replace(field, text=str(told[field.care_form]) if field.care_form in told else "")
            for field in _known(asked)
        ]
        stale_at, expires_at = standing.stale_at, standing.expires_at
        return self._rendered(
            "receipt",
            asked,
            fields=fields,
            receipt=receipt.delivery,
            warnings=[
                issue.text_en if asked.language == "en" else issue.text_de
                for issue in receipt.issues
                if issue.severity == "warning"
            ],
            saved=day_and_time(datetime.fromisoformat(receipt.received_at), asked.language),
            due=day_and_time(moment(stale_at), asked.language) if stale_at is not None else "",
            expires=day_and_time(moment(expires_at), asked.language) if expires_at is not None else "",
            reminds=self._office.reminds and bool(asked.opened.home.email),
        )

    def _edit(
        self, asked: _Asked, fields: list[_Field], mark: str, act: str, notice: str = "", status: int = 200
    ) -> Response:
        first = all(field.before is None for field in fields)
        told = {"fields": fields, "mark": mark, "act": act, "notice": notice, "first": first}
        return self._rendered("edit", asked, status, **told)

    def _rendered(self, name: str, asked: _Asked, status: int = 200, **told: Any) -> Response:
        return self._page(name, asked.language, status, home=asked.opened.home, **told)

    def _message(self, what: str, status: int, spoken: Language, headers: Mapping[str, str] | None = None) -> Response:
        ask = what in {*Shut, "refused"}
        response = self._page("message", spoken, status, what=what, ask=ask, whom=self._office.whom_to_ask)
        response.headers.update(headers or {})
        return response

    def _page(self, name: str, spoken: Language, status: int, **told: Any) -> Response:
        template = self._templates.get_template(f"{name}.html.j2")
        content = template.render(text=TEXTS[spoken], language=spoken, **told)
        return Response(content, status_code=status, media_type="text/html", headers=_HEADERS)


class _Endpoint:
    """The page as an ASGI application: its methods are GET, HEAD and POST."""

    def __init__(self, page: HomePage) -> None:
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request by HTTP."""
        if scope["method"] not in ("GET", "HEAD", "POST"):
            await Response(status_code=405, headers=_HEADERS | {"Allow": "GET, HEAD, POST"})(scope, receive, send)
            return
        response = await self._page.answer(Request(scope), receive)
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)


def _fields(body: bytes) -> Mapping[str, str]:
    """The fields of a posted form, the last of each name; ValueError for what is none."""
    told = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_FIELDS_MAX)
    return {name: values[-1].strip() for name, values in told.items()}


def _known(asked: _Asked) -> list[_Field]:
    """The care forms with the numbers that are known."""
    return [
        _Field(
            index=index,
            care_form=offer.care_form,
            name=display("care-form", offer.care_form, asked.language),
            text="" if asked.standing.free[offer.care_form] is None else str(asked.standing.free[offer.care_form]),
            before=asked.standing.free[offer.care_form],
            licensed=offer.licensed,
            last=_last(asked, offer.care_form),
        )
        for index, offer in enumerate(asked.opened.home.offers)
    ]


def _filled(asked: _Asked) -> list[_Field]:
    """The care forms with the numbers that were posted, one of them a step on where its button was pressed."""
    pressed, _, which = asked.form.get("do", "").partition("-")
    return [
        _filled_field(field, asked.form.get(f"n{field.index}", ""), pressed if which == str(field.index) else "")
        for field in _known(asked)
    ]


def _filled_field(field: _Field, text: str, pressed: str) -> _Field:
    filled = replace(field, text=text[:12])
    if pressed not in ("less", "more"):
        return filled
    number = filled.number or 0
    stepped = max(number - 1, 0) if pressed == "less" else min(number + 1, field.most)
    return replace(filled, text=str(stepped), stepped=pressed)


def _last(asked: _Asked, care_form: str) -> str:
    """What was said of a care form last, and when."""
    texts, said = TEXTS[asked.language], asked.standing.said[care_form]
    if said is None or said.free is None:
        return texts["never"]
    told = texts["last_office" if said.by is ReportedBy.OFFICE else "last"]
    return told.format(said.free, ago(moment(min(said.said_at, micros(asked.now))), asked.now, asked.language))
