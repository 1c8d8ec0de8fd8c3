"""A server of a few lines in a thread, for what a real one seldom does: it breaks, is busy, or answers nonsense.

`with Stub(answer) as stub:` serves at `stub.url`; `answer(path, body)` gives a status, a JSON value (or the very bytes)
and, where it likes, headers. Run as a script
(`stub_server.py PORT NAME`) it is a child for `server.start`, with a child of its own, that lists NAME as its model.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Listening(ThreadingHTTPServer):
    """Takes as many connections at once as a client may open: others are reset while few may wait."""

    request_queue_size = 128
    daemon_threads = True


class Stub:
    """Counts what it is asked: `calls` holds (path, body)."""

    def __init__(self, answer):
        self.calls = []
        self._http = Listening(("127.0.0.1", 0), handler(answer, self.calls))
        self._http.handle_error = lambda *_: None  # whoever hung up has reasons
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._http.server_close()


def handler(answer, calls):
    """A class that answers what is asked of it, and writes it down in `calls`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            self.respond({})

        def do_POST(self):
            self.respond(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def respond(self, body):
            calls.append((self.path, body))
            status, value, *headers = answer(self.path, body)
            if status is None:  # hang up
                self.close_connection = True
                return
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            more = "".join(f"{name}: {text}\r\n" for name, text in dict(*headers).items())
            head = f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(raw)}\r\n\r\n"
            self.wfile.write(head.encode() + raw)

        def log_message(self, *_):
            pass

    return Handler


def reply(text="yes", finish="stop", **choice):
    """What a completion looks like."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return {
        "choices": [{"message": {"content": text}, "finish_reason": finish, **choice}],
        "usage": usage,
    }


def models(*names, **more):
    """What /v1/models looks like."""
    return {"data": [{"id": name, **more} for name in names]}


if __name__ == "__main__":
    print("stub says hello", "with a key" if os.environ.get("STUB_KEY") else "", flush=True)
    deaf = "import signal, time; signal.signal(2, lambda *_: 0); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", deaf])
    print("child", child.pid, flush=True)
    port = int(sys.argv[1])
    listing = handler(lambda path, body: (200, models(sys.argv[2])), [])
    ThreadingHTTPServer(("127.0.0.1", port), listing).serve_forever()
