"""Take a payment by hand: its buyer paid, the channel's notice was lost, and the channel cannot be asked (jobs/by_hand.py has tried).

Somebody of the finance staff says which transaction brought how much and where that can be seen; from a limit on, a second person has to
say the same. The money then goes the way of all money, under the channel's own transaction number: a notice that comes after all finds it
taken. Neither of the two may be a party to the order.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.core.refusals import BadInput, MovedMeanwhile, Refusal
from anka.domain.by_hand import needs_two
from anka.domain.payment_states import PaymentState
from anka.domain.postings_unidentified import Captured
from anka.flows.match_unidentified import OwnOrder
from anka.flows.steps.case_parts import Notice
from anka.flows.steps.change import Change, Event, TakenPayment, apply
from anka.flows.steps.finance_staff import require_finance
from anka.flows.steps.late_money import take_in
from anka.flows.take_payment import ORDER_OF, AmountDiffers, PaymentUnknown, TransactionAlreadyTaken
from anka.orders.models import OrderState, Payment
from anka.orders.queries import lock_order
from anka.payments.by_hand import OpenSaid, open_said, was_refused
from anka.payments.unidentified import taken_as_unidentified

SAY = """
INSERT INTO payments_by_hand (shop_id, payment_id, transaction_number, amount_minor, proof, made_by, made_at, status)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'open') RETURNING id
"""
DECIDE = """
UPDATE payments_by_hand SET status = %s, decided_by = %s, decided_at = %s, outcome = %s WHERE shop_id = %s AND id = %s AND status = 'open'
"""
HOLD = "SELECT lock_transaction($1, $2)"
TRANSACTION = re.compile(r"[!-~]{1,128}")
LONGEST_PROOF = 1_000


class PaymentTakenAlready(Refusal):
    """The payment has come under another transaction number."""

    code, status = "payment_taken_already", 409
    says = _("This payment has already come, under another transaction number. Nothing has changed; look at the order first.")


class OtherWordsWait(Refusal):
    """Somebody has said something else of this payment, and nobody has decided about that."""

    code, status = "other_words_wait", 409
    says = _("Somebody has entered another transaction for this payment. Nothing has changed; refuse theirs first, or approve it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What somebody says to have seen: which transaction of the channel brought how much for which payment, and where to see it again."""

    payment_number: str
    transaction_number: str
    amount_minor: int
    proof: str


def take_by_hand(*, actor: Actor, said: Statement, at: Moment) -> str:
    """Take a payment on the word of finance staff and return what became of it: taken, late_kept, late_refunded or double_refunded.

    `proposed` where a second person has to say the same first; a second person who names the same transaction and amount approves.
    Saying it again changes nothing (`repeated` once it was taken).

    Raises:
        NotFound: the actor is not of the finance staff. PaymentUnknown: no order has such a payment.
        OwnOrder: the actor is a party to the order. BadInput: something is missing or too long.
        AmountDiffers, TransactionAlreadyTaken, PaymentTakenAlready, OtherWordsWait: as their names say.
    """
    with database.transaction():
        state, payment = _locked(actor, said.payment_number, at)
        if payment.status == PaymentState.PAID:
            if payment.transaction_number != said.transaction_number:
                raise PaymentTakenAlready
            return "repeated"
        _require_proper(payment, said)
        waits = open_said(shop_id=state.shop_id, payment_id=payment.id)
        if waits is None:
            waits = _say(actor, state, payment, said, at)
            if needs_two(amount_minor=said.amount_minor):
                _tell_platform(actor, state, payment, waits, at)
                return "proposed"
        elif (waits.transaction_number, waits.amount_minor) != (said.transaction_number, said.amount_minor):
            raise OtherWordsWait
        elif waits.made_by == actor.person_id:
            return "proposed"
        return _carry_out(actor, state, payment, waits, at)


