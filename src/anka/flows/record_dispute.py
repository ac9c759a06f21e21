"""Apply what a channel says about a dispute, or what we decide about one. One entrance, one transaction; safe to repeat, in any order."""

from datetime import timedelta
from typing import Any

import msgspec

from anka.core import database
from anka.core.actors import gateway
from anka.core.clock import Moment
from anka.core.idempotency import unrepeated
from anka.core.numbers import new_number
from anka.domain.deadlines import clock_named
from anka.domain.dispute_states import GIVEN_UP, DisputeKind, DisputeState, agree
from anka.domain.postings_channel import chargeback_opened
from anka.flows.steps.bank_repaid import bank_repaid
from anka.flows.steps.case_parts import Notice
from anka.flows.steps.change import Change, Event, apply
from anka.flows.steps.dispute_ended import lost, won
from anka.flows.steps.dispute_notice import DisputeNotice, DisputePaymentUnknown, as_json, keep, require_fits
from anka.flows.steps.dispute_opened import opened
from anka.flows.steps.dispute_parts import DISPUTES
from anka.flows.steps.dispute_without_order import ended_without_order, without_order
from anka.orders.models import OpenDispute, OrderState
from anka.orders.queries import lock_order
from anka.payments.disputes import Dispute, DisputedPayment, by_channel, by_number, lock_payment, payment_of

# Card schemes give a week at least to answer a chargeback; where the channel says when, that counts.
ANSWER_WITHIN = timedelta(days=7)
BEGIN = "SELECT begin_dispute(%s, %s, %s, %s, %s::jsonb)"
SHARE = "SELECT share_dispute(%s, %s, %s, %s::jsonb)"
END = "SELECT end_dispute(%s, %s, %s, %s::jsonb)"
HELD = """
SELECT attempt.number FROM payments_leg AS leg JOIN payments_attempt AS attempt
    ON attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg
WHERE leg.shop_id = %s AND leg.payment_id = %s AND attempt.status IN ('created', 'waiting_funds', 'unknown') ORDER BY attempt.id
"""
D = DisputeState


class Recorded(msgspec.Struct, frozen=True):
    """The dispute's number, what it is now, and whether this was news."""

    number: str
    status: DisputeState
    is_news: bool


def record_dispute(*, notice: DisputeNotice, at: Moment) -> Recorded:
    """Apply what a channel says: a dispute nobody knew is opened, an open one ended; everything is kept, nothing happens twice.

    What says that a dispute is over makes it known as well, so that it does not matter which message comes first. What contradicts a
    decision that is known is kept, said once in the order's history, and changes nothing.

    Raises:
        DisputePaymentUnknown, DisputeDiffers: nothing was kept. Busy: somebody else holds the order.
    """
    with database.transaction():
        payment = payment_of(channel=notice.channel, number=notice.payment_number)
        if payment is None:
            raise DisputePaymentUnknown
        _lock(payment, at)
        known = by_channel(channel=notice.channel, channel_number=notice.channel_number)
        require_fits(payment=payment, notice=notice, known=known)
        dispute = known or _open(payment, notice, at)
        ends = dispute.status == D.OPEN and notice.said != D.OPEN
        if ends:
            dispute = _end(payment, dispute, notice.said, at)
        is_news = ends or known is None
        keep(dispute=dispute, notice=notice, applied="true" if is_news else "false", at=at)
        if not agree(known=dispute.status, said=notice.said):
            _contradicted(payment, dispute, notice, at)
        return Recorded(number=dispute.number, status=dispute.status, is_news=is_news)


def _lock(payment: DisputedPayment, at: Moment) -> OrderState | None:
    if payment.order_number is None:
        lock_payment(shop_id=payment.shop_id, payment_id=payment.payment_id)
        return None
    return lock_order(number=payment.order_number, actor=DISPUTES, request=unrepeated(str(DISPUTES)), at=at)


