"""Whether everything this installation needs works, looked at quickly: for whoever decides where requests go. The doctor looks longer.

Every check says "ok", or in a few words what is wrong; nothing here tells a secret, an address or a name.
"""

import socket
import threading
from datetime import UTC, datetime, timedelta

from anka.core import database, heartbeat
from anka.core.clock import Moment
from anka.core.refusals import Busy, DatabaseUnavailable
from anka.jobs import keys
from anka.vault import queries as vault
from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing

OK = "ok"
MOST_SKEW = timedelta(seconds=5)
GATEWAY_SECONDS = 0.5
LIMIT = "SET LOCAL statement_timeout = '1s'"
SERVER_CLOCK = "SELECT clock_timestamp()"
# One of each: what every version since the first has, and what the newest brought.
SCHEMA = """
SELECT to_regclass('orders_order') IS NOT NULL AND to_regclass('core_result') IS NOT NULL AND to_regprocedure(
    'lock_order(text, bigint, bigint, timestamptz, text, text, bytea)') IS NOT NULL
"""
MOVES = "SELECT EXISTS (SELECT FROM orders_move) AND EXISTS (SELECT FROM ledger_chart)"
# The newest data key of all: if it opens, the keyring is the right one.
NEWEST_DATA_KEY = "SELECT shop_id FROM vault_data_key ORDER BY made_at DESC LIMIT 1"

# The composition root puts the sandbox gateway's host and port here, and what else can break without the database noticing.
gateway: tuple[str, int] | None = None
# What the adapters raise where a keyring cannot be read; set by the composition root, since jobs know the port only.
unusable_keyring: tuple[type[Exception], ...] = ()


def condition(*, at: Moment) -> dict[str, str]:
    """Return every check with its outcome, in at most about two seconds. All "ok" means: send requests here.

    Where the database cannot be reached, what is asked of it is left out.
    """
    checks = {"gateway": _gateway()} if gateway is not None else {}
    try:
        with database.transaction():
            database.rows(LIMIT)
            schema = OK if database.value(SCHEMA) and database.value(MOVES) else "run anka migrate"
            if schema == OK:
                checks |= {"clock": _clock(), "worker": _worker(at), "keyring": _keyring()}
    except DatabaseUnavailable:
        return {"database": "unreachable", "schema": "unknown"} | checks
    except Busy:
        return {"database": "too slow", "schema": "unknown"} | checks
    return {"database": OK, "schema": schema} | checks


def skew() -> timedelta:
    """Return how far the database's clock and this machine's are apart, whichever is ahead."""
    before = datetime.now(UTC)
    server: datetime = database.value(SERVER_CLOCK)
    after = datetime.now(UTC)
    # The answer was given somewhere in between; only what lies outside counts.
    return max(server - after, before - server, timedelta(0))


def _clock() -> str:
    found = skew()
    return OK if found <= MOST_SKEW else f"{found.total_seconds():.0f} s apart from the database's"


def _worker(at: Moment) -> str:
    known = heartbeat.workers()
    if not known:
        return "none has reported"
    silent = at.real - known[0][2]
    return OK if silent <= heartbeat.SILENT_AFTER else f"silent for {silent.total_seconds():.0f} s"


def _keyring() -> str:
    try:
        shop_id = database.value(NEWEST_DATA_KEY)
        ring = keys.keyring()
        if shop_id is not None:
            keys.opened(ring=ring, wrapped=vault.data_keys(shop_id=shop_id)[-1])
    except (KeyEncryptionKeyMissing, DataKeyDidNotOpen):
        return "does not open the data keys"
    except unusable_keyring:
        return "cannot be read"
    return OK


def _gateway() -> str:
    """Tell whether something listens where the gateway should be; its name is looked up and called for half a second at most."""
    found: list[str] = []
    look = threading.Thread(target=lambda: found.append(_called(gateway or ("", 0))), daemon=True)
    look.start()
    look.join(GATEWAY_SECONDS * 2)
    return found[0] if found else "unreachable"


def _called(address: tuple[str, int]) -> str:
    try:
        with socket.create_connection(address, timeout=GATEWAY_SECONDS):
            return OK
    except OSError:
        return "unreachable"
