"""History cannot be changed: the application's role may not, and for the owner triggers refuse it."""

import psycopg
import pytest

from anka.core import database as door
from tests import builders
from tests.databases import Database

HISTORY = (
    "core_event",
    "core_checkpoint",
    "ledger_journal",
    "ledger_transfer",
    "payments_notice",
    "payments_transaction",
    "payments_evidence",
    "payments_dispute_evidence",
    "cases_receipt",
    "catalog_terms",
    "vault_issuer_answer",
    "vault_key_check",
    "vault_duplicate",
    "orders_policy",
    "policies_publication",
    "policies_withdrawal",
)
TABLES_OF_MOVES = (
    "orders_move",
    "orders_money_move",
    "payments_payment_move",
    "payments_attempt_move",
    "payments_refund_move",
    "payments_dispute_move",
    "cases_move",
    "policies_move",
    "funds_move",
    "ledger_chart",
)
KEPT = (
    "orders_order",
    "orders_unit",
    "payments_payment",
    "payments_refund",
    "payments_leg",
    "payments_attempt",
    "payments_dispute",
    "payments_dispute_unit",
    "cases_case",
    "vault_key",
    "vault_allocation",
    "policies_draft",
    "policies_run",
    "funds_withdrawal",
    "funds_terms",
)


def columns(table: str) -> str:
    """The first column of a table, to set to itself."""
    found = "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = ''"
    return str(door.value(f"{found} LIMIT 1", (table,)))


@pytest.mark.parametrize("table", HISTORY)
def test_the_application_cannot_change_history(table: str) -> None:
    column = columns(table)
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            door.rows(statement)


@pytest.mark.parametrize("table", [*TABLES_OF_MOVES, "ledger_account"])
def test_the_application_cannot_write_rules_or_balances(table: str) -> None:
    column = columns(table)
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            door.rows(statement)


@pytest.mark.parametrize("table", ["ledger_journal", "ledger_transfer", "orders_policy", "policies_publication"])
def test_the_application_posts_only_through_the_posting_function(table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        door.rows(f"INSERT INTO {table} DEFAULT VALUES")


@pytest.mark.parametrize("table", KEPT)
def test_the_application_deletes_nothing_that_counts(table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        door.rows(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", HISTORY)
def test_not_even_the_owner_changes_history_by_mistake(fresh_database: Database, table: str) -> None:
    order = builders.a_cancelled_order()
    fill(fresh_database, order.state.shop_id)
    column = columns(table)
    with fresh_database.as_owner() as owner:
        for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
            with pytest.raises(psycopg.errors.RestrictViolation):
                owner.execute(statement.encode())


def fill(database: Database, shop_id: int) -> None:
    """Put a row where the flows of a cancelled order leave none; a trigger per row needs one to refuse."""
    with database.as_owner() as owner:
        owner.execute(
            "INSERT INTO core_checkpoint (made_at, from_transaction, to_transaction, event_count, previous_hash, root, hash, key_name,"
            " signature)"
            " VALUES (now(), '0', '1', 0, '', '', '', '', '')"
        )
        owner.execute(
            "INSERT INTO payments_notice (channel, received_at, digest, verdict, reason)"
            " VALUES ('sandbox', now(), sha256('x'), 'refused', 'test')"
        )
        owner.execute(
            "INSERT INTO payments_evidence (shop_id, attempt_id, received_at, source, status, applied)"
            " SELECT shop_id, id, now(), 'poll', 'unknown', false FROM payments_attempt WHERE shop_id = %s",
            (shop_id,),
        )
        owner.execute(
            "WITH argued AS (INSERT INTO payments_dispute (shop_id, number, payment_id, kind, channel, channel_number, amount_minor,"
            " currency, reason, status, opened_at, evidence_due_at)"
            " SELECT shop_id, 'X-D1', id, 'complaint', channel, 'c1', 1, currency, '', 'open', now(), now()"
            " FROM payments_payment WHERE shop_id = %s RETURNING shop_id, id)"
            " INSERT INTO payments_dispute_evidence (shop_id, dispute_id, received_at, source, said, by_actor, applied)"
            " SELECT shop_id, id, now(), 'notice', 'open', 'gateway:sandbox', true FROM argued",
            (shop_id,),
        )
        owner.execute(
            "INSERT INTO vault_issuer_answer (shop_id, order_id, position, issuer, occasion, asked_at, use_check, used_by, matches_order,"
            " digest) VALUES (%s, 1, 1, 'sandbox', 'claim', now(), 'unknown', 'unknown', 'unknown', '')",
            (shop_id,),
        )
        owner.execute("INSERT INTO vault_key_check VALUES (%s, 1, 1, '2026-03-02', 1, now(), 1, true)", (shop_id,))
        owner.execute(
            "INSERT INTO vault_duplicate SELECT shop_id, id, shop_id + 1, 1, now() FROM vault_key WHERE shop_id = %s LIMIT 1", (shop_id,)
        )
        owner.execute(
            "WITH draft AS (INSERT INTO policies_draft (number, title, base_version, texts, version, created_by, created_at, changed_by,"
            " changed_at) VALUES ('00-D', 'Try', '', '{}', policy_digest('{}'), 1, now(), 1, now()) RETURNING id),"
            " run AS (INSERT INTO policies_run (draft_id, kind, revision, version, days, requested_by, requested_at, status, against,"
            " passed, result, finished_at) SELECT id, kind, 1, policy_digest('{}'), 0, 1, now(), 'done', '', true, '{}', now()"
            " FROM draft, unnest(ARRAY['check', 'backtest']) AS kind),"
            " kept AS (INSERT INTO orders_policy SELECT policy_digest('{}'), '{}', now()) SELECT"
        )
        owner.execute(
            "WITH announced AS (INSERT INTO policies_publication (version, draft_id, announced_at, in_force_from, by_person)"
            " SELECT version, id, now(), now() + interval '8 days', 1 FROM policies_draft RETURNING id)"
            " INSERT INTO policies_withdrawal SELECT id, now(), 1, 'test' FROM announced"
        )


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE orders_unit SET refunded_minor = amount_minor + 1", "unit_refunded_within_amount"),
        ("UPDATE orders_unit SET frozen_minor = -1", "unit_frozen_within_amount"),
        ("UPDATE orders_unit SET key_id = NULL", "unit_delivered_has_goods"),
        ("UPDATE orders_unit SET revealed_at = now()", "unit_revealed_has_reader"),
        ("UPDATE orders_unit SET delivered_at = NULL", "unit_delivered_has_time"),
        ("UPDATE orders_order SET refunded_minor = paid_minor + 1", "order_refunded_within_paid"),
        ("UPDATE orders_order SET released_minor = -1", "order_released_within_paid"),
        ("UPDATE payments_payment SET refunded_minor = amount_minor + 1", "payment_refunded_within_paid"),
    ],
)
def test_postgresql_refuses_sums_that_cannot_be(statement: str, constraint: str) -> None:
    order = builders.a_sealed_order()
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        door.rows(f"{statement} WHERE shop_id = %s", (order.shop.id,))
    assert refused.value.diag.constraint_name == constraint


def test_a_key_cannot_have_two_units() -> None:
    order = builders.a_sealed_order(quantity=2)
    with pytest.raises(psycopg.errors.UniqueViolation):
        door.rows(
            "UPDATE orders_unit SET key_id = (SELECT min(id) FROM vault_key WHERE shop_id = %s) WHERE shop_id = %s", (order.shop.id,) * 2
        )
