"""Pay an order from the buyer's wallet: money and goods move in one transaction, no channel is involved."""

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.refusals import Refusal, refused_by
from anka.domain import postings
from anka.domain.funds_mode import Doing
from anka.flows.begin_payment import require_payable
from anka.flows.steps.change import NewPayment, TakenPayment, apply
from anka.flows.steps.holds import put_back
from anka.flows.steps.take_money import pay_units
from anka.ledger import mode
from anka.orders.queries import lock_order

WALLET = "wallet"


@refused_by("account_floor")
class BalanceTooLow(Refusal):
    """An account would fall below its floor: the wallet (or escrow) does not hold that much."""

    code, status = "balance_too_low", 409
    says = _("The balance is not enough for this. Nothing was charged; choose another way to pay.")


def pay_from_wallet(*, actor: Actor, order_number: str, request: RequestKey, at: Moment) -> str:
    """Pay the whole order from the wallet and return the payment's number. The floor of the wallet is checked by the ledger.

    Raises:
        NotFound, OrderNotPayable, BalanceTooLow, NotOursToHold: nothing was charged.
        AlreadyDone: this request was carried out before; its reference is the payment's number.
    """
    mode.require(doing=Doing.PAY_FROM_WALLET)
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_payable(state=state, at=at)
        number = new_number(shop_code=state.shop_code, letter="P")
        posting = postings.paid_from_wallet(
            shop_id=state.shop_id, order_id=state.id, buyer_id=state.buyer_id, payment_number=number, amount_minor=state.amount_minor
        )
        # Shop 0 last: every flow takes the books in the same order.
        ordered = tuple(sorted(posting, key=lambda journal: journal.shop_id == 0))
        change = pay_units(
            state=state, positions=[unit.position for unit in state.units], amount_minor=state.amount_minor, posting=ordered, at=at
        )
        put_back(state=state, change=change)
        change.new_payment = NewPayment(number=number, channel=WALLET, amount_minor=state.amount_minor, expires_at=state.hold_until)
        change.taken = TakenPayment(payment_number=number, channel=WALLET, transaction_number=number)
        apply(state=state, change=change, actor=actor, request=request, reference=number, at=at)
        return number
