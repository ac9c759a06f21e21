"""Begin to fill a wallet, or a shop's deposit, through a channel. Writes down the intent; the browser then goes to the cashier."""

from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.accounts.queries import standing
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.refusals import NotPermitted, Refusal
from anka.domain.chart import PLATFORM_SHOP
from anka.domain.funds_mode import Doing
from anka.domain.top_ups import LASTS, MOST_OPEN, Purpose, bounds
from anka.flows.steps.funds_desk import CURRENCY, owned_desk
from anka.funds.writes import remember
from anka.ledger import mode
from anka.payments.top_ups import PLATFORM_CODE, TopUp, lock_wallet, open_top_ups

BEGIN = "SELECT begin_top_up($1, $2, $3)"


class TopUpOutOfBounds(Refusal):
    """One payment into a wallet or deposit is neither that small nor that large."""

    code, status = "top_up_out_of_bounds", 422
    says = _("That is less or more than can be paid in at once. Nothing was charged; choose another amount.")


class TooManyTopUps(Refusal):
    """Too many payments into the wallet or deposit are open."""

    code, status = "too_many_payments", 409
    says = _("Too many payments are open. Nothing was charged; pay one of them, or wait half an hour until they have closed.")


class Wanted(msgspec.Struct, frozen=True):
    """What is to be paid in: an amount in minor units, through a channel."""

    amount_minor: int
    channel: str


def begin_top_up(*, actor: Actor, wanted: Wanted, request: RequestKey, at: Moment) -> str:
    """Begin to fill the actor's wallet and return the payment's number; an open one of the same channel and amount is returned again.

    Raises:
        NotOursToHold, NotPermitted, TopUpOutOfBounds, TooManyTopUps: nothing was begun.
        AlreadyDone: this request was carried out before; its reference is the payment's number.
    """
    mode.require(doing=Doing.TOP_UP_WALLET)
    _require_within(Purpose.WALLET, wanted)
    with database.transaction():
        desk = lock_wallet(person_id=actor.person_id, request=request)
        require_buyer(actor=actor, at=at)
        require_new(desk.replay)
        number = _open_again(desk.payments, Purpose.WALLET, wanted, at)
        if number is None:
            number = new_number(shop_code=PLATFORM_CODE, letter="P")
            _begin(PLATFORM_SHOP, {"number": number, "purpose": Purpose.WALLET, "person_id": actor.person_id}, wanted, at)
        remember(request=request, reference=number, at=at)
        return number


def begin_deposit_top_up(*, actor: Actor, shop_id: int, wanted: Wanted, request: RequestKey, at: Moment) -> str:
    """Begin to fill a shop's deposit as its owner and return the payment's number; as begin_top_up.

    Raises:
        NotFound, NotPermitted: the actor does not own the shop. NotOursToHold, TopUpOutOfBounds, TooManyTopUps: nothing was begun.
        AlreadyDone: this request was carried out before; its reference is the payment's number.
    """
    mode.require(doing=Doing.HOLD_DEPOSITS)
    _require_within(Purpose.DEPOSIT, wanted)
    with database.transaction():
        desk = owned_desk(actor=actor, shop_id=shop_id, request=request, at=at)
        require_new(desk.replay)
        number = _open_again(open_top_ups(shop_id=shop_id, person_id=actor.person_id), Purpose.DEPOSIT, wanted, at)
        if number is None:
            number = new_number(shop_code=desk.shop_code, letter="P")
            _begin(shop_id, {"number": number, "purpose": Purpose.DEPOSIT, "person_id": actor.person_id}, wanted, at)
        remember(request=request, reference=number, at=at)
        return number


def require_buyer(*, actor: Actor, at: Moment) -> None:
    """Refuse everybody but a person who still counts, acting for themselves.

    Raises:
        NotPermitted: it is somebody else.
    """
    counts = standing(person_id=actor.person_id, token_id=actor.token_id, at=at).active
    if actor.kind is not ActorKind.BUYER or not counts:
        raise NotPermitted


def _require_within(purpose: Purpose, wanted: Wanted) -> None:
    least, most = bounds(purpose=purpose)
    if not least <= wanted.amount_minor <= most:
        raise TopUpOutOfBounds(fields={"amount_minor": f"{least}–{most}"})


def _open_again(payments: tuple[TopUp, ...], purpose: Purpose, wanted: Wanted, at: Moment) -> str | None:
    """Return the number of one that is open and just like what is wanted.

    Raises:
        TooManyTopUps: there is none, and there are too many others.
    """
    live = [one for one in payments if one.purpose == purpose and one.is_open and at.now < one.expires_at]
    for one in live:
        if (one.channel, one.amount_minor) == (wanted.channel, wanted.amount_minor):
            return one.number
    if len(live) >= MOST_OPEN:
        raise TooManyTopUps
    return None


def _begin(shop_id: int, payment: dict[str, Any], wanted: Wanted, at: Moment) -> None:
    asked = {"channel": wanted.channel, "amount_minor": wanted.amount_minor, "currency": CURRENCY, "expires_at": at.now + LASTS}
    database.call(BEGIN, shop_id, at.now, msgspec.json.encode(payment | asked).decode())
