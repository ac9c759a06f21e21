"""Wallet money set aside for an order that waits for the rest of its payment: put aside, used with the rest, or put back.

The hold is an open payment by wallet, one per order, and its money stands on the order's own account until the order is paid or closed.
"""

from typing import Any

from anka.core.numbers import new_number
from anka.domain.postings import Posting
from anka.domain.postings_wallet import held_released, held_used, wallet_held
from anka.domain.refund_plan import WALLET
from anka.flows.steps.change import Change, Event, NewPayment, TakenPayment, journals
from anka.orders.models import OrderState, Payment


def hold_of(state: OrderState) -> Payment | None:
    """Return what of the buyer's wallet is set aside for this order, or None."""
    return next((payment for payment in state.live_payments() if payment.channel == WALLET), None)


def held_minor(state: OrderState) -> int:
    """Return how much is set aside, in minor units."""
    hold = hold_of(state)
    return hold.amount_minor if hold else 0


def put_aside(*, state: OrderState, change: Change, amount_minor: int) -> None:
    """Add to a change that so much of the wallet is set aside. The wallet's floor is checked by the ledger."""
    number = new_number(shop_code=state.shop_code, letter="P")
    change.held = NewPayment(number=number, channel=WALLET, amount_minor=amount_minor, expires_at=state.hold_until)
    posting = wallet_held(
        shop_id=state.shop_id, order_id=state.id, buyer_id=state.buyer_id, payment_number=number, amount_minor=amount_minor
    )
    change.journals = _ordered([*change.journals, *journals(posting)])
    change.events = [*change.events, Event(what="wallet_held", details={"payment": number, "amount_minor": amount_minor})]


def put_back(*, state: OrderState, change: Change) -> None:
    """Add to a change that what is set aside goes back into the wallet, where there is anything: the order closes, or is paid otherwise."""
    hold = hold_of(state)
    if hold is None:
        return
    change.closed_payments = [*change.closed_payments, hold.id]
    posting = held_released(
        shop_id=state.shop_id, order_id=state.id, buyer_id=state.buyer_id, payment_number=hold.number, amount_minor=hold.amount_minor
    )
    # Before whatever else the change does with the wallet: the same money may be wanted again.
    change.journals = _ordered([*journals(posting), *change.journals])
    details = {"payment": hold.number, "amount_minor": hold.amount_minor}
    change.events = [*change.events, Event(what="wallet_hold_released", details=details)]


def used(*, state: OrderState, hold: Payment) -> tuple[Posting, TakenPayment]:
    """Return how the order is paid with what was set aside: the posting, and the payment by wallet that is taken with it."""
    posting = held_used(shop_id=state.shop_id, order_id=state.id, payment_number=hold.number, amount_minor=hold.amount_minor)
    return posting, TakenPayment(payment_number=hold.number, channel=WALLET, transaction_number=hold.number)


def _ordered(found: list[Any]) -> list[Any]:
    """Return journals with those of shop 0 last: every flow takes the books in the same order."""
    return sorted(found, key=lambda journal: bool(journal["shop_id"] == 0))
