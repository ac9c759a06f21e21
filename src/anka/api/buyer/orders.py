"""A buyer's orders over the API: place, pay, open, check a key, confirm."""

from functools import lru_cache

from django.utils.translation import gettext_lazy as _

from anka.accounts.passwords import RECENT
from anka.api import bodies
from anka.api.call import REPLAYED, Answer, Call
from anka.api.doing import carry_out
from anka.api.parsing import position_of, positions_of
from anka.api.parsing import require_number as number_in
from anka.api.shapes_of_orders import Secret
from anka.api.views.money import payment_view
from anka.api.views.orders import order_view
from anka.api.views.seen import order_seen_by
from anka.catalog import queries as catalog
from anka.core.actors import Actor, ActorKind
from anka.core.idempotency import AlreadyDone, once
from anka.core.numbers import shop_code_of
from anka.core.rate_limits import Budget, budget
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.flows.check_key import KeyCheck, Typed, answer_of, check_key
from anka.flows.confirm_order import confirm_order
from anka.flows.place_order import Purchase, place_order
from anka.flows.reveal_unit import reveal_unit
from anka.jobs import issuers, keys
from anka.jobs.channels import ChannelUnknown
from anka.jobs.payments import Seat, Way, begin
from anka.orders.queries import read_order


class StepUpRequired(Refusal):
    """What was asked shows a secret, and the session's sign-in is too old for that."""

    code, status = "step_up_required", 403
    says = _("Please sign in again before a key is shown. Nothing has been opened.")


def place(call: Call) -> Answer:
    """Place an order and answer with it."""
    asked: bodies.NewOrder = call.body
    if asked.coupon:
        raise BadInput(fields={"coupon": call.pick("没有这张优惠券", "there is no such coupon")})
    if asked.fields:
        raise BadInput(fields={name: call.pick("这件商品不需要填写", "this product takes no such field") for name in asked.fields})
    purchase = Purchase(
        product_number=asked.product_id, quantity=asked.quantity, accept_notice=asked.accept_notice, allow_duplicate=asked.allow_duplicate
    )
    allowed = budget("place_order")
    limit = Budget(capacity=int(allowed.capacity), per_second=allowed.per_second)
    number, replayed = carry_out(
        call, lambda: place_order(actor=call.buyer, purchase=purchase, request=call.request(), budget=limit, at=call.at)
    )
    headers = (("Location", f"/api/v1/orders/{number}"), *replayed)
    return Answer(201, order_view(call, order_seen_by(call, number)), headers)


def pay(call: Call) -> Answer:
    """Begin a payment through a channel, or pay at once from the wallet, and answer with the payment."""
    asked: bodies.NewPayment = call.body
    order_number = number_in(call.parameters["number"])
    try:
        seat = Seat(device=asked.device, address=call.address)
        way = Way(asked.channel, asked.wallet_minor)
        begun = begin(actor=call.buyer, order_number=order_number, channel=way, request=call.request(), at=call.at, seat=seat)
    except ChannelUnknown:
        # Another's order looks like a missing one, whatever channel is asked for.
        read_order(number=order_number, actor=call.buyer, at=call.at)
        raise
    payment = begun.state.payment(begun.number)
    if payment is None:
        raise NotFound
    return Answer(201, payment_view(begun.state, payment, begun.started), REPLAYED if begun.replayed else ())


def reveal(call: Call) -> Answer:
    """Open a unit and answer with its secret; again and again for the same buyer, each time recorded."""
    order_number = number_in(call.parameters["number"])
    position = position_of(order_number, call.parameters["unit"])
    signed_in_at = call.identity.signed_in_at
    if signed_in_at is not None and call.at.real - signed_in_at > RECENT:
        raise StepUpRequired
    shop_id = _shop_id(shop_code_of(order_number))
    opener = issuers.opener_before_reveal(actor=call.buyer, shop_id=shop_id, order_number=order_number, position=position, at=call.at)
    secret = reveal_unit(actor=call.buyer, order_number=order_number, position=position, open_secret=opener, at=call.at)
    return Answer(200, Secret(unit=f"{order_number}-{position}", secret=secret))


def check_key_of(call: Call) -> Answer:
    """Compare what was typed with the beginning of a unit's key, as its buyer or an arbiter, and answer with what that shows."""
    asked: bodies.CheckKey = call.body
    order_number = number_in(call.parameters["number"])
    typed = Typed(position=position_of(order_number, call.parameters["unit"]), prefix=asked.prefix)
    opener = keys.opener_for(shop_id=_shop_id(shop_code_of(order_number)))
    request = call.request()

    def run(actor: Actor) -> KeyCheck:
        return once(lambda: check_key(actor=actor, order_number=order_number, typed=typed, open_secret=opener, request=request, at=call.at))

    try:
        try:
            return Answer(200, run(call.buyer))
        except NotFound:
            return Answer(200, run(call.acting_as(ActorKind.PLATFORM)))
    except AlreadyDone as done:
        return Answer(200, answer_of(done), REPLAYED)


def confirm(call: Call) -> Answer:
    """Accept delivery of units and answer with the order."""
    asked: bodies.Confirm = call.body
    order_number = number_in(call.parameters["number"])
    positions = positions_of(order_number, asked.units)

    def run() -> str:
        confirm_order(actor=call.buyer, order_number=order_number, positions=positions, request=call.request(), at=call.at)
        return order_number

    _, replayed = carry_out(call, run)
    return Answer(200, order_view(call, order_seen_by(call, order_number)), replayed)


@lru_cache(maxsize=4096)
def _shop_id(code: str) -> int:
    """Return a shop's id. Codes never change hands, so what was found once is remembered; a refusal is not."""
    found = catalog.shop_id_of(code=code)
    if found is None:
        raise NotFound
    return found
