"""One connection to an HTTP server: JSON goes out, JSON comes back, and nothing stands between.

Opens one socket, anew when the server has closed it; no proxy, no redirect, no cookie. Knows
nothing of models, and tries nothing twice. Python's own client: with several calls at once httpx
took three times the CPU (`overhead` in tests/benchmarks).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl

CONNECT = 10.0  # seconds until a host that says nothing at all is given up (ours)


@cache
def machine_certificates() -> ssl.SSLContext:
    """Whom this machine trusts. Made once: reading the certificates takes longer than a call."""
    import ssl

    return ssl.create_default_context()


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
    """A kept connection to the server at `url`, one request at a time.

    `key` goes along as a bearer token. The server may be silent for `answer` seconds. `trust` gives
    the certificates that a server under https is held to, and is asked for no other.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        answer: float,
        trust: Callable[[], ssl.SSLContext] = machine_certificates,
    ) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self._base = parts.path.rstrip("/")
        self._answer = answer
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                host, parts.port, timeout=CONNECT, context=trust()
            )
        else:
            self._connection = http.client.HTTPConnection(host, parts.port, timeout=CONNECT)

    def ask(self, path: str, body: Any = None) -> Reply:
        """The reply to a POST of `body` as JSON, or to a GET without one.

        Raises Broken, or TimeoutError when the server is silent for too long.
        """
        method = "GET"
        content = None
        if body is not None:
            method = "POST"
            content = json.dumps(body, separators=(",", ":")).encode()
        try:
            if self._connection.sock is None:
                self._connect()
            self._connection.request(method, self._base + path, content, self._headers)
            response = self._connection.getresponse()
            return Reply(response.status, response.read())
        except TimeoutError:
            self.close()
            raise
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise Broken(str(error) or type(error).__name__) from error
        except BaseException:  # Ctrl-C too: what was half read is no reply to the next request
            self.close()
            raise

    def cut(self) -> None:
        """From another thread: break off what is under way, which then raises Broken."""
        open_socket = self._connection.sock  # the other thread may close it meanwhile
        if open_socket is not None:
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
