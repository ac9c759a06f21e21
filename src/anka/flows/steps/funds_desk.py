"""What every step on a shop's own money has in common: who may, and posting it last."""

from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.core.refusals import NotFound, NotPermitted, Refusal
from anka.domain.liability import Position
from anka.domain.postings import Posting
from anka.domain.postings_merchant import collected
from anka.flows.steps.finance_staff import FINANCE
from anka.flows.steps.merchant_money import built, post, tell_changes
from anka.funds.models import Desk, Withdrawal
from anka.funds.queries import lock_desk, lock_position, withdrawal
from anka.funds.writes import tell_shop

CURRENCY = "CNY"


class NotEnoughAvailable(Refusal):
    """The shop has less available than it asks for, after what it owes."""

    code, status = "not_enough_available", 409
    says = _(
        "There is less available than that, after what the shop owes. Nothing has changed; ask for less, or wait for the next settlement."
    )


class OwnShop(NotPermitted):
    """Nobody decides about money of a shop they work for, or a withdrawal they asked for."""

    code = "own_shop"
    says = _("You are a party to this shop, so somebody else has to decide. Nothing has changed.")


def owned_desk(*, actor: Actor, shop_id: int, request: RequestKey, at: Moment) -> Desk:
    """Lock a shop's funds for one of its owners.

    Raises:
        NotFound: there is no such shop, or the actor does not work for it. NotPermitted: they do, but do not own it.
    """
    desk = lock_desk(shop_id=shop_id, actor=actor, request=request, at=at)
    if actor.kind is not ActorKind.MERCHANT or not desk.standing.active or desk.standing.shop_role is None:
        raise NotFound
    if desk.standing.shop_role != "owner":
        raise NotPermitted
    return desk


def finance_desk(*, actor: Actor, number: str, request: RequestKey, at: Moment) -> tuple[Desk, Withdrawal]:
    """Lock the funds a withdrawal is about, for finance staff who are no party to it; return it as it is under the lock.

    Raises:
        NotFound: there is no such withdrawal, or the actor is not of the finance staff. OwnShop: they are a party.
    """
    seen = withdrawal(number=number)
    desk = lock_desk(shop_id=seen.shop_id, actor=actor, request=request, at=at)
    if actor.kind is not ActorKind.PLATFORM or not desk.standing.active or not FINANCE & set(desk.standing.staff_roles):
        raise NotFound
    if desk.standing.shop_role is not None or seen.asked_by == actor.person_id:
        raise OwnShop
    return desk, withdrawal(number=number)


def collect_first(*, shop_id: int, occasion: str, at: Moment) -> tuple[Position, Posting]:
    """Lock the balances, and let what is available pay what the shop owes before anything else is done with it.

    Returns what the shop has then, and the posting to be posted before others.
    """
    found = lock_position(shop_id=shop_id, currency=CURRENCY)
    owed = min(found.available, found.receivable)
    after = found.moved(available=-owed, receivable=-owed)
    tell_changes(shop_id=shop_id, currency=CURRENCY, before=found, after=after, at=at)
    return after, collected(shop_id=shop_id, occasion=occasion, amount_minor=owed)


def tell_of(*, found: Withdrawal, at: Moment) -> None:
    """Tell the shop what has become of its withdrawal, as it is in the database by now."""
    now = withdrawal(number=found.number)
    details = {"amount_minor": now.amount_minor, "currency": now.currency, "number": now.number}
    tell_shop(shop_id=now.shop_id, kind=f"withdrawal_{now.status}", details=details, at=at)


def post_now(*, posting: Posting, at: Moment) -> None:
    """Post journals of a shop's own books; the last thing a step does."""
    post(journals=built(posting=posting), currency=CURRENCY, at=at.now)
