"""A form that uploads one file (https://www.rfc-editor.org/rfc/rfc7578), as `curl -F file=@…` and browsers send it.

Read in memory alone: what libraries spool to a disk would be patient data that nobody filtered.
"""

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from hub.errors import Malformed, http_part
from mappings.errors import Issue

__all__ = ["is_multipart", "uploaded"]

_TYPE = b"multipart/form-data"
_PARTS_MAX = 20
_BOUNDARY_MAX = 70
"""https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1"""


def is_multipart(content_type: str) -> bool:
    """Whether a body of this type is a form that uploads."""
    return parse_options_header(content_type)[0] == _TYPE


def uploaded(body: bytes, content_type: str) -> bytes:
    """The content of the one file in a form; raises `Malformed` where there is none, or more than one."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not 1 <= len(boundary) <= _BOUNDARY_MAX:
        raise _malformed(
            f"im Content-Type eine boundary von 1 bis {_BOUNDARY_MAX} Zeichen",
            f"a boundary of 1 to {_BOUNDARY_MAX} characters in the Content-Type",
        )
    form = _Form()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": form.begin,
            "on_header_field": form.name,
            "on_header_value": form.value,
            "on_header_end": form.header,
            "on_part_data": form.data,
            "on_end": form.end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError:
        raise _incomplete() from None
    if not form.ended:
        raise _incomplete()
    if form.files != 1:
        raise _malformed(
            f"genau eine Datei (curl -F file=@…), es sind {form.files}; mehrere einzeln senden, "
            "jede bekommt ihre Quittung",
            f"exactly one file (curl -F file=@…), there are {form.files}; send several one by one, "
            "each gets its receipt",
        )
    return bytes(form.content)


class _Form:
    """The parts of a form, as they are read."""

    def __init__(self) -> None:
        self.files = 0
        self.content = bytearray()
        self.ended = False
        self._parts = 0
        self._in_file = False
        self._name = bytearray()
        self._value = bytearray()

    def begin(self) -> None:
        self._parts += 1
        self._in_file = False
        if self._parts > _PARTS_MAX:
            raise _malformed(f"höchstens {_PARTS_MAX} Teile", f"at most {_PARTS_MAX} parts")

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header(self) -> None:
        if bytes(self._name).strip().lower() == b"content-disposition":
            options = parse_options_header(bytes(self._value))[1]
            if b"filename" in options or b"filename*" in options:
                self._in_file = True
                self.files += 1
        self._name.clear()
        self._value.clear()

    def data(self, data: bytes, start: int, end: int) -> None:
        # Other fields of the form (a name, a note) are no delivery, and are not kept.
        if self._in_file and self.files == 1:
            self.content += data[start:end]

    def end(self) -> None:
        self.ended = True


def _incomplete() -> Malformed:
    return _malformed("eine vollständige multipart/form-data-Nachricht", "a complete multipart/form-data message")


def _malformed(german: str, english: str) -> Malformed:
    return Malformed(
        Issue(
            code="multipart",
            fhir_code="structure",
            place=http_part("Content-Type"),
            text_de=f"erwartet: {german}",
            text_en=f"expected {english}",
        )
    )
