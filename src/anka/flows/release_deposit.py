"""A shop that has left gets its deposit back, once nothing it has sold can be complained about any more."""

from datetime import datetime

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.freezes import require_payouts_flow
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.refusals import Refusal
from anka.domain import postings_merchant
from anka.flows.steps.funds_desk import collect_first, owned_desk, post_now
from anka.funds import writes

BOUND = "SELECT deposit_bound_until(%s)::text"


class ShopStillOpen(Refusal):
    """The shop takes orders, so its deposit stays."""

    code, status = "shop_still_open", 409
    says = _("The shop is open, so its deposit stays. Nothing has changed; it can be released after the shop has closed.")


class DepositBound(Refusal):
    """A case is open, an order's money is under way, or a warranty runs."""

    code, status = "deposit_bound", 409
    says = _("The deposit is bound until %(until)s: cases, orders or warranties are open. Nothing has changed; ask again then.")


class NoDeposit(Refusal):
    """There is nothing to give back."""

    code, status = "no_deposit", 409
    says = _("There is no deposit to give back. Nothing has changed.")


class Bound(msgspec.Struct, frozen=True):
    """What keeps a deposit where it is: open cases, orders whose money is under way, the end of the longest warranty."""

    cases: int
    orders: int
    until: datetime | None

    def binds(self, *, now: datetime) -> bool:
        """Tell whether the deposit has to stay."""
        return bool(self.cases or self.orders) or (self.until is not None and self.until > now)


def release_deposit(*, actor: Actor, shop_id: int, request: RequestKey, at: Moment) -> str:
    """Move the whole deposit to the available balance, less what the shop owes, and return the number of the step.

    Raises:
        NotFound, NotPermitted: the actor does not own the shop. ShopStillOpen, DepositBound, NoDeposit, PayoutsFrozen: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the number.
    """
    with database.transaction():
        desk = owned_desk(actor=actor, shop_id=shop_id, request=request, at=at)
        require_new(desk.replay)
        require_payouts_flow()
        if desk.shop_open:
            raise ShopStillOpen
        _require_unbound(shop_id, at)
        number = new_number(shop_code=desk.shop_code, letter="D")
        writes.remember(request=request, reference=number, at=at)
        has, collected = collect_first(shop_id=shop_id, occasion=f"deposit:{number}", at=at)
        if not has.deposit:
            raise NoDeposit
        details = {"amount_minor": has.deposit}
        writes.record_step(shop_id=shop_id, actor=actor, what="deposit_released", number=number, details=details, at=at)
        released = postings_merchant.deposit_released(shop_id=shop_id, number=number, amount_minor=has.deposit)
        # A debt is paid out of the deposit before the shop may have it.
        owed = min(has.deposit, has.receivable)
        rest = postings_merchant.collected(shop_id=shop_id, occasion=f"release:{number}", amount_minor=owed)
        post_now(posting=collected + released + rest, at=at)
        return number


def _require_unbound(shop_id: int, at: Moment) -> None:
    found = msgspec.json.decode(database.value(BOUND, (shop_id,)), type=Bound)
    if found.binds(now=at.now):
        until = max(found.until or at.now, at.now)
        raise DepositBound(until=f"{until:%Y-%m-%d}", fields={"until": until.isoformat()})
