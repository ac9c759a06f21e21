"""Cases in bulk, opened by the real flows: their clocks all fall within one minute."""

from datetime import datetime, timedelta

import msgspec

from anka.catalog.models import NewProduct, NewShop, Terms
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment, moment
from anka.core.idempotency import unrepeated
from anka.domain.postings import wallet_topped_up
from anka.flows.accept_order import accept_order
from anka.flows.list_product import list_product
from anka.flows.open_case import open_case
from anka.flows.open_shop import open_shop
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.place_order import Purchase, place_order
from anka.flows.sign_up import sign_up
from anka.flows.steps.judge import Claim

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="bench")
PRICE_MINOR = 1_000
WITHIN = timedelta(minutes=1)
LAST_DUE = "SELECT max(due_at) FROM core_clock WHERE kind = 'answer' AND state = 'running'"
CARRIED_OUT = "SELECT count(*) FROM cases_case WHERE merchant_answer = 'silent' AND status = 'closed' AND outcome = 'refunded'"


class Market(msgspec.Struct, frozen=True):
    """One product that is delivered by hand, its shop, and who buys it again and again."""

    shop: Actor
    buyer: Actor
    product: str


def open_market() -> Market:
    """Open the market and return it."""
    shop, product = _product()
    return Market(shop=shop, buyer=Actor(kind=ActorKind.BUYER, person_id=_person("bench-buyer")), product=product)


def argue(*, market: Market, cases: int) -> datetime:
    """Open so many cases in the merchant's turn, their clocks spread over one minute; return when the last one falls."""
    _fill_wallet(market.buyer, cases * PRICE_MINOR)
    began = moment()
    claim = Claim(reason="NO_LONGER_NEEDED")
    none = unrepeated("bench")
    buyer = market.buyer
    for number in range(cases):
        at = Moment(now=began.now + WITHIN * number / cases, real=began.real)
        purchase = Purchase(product_number=market.product, quantity=1, accept_notice=False, allow_duplicate=True)
        order = place_order(actor=buyer, purchase=purchase, request=none, at=at)
        pay_from_wallet(actor=buyer, order_number=order, request=none, at=at)
        accept_order(actor=market.shop, order_number=order, positions=None, request=none, at=at)
        open_case(actor=buyer, order_number=order, claim=claim, request=none, at=at)
    last: datetime = database.value(LAST_DUE)
    return last


def carried_out() -> int:
    """Return how many cases ended by silence, all of their money on its way back."""
    return int(database.value(CARRIED_OUT))


def _product() -> tuple[Actor, str]:
    owner = Actor(kind=ActorKind.MERCHANT, person_id=_person("bench-owner"))
    named = NewShop(code="BENCH", name_zh="测速小店", name_en="Bench shop", owner_id=owner.person_id, commission_basis_points=500)
    shop_id = open_shop(actor=OPERATOR, shop=named, at=moment())
    described = NewProduct(
        kind="card_key",
        delivery="manual",
        title_zh="测速卡密",
        title_en="Bench key",
        face_value="10",
        region="CN",
        price_minor=PRICE_MINOR,
    )
    # Nobody delivers within the measurement, and nobody is late either.
    terms = Terms(promise_minutes=10_080)
    return owner, list_product(actor=OPERATOR, shop_id=shop_id, product=described, terms=terms, at=moment())


def _person(username: str) -> int:
    # Nobody signs in here with a password, so there is none to hash.
    return sign_up(username=username, display_name=username, language="zh-hans", password_hash="!", at=moment())  # noqa: S106


def _fill_wallet(buyer: Actor, amount_minor: int) -> None:
    transaction_id = f"bench-{amount_minor}-{moment().real.timestamp()}"
    posting = wallet_topped_up(buyer_id=buyer.person_id, channel="sandbox", transaction_id=transaction_id, amount_minor=amount_minor)
    with database.transaction():
        body = msgspec.json.encode(posting).decode()
        database.rows("SELECT post_journals(%s, %s, %s::jsonb)", (moment().now, "CNY", body))
