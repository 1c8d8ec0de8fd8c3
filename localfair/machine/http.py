"""One connection to an HTTP server: JSON goes out, JSON comes back, and nothing stands between.

Opens one socket, anew when the server has closed it; no proxy, no redirect, no cookie. Knows nothing of models, and
tries nothing twice. Python's own client: with several calls at once httpx took three times the CPU (`overhead` in
tests/benchmarks).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl

CONNECT = 10.0  # seconds until a host that says nothing at all is given up (ours)


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and the bytes that came with it."""

    status: int
    content: bytes

    def json(self) -> Any:
        """The content as JSON. Raises ValueError."""
        return json.loads(self.content)


class Broken(ConnectionError):
    """The connection could not be made, or broke before a whole reply was there."""


class Connection:
    """A kept connection to the server at `url`, one request at a time; `answer` is the seconds it may be silent."""

    def __init__(self, url: str, key: str = "", *, answer: float) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self._base, self._answer = parts.path.rstrip("/"), answer
        self._headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {key}"} if key else {}
        )
        self._connection = (
            http.client.HTTPSConnection(host, parts.port, timeout=CONNECT, context=_trust())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, parts.port, timeout=CONNECT)
        )

    def ask(self, path: str, body: Any = None) -> Reply:
        """The reply to a POST of `body` as JSON, or to a GET without one. Raises Broken; TimeoutError for silence."""
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        try:
            if self._connection.sock is None:
                self._connect()
            self._connection.request(
                "GET" if body is None else "POST", self._base + path, content, self._headers
            )
            response = self._connection.getresponse()
            return Reply(response.status, response.read())
        except BaseException as error:  # whatever was half read is no reply to the next request
            self.close()
            if isinstance(error, http.client.HTTPException | OSError) and not isinstance(
                error, TimeoutError
            ):
                raise Broken(str(error) or type(error).__name__) from error
            raise

    def cut(self) -> None:
        """From another thread: break off what is under way, which then raises Broken."""
        if (open_socket := self._connection.sock) is not None:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket; the next request opens another."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> None:
        try:
            self._connection.connect()
        except TimeoutError as error:
            raise Broken(f"no connection in {CONNECT:g} s") from error
        self._connection.sock.settimeout(self._answer)


@cache
def _trust() -> ssl.SSLContext:
    """Made once: reading the certificates takes longer than a call."""
    import ssl

    return ssl.create_default_context()
