"""The ledger: what is posted adds up, once, above the floors, and nobody waits for a platform account."""

from collections import Counter
from threading import Event

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anka.core import database as door
from anka.core.refusals import Refusal
from anka.domain import postings
from anka.domain.chart import kind_of
from anka.domain.postings import Journal, Transfer
from anka.flows.pay_from_wallet import BalanceTooLow
from anka.jobs import audit
from tests import builders
from tests.builders import a_shop, balance, post, serial
from tests.conftest import END
from tests.databases import Database
from tests.faults.interleave import PATIENCE, together

SHOP = 7_000_000
ACCOUNTS = ["merchant:7000000:deposit", "merchant:7000001:deposit", "psp:sandbox:clearing", "commission", "psp_fee"]
POST = "SELECT post_journal(%s, %s, 'test', now(), 'CNY', %s, %s, %s::bigint[])"


def transfers() -> st.SearchStrategy[list[tuple[str, str, int]]]:
    """Lists of transfers between different accounts."""
    account = st.sampled_from(ACCOUNTS)
    one = st.tuples(account, account, st.integers(1, 10**12)).filter(lambda pair: pair[0] != pair[1])
    return st.lists(one, min_size=1, max_size=6)


def post_pairs(shop_id: int, key: str, pairs: list[tuple[str, str, int]]) -> int:
    """Post these pairs as one journal."""
    with door.transaction():
        debited, credited, amounts = (list(column) for column in zip(*pairs, strict=True))
        return int(door.value(POST, (shop_id, key, debited, credited, amounts)))


