"""Whether this instance lives, and whether it can serve."""

from anka.api import shapes
from anka.api.call import Answer, Call
from anka.core import database
from anka.core.refusals import DatabaseUnavailable

SCHEMA = """
SELECT to_regclass('orders_order') IS NOT NULL AND to_regprocedure(
    'lock_order(text, bigint, bigint, timestamptz, text, text, bytea)') IS NOT NULL
"""
MOVES = "SELECT EXISTS (SELECT FROM orders_move) AND EXISTS (SELECT FROM ledger_chart)"


def livez(_call: Call) -> Answer:
    """Answer as long as the process answers at all."""
    return Answer(200, shapes.Health(status="ok", checks={}))


def readyz(_call: Call) -> Answer:
    """Answer 200 only where the database answers and holds the schema this version needs."""
    checks = {"database": "ok", "schema": "ok"}
    try:
        if not (database.value(SCHEMA) and database.value(MOVES)):
            checks["schema"] = "run anka migrate"
    except DatabaseUnavailable:
        checks = {"database": "unreachable", "schema": "unknown"}
    ready = set(checks.values()) == {"ok"}
    return Answer(200 if ready else 503, shapes.Health(status="ok" if ready else "unavailable", checks=checks))
