"""An owner asks for the shop's available money: it is put aside at once, so that nothing can take it twice, and finance decides."""

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.refusals import BadInput
from anka.domain import postings_merchant
from anka.domain.money import MAX_MINOR
from anka.domain.withdrawals import LEAST_MINOR, BadBankAccount, fee_of, masked
from anka.flows.steps.funds_desk import CURRENCY, NotEnoughAvailable, collect_first, owned_desk, post_now
from anka.funds import writes


class WithdrawalAsked(msgspec.Struct, frozen=True):
    """What is asked for: an amount with the fee in it (minor units), and the bank account, of which only the end is kept."""

    amount_minor: int
    account: str


def ask_withdrawal(*, actor: Actor, shop_id: int, asked: WithdrawalAsked, request: RequestKey, at: Moment) -> str:
    """Ask for a withdrawal and return its number. What the shop owes the platform is paid first.

    Raises:
        NotFound, NotPermitted: the actor does not own the shop. BadInput: `fields` says what. NotEnoughAvailable: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the withdrawal's number.
    """
    account = _account(asked)
    with database.transaction():
        desk = owned_desk(actor=actor, shop_id=shop_id, request=request, at=at)
        require_new(desk.replay)
        number, fee = new_number(shop_code=desk.shop_code, letter="W"), fee_of(amount_minor=asked.amount_minor)
        row = {"shop_id": shop_id, "number": number, "amount_minor": asked.amount_minor, "fee_minor": fee, "currency": CURRENCY}
        writes.add_withdrawal(withdrawal={**row, "account": account, "asked_by": actor.person_id}, at=at)
        details = {"amount_minor": asked.amount_minor, "fee_minor": fee, "account": account}
        writes.record_step(shop_id=shop_id, actor=actor, what="withdrawal_asked", number=number, details=details, at=at)
        writes.remember(request=request, reference=number, at=at)
        has, collected = collect_first(shop_id=shop_id, occasion=f"withdrawal:{number}", at=at)
        if has.available < asked.amount_minor:
            raise NotEnoughAvailable(fields={"amount_minor": f"{LEAST_MINOR}–{has.available}"})
        aside = postings_merchant.withdrawal_asked(shop_id=shop_id, number=number, amount_minor=asked.amount_minor)
        post_now(posting=collected + aside, at=at)
        return number


def _account(asked: WithdrawalAsked) -> str:
    """Return the account as it is kept, or refuse what nobody could pay."""
    if not LEAST_MINOR <= asked.amount_minor <= MAX_MINOR:
        raise BadInput(fields={"amount_minor": f"≥ {LEAST_MINOR}"})
    try:
        return masked(account=asked.account)
    except BadBankAccount as wrong:
        raise BadInput(fields={"account": str(wrong)}) from None
