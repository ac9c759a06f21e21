"""Payments whose notice was lost, for finance staff: find one, have its channel asked, or take it by hand where nobody can be asked."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.core.actors import Actor
from anka.core.refusals import NotFound, Refusal
from anka.domain.by_hand import FOUR_EYES_FROM_MINOR, needs_two
from anka.domain.payment_states import PaymentState
from anka.flows.take_by_hand import LONGEST_PROOF, Statement, refuse_by_hand
from anka.flows.take_payment import AmountDiffers
from anka.jobs import look_again
from anka.jobs.channels import WALLET
from anka.payments.by_hand import DeskPayment, desk_payment, payments_of_order, waiting_for_two
from anka.web import words
from anka.web.platform.staff import finance_of, names_of
from anka.web.requests import PageRequest, key_of, new_key, require_number
from anka.web.typed import AmountOutOfBounds, typed_amount, typed_text

ADDRESS = "/platform/payments"
SHOWN = 50
LONGEST_TRANSACTION = 128
STATES = {
    PaymentState.CREATED: gettext_lazy("begun"),
    PaymentState.PENDING: gettext_lazy("waits for the payer"),
    PaymentState.PAID: gettext_lazy("paid"),
    PaymentState.CLOSED: gettext_lazy("closed unpaid"),
    PaymentState.FAILED: gettext_lazy("failed"),
}
OUTCOMES = {
    "taken": ("ok", gettext_lazy("The payment has come; the order is paid.")),
    "repeated": ("ok", gettext_lazy("It had come already; nothing was done twice.")),
    "late_kept": ("ok", gettext_lazy("It has paid the order, which had timed out; new goods were reserved.")),
    "late_refunded": ("ok", gettext_lazy("The order had been closed, so the money goes back.")),
    "double_refunded": ("ok", gettext_lazy("The order was paid already, so this money goes back.")),
    "proposed": ("ok", gettext_lazy("Entered. Somebody else of the finance staff has to enter the same, or approve it here.")),
    "nothing": ("wait", gettext_lazy("No payment was begun for this order.")),
    "refused": ("ok", gettext_lazy("Not confirmed; it is on record.")),
    "differs": ("wait", gettext_lazy("The channel says something else than was asked for. It is asked until it is clear.")),
    "not_paid": ("wait", gettext_lazy("The channel says that it has not received this payment. It cannot be taken by hand.")),
    "no_answer": ("wait", gettext_lazy("The channel does not answer. Try again, or take the payment by hand.")),
    "channel_off": ("wait", gettext_lazy("This channel is out of use, so nobody can be asked. Take the payment by hand.")),
}
Shown = dict[str, Any]


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show what waits for a second person, and the payments somebody looks for by a number of theirs or of their order."""
    return _page(request, finance_of(request), number=request.GET.get("number", ""), told=told(request))


@require_POST
def act(request: PageRequest, number: str, step: str) -> HttpResponse:
    """Have the channel asked, take a payment by hand, or refuse what somebody entered; a refusal is shown above the payment."""
    actor = finance_of(request)
    if step not in STEPS:
        raise NotFound
    # Each step can be taken once only, so nothing has to be remembered under the key; but the form has to be one of ours.
    key_of(request, "transaction_number", "amount")
    payment = desk_payment(number=require_number(number))
    if payment is None:
        raise NotFound
    try:
        outcome = STEPS[step](request, actor, payment)
    except Refusal as refused:
        if refused.status >= 500 or isinstance(refused, NotFound):
            raise
        return _page(request, actor, number=number, told=[{"tone": "bad", "text": str(refused)}], status=refused.status)
    return HttpResponseRedirect(f"{ADDRESS}?{urlencode({'number': number, 'done': outcome})}")


def told(request: PageRequest) -> list[Shown]:
    """Return what came of asking or taking, as a notice of the page it leads back to."""
    found = OUTCOMES.get(request.GET.get("done", ""))
    return [{"tone": found[0], "text": found[1]}] if found else []


def _look(request: PageRequest, actor: Actor, payment: DeskPayment) -> str:
    return look_again.look_at_payment(actor=actor, payment_number=payment.number, at=request.at)


def _take(request: PageRequest, actor: Actor, payment: DeskPayment) -> str:
    try:
        text = request.POST.get("amount", "")
        amount = typed_amount(text, currency=payment.currency, least_minor=payment.amount_minor, most_minor=payment.amount_minor)
    except AmountOutOfBounds as other:
        raise AmountDiffers from other
    said = Statement(
        payment_number=payment.number,
        transaction_number=typed_text(request.POST.get("transaction_number", ""), most=LONGEST_TRANSACTION),
        amount_minor=amount,
        proof=typed_text(request.POST.get("proof", ""), most=LONGEST_PROOF),
    )
    return look_again.take(actor=actor, said=said, at=request.at)


def _approve(request: PageRequest, actor: Actor, payment: DeskPayment) -> str:
    """Say the same as the first person: the transaction that was shown, and all of the payment."""
    said = Statement(
        payment_number=payment.number,
        transaction_number=request.POST.get("transaction_number", ""),
        amount_minor=payment.amount_minor,
        proof=payment.said.proof if payment.said else "",
    )
    return look_again.take(actor=actor, said=said, at=request.at)


def _refuse(request: PageRequest, actor: Actor, payment: DeskPayment) -> str:
    transaction = request.POST.get("transaction_number", "")
    refuse_by_hand(actor=actor, payment_number=payment.number, transaction_number=transaction, at=request.at)
    return "refused"


STEPS = {"look": _look, "take": _take, "approve": _approve, "refuse": _refuse}


def _page(request: PageRequest, actor: Actor, *, number: str, told: list[Shown], status: int = 200) -> HttpResponse:
    wanted = number.strip().upper()
    found = _found(wanted) if wanted else []
    waiting = [] if wanted else waiting_for_two(limit=SHOWN)
    named = names_of(
        {one for payment in (*found, *waiting) if payment.said for one in (payment.said.made_by, payment.said.decided_by or 0)}
    )
    shown = {
        "number": wanted,
        "nothing_found": bool(wanted) and not found,
        "items": [_item(payment, actor.person_id, named) for payment in (*found, *waiting)],
        "limit_text": words.amount(FOUR_EYES_FROM_MINOR, "CNY"),
        "notices": told,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/by_hand.html", shown, status=status)


def _found(number: str) -> list[DeskPayment]:
    """Return the payment of this number, or the payments of the order of this number; none where it is neither."""
    try:
        require_number(number)
    except NotFound:
        return []
    payment = desk_payment(number=number)
    return [payment] if payment else payments_of_order(order_number=number)


def _item(payment: DeskPayment, person_id: int, named: dict[int, str]) -> Shown:
    said = payment.said
    return {
        "payment": payment,
        "channel": words.channel(payment.channel),
        "state": STATES.get(payment.status, str(payment.status)),
        "tone": "ok" if payment.status == PaymentState.PAID else "wait",
        "can_be_asked": payment.channel != WALLET and payment.status != PaymentState.PAID,
        "needs_two": needs_two(amount_minor=payment.amount_minor),
        "said": said,
        "waits": said is not None and said.status == "open",
        "mine": said is not None and said.made_by == person_id,
        "made_by": named.get(said.made_by, "") if said else "",
        "decided_by": named.get(said.decided_by or 0, "") if said else "",
    }
