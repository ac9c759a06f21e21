"""Finished orders leave the open books, unfinished ones never, and what is closed opens again when money moves after all."""

import pytest
from psycopg import errors

from anka.core import database
from anka.flows.confirm_order import confirm_order
from anka.flows.settle_order import settle_order
from anka.jobs.audit import audit, position
from anka.jobs.closing_books import close_finished
from tests import builders
from tests.builders import Order, a_key, at
from tests.databases import Database
from tests.faults.guards import edited
from tests.faults.mutants import repaid_order
from tests.horizon import wait_for_the_horizon

STATE = "SELECT closed_at, debits = credits FROM ledger_account WHERE shop_id = %s AND code = %s"
POST = "SELECT post_journal(%s, %s, 'test', %s, 'CNY', %s, %s, %s::bigint[])"


def closed(order: Order) -> bool:
    return bool(database.rows(STATE, (order.state.shop_id, f"order:{order.state.id}:escrow"))[0][0])


def a_released_order(*, quantity: int = 1) -> Order:
    order = builders.a_revealed_order(quantity=quantity)
    confirm_order(actor=order.buyer, order_number=order.number, positions=(1,), request=a_key(order.buyer), at=at(30))
    return order


def test_an_account_is_closed_when_every_unit_has_ended(fresh_database: Database) -> None:
    paid, cancelled, released, half = (
        builders.a_paid_order(),
        builders.a_cancelled_order(),
        a_released_order(),
        builders.a_revealed_order(quantity=2),
    )
    assert close_finished(at=at(40)) == 0
    settle_order(order_number=released.number, at=at(days=3))
    assert close_finished(at=at(days=3)) == 1
    assert [closed(order) for order in (paid, cancelled, released, half)] == [False, False, True, False]
    confirm_order(actor=half.buyer, order_number=half.number, positions=(1,), request=a_key(half.buyer), at=at(days=3))
    settle_order(order_number=half.number, at=at(days=6))
    assert close_finished(at=at(days=6)) == 0
    assert audit(now=at(days=6).now) == []


def test_a_refunded_order_is_closed_when_the_refund_has_arrived(fresh_database: Database) -> None:
    under_way, order = builders.a_cancelled_order(), repaid_order()
    assert close_finished(at=at(20)) == 1
    assert (closed(under_way), closed(order)) == (False, True)
    assert close_finished(at=at(21)) == 0
    assert audit(now=at(21).now) == []


def test_the_round_goes_on_where_it_stopped_and_begins_anew(fresh_database: Database) -> None:
    orders = [a_released_order() for _ in range(3)]
    unfinished = builders.a_paid_order()
    for order in orders:
        settle_order(order_number=order.number, at=at(days=3))
    assert [close_finished(at=at(days=3), limit=2) for _ in range(4)] == [2, 1, 0, 0]
    late = a_released_order()
    settle_order(order_number=late.number, at=at(days=3))
    assert sum(close_finished(at=at(days=3), limit=2) for _ in range(2)) == 1
    assert not closed(unfinished)


def test_money_that_moves_after_all_opens_a_closed_account_and_the_next_round_closes_it(fresh_database: Database) -> None:
    order = a_closed_order()
    late(order, "late", "suspense:sandbox", f"order:{order.state.id}:escrow")
    assert not closed(order)
    assert order.escrow == 500
    assert close_finished(at=at(days=4)) == 0
    late(order, "gone", f"order:{order.state.id}:escrow", "suspense:sandbox")
    assert close_finished(at=at(days=5)) == 1
    assert closed(order)


def test_without_opening_again_late_money_would_find_no_place(fresh_database: Database) -> None:
    """The negative control."""
    order = a_closed_order()
    with fresh_database.as_owner() as owner:
        edited("post_journal", ", closed_at = NULL")(owner)
    with pytest.raises(errors.CheckViolation, match="account_closed_is_empty"):
        late(order, "late", "suspense:sandbox", f"order:{order.state.id}:escrow")


def test_what_is_not_empty_is_not_closed_whoever_asks(fresh_database: Database) -> None:
    order = builders.a_paid_order()
    found = database.rows("SELECT shop_id, id FROM ledger_account WHERE code = %s", (f"order:{order.state.id}:escrow",))[0]
    lazy = database.rows("SELECT shop_id, id FROM ledger_account WHERE code = 'commission' OR lazy LIMIT 1")[0]
    for shop_id, account_id in (found, lazy):
        assert database.value("SELECT close_accounts(now(), %s, %s)", ([shop_id], [account_id])) == 0


def test_an_account_somebody_posts_to_is_left_for_the_next_round(fresh_database: Database) -> None:
    order = a_released_order()
    settle_order(order_number=order.number, at=at(days=3))
    with fresh_database.as_owner() as other, other.transaction():
        other.execute("SELECT FROM ledger_account WHERE code = %s FOR NO KEY UPDATE", (f"order:{order.state.id}:escrow",))
        assert close_finished(at=at(days=3)) == 0
    with fresh_database.as_owner() as other, other.transaction():
        other.execute("SELECT FROM ledger_round FOR UPDATE")
        assert close_finished(at=at(days=3)) == 0
    assert close_finished(at=at(days=3)) == 1


def test_closed_accounts_leave_the_hourly_check_and_stay_in_the_nightly_one(fresh_database: Database) -> None:
    order = a_closed_order()
    wait_for_the_horizon()
    hour = position()
    with fresh_database.as_owner() as owner:
        owner.execute("UPDATE ledger_account SET debits = debits + 1, credits = credits + 1 WHERE closed_at IS NOT NULL")
    assert audit(now=at(days=4).now, since=hour) == []
    assert [found.invariant for found in audit(now=at(days=4).now)] == ["I2"]
    late(order, "late", "suspense:sandbox", f"order:{order.state.id}:escrow")
    assert "I2" in [found.invariant for found in audit(now=at(days=4).now, since=hour)]


def a_closed_order() -> Order:
    order = a_released_order()
    settle_order(order_number=order.number, at=at(days=3))
    assert close_finished(at=at(days=3)) == 1
    return order


def late(order: Order, key: str, debit: str, credit: str) -> None:
    database.value(POST, (order.state.shop_id, key, at(days=4).now, [debit], [credit], [500]))