def worth(moved: Counter[str]) -> dict[str, int]:
    """Balances on their normal side from what was credited less what was debited."""
    return {code: amount if kind_of(code).side == "credit" else -amount for code, amount in moved.items()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(journals=st.lists(transfers(), min_size=1, max_size=5), rolled=st.integers(0, 5))
def test_balances_are_those_of_a_pure_model(database: Database, journals: list[list[tuple[str, str, int]]], rolled: int) -> None:
    """Any journals, in any order, with the lazy accounts rolled up at any point: either posted whole, or refused whole."""
    shop, model = serial() + SHOP, Counter[str]()
    for place, pairs in enumerate(journals):
        moved = Counter(model)
        for debit, credit, amount in pairs:
            moved[debit] -= amount
            moved[credit] += amount
        fits = all(amount >= 0 for code, amount in worth(moved).items() if kind_of(code).floored)
        try:
            post_pairs(shop, f"model-{place}", pairs)
        except BalanceTooLow:
            assert not fits
        else:
            assert fits
            model = moved
        if place == rolled:
            roll_up(database)
        assert {code: balance(code, shop_id=shop) for code in model} == worth(model)


def roll_up(database: Database) -> int:
    """Roll lazy accounts up."""
    return int(door.value("SELECT roll_up_lazy_accounts()"))


def test_a_key_posts_once(database: Database) -> None:
    shop = a_shop()
    pairs = [("psp:sandbox:clearing", "merchant:1:deposit", 500)]
    first = post_pairs(shop.id, "once", pairs)
    assert post_pairs(shop.id, "once", pairs) == first
    assert shop.balance("merchant:1:deposit") == 500
    with pytest.raises(psycopg.Error) as refused:
        post_pairs(shop.id, "once", [("psp:sandbox:clearing", "merchant:1:deposit", 501)])
    assert refused.value.sqlstate == "AN006"


def test_one_key_eight_times_at_once_posts_once(database: Database) -> None:
    shop = a_shop()
    pairs = [("psp:sandbox:clearing", "merchant:1:deposit", 500)]
    results = together([lambda: post_pairs(shop.id, "eight", pairs)] * 8)
    assert len({result.answer for result in results}) == 1, results
    assert shop.balance("merchant:1:deposit") == 500


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_is_positive(amount: int) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        post_pairs(a_shop().id, "amount", [("psp:sandbox:clearing", "commission", amount)])


def test_an_account_is_not_its_own_opposite() -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        post_pairs(a_shop().id, "self", [("commission", "commission", 1)])


def test_a_floor_holds_and_nothing_of_the_journal_is_left() -> None:
    shop = a_shop()
    with pytest.raises(BalanceTooLow):
        post_pairs(shop.id, "half", [("psp:sandbox:clearing", "commission", 5), ("merchant:1:deposit", "commission", 1)])
    assert shop.balance("commission") == 0
    assert door.value("SELECT count(*) FROM ledger_journal WHERE shop_id = %s", (shop.id,)) == 0


def test_opposite_posts_at_once_never_deadlock(database: Database) -> None:
    shop = a_shop()
    post_pairs(
        shop.id, "open", [("psp:sandbox:clearing", "merchant:1:deposit", 10**6), ("psp:sandbox:clearing", "merchant:2:deposit", 10**6)]
    )
    there, back = ("merchant:1:deposit", "merchant:2:deposit", 1), ("merchant:2:deposit", "merchant:1:deposit", 1)

    def many(pair: tuple[str, str, int]) -> int:
        for _ in range(20):
            post_pairs(shop.id, f"cross-{serial()}", [pair])
        return 20

    results = together([lambda: many(there), lambda: many(back)] * 2)
    assert [result.answer for result in results] == [20] * 4, results
    assert shop.balance("merchant:1:deposit") == 10**6


def test_nobody_waits_for_a_platform_account(database: Database) -> None:
    """While one transaction that moved commission is still open, another one posts to the same account and commits."""
    shop = a_shop()
    post_pairs(shop.id, "first", [("psp:sandbox:clearing", "commission", 1)])
    opened, done = Event(), Event()

    def hold() -> bool:
        with door.transaction():
            door.value(POST, (shop.id, "held", ["psp:sandbox:clearing"], ["commission"], [1]))
            opened.set()
            return done.wait(PATIENCE)

    def pass_by() -> int:
        assert opened.wait(PATIENCE)
        number = post_pairs(shop.id, "passing", [("psp:sandbox:clearing", "commission", 1)])
        done.set()
        return number

    held, passed = together([hold, pass_by])
    assert held.answer is True, held
    assert passed.answer, passed
    assert shop.balance("commission") == 3


def test_rolling_up_leaves_out_what_may_still_commit(database: Database) -> None:
    shop = a_shop()
    post_pairs(shop.id, "before", [("psp:sandbox:clearing", "commission", 10)])
    with database.as_owner() as late, late.transaction():
        late.execute(POST.encode(), (shop.id, "late", ["psp:sandbox:clearing"], ["commission"], [5]))
        roll_up(database)
        assert shop.balance("commission") == 10
    assert shop.balance("commission") == 15
    roll_up(database)
    assert shop.balance("commission") == 15
    assert [found for found in audit.audit(now=END) if found.invariant == "I2"] == []


def test_money_that_crosses_arrives_in_the_same_transaction() -> None:
    order = builders.an_order_paid_from_wallet()
    shop = order.shop
    assert (balance(f"bridge:{shop.id}"), shop.balance("bridge:0")) == (10000, -10000)


def test_what_the_domain_posts_the_ledger_takes() -> None:
    shop, buyer = a_shop(), builders.a_buyer()
    post(postings.wallet_topped_up(buyer_id=buyer.person_id, channel="sandbox", transaction_id=f"T{serial()}", amount_minor=700))
    with pytest.raises(Refusal):
        post((Journal(0, f"j{serial()}", "test", (Transfer(f"buyer:{buyer.person_id}:wallet", f"bridge:{shop.id}", 701),)),))
    assert builders.wallet(buyer) == 700


BOOKS = ("ledger_journal", "ledger_transfer", "ledger_account")


@pytest.mark.parametrize(
    "statement",
    [
        *(f"TRUNCATE {table} CASCADE" for table in BOOKS),
        *(f"DELETE FROM {table} WHERE shop_id = %(shop)s" for table in BOOKS),
        "UPDATE ledger_transfer SET amount_minor = 1 WHERE shop_id = %(shop)s",
        "UPDATE ledger_journal SET kind = 'other' WHERE shop_id = %(shop)s",
        "UPDATE ledger_account SET credits = credits - 1, debits = debits - 1 WHERE shop_id = %(shop)s AND code LIKE 'merchant:%%'",
        "UPDATE ledger_account SET debits = 0 WHERE shop_id = %(shop)s AND code LIKE 'merchant:%%'",
        "UPDATE ledger_account SET floored = false WHERE shop_id = %(shop)s AND floored",
        "UPDATE ledger_account SET code = 'promo' WHERE shop_id = %(shop)s AND code = 'penalty'",
        "UPDATE ledger_account SET currency = 'USD' WHERE shop_id = %(shop)s",
        "UPDATE ledger_account SET rolled_up_to = '3' WHERE shop_id = %(shop)s AND lazy",
    ],
)
def test_not_even_the_owner_takes_anything_out_of_the_books(database: Database, statement: str) -> None:
    shop = a_shop()
    post_pairs(shop.id, "in", [("psp:sandbox:clearing", "merchant:1:deposit", 500)])
    post_pairs(shop.id, "out", [("merchant:1:deposit", "penalty", 20)])
    roll_up(database)
    with database.as_owner() as owner, pytest.raises(psycopg.errors.RestrictViolation, match="append-only"), owner.transaction():
        owner.execute(statement.encode(), {"shop": shop.id} if "%(" in statement else None)
    assert shop.balance("merchant:1:deposit") == 480


@pytest.mark.parametrize("table", [*BOOKS, "ledger_chart", "ledger_round"])
def test_the_application_can_neither_write_nor_empty_the_books(table: str) -> None:
    for statement in (f"TRUNCATE {table} CASCADE", f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            door.rows(statement)
    written = {"ledger_account": "credits = credits + 1", "ledger_round": "after_id = 0", "ledger_chart": "lazy = lazy"}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        door.rows(f"UPDATE {table} SET {written.get(table, 'shop_id = shop_id')}")