def refuse_by_hand(*, actor: Actor, payment_number: str, transaction_number: str, at: Moment) -> None:
    """Refuse what waits for a second person, or withdraw what the actor said; doing it again changes nothing.

    The transaction is named again, so that nobody refuses another one than they saw.

    Raises:
        NotFound, PaymentUnknown, OwnOrder: as take_by_hand. MovedMeanwhile: nothing waits, or something else.
    """
    with database.transaction():
        state, payment = _locked(actor, payment_number, at)
        waits = open_said(shop_id=state.shop_id, payment_id=payment.id)
        if waits is None and was_refused(shop_id=state.shop_id, payment_id=payment.id, transaction_number=transaction_number):
            return
        if waits is None or waits.transaction_number != transaction_number:
            raise MovedMeanwhile
        _decide(actor, state, waits, ("refused", None), at)
        change = Change(events=[Event(what="payment_by_hand_refused", details=_details(payment, waits))])
        apply(state=state, change=change, actor=actor, request=unrepeated(str(actor)), at=at)


def _locked(actor: Actor, payment_number: str, at: Moment) -> tuple[OrderState, Payment]:
    require_finance(actor=actor, at=at)
    number = database.call(ORDER_OF, payment_number)
    if number is None:
        raise PaymentUnknown
    state = lock_order(number=number, actor=actor, request=unrepeated(str(actor)), at=at)
    payment = state.payment(payment_number)
    if payment is None:
        raise PaymentUnknown
    if actor.person_id == state.buyer_id or state.standing.shop_role is not None:
        raise OwnOrder
    return state, payment


def _require_proper(payment: Payment, said: Statement) -> None:
    wrong: dict[str, str] = {}
    if not TRANSACTION.fullmatch(said.transaction_number):
        wrong["transaction_number"] = "1 to 128 characters without blanks"
    if not 0 < len(said.proof.strip()) <= LONGEST_PROOF or "\0" in said.proof:
        wrong["proof"] = f"1 to {LONGEST_PROOF} characters"
    if wrong:
        raise BadInput(fields=wrong)
    if said.amount_minor != payment.amount_minor:
        raise AmountDiffers
    # A notice of this transaction for another payment may be under way at this moment.
    database.call(HOLD, payment.channel, said.transaction_number)
    if taken_as_unidentified(channel=payment.channel, transaction_number=said.transaction_number)[0]:
        raise TransactionAlreadyTaken


def _say(actor: Actor, state: OrderState, payment: Payment, said: Statement, at: Moment) -> OpenSaid:
    facts = (said.transaction_number, said.amount_minor, said.proof.strip(), actor.person_id)
    return OpenSaid(int(database.value(SAY, (state.shop_id, payment.id, *facts, at.now))), *facts)


def _tell_platform(actor: Actor, state: OrderState, payment: Payment, waits: OpenSaid, at: Moment) -> None:
    change = Change(
        events=[Event(what="payment_by_hand_entered", details=_details(payment, waits))],
        notices=[Notice(audience="platform", kind="payment_needs_approval", details={"amount_minor": waits.amount_minor})],
    )
    apply(state=state, change=change, actor=actor, request=unrepeated(str(actor)), at=at)


def _carry_out(actor: Actor, state: OrderState, payment: Payment, waits: OpenSaid, at: Moment) -> str:
    money = Captured(
        shop_id=state.shop_id, channel=payment.channel, transaction_number=waits.transaction_number, amount_minor=waits.amount_minor
    )
    outcome, change = take_in(state=state, payment=payment, money=money, at=at)
    _decide(actor, state, waits, ("taken", outcome), at)
    change.taken = TakenPayment(payment_number=payment.number, channel=payment.channel, transaction_number=waits.transaction_number)
    details = {**_details(payment, waits), "entered_by": waits.made_by, "approved_by": actor.person_id}
    change.events = [*change.events, Event(what="payment_taken_by_hand", details=details)]
    change.notices = [*change.notices, Notice(audience="buyer", kind="payment_found", details={"amount_minor": waits.amount_minor})]
    apply(state=state, change=change, actor=actor, request=unrepeated(str(actor)), at=at)
    return outcome


def _decide(actor: Actor, state: OrderState, waits: OpenSaid, decided: tuple[str, str | None], at: Moment) -> None:
    database.rows(DECIDE, (decided[0], actor.person_id, at.now, decided[1], state.shop_id, waits.id))


def _details(payment: Payment, waits: OpenSaid) -> dict[str, object]:
    return {
        "payment": payment.number,
        "channel": payment.channel,
        "transaction": waits.transaction_number,
        "amount_minor": waits.amount_minor,
    }
