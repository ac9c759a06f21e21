"""Violations of what is done with a shop's own money: a withdrawal, a deposit or terms that books and history tell otherwise."""

from __future__ import annotations

from anka.domain.deposits import Tier
from anka.flows.confirm_order import confirm_order
from anka.flows.decide_withdrawal import refuse_withdrawal
from anka.flows.pay_deposit_from_balance import pay_deposit_from_balance
from anka.flows.set_funds_terms import NewTerms, set_funds_terms
from anka.flows.settle_order import settle_order
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import an_arbiter
from tests.builders.funds import a_deposit, a_withdrawal, withdrawn
from tests.faults.mutants import Mutant

LATER = at(days=5)


def settled() -> Order:
    """An order whose money is available to its shop."""
    order = builders.a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=at(10))
    assert settle_order(order_number=order.number, at=at(days=4))
    return order


def asked() -> Order:
    """A withdrawal waits for finance."""
    order = settled()
    a_withdrawal(order.shop, 5000)
    return order


def paid() -> Order:
    """A withdrawal was paid."""
    order = settled()
    withdrawn(order.shop, 5000)
    return order


def refused() -> Order:
    """A withdrawal was refused."""
    order, finance = settled(), an_arbiter("finance")
    number = a_withdrawal(order.shop, 5000)
    refuse_withdrawal(actor=finance, number=number, reason="no papers", request=builders.a_key(finance), at=LATER)
    return order


def put_down() -> Order:
    """A deposit came out of the balance."""
    order = settled()
    owner = order.shop.owner
    pay_deposit_from_balance(actor=owner, shop_id=order.shop.id, amount_minor=4000, request=builders.a_key(owner), at=LATER)
    return order


def paid_in() -> Order:
    """A deposit came through a channel."""
    order = settled()
    a_deposit(order.shop, 4000)
    return order


def agreed() -> Order:
    """Terms were set."""
    order, operator = settled(), builders.OPERATOR
    terms = NewTerms(tier=Tier.NEW, reason="new here")
    set_funds_terms(actor=operator, shop_id=order.shop.id, terms=terms, request=builders.a_key(operator), at=LATER)
    return order


_THIS = "WHERE shop_id = %(shop)s"
_STEP = f"{_THIS} AND order_id = 0"


def _posted(key: str, kind: str, source: str, target: str, amount: int = 100) -> str:
    places = ", ".join(f"ARRAY[format('merchant:%%s:{place}', %(shop)s::bigint)]" for place in (source, target))
    return f"SELECT post_journal(%(shop)s, {key}, '{kind}', now(), 'CNY', {places}, ARRAY[{amount}::bigint])"


FUNDS_MUTANTS = [
    Mutant(
        "I12",
        "a step on a shop's funds was rewritten",
        asked,
        (f"UPDATE core_event SET at = at + interval '1 hour' {_STEP}",),
        says="of the funds of shop",
    ),
    Mutant(
        "I20",
        "the operator asked for a shop's money",
        agreed,
        ("SELECT record_funds_step(%(shop)s, now(), 'operator:mutant', 'withdrawal_asked', 'none', '{}'::jsonb)",),
        says="was not allowed to do withdrawal_asked",
    ),
    Mutant(
        "I25",
        "less was set aside than was asked for",
        asked,
        (f"UPDATE funds_withdrawal SET amount_minor = amount_minor + 1 {_THIS}",),
        says="set aside 5000",
    ),
    Mutant(
        "I25",
        "another fee was taken than was told",
        paid,
        (f"UPDATE funds_withdrawal SET fee_minor = fee_minor + 1 {_THIS}",),
        says="with a fee of 101",
    ),
    Mutant(
        "I25",
        "what was refused never came back",
        refused,
        (f"UPDATE funds_withdrawal SET amount_minor = amount_minor + 1 {_THIS}",),
        says="given back 5000",
    ),
    Mutant(
        "I25",
        "money goes to the bank and back for no withdrawal",
        settled,
        (
            _posted("'sly:1'", "withdrawal_asked", "available", "withdrawing"),
            _posted("'sly:2'", "withdrawal_failed", "withdrawing", "available"),
        ),
        says="moves a withdrawal that does not exist",
    ),
    Mutant(
        "I25",
        "money lies aside for nothing",
        settled,
        (_posted("'sly'", "mutant", "available", "withdrawing"),),
        says="100 lies in its withdrawing, 0 is under way",
    ),
    Mutant(
        "I25",
        "somebody approved a withdrawal past the history",
        asked,
        (f"UPDATE funds_withdrawal SET status = 'approved', decided_by = 9, decided_at = now() {_THIS}",),
        says="it is approved, its last step says asked",
    ),
    Mutant(
        "I25",
        "money left the deposit, and no step says so",
        put_down,
        (_posted("'deposit:sly:released'", "deposit_released", "deposit", "available"),),
        says="0 steps say so",
    ),
    Mutant(
        "I25",
        "a deposit was paid in by a payment for something else",
        paid_in,
        (
            "ALTER TABLE payments_payment DROP CONSTRAINT payment_books_by_purpose",
            f"UPDATE payments_payment SET number = number || 'X' {_THIS} AND purpose = 'deposit'",
        ),
        says="0 steps say so",
    ),
    Mutant(
        "I25",
        "a step tells of a deposit that never came",
        put_down,
        (
            (
                "SELECT record_funds_step(%(shop)s, now(), (SELECT actor FROM funds_step WHERE shop_id = %(shop)s LIMIT 1),"
                " 'deposit_from_balance', 'none', '{\"amount_minor\": 5}'::jsonb)"
            ),
        ),
        says="no journal does",
    ),
    Mutant(
        "I25",
        "the floor was lowered past the history",
        agreed,
        (f"UPDATE funds_terms SET floor_minor = 0 {_THIS}",),
        says="its terms are not those",
    ),
    Mutant(
        "I25",
        "a merchant bore a fee for no refund",
        settled,
        (
            (
                "SELECT post_journal(%(shop)s, 'fee:none:borne', 'channel_fee_borne', now(), 'CNY',"
                " ARRAY[format('merchant:%%s:available', %(shop)s::bigint)], ARRAY['psp_fee'], ARRAY[5::bigint])"
            ),
        ),
        says="bears the fee of no refund",
    ),
]
