"""Finance decides about a withdrawal: approves it, with a second person where it is much, or refuses it and the money is free again."""

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.freezes import require_payouts_flow
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, MovedMeanwhile, Refusal
from anka.domain import postings_merchant
from anka.domain.withdrawals import WithdrawalState, needs_two
from anka.flows.steps.funds_desk import finance_desk, post_now, tell_of
from anka.funds import writes

LONGEST_REASON = 500


class SecondApproverNeeded(Refusal):
    """The first of two approvals was this very person's."""

    code, status = "second_person_needed", 409
    says = _("Somebody else of the finance staff has to approve this. Nothing has changed.")


def approve_withdrawal(*, actor: Actor, number: str, request: RequestKey, at: Moment) -> WithdrawalState:
    """Approve a withdrawal and return its status: still `asked` where a second person has to approve too.

    Raises:
        NotFound, OwnShop, SecondApproverNeeded, MovedMeanwhile, PayoutsFrozen: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the withdrawal's number.
    """
    with database.transaction():
        desk, found = finance_desk(actor=actor, number=number, request=request, at=at)
        require_new(desk.replay)
        require_payouts_flow()
        if found.status != WithdrawalState.ASKED:
            raise MovedMeanwhile
        if found.first_by == actor.person_id:
            raise SecondApproverNeeded
        first = needs_two(amount_minor=found.amount_minor) and found.first_by is None
        if first:
            writes.approve_first(withdrawal=found, person_id=actor.person_id, at=at)
        else:
            writes.move_withdrawal(withdrawal=found, status=WithdrawalState.APPROVED, person_id=actor.person_id, at=at)
        what = "withdrawal_approved_first" if first else "withdrawal_approved"
        writes.record_step(shop_id=found.shop_id, actor=actor, what=what, number=number, details={}, at=at)
        writes.remember(request=request, reference=number, at=at)
        if not first:
            tell_of(found=found, at=at)
        return WithdrawalState.ASKED if first else WithdrawalState.APPROVED


def refuse_withdrawal(*, actor: Actor, number: str, reason: str, request: RequestKey, at: Moment) -> None:
    """Refuse a withdrawal that nobody is paying yet: what was put aside is available again.

    Raises:
        BadInput: no reason, or a long one. NotFound, OwnShop, MovedMeanwhile: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the withdrawal's number.
    """
    reason = require_reason(text=reason)
    with database.transaction():
        desk, found = finance_desk(actor=actor, number=number, request=request, at=at)
        require_new(desk.replay)
        if found.status not in (WithdrawalState.ASKED, WithdrawalState.APPROVED):
            raise MovedMeanwhile
        writes.move_withdrawal(withdrawal=found, status=WithdrawalState.REFUSED, person_id=actor.person_id, text=reason, at=at)
        writes.record_step(shop_id=found.shop_id, actor=actor, what="withdrawal_refused", number=number, details={"reason": reason}, at=at)
        writes.remember(request=request, reference=number, at=at)
        tell_of(found=found, at=at)
        back = postings_merchant.withdrawal_ended(shop_id=found.shop_id, number=number, amount_minor=found.amount_minor)
        post_now(posting=back, at=at)


def require_reason(*, text: str) -> str:
    """Return a reason without the space around it.

    Raises:
        BadInput: it is empty, too long, or holds what no text does.
    """
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_REASON or "\0" in text:
        raise BadInput(fields={"reason": f"1–{LONGEST_REASON}"})
    return text
