"""A shop's own money, moved by the real flows: a deposit paid in through a channel, a withdrawal that the bank has paid."""

from anka.core.clock import Moment
from anka.flows.ask_withdrawal import WithdrawalAsked, ask_withdrawal
from anka.flows.begin_top_up import Wanted, begin_deposit_top_up
from anka.flows.decide_withdrawal import approve_withdrawal
from anka.flows.record_payout import begin_payout, record_paid
from anka.flows.take_payment import PaidNotice
from anka.flows.take_top_up import take_top_up
from tests.builders.cases import an_arbiter
from tests.builders.moments import at
from tests.builders.people import Shop, a_key, serial

ACCOUNT = "6222 0000 1234 5678"


def a_deposit(shop: Shop, amount_minor: int, *, when: Moment | None = None) -> None:
    """The owner has paid so much into the deposit through a channel."""
    wanted, when = Wanted(amount_minor=amount_minor, channel="sandbox"), when or at()
    number = begin_deposit_top_up(actor=shop.owner, shop_id=shop.id, wanted=wanted, request=a_key(shop.owner), at=when)
    paid = PaidNotice(
        channel="sandbox",
        payment_number=number,
        transaction_number=f"DEP{serial():010d}",
        amount_minor=amount_minor,
        currency="CNY",
    )
    assert take_top_up(paid=paid, at=when).outcome == "topped_up"


def a_withdrawal(shop: Shop, amount_minor: int, *, when: Moment | None = None) -> str:
    """The owner has asked for so much; the number of the withdrawal."""
    asked = WithdrawalAsked(amount_minor=amount_minor, account=ACCOUNT)
    return ask_withdrawal(actor=shop.owner, shop_id=shop.id, asked=asked, request=a_key(shop.owner), at=when or at(days=5))


def withdrawn(shop: Shop, amount_minor: int, *, when: Moment | None = None) -> str:
    """So much has left for the bank, at most what one person approves; the number of the withdrawal."""
    when, finance = when or at(days=5), an_arbiter("finance")
    number = a_withdrawal(shop, amount_minor, when=when)
    for step in (approve_withdrawal, begin_payout):
        step(actor=finance, number=number, request=a_key(finance), at=when)
    record_paid(actor=finance, number=number, bank_reference=f"BANK-{serial()}", request=a_key(finance), at=when)
    return number
