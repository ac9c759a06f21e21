"""Money that comes for an order: in time, or when it is closed or paid already. It is real, so it is taken — and served, or owed back.

What was set aside in the wallet pays the order together with a channel's part that makes up the whole price; otherwise it is put back.
"""

from datetime import timedelta

from anka.core import database
from anka.core.clock import Moment
from anka.core.numbers import new_number
from anka.domain.delivery_states import Stage
from anka.domain.postings_unidentified import Arrival
from anka.flows.steps.change import Change, Event, NewUnits, OrderChange, Refund, RefundLeg, journals
from anka.flows.steps.holds import hold_of, put_back, used
from anka.flows.steps.take_money import pay_units
from anka.orders.models import OrderState, Payment
from anka.payments.arrangements import expected

# After this, a late payment is always refunded: nobody waits for goods a day after the order timed out (2-domain, clock `late`).
SERVED_WITHIN = timedelta(hours=24)

ENOUGH = """
SELECT count(*) >= %s FROM (SELECT 1 FROM vault_key WHERE shop_id = %s AND product_id = %s AND status = 'available' LIMIT %s
                            FOR UPDATE SKIP LOCKED) AS free
"""


def take_in(*, state: OrderState, payment: Payment, money: Arrival, at: Moment) -> tuple[str, Change]:
    """Return what becomes of captured money of an order, and the change that does it.

    While the goods are reserved they are paid (`taken`). After a timeout, within 24 hours and with stock: new units (`late_kept`).
    Otherwise it is owed back: `late_refunded`, or `double_refunded` where the order was paid already. After the buyer's own cancel it
    always goes back, and so does a part of the price without the wallet's part that it was begun with.
    """
    reserved = [unit.position for unit in state.units if unit.stage == Stage.RESERVED]
    if state.paid_at is None and state.closed_at is None and len(reserved) == len(state.units):
        # The hold may have run out a moment ago without anybody having acted on it: the goods are still reserved, so it is in time.
        return _in_time(state, payment, money, reserved, at)
    timed_out = state.paid_at is None and state.closed_by == "timeout" and state.closed_at is not None
    whole = payment.amount_minor == state.amount_minor
    if whole and timed_out and state.closed_at and at.now <= state.closed_at + SERVED_WITHIN and _stock_is_there(state):
        return "late_kept", _serve_after_all(state, payment, money, at)
    outcome = "late_refunded" if state.paid_at is None else "double_refunded"
    return outcome, _owe_back(state, payment, money, at)


def _in_time(state: OrderState, payment: Payment, money: Arrival, reserved: list[int], at: Moment) -> tuple[str, Change]:
    hold, posting = hold_of(state), money.paid(order_id=state.id)
    if hold is not None and payment.amount_minor + hold.amount_minor == state.amount_minor:
        rest, taken = used(state=state, hold=hold)
        change = pay_units(state=state, positions=reserved, amount_minor=state.amount_minor, posting=posting + rest, at=at)
        change.taken_hold = taken
        return "taken", change
    if payment.amount_minor == state.amount_minor:
        change = pay_units(state=state, positions=reserved, amount_minor=payment.amount_minor, posting=posting, at=at)
        put_back(state=state, change=change)
        return "taken", change
    # The wallet's part was taken back meanwhile: this alone does not pay the order, which goes on waiting.
    change = _owe_back(state, payment, money, at)
    change.order = OrderChange(paid_minor=payment.amount_minor, refunded_minor=payment.amount_minor, apart=True)
    return "late_refunded", change


def _stock_is_there(state: OrderState) -> bool:
    # Locks the very rows that are about to be reserved, so the answer still holds a statement later.
    wanted = state.quantity
    return bool(database.value(ENOUGH, (wanted, state.shop_id, state.product_id, wanted)))


def _serve_after_all(state: OrderState, payment: Payment, money: Arrival, at: Moment) -> Change:
    first = len(state.units) + 1
    positions = list(range(first, first + state.quantity))
    posting = money.late_kept(order_id=state.id)
    change = pay_units(state=state, positions=positions, amount_minor=payment.amount_minor, posting=posting, at=at)
    change.new_units = NewUnits(
        product_id=state.product_id,
        goods=state.kind,
        positions=positions,
        amounts_minor=[unit.amount_minor for unit in state.units[: state.quantity]],
    )
    change.reopened = True
    return change


def _owe_back(state: OrderState, payment: Payment, money: Arrival, at: Moment) -> Change:
    number = new_number(shop_code=state.shop_code, letter="R")
    posting = money.owed_back(refund_number=number)
    leg = RefundLeg(
        leg=1,
        payment_id=payment.id,
        channel=payment.channel,
        amount_minor=payment.amount_minor,
        arrives_by=expected(channel=payment.channel, accepted_at=at.now).latest_at,
        attempt=new_number(shop_code=state.shop_code, letter="T"),
    )
    cause = "late_payment" if state.paid_at is None else "double_payment"
    refund = Refund(number=number, cause=cause, case_number=None, amount_minor=payment.amount_minor, units=[], legs=[leg])
    details = {"payment": payment.number, "refund": number, "amount_minor": payment.amount_minor}
    return Change(
        order=OrderChange(paid_minor=payment.amount_minor, refunded_minor=payment.amount_minor),
        refunds=[refund],
        journals=journals(posting),
        events=[Event(what=f"{cause}_refunded", details=details)],
    )
