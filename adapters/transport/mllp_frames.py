"""MLLP's frames out of a stream of bytes, however it is cut: `0B message 1C 0D`
(HL7 v2 Minimal Lower Layer Protocol, https://www.hl7.org/implement/standards/product_brief.cfm?product_id=55).

White space between frames means nothing, a missing 0D after 1C is forgiven; every other byte out of its place ends the
conversation, for nobody knows where the next message begins.
"""

from mappings.errors import Issue

__all__ = ["END", "START", "Frames", "Unframed", "framed"]

START = b"\x0b"
END = b"\x1c\r"
_START, _END, _RETURN = START[0], END[0], END[1]
_BETWEEN = b"\r\n \t\x00"


class Unframed(Exception):
    """The stream is no row of frames; `begun` is what came of the message, empty where none had begun."""

    def __init__(self, issue: Issue, begun: bytes = b"") -> None:
        super().__init__(issue.text_en)
        self.issue = issue
        self.begun = begun


class Frames:
    """The frames of one connection; `largest` is the greatest number of bytes that a message may have."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._buffer = bytearray()
        self._seen = 0

    def feed(self, data: bytes) -> None:
        """More of the stream."""
        self._buffer += data

    @property
    def begun(self) -> bool:
        """Whether a frame has begun that has not ended."""
        return bool(self._buffer.lstrip(_BETWEEN))

    @property
    def perhaps_whole(self) -> bool:
        """Whether all that can be missing is the last byte of the end block."""
        return self._buffer.endswith(END[:1])

    def take(self, *, last: bool = False) -> bytes | None:
        """The next message, None where more must come first; `last` says that nothing will come for now.

        Raises `Unframed`, after which the connection is of no use.
        """
        buffer = self._buffer
        if not self._seen:
            self._skip()
        if not buffer:
            return None
        end = buffer.find(END[:1], max(self._seen, 1))
        again = buffer.find(START, max(self._seen, 1), len(buffer) if end < 0 else end)
        if again >= 0:
            raise Unframed(_issue(*_NO_END), bytes(buffer[1:again]))
        self._seen = len(buffer) if end < 0 else end
        if self._seen - 1 > self._largest:
            raise Unframed(_too_large(self._largest), bytes(buffer[1 : self._largest + 1]))
        if end < 0:
            return None
        if end + 1 == len(buffer) and not last:
            return None
        message = bytes(buffer[1:end])
        after = buffer[end + 1] if end + 1 < len(buffer) else _START
        if after not in (_RETURN, _START):
            raise Unframed(_issue(*_END_INSIDE), message)
        del buffer[: end + 1 + (after == _RETURN)]
        self._seen = 0
        return message

    def _skip(self) -> None:
        """Leave out what may stand between frames."""
        buffer = self._buffer
        if buffer and buffer[0] != _START:
            buffer[:] = buffer.lstrip(_BETWEEN)
        if buffer and buffer[0] != _START:
            raise Unframed(_issue(*_NO_START))


def framed(message: bytes) -> bytes:
    """A message as a frame."""
    return START + message + END


_NO_START = (
    "vor der Nachricht fehlt 0B: hier wird MLLP gesprochen; der Absender prüft Protokoll und TLS",
    "0B is missing before the message: MLLP is spoken here; the sender checks protocol and TLS",
)
_NO_END = (
    "0B steht mitten in der Nachricht: ihr Ende (1C 0D) fehlt; der Absender schickt sie ganz",
    "0B stands inside the message: its end (1C 0D) is missing; the sender sends the whole of it",
)
_END_INSIDE = (
    "1C steht mitten in der Nachricht: danach wird 0D erwartet; der Absender lässt Steuerzeichen weg",
    "1C stands inside the message: 0D expected after it; the sender leaves control characters out",
)


def _issue(text_de: str, text_en: str) -> Issue:
    return Issue(code="mllp-frame", text_de=text_de, text_en=text_en, fhir_code="structure")


def _too_large(largest: int) -> Issue:
    return Issue(
        code="mllp-too-large",
        text_de=f"die Nachricht hat mehr als {largest} Bytes; der Absender lässt eingebettete Dokumente weg",
        text_en=f"the message has more than {largest} bytes; the sender leaves embedded documents out",
        fhir_code="too-long",
    )
