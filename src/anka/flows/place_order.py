"""Place an order: check what the buyer saw and confirmed, reserve the goods, start the hold clock. Nothing is paid yet."""

from datetime import datetime, timedelta

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.rate_limits import Budget, TooManyRequests
from anka.core.refusals import BadInput, NotFound, NotPermitted, Refusal, refused_by
from anka.domain.evidence import canonical_json
from anka.domain.funds_mode import Doing
from anka.ledger import mode
from anka.orders.models import Standing

READ = "SELECT read_for_purchase($1, $2, $3, $4, $5, $6, $7)"
WRITE = "SELECT write_placed_order($1, $2, $3, $4, $5)"


@refused_by("AN001")
class OutOfStock(Refusal):
    """There are fewer keys than asked for; somebody may have been faster."""

    code, status = "out_of_stock", 409
    says = _("There is not enough stock left. Nothing was ordered or charged; try a smaller quantity.")


class NotOnSale(Refusal):
    """The product or its shop is closed, or is not sold in this way yet."""

    code, status = "not_on_sale", 409
    says = _("This product is not on sale right now. Nothing was ordered or charged.")


class DepositTooLow(Refusal):
    """The shop has put down less than the least it needs for new orders."""

    code, status = "deposit_too_low", 409
    says = _(
        "This shop takes no new orders until its deposit is topped up. Nothing was ordered or charged; orders it has are not affected."
    )


class NoticeNotConfirmed(Refusal):
    """The product carries a notice that the buyer has to confirm before buying."""

    code, status = "notice_not_confirmed", 422
    says = _("This product has a notice that you have to read and confirm. Nothing was ordered; set accept_notice after reading it.")


class DuplicateOrder(Refusal):
    """The same buyer ordered the same product within the last ten minutes."""

    code, status = "duplicate_order", 409
    says = _("You ordered the same thing a few minutes ago (%(number)s). Nothing was ordered again; confirm if you want a second one.")


@refused_by("AN010")
class RulesChanged(Refusal):
    """Other rules came into force while the order was being placed."""

    code, status = "rules_changed", 409
    says = _("The refund rules have just changed. Nothing was ordered or charged; look at them and order again.")


class Purchase(msgspec.Struct, frozen=True):
    """What the buyer asked for on the review page."""

    product_number: str
    quantity: int
    accept_notice: bool
    allow_duplicate: bool


class Offer(msgspec.Struct, frozen=True):
    """The product with its terms as they are at this moment."""

    standing: Standing
    shop_id: int
    shop_code: str
    shop_open: bool
    deposit_short: bool
    shop_name_zh: str
    commission_basis_points: int
    product_id: int
    number: str
    kind: str
    delivery: str
    title_zh: str
    title_en: str
    face_value: str
    region: str
    price_minor: int
    currency: str
    on_sale: bool
    terms_version: int
    refund_window_minutes: int
    warranty_minutes: int
    promise_minutes: int
    hold_minutes: int
    maximum_quantity: int
    notice_zh: str
    notice_en: str
    duplicate_of: str | None
    policy_version: str | None


class Read(msgspec.Struct, frozen=True):
    """The answer of the read, before it is known that the product exists."""

    found: bool
    wait_seconds: int
    replay: str | None


def place_order(*, actor: Actor, purchase: Purchase, request: RequestKey, budget: Budget | None = None, at: Moment) -> str:
    """Place an order and return its number. The goods are reserved until the hold clock falls.

    Raises:
        NotFound: there is no such product.
        NotOnSale, DepositTooLow, OutOfStock, RulesChanged, NoticeNotConfirmed, DuplicateOrder, BadInput, NotPermitted,
            TooManyRequests: nothing was ordered.
        AlreadyDone: this request was carried out before; its reference is the order's number.
    """
    with database.transaction():
        offer = _read(actor, purchase, request, budget, at)
        _check(offer, purchase)
        number = new_number(shop_code=offer.shop_code)
        order = _order(offer, purchase, number, at.now)
        order["request"] = {**request.as_json(), "made_at": at.real.isoformat()}
        body = msgspec.json.encode(order).decode()
        database.call(WRITE, offer.shop_id, at.now, str(actor), actor.person_id, body)
        return number


def _read(actor: Actor, purchase: Purchase, request: RequestKey, budget: Budget | None, at: Moment) -> Offer:
    asked = msgspec.json.encode(request.as_json()).decode()
    limit = msgspec.json.encode(budget).decode() if budget else None
    answer = database.call(READ, purchase.product_number, actor.person_id, actor.token_id, at.real, at.now, asked, limit)
    if answer is None:
        raise NotFound
    read = msgspec.json.decode(answer, type=Read)
    require_new(read.replay)
    if read.wait_seconds > 0:
        raise TooManyRequests(seconds=read.wait_seconds)
    if not read.found:
        raise NotFound
    return msgspec.json.decode(answer, type=Offer)


def _check(offer: Offer, purchase: Purchase) -> None:
    if not offer.standing.active:
        raise NotPermitted
    # Only card keys with automatic delivery can be served from end to end yet; offering more would be a promise nobody keeps.
    if not offer.on_sale or not offer.shop_open or offer.kind != "card_key":
        raise NotOnSale
    # Where an institution holds the deposits, ours say nothing.
    if offer.deposit_short and mode.offered(doing=Doing.HOLD_DEPOSITS):
        raise DepositTooLow
    if offer.policy_version is None:
        raise RulesChanged
    if not 1 <= purchase.quantity <= offer.maximum_quantity:
        raise BadInput(fields={"quantity": f"1–{offer.maximum_quantity}"})
    if (offer.notice_zh or offer.notice_en) and not purchase.accept_notice:
        raise NoticeNotConfirmed(fields={"accept_notice": "true"})
    if offer.duplicate_of and not purchase.allow_duplicate:
        raise DuplicateOrder(number=offer.duplicate_of, fields={"allow_duplicate": "true"})


def _order(offer: Offer, purchase: Purchase, number: str, now: datetime) -> dict[str, object]:
    snapshot = msgspec.to_builtins(offer)
    del snapshot["standing"], snapshot["duplicate_of"], snapshot["policy_version"], snapshot["deposit_short"]
    return {
        "number": number,
        "product_id": offer.product_id,
        "terms_version": offer.terms_version,
        "goods": offer.kind,
        # Every unit of a product costs the same, so there is nothing to split here.
        "amounts_minor": [offer.price_minor] * purchase.quantity,
        "currency": offer.currency,
        "commission_basis_points": offer.commission_basis_points,
        "notice": "confirmed" if offer.notice_zh or offer.notice_en else "none",
        "policy_version": offer.policy_version,
        "snapshot": canonical_json(snapshot).decode(),
        "hold_until": now + timedelta(minutes=offer.hold_minutes),
    }
