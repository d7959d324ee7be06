"""What is answered where as many requests are under way as this process takes on."""

from starlette.types import Receive, Scope, Send

from hub.fhir.negotiation import Format
from hub.fhir.refusal import refusal
from mappings.errors import Issue, Retriable

__all__ = ["overloaded"]


async def overloaded(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An ASGI application: 503, when to come again, and no more of this connection."""
    answer = refusal(
        Retriable(
            Issue(
                code="overloaded",
                fhir_code="throttled",
                place="http",
                text_de="gerade sind zu viele Anfragen in Arbeit; dieselbe in einigen Sekunden noch einmal senden",
                text_en="too many requests are under way just now; send the same again in a few seconds",
            )
        )
    )
    told = {
        **answer.headers,
        "content-type": Format.JSON.media_type,
        "content-length": str(len(answer.content)),
        "connection": "close",
    }
    headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
