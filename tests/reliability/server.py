"""A server outside of what is killed: it answers at once and counts requests by their body.

`python -m tests.reliability.server LEDGER` prints its port and serves until it is ended. Every reply
ends in the key of its request, so the record tells by itself which requests it holds. A reply rests
on the body alone: the same request gets the same one.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.engines.stub_server import handler, models, reply
from tests.reliability.ledger import Ledger
from tests.reliability.scene import SEATS

CHAT = "/v1/chat/completions"
KEY = re.compile(r"#([0-9a-f]{16})$")
ANSWERS = ("The answer is 1.", "The answer is 2.", "I do not know.", "The answer is 3.")
REVIEWS = ("Sound. [5]", "Wrong. [1]", "No score.")


class Server(ThreadingHTTPServer):
    """Takes whoever comes, and says nothing of those who leave."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Whoever hung up was killed."""


def key_of(body: Any) -> str:
    """The key of a request by its body."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def keys_in(texts: list[str]) -> set[str]:
    """The keys of the requests that these replies answer."""
    matches = [KEY.search(text) for text in texts]
    return {match.group(1) for match in matches if match}


def text_for(body: Any) -> str:
    """What the server replies to a body."""
    key = key_of(body)
    asks_for_score = "score in square brackets" in json.dumps(body)
    texts = REVIEWS if asks_for_score else ANSWERS
    return f"{texts[int(key, 16) % len(texts)]} #{key}"


def serve(ledger: Ledger) -> None:
    """Serve until the process ends."""

    def answer(path: str, body: Any) -> tuple[int, Any]:
        if path != CHAT:
            return (200, models(*SEATS)) if path == "/v1/models" else (404, {})
        key = key_of(body)
        ledger.asked([key])
        ledger.answered([key])
        return 200, reply(text_for(body)) | {"model": body["model"]}

    server = Server(("127.0.0.1", 0), handler(answer, Forgetful()))
    print(server.server_port, flush=True)
    server.serve_forever()


class Forgetful(list):  # type: ignore[type-arg]
    """A list that keeps nothing: the ledger counts."""

    def append(self, _: object) -> None:
        pass


@contextmanager
def serving(ledger: Ledger) -> Iterator[str]:
    """The URL of a server in a process of its own, which ends with the block."""
    command = [sys.executable, "-m", "tests.reliability.server", str(ledger.path.absolute())]
    # the tests are no package that is installed: they are found from the checkout
    checkout = Path(__file__).parents[2]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=checkout)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    serve(Ledger(Path(sys.argv[1])))
