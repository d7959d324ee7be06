"""Counts the requests of an application as they are answered."""

from collections.abc import Awaitable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.metrics.board import Board, interaction

__all__ = ["counting"]


def counting(application: ASGIApp, board: Board) -> ASGIApp:
    """The application, its requests counted by interaction, status and duration."""
    count = board.count

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        began = perf_counter()
        status = 500

        def noting(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        try:
            await application(scope, receive, noting)
        finally:
            count(interaction(scope["method"], scope["path"]), status, perf_counter() - began)

    return counted
