"""One connection to an HTTP server: JSON goes out, JSON comes back, and nothing stands between.

Opens one socket, anew when the server has closed it; no proxy, no redirect, no cookie, nothing
compressed. A reply is bounded in time and size as a whole, and holds no key. Knows nothing of
models, and tries nothing twice. Python's own client: with several calls at once httpx took three
times the CPU (`overhead` in tests/benchmarks).
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import urlsplit

from localfair.machine.keys import taken_out, taken_out_of_text

if TYPE_CHECKING:
    import ssl

    from _typeshed import WriteableBuffer

CONNECT = 10.0  # seconds until a host that says nothing at all is given up (ours)
# Bytes of one reply with its head: a score that lists 1,000 tokens takes a tenth of a MiB (ours).
MOST_BYTES = 16 * 2**20
KEPT = 2**16  # bytes of a reply that an error keeps
ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
LONE_HALF = re.compile("[\ud800-\udfff]")


@cache
def machine_certificates() -> ssl.SSLContext:
    """Whom this machine trusts. Made once: reading the certificates takes longer than a call."""
    import ssl

    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and the bytes that came with it; `retry_after` is that header, "" for none."""

    status: int
    content: bytes
    retry_after: str = ""

    def json(self) -> Any:
        """The content as JSON, with U+FFFD for half a surrogate pair.

        Raises ValueError, also for NaN, a number of thousands of digits, and what is nested too
        deep.
        """
        text = self.content.decode(json.detect_encoding(self.content), "replace")
        try:
            value = STRICT.decode(text)
            return _mended(value) if ESCAPED_HALF.search(self.content) else value
        except RecursionError:
            raise ValueError("nested too deep") from None


class Broken(ConnectionError):
    """The connection broke before a whole reply was there; `partial` is what had come of it."""

    def __init__(self, message: str, partial: bytes = b"") -> None:
        super().__init__(message)
        self.partial = partial


class Unreachable(Broken):
    """The connection could not be made."""


class NotStreamed(Exception):
    """What was asked for as events came as something else."""


class Connection:
    """A kept connection to the server at `url`, one request at a time.

    `key` goes along as a bearer token, and is taken out of what the server says. A whole reply may
    take `answer` seconds. `trust` gives the certificates that a server under https is held to, and
    is asked for no other.
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
        self._until = 0.0
        self._key = key
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
        self._connection.response_class = self._response  # type: ignore[assignment]

    def ask(self, path: str, body: object = None) -> Reply:
        """The reply to a POST of `body` as JSON, or to a GET without one.

        Raises Unreachable, Broken, or TimeoutError when the whole reply is not there in time.
        """
        method = "GET"
        content = None
        if body is not None:
            method = "POST"
            content = json.dumps(body, separators=(",", ":")).encode()
        self._until = time.monotonic() + self._answer
        try:
            if self._connection.sock is None:
                self._connect()
            if self._connection.sock.gettimeout() != self._answer:
                self._connection.sock.settimeout(self._answer)
            self._connection.request(method, self._base + path, content, self._headers)
            response = self._connection.getresponse()
            content = taken_out(_content(response), self._key)
            return Reply(response.status, content, response.headers.get("Retry-After", ""))
        except (TimeoutError, Unreachable):
            self.close()
            raise
        # Python's own client gives ValueError and MemoryError for lengths that are none
        except (http.client.HTTPException, OSError, ValueError, MemoryError) as error:
            self.close()
            partial = getattr(error, "partial", b"")
            words = taken_out_of_text(str(error) or type(error).__name__, self._key)
            raise Broken(words[:KEPT], taken_out(partial[:KEPT], self._key)) from None
        except BaseException:  # Ctrl-C too: what was half read is no reply to the next request
            self.close()
            raise

    def lines(self, path: str, body: dict[str, object]) -> Iterator[bytes]:
        """The lines of a reply that comes as server-sent events, each as soon as it is there.

        Raises NotStreamed for any other reply, Unreachable, Broken, or TimeoutError when the whole
        is not there in time. The connection is closed at the end.
        """
        content = json.dumps(body, separators=(",", ":")).encode()
        self._until = time.monotonic() + self._answer
        try:
            if self._connection.sock is None:
                self._connect()
            self._connection.sock.settimeout(self._answer)
            self._connection.request("POST", self._base + path, content, self._headers)
            response = self._connection.getresponse()
            kind = response.headers.get("Content-Type", "")
            if response.status != 200 or not kind.startswith("text/event-stream"):
                raise NotStreamed
            while line := response.readline(MOST_BYTES):
                yield taken_out(line, self._key)
        except (http.client.HTTPException, ValueError, MemoryError) as error:
            words = taken_out_of_text(str(error) or type(error).__name__, self._key)
            raise Broken(words[:KEPT]) from None
        finally:
            self.close()

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
            raise Unreachable(f"no connection in {CONNECT:g} s") from error
        except OSError as error:
            raise Unreachable(str(error) or type(error).__name__) from error

    def _response(self, sock: socket.socket, **options: Any) -> http.client.HTTPResponse:
        source: Any = _Source(sock, self._until)
        return http.client.HTTPResponse(source, **options)


class _Source(io.RawIOBase):
    """A socket as a response reads it, until a moment and for MOST_BYTES.

    A socket's own timeout begins anew with every byte: one byte a minute never ends.
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        super().__init__()
        self._socket = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._until = until
        self._room = MOST_BYTES
        self._is_begun = False

    def makefile(self, mode: str) -> io.BufferedReader:
        """What http.client asks of a socket."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self._is_begun:  # most replies come in one piece, for which the timeout is set already
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(left)
        self._is_begun = True
        count = self._raw.readinto(buffer) or 0
        self._room -= count
        if self._room < 0:
            raise Broken(f"a reply of more than {MOST_BYTES // 2**20} MiB")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _content(response: http.client.HTTPResponse) -> bytes:
    """The body. Raises Broken when it is too long or ends too soon."""
    length = response.length
    if length is None:  # in chunks, or until the connection closes: the source counts
        return response.read(MOST_BYTES + 1)
    if length > MOST_BYTES:
        raise Broken(f"a reply of more than {MOST_BYTES // 2**20} MiB")
    return response.read()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


STRICT = json.JSONDecoder(parse_constant=_no_constant)


def _mended(value: object) -> Any:
    """A value without halves of surrogate pairs, which neither UTF-8 nor SQLite can hold."""
    if isinstance(value, str):
        return LONE_HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(item) for name, item in value.items()}
    return value
