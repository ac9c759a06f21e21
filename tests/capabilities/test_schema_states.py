"""What the domain says of states and moves stands in PostgreSQL as well, and PostgreSQL refuses the rest."""

import re
from enum import StrEnum
from typing import Any

import psycopg
import pytest

from anka.config.migrate import state_tables
from anka.domain import chart
from anka.domain.case_states import CASE_CHANGES, CaseKind, CaseOutcome, CaseStatus
from anka.domain.delivery_states import MOVES, Stage
from anka.domain.deposits import Tier
from anka.domain.dispute_states import DisputeKind, DisputeState
from anka.domain.goods import Goods
from anka.domain.payment_states import PAYMENT_CHANGES, PaymentState
from anka.domain.policy_states import DraftStatus, RunKind
from anka.domain.refund_states import ATTEMPT_CHANGES, REFUND_CHANGES, AttemptState, RefundState
from anka.domain.transitions import Transitions
from anka.domain.unit_money import MONEY_CHANGES, UnitMoney
from anka.domain.withdrawals import WithdrawalState
from tests import builders
from tests.databases import Database

MOVED = "AN004"
CHECKS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'c' AND conrelid = %s::regclass AND conkey = ARRAY[(
    SELECT attnum FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s)]
"""
COLUMNS: list[tuple[str, str, type[StrEnum]]] = [
    ("orders_unit", "stage", Stage),
    ("orders_unit", "money", UnitMoney),
    ("payments_payment", "status", PaymentState),
    ("payments_refund", "status", RefundState),
    ("payments_leg", "status", RefundState),
    ("payments_attempt", "status", AttemptState),
    ("payments_dispute", "kind", DisputeKind),
    ("payments_dispute", "status", DisputeState),
    ("catalog_product", "kind", Goods),
    ("cases_case", "kind", CaseKind),
    ("cases_case", "status", CaseStatus),
    ("cases_case", "outcome", CaseOutcome),
    ("policies_draft", "status", DraftStatus),
    ("policies_run", "kind", RunKind),
    ("funds_withdrawal", "status", WithdrawalState),
    ("funds_terms", "tier", Tier),
]


@pytest.mark.parametrize(("table", "rows"), state_tables().items(), ids=list(state_tables()))
def test_the_tables_agree(database: Database, table: str, rows: list[tuple[object, ...]]) -> None:
    with database.as_owner() as owner:
        assert sorted(owner.execute(f"SELECT * FROM {table}".encode()).fetchall()) == sorted(rows)


@pytest.mark.parametrize(("table", "column", "words"), COLUMNS, ids=[f"{table}.{column}" for table, column, _ in COLUMNS])
def test_a_column_takes_exactly_the_words_of_the_domain(database: Database, table: str, column: str, words: type[StrEnum]) -> None:
    with database.as_owner() as owner:
        found = owner.execute(CHECKS, (table, table, column)).fetchall()
    lists = [set(re.findall(r"'(\w+)'::text", str(text))) for (text,) in found if "= ANY" in str(text)]
    assert lists == [set(map(str, words))]


@pytest.mark.parametrize("goods", Goods)
def test_postgresql_refuses_every_stage_that_no_move_leads_to(fresh_database: Database, goods: Goods) -> None:
    """Every pair of stages, for every kind: allowed exactly where the domain has a move."""
    order = builders.a_placed_order().state
    with fresh_database.as_owner() as owner:
        drop_checks(owner, "orders_unit")
        owner.execute("ALTER TABLE orders_unit DISABLE TRIGGER unit_begins")
        for number, before in enumerate(Stage, start=10):
            owner.execute(
                "INSERT INTO orders_unit (shop_id, order_id, position, goods, stage, money, amount_minor, since)"
                " VALUES (%s, %s, %s, %s, %s, 'held', 100, now())",
                (order.shop_id, order.id, number, str(goods), str(before)),
            )
            reachable = {target for (kind, stage, _), target in MOVES.items() if (kind, stage) == (goods, before)}
            change = "UPDATE orders_unit SET stage = %s WHERE shop_id = %s AND order_id = %s AND position = %s"
            for target in set(Stage) - {before}:
                allowed = tried(owner, change, (str(target), order.shop_id, order.id, number))
                assert allowed == (target in reachable), (before, target)


@pytest.mark.parametrize(
    ("table", "column", "changes", "words"),
    [
        ("orders_unit", "money", MONEY_CHANGES, UnitMoney),
        ("payments_payment", "status", PAYMENT_CHANGES, PaymentState),
        ("payments_refund", "status", REFUND_CHANGES, RefundState),
        ("payments_leg", "status", REFUND_CHANGES, RefundState),
        ("payments_attempt", "status", ATTEMPT_CHANGES, AttemptState),
        ("cases_case", "status", CASE_CHANGES, CaseStatus),
    ],
)
def test_postgresql_refuses_every_change_the_domain_does_not_have(
    fresh_database: Database, table: str, column: str, changes: Transitions[StrEnum], words: type[StrEnum]
) -> None:
    builders.a_cancelled_order()
    with fresh_database.as_owner() as owner:
        drop_checks(owner, table)
        for before in words:
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
            owner.execute(f"UPDATE {table} SET {column} = %s".encode(), (str(before),))
            owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())
            for target in set(words) - {before}:
                allowed = tried(owner, f"UPDATE {table} SET {column} = %s", (str(target),))
                assert allowed == changes.allows(before=before, after=target), (before, target)


def test_a_unit_begins_reserved_and_unpaid(database: Database) -> None:
    order = builders.a_placed_order().state
    insert = (
        "INSERT INTO orders_unit (shop_id, order_id, position, goods, stage, money, amount_minor, since, delivered_at)"
        " VALUES (%s, %s, 9, 'top_up', %s, %s, 1, now(), now())"
    )
    with database.as_owner() as owner:
        for stage, money in (("queued", "held"), ("reserved", "held"), ("delivered", "none")):
            assert not tried(owner, insert, (order.shop_id, order.id, stage, money))
        assert tried(owner, insert, (order.shop_id, order.id, "reserved", "none"))


def test_no_account_is_opened_that_is_not_in_the_chart(database: Database) -> None:
    with database.as_owner() as owner:
        for code in ("bribes", "order:x y:escrow", "merchant:7", "psp:Sandbox:clearing"):
            assert not tried(owner, "SELECT account_ids(1, 'CNY', ARRAY[%s])", (code,), sqlstate="AN005")
            with pytest.raises(chart.UnknownAccount):
                chart.kind_of(code)


def drop_checks(owner: "psycopg.Connection[tuple[Any, ...]]", table: str) -> None:
    """Leave the table of moves as the only thing that can refuse."""
    found = owner.execute("SELECT conname::text FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass", (table,)).fetchall()
    for (name,) in found:
        owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())


def tried(owner: "psycopg.Connection[tuple[Any, ...]]", statement: str, parameters: tuple[object, ...], *, sqlstate: str = MOVED) -> bool:
    """Tell whether PostgreSQL lets a statement pass; it is undone in any case. Another refusal than the one meant is an error."""
    try:
        with owner.transaction(force_rollback=True):
            owner.execute(statement.encode(), parameters)
    except psycopg.Error as error:
        if error.sqlstate != sqlstate:
            raise
        return False
    return True
