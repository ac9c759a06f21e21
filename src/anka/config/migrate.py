"""Bring a database to this version: tables, then functions, then the tables of states, then the grants."""

import json
from datetime import UTC, datetime

import psycopg
from django.core.management import call_command
from django.db import connection as django_connection

from anka.core import schema
from anka.domain import (
    case_states,
    chart,
    delivery_states,
    dispute_states,
    payment_states,
    policy_states,
    refund_states,
    unit_money,
    withdrawals,
)
from anka.domain.policy.table import default_rules, default_texts

Rows = list[tuple[object, ...]]

# A database without rules begins with those that came with this version, in force from ever. Later versions of Anka bring other rules as
# a draft may start from; what is in force changes by publishing alone.
FIRST_RULES = """
WITH kept AS (INSERT INTO orders_policy (version, texts, published_at)
    SELECT %(version)s, %(texts)s, %(at)s WHERE NOT EXISTS (SELECT FROM policies_publication) RETURNING version)
INSERT INTO policies_publication (version, announced_at, in_force_from, by_person)
    SELECT version, %(at)s, '1970-01-01T00:00:00Z', 0 FROM kept
"""


def state_tables() -> dict[str, Rows]:
    """Return every table of moves that PostgreSQL holds, with the rows the domain says it must hold."""
    return {
        "orders_move": [*delivery_states.table()],
        "orders_money_move": [*unit_money.table()],
        "payments_payment_move": [*payment_states.table()],
        "payments_attempt_move": [*refund_states.attempt_table()],
        "payments_refund_move": [*refund_states.table()],
        "payments_dispute_move": [*dispute_states.table()],
        "cases_move": [*case_states.table()],
        "policies_move": [*policy_states.table()],
        "funds_move": [*withdrawals.table()],
        "ledger_chart": [*chart.table()],
    }


def migrate() -> None:
    """Run everything that is missing; harmless to repeat, safe to run from two machines at once."""
    django_connection.ensure_connection()
    raw: psycopg.Connection[tuple[object, ...]] = django_connection.connection
    raw.execute("SELECT pg_advisory_lock(7266731)")
    try:
        call_command("migrate", interactive=False, verbosity=0)
        schema.apply_functions(connection=raw)
        for table, rows in state_tables().items():
            schema.fill_table(connection=raw, table=table, rows=rows)
        first = {"version": default_rules().version, "texts": json.dumps(dict(default_texts())), "at": datetime.now(UTC)}
        raw.execute(FIRST_RULES, first)
        schema.grant_to_runtime(connection=raw)
    finally:
        raw.execute("SELECT pg_advisory_unlock(7266731)")
