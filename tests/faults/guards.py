"""The guards of this market, and how to take each away in a database of its own, so that a test proves it would notice.

Most races are stopped by more than one guard; a negative control takes away all that stand in the way of one.
"""

from collections.abc import Callable
from typing import Any

from psycopg import Connection, sql

from tests.databases import Database

Owner = Connection[tuple[Any, ...]]
Removal = Callable[[Owner], None]


class GuardNotThere(Exception):
    """The guard that a control wants to take away was not found: the control would prove nothing."""


def edited(function: str, guard: str, instead: str = "") -> Removal:
    """Take a piece of text out of a function."""

    def remove(owner: Owner) -> None:
        found = owner.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", (function,)).fetchone()
        if found is None or guard not in str(found[0]):
            raise GuardNotThere(f"{function} has no {guard!r}")
        owner.execute(str(found[0]).replace(guard, instead).encode())

    return remove


def said(statement: sql.Composed) -> Removal:
    """Take a guard away by one statement."""

    def remove(owner: Owner) -> None:
        owner.execute(statement)

    return remove


def dropped_constraint(table: str, constraint: str) -> Removal:
    """Take a CHECK, primary key or unique constraint away."""
    return said(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {} CASCADE").format(sql.Identifier(table), sql.Identifier(constraint)))


def dropped_index(index: str) -> Removal:
    """Take a unique index away."""
    return said(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))


def silenced_trigger(table: str, trigger: str) -> Removal:
    """Take a trigger away."""
    return said(sql.SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(sql.Identifier(table), sql.Identifier(trigger)))


def all_of(*removals: Removal) -> Removal:
    """Take away what is only one guard together: a unique key, and the statement that leans on it."""

    def remove(owner: Owner) -> None:
        for removal in removals:
            removal(owner)

    return remove


