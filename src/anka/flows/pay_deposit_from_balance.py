"""An owner puts available money into the shop's deposit. It is the shop's still; only a decision that counts takes from it."""

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.refusals import BadInput
from anka.domain import postings_merchant
from anka.domain.funds_mode import Doing
from anka.domain.money import MAX_MINOR
from anka.flows.steps.funds_desk import NotEnoughAvailable, collect_first, owned_desk, post_now
from anka.funds import writes
from anka.ledger import mode


def pay_deposit_from_balance(*, actor: Actor, shop_id: int, amount_minor: int, request: RequestKey, at: Moment) -> str:
    """Move available money into the deposit and return the number of the step. What the shop owes is paid first.

    Raises:
        NotFound, NotPermitted: the actor does not own the shop. BadInput: not an amount. NotEnoughAvailable: nothing has changed.
        NotOursToHold: an institution holds the money here, and deposits with it.
        AlreadyDone: this request was carried out before; its reference is the number.
    """
    mode.require(doing=Doing.HOLD_DEPOSITS)
    if not 1 <= amount_minor <= MAX_MINOR:
        raise BadInput(fields={"amount_minor": "≥ 1"})
    with database.transaction():
        desk = owned_desk(actor=actor, shop_id=shop_id, request=request, at=at)
        require_new(desk.replay)
        number = new_number(shop_code=desk.shop_code, letter="D")
        details = {"amount_minor": amount_minor}
        writes.record_step(shop_id=shop_id, actor=actor, what="deposit_from_balance", number=number, details=details, at=at)
        writes.remember(request=request, reference=number, at=at)
        has, collected = collect_first(shop_id=shop_id, occasion=f"deposit:{number}", at=at)
        if has.available < amount_minor:
            raise NotEnoughAvailable(fields={"amount_minor": f"1–{has.available}"})
        into = postings_merchant.deposit_from_balance(shop_id=shop_id, number=number, amount_minor=amount_minor)
        post_now(posting=collected + into, at=at)
        return number
