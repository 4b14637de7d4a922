"""Who may talk to the page's server: a browser on this machine that was opened with the token, and no other page.

The token stands in the address that is opened. It becomes a cookie that no script can read and no other site sends;
programs send it as `Authorization: Bearer`. A foreign `Host` (a name that was rebound to loopback) or `Origin` (another
site's page) is refused before anything is looked at.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE: Final = frozenset({"GET", "HEAD"})
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


_NO_TOKEN: Final = "Open the address that mixbridge web has printed: it holds the token that this page needs."


def refusal(headers: Headers, text: str, status: int) -> Response:
    """Answer in plain words: a page where a browser opens an address, else text."""
    wanted = headers.get("accept", "")
    if "text/html" in wanted:
        return HTMLResponse(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
            'content="width=device-width"><meta name="color-scheme" content="light dark"><title>mixbridge</title>'
            f"</head><body><main><h1>mixbridge</h1><p>{escape(text)}</p></main></body></html>",
            status,
        )
    return PlainTextResponse(text, status)


class Guard:
    """Stands before an application.

    Args:
        app: what is behind.
        token: the word that opens it.
        hosts: what `Host` may say, with port: "127.0.0.1:8765".
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str]) -> None:
        self._app, self._token = app, token
        self._hosts = frozenset(hosts)
        # Cookies are not told apart by port: two servers on one machine would overwrite each other's.
        self._cookie = f"mixbridge-{min(hosts).rpartition(':')[2]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "websocket":
            # The page has none; who opens one is another page or a program.
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        answer = self._refusal(scope)
        await (answer or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """What is answered in place of the application; None lets the request through."""
        headers = Headers(scope=scope)
        if headers.get("host", "") not in self._hosts:
            return refusal(headers, "This server is not called that.", 421)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] not in self._hosts:
            return refusal(headers, "Another page may not ask this server.", 403)
        if scope["method"] not in _SAFE and origin is None and not headers.get("authorization"):
            return refusal(headers, "Say where the request comes from.", 403)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if asked and scope["path"] == "/" and self._is_token(asked):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
            return answer
        if not self._is_token(self._shown(headers)):
            return refusal(headers, _NO_TOKEN, 403)
        return None

    def _is_token(self, word: str) -> bool:
        return secrets.compare_digest(word.encode(), self._token.encode())

    def _shown(self, headers: Headers) -> str:
        """The token that a request shows; empty for none."""
        kind, _, word = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return word.strip()
        return cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
