"""The gateway on a socket.

The standard library's threading server, not granian: a WSGI server cannot close a connection without an answer, which is one of the
faults a channel has to be survived with.
"""

from __future__ import annotations

import logging
import signal
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

from anka.sandbox.exchange import LARGEST_BODY, SAFE_HEADERS, HungUp, Reply, Request, json_reply
from anka.sandbox.gateway import Gateway, GatewaySettings

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 128
_IDLE_SECONDS = 15


class GatewayServer(ThreadingHTTPServer):
    """Serves one gateway, with a thread for each of at most 128 connections."""

    daemon_threads = True
    # server_close would otherwise wait for idle keep-alive connections.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *, gateway: Gateway, host: str, port: int) -> None:
        self.gateway = gateway
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server for our own name, which may take long where there is none."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, or close it when too many are open."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong with a connection; a client that went away is nothing special."""
        log.debug("A connection of the sandbox ended early", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "anka-sandbox"
    sys_version = ""
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: GatewayServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()) or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._write(json_reply(status=413, message={"code": "body_refused", "detail": "The body is missing its length or too long."}))
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            self._write(self.server.gateway.answer(request=Request(method=self.command, target=self.path, headers=headers, body=body)))
        except HungUp:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _write(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {**SAFE_HEADERS, "Content-Type": reply.content_type, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *args: Any) -> None:
        log.debug(*args)


class RunningGateway:
    """A gateway that serves from a thread of this process. `port` is the real one, also when 0 was asked for."""

    def __init__(self, *, gateway: Gateway, host: str, port: int) -> None:
        self.gateway = gateway
        self._server = GatewayServer(gateway=gateway, host=host, port=port)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, stop sending and close everything."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        self.gateway.close()


def serve(*, settings: GatewaySettings, host: str, port: int, ready: Callable[[int], None] | None = None) -> None:
    """Serve the sandbox until SIGTERM or SIGINT; `ready` is told the port. Call it in the main thread.

    Raises SandboxIsOff unless the sandbox is switched on, OSError when the port is taken.
    """
    gateway = Gateway(settings=settings)
    try:
        running = RunningGateway(gateway=gateway, host=host, port=port)
    except OSError:
        gateway.close()
        raise
    gateway.sender.start()
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if ready is not None:
            ready(running.port)
        stopped.wait()
    finally:
        running.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
