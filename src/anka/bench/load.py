"""A light HTTP client: many keep-alive connections in one thread, so that it leaves the processors to what is measured."""

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from anka.bench.cycle import ACTIONS, Cycle, NotAsExpected, Request

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "
PATIENCE_SECONDS = 20.0


@dataclass
class Load:
    """What a run of cycles came to. `latencies` holds seconds per action."""

    cycles: int = 0
    seconds: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ACTIONS})


@dataclass
class _Client:
    """One connection, with the cycle it is carrying out."""

    socket: socket.socket
    cycle: Cycle
    sent: float = 0.0
    received: bytes = b""


def run(*, port: int, clients: int, seconds: float, new_cycle: Callable[[], Cycle]) -> Load:
    """Carry out cycles over so many connections until the time is up; those under way are finished, so no cycle is half done.

    Raises:
        NotAsExpected: some request was refused, or an answer stayed away.
    """
    load = Load()
    with selectors.DefaultSelector() as waiting:
        begin = time.perf_counter()
        for _ in range(clients):
            client = _Client(_connect(port), new_cycle())
            waiting.register(client.socket, selectors.EVENT_READ, client)
            _send(client)
        while waiting.get_map():
            ready = waiting.select(PATIENCE_SECONDS)
            if not ready:
                raise NotAsExpected(f"The server gave no answer for {PATIENCE_SECONDS:.0f} s. Nothing was measured.")
            for key, _ in ready:
                client = key.data
                if not _received(client, load):
                    continue
                if time.perf_counter() - begin < seconds:
                    client.cycle = new_cycle()
                    _send(client)
                else:
                    waiting.unregister(client.socket)
                    client.socket.close()
        load.seconds = time.perf_counter() - begin
    return load


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _send(client: _Client) -> None:
    client.received = b""
    client.sent = time.perf_counter()
    client.socket.sendall(written(client.cycle.request()))


def written(request: Request) -> bytes:
    """Return the bytes of a POST."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return (
        f"POST {request.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len(request.body)}\r\n\r\n".encode() + request.body
    )


def _received(client: _Client, load: Load) -> bool:
    """Take what has come, and go on with the cycle where an answer is complete; tell whether that was the end of the cycle."""
    piece = client.socket.recv(65_536)
    client.received += piece
    body = _body(client.received)
    if body is None:
        if not piece:
            raise NotAsExpected("The server closed a connection. Nothing was measured.")
        return False
    load.latencies[ACTIONS[client.cycle.step]].append(time.perf_counter() - client.sent)
    if client.received[9:10] != b"2":
        raise NotAsExpected(
            f"{ACTIONS[client.cycle.step]} was answered with {client.received[9:12]!r} {body[:300]!r}. Nothing was measured."
        )
    if client.cycle.take(body):
        load.cycles += 1
        return True
    _send(client)
    return False


def _body(received: bytes) -> bytes | None:
    """Return the body of a complete answer, None while some of it is missing."""
    end = received.find(_END_OF_HEAD)
    if end < 0:
        return None
    head = received[:end].lower()
    place = head.find(_LENGTH)
    if place < 0:
        raise NotAsExpected(f"An answer does not say its length: {head[:200]!r}. Nothing was measured.")
    length = int(head[place + len(_LENGTH) :].partition(b"\r\n")[0])
    body = received[end + len(_END_OF_HEAD) :]
    return body if len(body) >= length else None
