"""Finance pays an approved withdrawal at the bank: first says so, that nobody else pays it too, then enters what the bank answered."""

import re

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.freezes import require_payouts_flow
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, MovedMeanwhile, Refusal, refused_by
from anka.domain import postings_merchant
from anka.domain.withdrawals import WithdrawalState
from anka.flows.decide_withdrawal import require_reason
from anka.flows.steps.funds_desk import finance_desk, post_now, tell_of
from anka.funds import writes

_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z _/-]{2,62}[0-9A-Za-z]", re.ASCII)


@refused_by("funds_withdrawal_reference_once")
class BankReferenceUsed(Refusal):
    """Another withdrawal of this shop was paid under this number of the bank."""

    code, status = "bank_reference_used", 409
    says = _("Another withdrawal carries this bank reference. Nothing has changed; look at the bank's statement again.")


class PaidBySomebodyElse(Refusal):
    """Somebody else of finance is paying this."""

    code, status = "paid_by_somebody_else", 409
    says = _("Somebody else has begun to pay this. Nothing has changed; do not pay it a second time.")


def begin_payout(*, actor: Actor, number: str, request: RequestKey, at: Moment) -> None:
    """Say that the bank is being told to pay; refused while payouts are frozen.

    Raises:
        NotFound, OwnShop, MovedMeanwhile, PayoutsFrozen: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the withdrawal's number.
    """
    with database.transaction():
        desk, found = finance_desk(actor=actor, number=number, request=request, at=at)
        require_new(desk.replay)
        require_payouts_flow()
        if found.status == WithdrawalState.PAYING:
            raise PaidBySomebodyElse
        if found.status != WithdrawalState.APPROVED:
            raise MovedMeanwhile
        writes.move_withdrawal(withdrawal=found, status=WithdrawalState.PAYING, person_id=actor.person_id, at=at)
        writes.record_step(shop_id=found.shop_id, actor=actor, what="withdrawal_paying", number=number, details={}, at=at)
        writes.remember(request=request, reference=number, at=at)


def record_paid(*, actor: Actor, number: str, bank_reference: str, request: RequestKey, at: Moment) -> None:
    """Enter that the bank has paid, under which number of its own: the money leaves the books, the fee stays.

    What the bank has done is written down even while payouts are frozen.

    Raises:
        BadInput: the reference is not 4 to 64 letters, digits, spaces, `_`, `/` or `-`.
        BankReferenceUsed, NotFound, OwnShop, MovedMeanwhile: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the withdrawal's number.
    """
    bank_reference = bank_reference.strip()
    if not _REFERENCE.fullmatch(bank_reference):
        raise BadInput(fields={"bank_reference": "4–64"})
    with database.transaction():
        desk, found = finance_desk(actor=actor, number=number, request=request, at=at)
        require_new(desk.replay)
        if found.status != WithdrawalState.PAYING:
            raise MovedMeanwhile
        writes.move_withdrawal(withdrawal=found, status=WithdrawalState.PAID, person_id=actor.person_id, text=bank_reference, at=at)
        details = {"bank_reference": bank_reference}
        writes.record_step(shop_id=found.shop_id, actor=actor, what="withdrawal_paid", number=number, details=details, at=at)
        writes.remember(request=request, reference=number, at=at)
        tell_of(found=found, at=at)
        out = postings_merchant.withdrawal_paid(
            shop_id=found.shop_id, number=number, amount_minor=found.amount_minor, fee_minor=found.fee_minor
        )
        post_now(posting=out, at=at)


def record_payout_failed(*, actor: Actor, number: str, reason: str, request: RequestKey, at: Moment) -> None:
    """Enter that the bank has refused or sent the money back: what was put aside is available again, without a fee.

    Raises:
        BadInput: no reason, or a long one. NotFound, OwnShop, MovedMeanwhile: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the withdrawal's number.
    """
    reason = require_reason(text=reason)
    with database.transaction():
        desk, found = finance_desk(actor=actor, number=number, request=request, at=at)
        require_new(desk.replay)
        if found.status != WithdrawalState.PAYING:
            raise MovedMeanwhile
        writes.move_withdrawal(withdrawal=found, status=WithdrawalState.FAILED, person_id=actor.person_id, text=reason, at=at)
        writes.record_step(shop_id=found.shop_id, actor=actor, what="withdrawal_failed", number=number, details={"reason": reason}, at=at)
        writes.remember(request=request, reference=number, at=at)
        tell_of(found=found, at=at)
        back = postings_merchant.withdrawal_ended(shop_id=found.shop_id, number=number, amount_minor=found.amount_minor)
        post_now(posting=back, at=at)
