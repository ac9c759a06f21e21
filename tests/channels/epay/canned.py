"""A gateway that says what it is told to say, and counts how often it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Canned:
    """Answers every request by the first of `answers` whose word is in its address, else by the last: (word, status, body)."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, int, bytes]] = []
        self.asked: list[str] = []
        canned = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                canned.asked.append(f"{self.command} {self.path}")
                fitting = [answer for answer in canned.answers if answer[0] in self.path]
                _, status, body = (fitting or canned.answers)[0]
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("Location", f"{canned.address}/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def says(self, status: int, body: bytes, *, to: str = "") -> None:
        self.answers.insert(0, (to, status, body))


@contextmanager
def canned_gateway() -> Iterator[Canned]:
    canned = Canned()
    threading.Thread(target=canned.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield canned
    canned.server.shutdown()
    canned.server.server_close()
