"""Let unidentified money pay the order it was meant for: the decision of finance staff, of two of them where it is much.

It becomes a payment of that order, under the number its channel knows it by, and then goes the way of all money: in time, served late, or
owed back.
"""

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.core.refusals import MovedMeanwhile, NotPermitted, Refusal
from anka.domain.postings_unidentified import Matched
from anka.domain.unidentified import UnidentifiedState, needs_two
from anka.flows.return_unidentified import AlreadyDecided
from anka.flows.steps.change import Event, TakenPayment, apply
from anka.flows.steps.finance_staff import require_finance
from anka.flows.steps.late_money import take_in
from anka.orders.models import OrderState
from anka.orders.queries import lock_order
from anka.payments.unidentified import Unidentified, lock_unidentified

PROPOSE = """
UPDATE payments_unidentified SET proposed_order = %s, proposed_by = %s, proposed_at = %s WHERE shop_id = %s AND id = %s AND status = 'open'
"""
NUMBER_USED = "SELECT EXISTS (SELECT FROM payments_payment WHERE shop_id = %s AND number = %s)"
BEGIN = "SELECT begin_payment($1, $2, $3, $4, $5)"
MATCH = "SELECT match_unidentified($1, $2, $3, $4, $5)"


class MoneyDoesNotFitOrder(Refusal):
    """Amount or currency differ from the order's, or the order is paid already."""

    code, status = "money_does_not_fit", 409
    says = _("This money does not fit that order: it has to be unpaid and cost exactly as much. Nothing has changed; send the money back.")


class SecondPersonNeeded(Refusal):
    """An amount like this needs two persons, and the second one cannot be the first."""

    code, status = "second_person_needed", 409
    says = _("Somebody else of the finance staff has to approve this. Nothing has changed.")


class OwnOrder(NotPermitted):
    """Nobody decides about money for an order they are a party to."""

    code = "own_order"
    says = _("You are a party to this order, so somebody else has to decide. Nothing has changed.")


def match_unidentified(*, actor: Actor, number: str, order_number: str, at: Moment) -> str:
    """Let unidentified money pay an order and return what became of it; `proposed` where a second person has to approve first.

    Asking again for the same changes nothing (`repeated`).

    Raises:
        NotFound: there is no such money or order, or the actor is not of the finance staff.
        AlreadyDecided, MoneyDoesNotFitOrder, OwnOrder: as their names say.
    """
    with database.transaction():
        found, state = _locked(actor, number, order_number, at)
        if found.matched_order == state.number:
            return "repeated"
        _require_fit(actor, found, state)
        if not needs_two(amount_minor=found.amount_minor):
            return _carry_out(actor, found, state, at)
        if (found.proposed_order, found.proposed_by) != (state.number, actor.person_id):
            database.rows(PROPOSE, (state.number, actor.person_id, at.now, found.shop_id, found.id))
        return "proposed"


def approve_match(*, actor: Actor, number: str, order_number: str, at: Moment) -> str:
    """Approve as the second person that unidentified money pays the order the first one proposed, and return what became of it.

    The order is named again, so that nobody approves another one than they saw.

    Raises:
        NotFound: there is no such money or order, or the actor is not of the finance staff.
        MovedMeanwhile: another order is proposed, or none. SecondPersonNeeded: it was the actor who proposed it.
        AlreadyDecided, MoneyDoesNotFitOrder, OwnOrder: as their names say.
    """
    with database.transaction():
        found, state = _locked(actor, number, order_number, at)
        if found.matched_order == state.number:
            return "repeated"
        _require_fit(actor, found, state)
        if found.proposed_order != state.number:
            raise MovedMeanwhile
        if found.proposed_by == actor.person_id:
            raise SecondPersonNeeded
        return _carry_out(actor, found, state, at)


def _locked(actor: Actor, number: str, order_number: str, at: Moment) -> tuple[Unidentified, OrderState]:
    require_finance(actor=actor, at=at)
    state = lock_order(number=order_number, actor=actor, request=unrepeated(str(actor)), at=at)
    return lock_unidentified(number=number), state


def _require_fit(actor: Actor, found: Unidentified, state: OrderState) -> None:
    if found.status != UnidentifiedState.OPEN:
        raise AlreadyDecided
    if actor.person_id == state.buyer_id or state.standing.shop_role is not None:
        raise OwnOrder
    fits = (found.amount_minor, found.currency) == (state.amount_minor, state.currency)
    if not fits or state.paid_at is not None or database.value(NUMBER_USED, (state.shop_id, found.payment_number)):
        raise MoneyDoesNotFitOrder


def _carry_out(actor: Actor, found: Unidentified, state: OrderState, at: Moment) -> str:
    begun = {"number": found.payment_number, "channel": found.channel, "amount_minor": found.amount_minor, "expires_at": at.now}
    database.call(BEGIN, state.shop_id, state.id, at.now, found.currency, msgspec.json.encode(begun).decode())
    database.call(MATCH, found.shop_id, found.id, at.now, str(actor), state.number)
    state = lock_order(number=state.number, actor=actor, request=unrepeated(str(actor)), at=at)
    payment = state.payment(found.payment_number)
    if payment is None:
        raise MovedMeanwhile
    money = Matched(shop_id=state.shop_id, channel=found.channel, unidentified_number=found.number, amount_minor=found.amount_minor)
    outcome, change = take_in(state=state, payment=payment, money=money, at=at)
    change.taken = TakenPayment(payment_number=payment.number, channel=found.channel, transaction_number=found.transaction_number)
    details = {"payment": payment.number, "amount_minor": found.amount_minor, "proposed_by": found.proposed_by}
    change.events = [*change.events, Event(what="payment_matched", details=details)]
    apply(state=state, change=change, actor=actor, request=unrepeated(str(actor)), at=at)
    return outcome
