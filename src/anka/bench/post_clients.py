"""What both sides of `anka bench post` share: how much is moved, and clients that start together and count what they did."""

import sys
import threading
import time
from collections.abc import Callable

import msgspec

ACCOUNTS = 500
"""Accounts that money is moved between, by chance."""
AMOUNT, FUNDS = 1, 10**9
"""What is moved each time, and what every account has at first, in minor units: nobody runs dry."""
WARMING = 3
"""What each client does before it is counted: by then it is connected, and its statements are prepared."""
HOT = "hot"
"""The scene in which everybody takes from one account with a floor."""

Act = Callable[[], None]


class Done(msgspec.Struct):
    """What one process of clients did."""

    transfers: int
    seconds: float


def compete(*, client: Callable[[], Act], clients: int, seconds: float) -> None:
    """Open the clients, say `ready`, wait for a line, let all of them act for so many seconds, and write how much was done as JSON."""
    counts = [0] * clients
    failures: list[BaseException] = []
    # One place more than clients: whoever gives the sign.
    opened, begun = threading.Barrier(clients + 1), threading.Barrier(clients + 1)

    def run(number: int) -> None:
        try:
            act = client()
            for _ in range(WARMING):
                act()
            opened.wait()
            begun.wait()
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                act()
                counts[number] += 1
        except BaseException as failure:
            failures.append(failure)
            opened.abort()
            raise

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    opened.wait()
    _say("ready")
    sys.stdin.readline()
    began = time.monotonic()
    begun.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"a client failed: {failures[0]!r}")
    _say(msgspec.json.encode(Done(transfers=sum(counts), seconds=time.monotonic() - began)).decode())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