def _open(payment: DisputedPayment, notice: DisputeNotice, at: Moment) -> Dispute:
    state = _lock(payment, at)
    default = ANSWER_WITHIN if notice.kind == DisputeKind.CHARGEBACK else clock_named(name="external_done").default
    number = new_number(shop_code=payment.shop_code, letter="D")
    begun = {
        "number": number,
        "kind": notice.kind,
        "channel": notice.channel,
        "channel_number": notice.channel_number,
        "amount_minor": notice.amount_minor or payment.amount_minor,
        "currency": payment.currency,
        "reason": notice.reason[:200],
        "evidence_due_at": notice.evidence_due_at if notice.evidence_due_at and notice.evidence_due_at > at.now else at.now + default,
    }
    order_id = None if state is None else state.id
    dispute_id = database.value(BEGIN, (payment.shop_id, order_id, payment.payment_id, at.now, as_json(begun)))
    if state is None:
        posting = chargeback_opened(
            shop_id=payment.shop_id, channel=notice.channel, dispute=number, amount_minor=notice.amount_minor or payment.amount_minor
        )
        posting = posting if notice.kind == DisputeKind.CHARGEBACK else ()
        without_order(payment=payment, posting=posting, kind="payment_disputed", number=number, at=at)
    else:
        state, dispute = _open_in(payment, dispute_id, at)
        change, parts = opened(state=state, dispute=dispute, at=at)
        database.rows(SHARE, (state.shop_id, dispute.id, state.id, as_json([part._asdict() for part in parts])))
        _apply(state, change, at)
    return _read(number)


def _end(payment: DisputedPayment, known: Dispute, said: DisputeState, at: Moment) -> Dispute:
    is_chargeback = known.kind == DisputeKind.CHARGEBACK
    repaid, losses, change, state = 0, dict[int, int](), None, None
    if said in GIVEN_UP and is_chargeback:
        repaid = bank_repaid(
            shop_id=known.shop_id, payment_id=known.payment_id, amount_minor=known.amount_minor, actor=str(gateway(known.channel)), at=at
        )
    if payment.order_number is not None:
        state, dispute = _open_in(payment, known.id, at)
        if said in GIVEN_UP:
            change, losses = lost(state=state, dispute=dispute, repaid_minor=repaid, at=at)
        else:
            held = [number for (number,) in database.rows(HELD, (known.shop_id, known.payment_id))]
            change = won(state=state, dispute=dispute, attempts=held, at=at)
    sums = {"repaid_minor": repaid, "lost_minor": sum(losses.values())} if said in GIVEN_UP and is_chargeback else {}
    unborne = known.amount_minor - sum(sums.values()) if sums else 0
    each = [{"position": position, "lost_minor": minor} for position, minor in losses.items()]
    ended = {"status": said, **sums, "unborne_minor": unborne, "lost": each}
    database.rows(END, (known.shop_id, known.id, at.now, as_json(ended)))
    if change is not None and state is not None:
        _apply(state, change, at)
    else:
        posting = ended_without_order(known=known, said=said, unborne=unborne) if is_chargeback else ()
        without_order(payment=payment, posting=posting, kind=f"dispute_{said}", number=known.number, at=at)
    return _read(known.number)


def _open_in(payment: DisputedPayment, dispute_id: int, at: Moment) -> tuple[OrderState, OpenDispute]:
    """Return the order, read anew under its lock, with the open dispute in it."""
    state = lock_order(number=payment.order_number or "", actor=DISPUTES, request=unrepeated(str(DISPUTES)), at=at)
    return state, next(one for one in state.disputes if one.id == dispute_id)


def _apply(state: OrderState, change: Change, at: Moment) -> None:
    apply(state=state, change=change, actor=DISPUTES, request=unrepeated(str(DISPUTES)), at=at)


def _read(number: str) -> Dispute:
    found = by_number(number=number)
    if found is None:
        raise LookupError(number)
    return found


SAID_BEFORE = "SELECT count(*) FROM payments_dispute_evidence WHERE shop_id = %s AND dispute_id = %s AND said = %s AND NOT applied"


def _contradicted(payment: DisputedPayment, dispute: Dispute, notice: DisputeNotice, at: Moment) -> None:
    if database.value(SAID_BEFORE, (dispute.shop_id, dispute.id, notice.said)) > 1:
        return
    details: dict[str, Any] = {"dispute": dispute.number, "known": dispute.status, "said": notice.said}
    state = _lock(payment, at)
    if state is None:
        without_order(payment=payment, posting=(), kind="dispute_contradicted", number=dispute.number, at=at)
        return
    told = Notice(audience="platform", kind="dispute_contradicted", details=details)
    _apply(state, Change(events=[Event(what="dispute_contradicted", details=details)], notices=[told]), at)
