"""A model hub for `test_fetch`: `python hub_server.py FILE...` prints its port and serves.

A path that ends in the name of a FILE gives that one, any other path the first.
"""

from __future__ import annotations

import hashlib
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

BODIES = {Path(path).name: Path(path).read_bytes() for path in sys.argv[1:]}


class Hub(BaseHTTPRequestHandler):
    def body(self) -> bytes:
        name = self.path.rpartition("/")[2]
        return BODIES.get(name, next(iter(BODIES.values())))

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", f'"{hashlib.sha1(self.body()).hexdigest()}"')
        self.send_header("Content-Length", str(len(self.body())))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.body())

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the first line of output is the port."""


server = HTTPServer(("127.0.0.1", 0), Hub)
print(server.server_port, flush=True)
server.serve_forever()