GUARDS: dict[str, Removal] = {
    "order lock": edited("lock_order", "FOR NO KEY UPDATE"),
    "attempt lock": edited("lock_attempt", "FOR NO KEY UPDATE"),
    "expiry lock": edited("expire_unpaid", "FOR NO KEY UPDATE OF o SKIP LOCKED"),
    "stage read again": edited("move_units", "AND allowed.from_stage = unit.stage"),
    "table of moves": silenced_trigger("orders_unit", "unit_moves"),
    "one live attempt": dropped_index("payments_attempt_one_live"),
    "leg moves": silenced_trigger("payments_leg", "leg_moves"),
    "refund moves": silenced_trigger("payments_refund", "refund_moves"),
    "proof decided once": silenced_trigger("payments_proof", "proof_decided_once"),
    "attempt moves": silenced_trigger("payments_attempt", "attempt_moves"),
    "payment taken once": edited("take_payment", "AND status <> 'paid'"),
    "transaction once": all_of(
        dropped_constraint("payments_transaction", "payments_transaction_pkey"),
        edited("take_payment", "ON CONFLICT (channel, transaction_number) DO NOTHING"),
        edited("take_unidentified", "ON CONFLICT (channel, transaction_number) DO NOTHING"),
        edited("take_top_up", "ON CONFLICT (channel, transaction_number) DO NOTHING"),
    ),
    "transaction held": edited("lock_transaction", "pg_advisory_xact_lock(", "hashint8("),
    "posting once": edited("post_journal", "IF known <> input THEN", "IF false THEN"),
    "unidentified once": dropped_constraint("payments_unidentified", "unidentified_transaction_once"),
    "unidentified lock": edited("lock_unidentified", "FOR NO KEY UPDATE"),
    "unidentified moves": all_of(
        silenced_trigger("payments_unidentified", "unidentified_moves"),
        dropped_constraint("payments_unidentified", "unidentified_matched_to_one"),
    ),
    "decided once": all_of(edited("match_unidentified", " AND status = 'open'"), edited("return_unidentified", " AND status = 'open'")),
    "stock lock": edited("reserve_keys", "FOR UPDATE SKIP LOCKED"),
    "one unit per key": dropped_index("orders_unit_one_per_key"),
    "one allocation per key": dropped_index("vault_allocation_one_current"),
    "one clock": dropped_index("core_clock_one_running"),
    "case lock": all_of(
        edited("lock_case", "FOR NO KEY UPDATE"),
        edited("lock_order", "FOR NO KEY UPDATE"),
    ),
    "case still open": edited("step_case", "AND closed_at IS NULL"),
    "case moves": silenced_trigger("cases_case", "case_moves"),
    "one open case": dropped_index("cases_unit_one_open"),
    "frozen is not opened": edited("move_units", "AND (made <> 'reveal' OR unit.frozen_minor = 0)"),
    "frozen is not released": edited("move_unit_money", "AND (in_change ->> 'money' NOT IN ('released', 'settled') OR frozen_minor = 0)"),
    "given once": edited("hand_keys_to_units", "AND unit.key_id IS NULL"),
    "request once": all_of(
        dropped_constraint("core_request", "core_request_pkey"),
        edited("remember_request", "ON CONFLICT (caller, idempotency_key) DO NOTHING"),
    ),
    "unit refund limit": dropped_constraint("orders_unit", "unit_refunded_within_amount"),
    "order refund limit": dropped_constraint("orders_order", "order_refunded_within_paid"),
    "nothing is sent beside a dispute": edited("lock_attempt", "AND dispute.status = 'open'", "AND false"),
    "dispute once": dropped_constraint("payments_dispute", "dispute_once"),
    "payment refund limit": dropped_constraint("payments_payment", "payment_refunded_within_paid"),
    "rules lock": edited("lock_policies", "PERFORM pg_advisory_xact_lock(7266741);"),
    "draft lock": edited("lock_policies", "FOR NO KEY UPDATE"),
    "draft moves": silenced_trigger("policies_draft", "draft_moves"),
    "draft revision": edited("change_policy", "AND revision = (part ->> 'revision')::integer"),
    "rules in order": all_of(
        silenced_trigger("policies_publication", "publication_order"),
        dropped_constraint("policies_publication", "publication_one_per_instant"),
    ),
    "notice of rules": dropped_constraint("policies_publication", "publication_gives_notice"),
    "rules of the moment": edited("write_placed_order", "policy_in_force(in_at) IS DISTINCT FROM in_order ->> 'policy_version'", "false"),
    "role held": edited("lock_policies", "FOR SHARE"),
    "funds lock": all_of(
        edited("lock_funds", "PERFORM pg_advisory_xact_lock(7266742, (in_shop % 2147483647)::integer);"),
        edited("record_funds_step", "PERFORM pg_advisory_xact_lock(7266742, (in_shop % 2147483647)::integer);"),
    ),
    "events in order": dropped_constraint("core_event", "core_event_pkey"),
    "wallet lock": edited("lock_wallet", "PERFORM pg_advisory_xact_lock(7266743, (in_person % 2147483647)::integer);"),
    "top-up lock": edited("lock_top_up", " FOR NO KEY UPDATE"),
    "top-up taken once": edited("take_top_up", " AND status <> 'paid'"),
    "cashier lock": edited("record_cashier", " FOR NO KEY UPDATE"),
    "closed is empty": dropped_constraint("ledger_account", "account_closed_is_empty"),
    "closing lock": edited("close_accounts", "ORDER BY account.id FOR NO KEY UPDATE OF account SKIP LOCKED"),
    "balances lock": edited("lock_merchant_position", "FOR NO KEY UPDATE"),
    "withdrawal moves": silenced_trigger("funds_withdrawal", "withdrawal_moves"),
    "escrow floor": dropped_constraint("ledger_account", "account_floor"),
}


def take_away(place: Database, *names: str) -> None:
    """Remove these guards from a database that belongs to one test."""
    with place.as_owner() as owner:
        for name in names:
            GUARDS[name](owner)
