"""One process of clients that post to our ledger, each on a connection of its own; `bench/post.py` starts it.

    python -m anka.bench.post_ours ADDRESS SCENE CLIENTS SECONDS

It says `ready`, waits for a line, posts for so many seconds, and writes as JSON how often.
"""

import random
import secrets
import sys
from datetime import UTC, datetime

import psycopg

from anka.bench.post_clients import ACCOUNTS, AMOUNT, FUNDS, HOT, Act, compete

SHOP = 1
CURRENCY = "CNY"
POST = "SELECT post_journal(%s, %s, 'bench', %s, %s, %s, %s, %s::bigint[])"
# A durable commit that does nothing else: what the disk allows anybody.
COMMIT = "SELECT pg_logical_emit_message(true, 'bench', '')"
CLEARING = "psp:bench:clearing"


def _code(number: int) -> str:
    return f"merchant:{number}:available"


def fill(*, address: str) -> None:
    """Give every account of the measurement its money; the hot one is number 0."""
    now = datetime.now(UTC)
    with psycopg.connect(address, autocommit=True) as connection:
        for number in range(ACCOUNTS + 1):
            given = (SHOP, f"fill:{number}", now, CURRENCY, [CLEARING], [_code(number)], [FUNDS])
            connection.execute(POST, given)


def _client(address: str, scene: str) -> Act:
    connection = psycopg.connect(address, autocommit=True)
    connection.prepare_threshold = 1
    now = datetime.now(UTC)
    chance = random.Random(secrets.token_bytes(16))  # noqa: S311  which accounts; nothing secret

    def commit() -> None:
        connection.execute(COMMIT)

    def act() -> None:
        debit, credit = chance.sample(range(1, ACCOUNTS + 1), 2)
        # "lazy" moves money in from the channel's account, which everybody shares and nobody waits for.
        source = {"spread": _code(debit), HOT: _code(0), "lazy": CLEARING}[scene]
        connection.execute(POST, (SHOP, secrets.token_hex(16), now, CURRENCY, [source], [_code(credit)], [AMOUNT]))

    return commit if scene == "commit" else act


def main() -> None:
    """Post as the command line says."""
    address, scene, clients, seconds = sys.argv[1:5]
    compete(client=lambda: _client(address, scene), clients=int(clients), seconds=float(seconds))


if __name__ == "__main__":
    main()
