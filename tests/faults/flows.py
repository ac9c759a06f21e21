"""The flows of this version, each with the ground it starts from and what must be true when it happened exactly once.

A new flow gets crash points by one more entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.domain.issuer import KeyState, Redeemer, Said
from anka.domain.payment_states import PaymentState
from anka.domain.refund_states import AttemptState
from anka.flows.begin_payment import begin_payment
from anka.flows.check_key import Typed, check_key
from anka.flows.confirm_order import auto_confirm_order, confirm_order
from anka.flows.deliver_order import deliver_order
from anka.flows.end_payment import end_payment
from anka.flows.expire_unpaid import expire_order, expire_unpaid
from anka.flows.import_keys import import_keys
from anka.flows.open_case import open_case
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.place_order import Purchase, place_order
from anka.flows.record_cashier import record_cashier
from anka.flows.record_issuer_answer import Occasion, record_issuer_answer
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import PaidNotice, take_payment
from anka.jobs import keys
from anka.jobs.closing import give_back
from anka.payments.cashiers import Cashier
from anka.payments.queries import refunds_of_order
from anka.vault.issuer import Answer
from anka.vault.models import KeyLine
from anka.vault.queries import proved_positions
from tests import builders
from tests.builders import Order, Product, at
from tests.faults.crash import Flow

PRICE = 10000
MIND = Claim(reason=builders.CHANGED_MIND, channels_asked=True)
SOON, LATE, NEXT_WEEK = at(10), at(20), at(days=20)


@dataclass(frozen=True)
class Ground:
    """An order with the key of the request that is about to come, and the notice or attempt it is about."""

    order: Order
    key: RequestKey
    paid: PaidNotice | None = None
    attempt: str = ""

    @property
    def notice(self) -> PaidNotice:
        """The notice that is about to come."""
        assert self.paid is not None
        return self.paid


def on(make: Callable[[], Order]) -> Callable[[], Ground]:
    """A ground whose order this builder makes."""

    def prepare() -> Ground:
        order = make()
        return Ground(order=order, key=builders.a_key(order.buyer))

    return prepare


def begun() -> Ground:
    """An order whose payment was begun and will be told of."""
    order = builders.a_placed_order()
    return Ground(order=order, key=builders.a_key(order.buyer), paid=builders.a_payment(order))


def timed_out(*, stock: int) -> Callable[[], Ground]:
    """An order that timed out while its payment was under way, with so many keys on the shelf afterwards."""

    def prepare() -> Ground:
        product = builders.a_product(stock=1)
        order = builders.a_placed_order(product=product)
        ground = Ground(order=order, key=builders.a_key(order.buyer), paid=builders.a_payment(order))
        assert expire_order(order_number=order.number, at=LATE)
        if not stock:
            builders.a_placed_order(product=product, when=LATE)
        return ground

    return prepare


def wallet_full() -> Ground:
    """An order whose buyer has the price in the wallet."""
    order = builders.a_placed_order()
    builders.fill_wallet(order.buyer, PRICE)
    return Ground(order=order, key=builders.a_key(order.buyer))


def paid_otherwise() -> Ground:
    """An order that was paid from the wallet while a payment through the channel was under way."""
    order = builders.a_placed_order()
    ground = Ground(order=order, key=builders.a_key(order.buyer), paid=builders.a_payment(order))
    builders.fill_wallet(order.buyer, PRICE)
    pay_from_wallet(actor=order.buyer, order_number=order.number, request=builders.a_key(order.buyer), at=at(2))
    return ground


def refunding(*, submitted: bool, refund_to: str = "original") -> Callable[[], Ground]:
    """A cancelled order with its refund attempt, taken up already or not."""

    def prepare() -> Ground:
        order = builders.a_cancelled_order(refund_to=refund_to)
        number = attempts(order)[0]
        if submitted:
            submit_attempt(number=number, at=SOON)
        return Ground(order=order, key=builders.a_key(order.buyer), attempt=number)

    return prepare


def attempts(order: Order) -> list[str]:
    """The numbers of an order's refund attempts, oldest first."""
    asked = "SELECT attempt.number FROM payments_attempt AS attempt JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id"
    of = " AND refund.id = attempt.refund_id WHERE refund.shop_id = %s AND refund.order_id = %s ORDER BY attempt.id"
    return [number for (number,) in database.rows(asked + of, (order.shop.id, order.state.id))]


def events(order: Order, what: str) -> int:
    """How many events of this name an order has."""
    asked = "SELECT count(*) FROM core_event WHERE shop_id = %s AND order_id = %s AND what = %s"
    return int(database.value(asked, (order.shop.id, order.state.id, what)))


def stands(stage: str, money: str, *, escrow: int, refunds: int = 0) -> Callable[[Ground], None]:
    """The order's units are all in this stage, with their money there; escrow holds so much, so many refunds are on their way."""

    def happened(ground: Ground) -> None:
        order = ground.order
        assert set(order.stages) == {stage}
        assert set(order.moneys) == {money}
        assert order.escrow == escrow
        assert len(refunds_of_order(shop_id=order.shop.id, order_id=order.state.id)) == refunds

    return happened


@dataclass(frozen=True)
class Shelf:
    """A product and a buyer about to order from it, with the request's key."""

    product: Product
    order: Purchase
    key: RequestKey
    buyer: Actor


def a_shelf() -> Shelf:
    """A product with two keys and a buyer who wants both."""
    product, buyer = builders.a_product(stock=2), builders.a_buyer()
    purchase = Purchase(product_number=product.number, quantity=2, accept_notice=True, allow_duplicate=False)
    return Shelf(product=product, order=purchase, key=builders.a_key(buyer), buyer=buyer)


def placed_once(shelf: Shelf) -> None:
    assert database.value("SELECT count(*) FROM orders_order WHERE buyer_id = %s", (shelf.buyer.person_id,)) == 1
    assert shelf.product.available == 0


def place(shelf: Shelf) -> object:
    return place_order(actor=shelf.buyer, purchase=shelf.order, request=shelf.key, at=at())


def begin(ground: Ground) -> object:
    return begin_payment(actor=ground.order.buyer, order_number=ground.order.number, channel="sandbox", request=ground.key, at=at(1))


def end(ground: Ground) -> object:
    return end_payment(channel="sandbox", payment_number=ground.notice.payment_number, outcome=PaymentState.FAILED, at=at(2))


def ended_once(ground: Ground) -> None:
    assert [str(payment.status) for payment in ground.order.state.payments] == ["failed"]
    assert events(ground.order, "payment_failed") == 1


def keep_cashier(ground: Ground) -> object:
    opened = Cashier(device="desktop", cashier_url="https://pay.invalid/1", qr_text="")
    return record_cashier(payment_number=ground.notice.payment_number, cashier=opened, valid_until=at(15).now, at=at(2))


def cashier_kept_once(ground: Ground) -> None:
    (payment,) = ground.order.state.payments
    kept = "SELECT cashier_url FROM payments_cashier WHERE shop_id = %s AND payment_id = %s"
    assert database.rows(kept, (ground.order.shop.id, payment.id)) == [("https://pay.invalid/1",)]


def begun_once(ground: Ground) -> None:
    assert len(ground.order.state.payments) == 1
    assert events(ground.order, "payment_begun") == 1


def pay_wallet(ground: Ground) -> object:
    return pay_from_wallet(actor=ground.order.buyer, order_number=ground.order.number, request=ground.key, at=at(2))


def paid_from_wallet_once(ground: Ground) -> None:
    stands("queued", "held", escrow=PRICE)(ground)
    assert builders.wallet(ground.order.buyer) == 0


def take(when: Moment) -> Callable[[Ground], object]:
    """Hear of the payment at this moment."""
    return lambda ground: take_payment(paid=ground.notice, at=when)


def served_late_once(ground: Ground) -> None:
    assert ground.order.stages == ["released", "queued"]
    assert ground.order.escrow == PRICE


def cancel(ground: Ground) -> object:
    order = ground.order
    return open_case(actor=order.buyer, order_number=order.number, claim=MIND, request=ground.key, at=at(5))


def back_on_the_shelf(money: str, *, stage: str) -> Callable[[Ground], None]:
    """The order was cancelled once, its key can be sold again."""

    def happened(ground: Ground) -> None:
        stands(stage, money, escrow=0, refunds=0 if money == "none" else 1)(ground)
        assert ground.order.product.available == 1
        assert events(ground.order, "case_opened") == 1

    return happened


def opened_once(ground: Ground) -> None:
    assert ground.order.stages == ["revealed"]
    assert events(ground.order, "unit_opened") == 1
    assert ground.order.reveal() == ground.order.product.secrets[0]


def confirmed_once(ground: Ground) -> None:
    stands("revealed", "released", escrow=0)(ground)
    assert ground.order.shop.balance(f"merchant:{ground.order.shop.id}:pending") == PRICE * 95 // 100


def confirmed_order() -> Order:
    """An order that was opened and confirmed."""
    order = builders.a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=builders.a_key(order.buyer), at=SOON)
    return order


def settled_once(ground: Ground) -> None:
    stands("revealed", "settled", escrow=0)(ground)
    shop = ground.order.shop
    assert shop.balance(f"merchant:{shop.id}:available") == PRICE * 95 // 100
    assert shop.balance(f"merchant:{shop.id}:pending") == 0


def outcome(status: AttemptState) -> Callable[[Ground], object]:
    """Hear from the channel what became of the refund attempt."""
    said = Evidence(status=status, source="answer", observed_at=SOON.now, channel_number="CH1", amount_minor=PRICE)
    return lambda ground: record_refund_outcome(number=ground.attempt, evidence=said, at=SOON)


def repaid(ground: Ground) -> None:
    stands("recalled", "refunded", escrow=0, refunds=1)(ground)
    assert ground.order.shop.balance("refund_payable:sandbox") == 0
    assert events(ground.order, "refund_arrived") == 1


def repaid_to_wallet(ground: Ground) -> None:
    stands("recalled", "refunded", escrow=0, refunds=1)(ground)
    assert builders.wallet(ground.order.buyer) == PRICE


def tried_again_once(ground: Ground) -> None:
    assert len(attempts(ground.order)) == 2
    assert ground.order.shop.balance("refund_payable:sandbox") == PRICE


def submitted_once(ground: Ground) -> None:
    assert database.value("SELECT status FROM payments_attempt WHERE number = %s", (ground.attempt,)) == "submitting"
    assert events(ground.order, "refund_submitted") == 1


def bring_keys(product: Product) -> object:
    lines = tuple(KeyLine(number=number, secret=f"{product.number}-{number}") for number in (1, 2, 3))
    sealer = keys.sealer_for(shop_id=product.shop.id, at=at())
    return import_keys(actor=product.shop.owner, target=product.target, source="keys.csv", lines=lines, sealer=sealer, at=at())


def stocked_once(product: Product) -> None:
    assert product.available == 3


def hear(ground: Ground) -> None:
    """Hear from the issuer that the key was used before anybody opened it."""
    answer = Answer(said=Said(state=KeyState.USED, redeemer=Redeemer.OTHER), digest=bytes(32))
    occasion = Occasion(issuer="sandbox", occasion="claim")
    record_issuer_answer(order_number=ground.order.number, occasion=occasion, heard={1: answer}, at=SOON)


def heard_once(ground: Ground) -> None:
    unit = ground.order.state.units[0]
    assert (unit.use_check, unit.used_by, unit.issuer_asked_at) == ("used_before_reveal", "other", SOON.now)
    assert events(ground.order, "issuer_answered") == 1
    asked = "SELECT count(*) FROM vault_issuer_answer WHERE shop_id = %s AND order_id = %s"
    assert database.value(asked, (ground.order.shop.id, ground.order.state.id)) == 1


def check(ground: Ground) -> object:
    order = ground.order
    typed = Typed(position=1, prefix=order.product.secrets[0][:4])
    opener = order.product.opener()
    return check_key(actor=order.buyer, order_number=order.number, typed=typed, open_secret=opener, request=ground.key, at=SOON)


def checked_once(ground: Ground) -> None:
    order = ground.order
    assert 1 in proved_positions(shop_id=order.shop.id, order_id=order.state.id)
    assert events(order, "key_checked") == 1
    asked = "SELECT count(*) FROM vault_key_check WHERE shop_id = %s AND order_id = %s"
    assert database.value(asked, (order.shop.id, order.state.id)) == 1


a_placed, a_paid, a_sealed, a_revealed = (
    on(make) for make in (builders.a_placed_order, builders.a_paid_order, builders.a_sealed_order, builders.a_revealed_order)
)

FLOWS: list[Flow[Any]] = [
    Flow("place", a_shelf, place, placed_once),
    Flow("begin payment", a_placed, begin, begun_once),
    Flow("pay from wallet", wallet_full, pay_wallet, paid_from_wallet_once),
    Flow("take payment", begun, take(at(2)), stands("queued", "held", escrow=PRICE)),
    Flow("late payment kept", timed_out(stock=1), take(at(25)), served_late_once),
    Flow("late payment refunded", timed_out(stock=0), take(at(25)), stands("released", "none", escrow=0, refunds=1)),
    Flow("double payment refunded", paid_otherwise, take(at(3)), stands("queued", "held", escrow=PRICE, refunds=1)),
    Flow("deliver", a_paid, lambda g: deliver_order(order_number=g.order.number, at=at(3)), stands("sealed", "held", escrow=PRICE)),
    Flow("reveal", a_sealed, lambda g: g.order.reveal(), opened_once),
    Flow(
        "confirm",
        a_revealed,
        lambda g: confirm_order(actor=g.order.buyer, order_number=g.order.number, positions=None, request=g.key, at=SOON),
        confirmed_once,
    ),
    Flow("confirm by itself", a_revealed, lambda g: auto_confirm_order(order_number=g.order.number, at=NEXT_WEEK), confirmed_once),
    Flow("settle", on(confirmed_order), lambda g: settle_order(order_number=g.order.number, at=NEXT_WEEK), settled_once),
    Flow("expire", a_placed, lambda _: expire_unpaid(at=LATE), stands("released", "none", escrow=0)),
    Flow("expire one", begun, lambda g: expire_order(order_number=g.order.number, at=LATE), stands("released", "none", escrow=0)),
    Flow("cancel unpaid", a_placed, cancel, back_on_the_shelf("none", stage="released")),
    Flow("cancel queued", a_paid, cancel, back_on_the_shelf("refunding", stage="released")),
    Flow("cancel sealed", a_sealed, cancel, back_on_the_shelf("refunding", stage="recalled")),
    Flow(
        "give back untouched",
        a_paid,
        lambda g: give_back(order_number=g.order.number, at=at(days=3)),
        back_on_the_shelf("refunding", stage="released"),
    ),
    Flow("end payment", begun, end, ended_once),
    Flow("record cashier", begun, keep_cashier, cashier_kept_once),
    Flow("submit attempt", refunding(submitted=False), lambda g: submit_attempt(number=g.attempt, at=SOON), submitted_once),
    Flow("refund arrives", refunding(submitted=True), outcome(AttemptState.SUCCEEDED), repaid),
    Flow("refund to wallet", refunding(submitted=True, refund_to="wallet"), outcome(AttemptState.SUCCEEDED), repaid_to_wallet),
    Flow("refund attempt closed", refunding(submitted=True), outcome(AttemptState.CLOSED), tried_again_once),
    Flow("issuer answers", a_sealed, hear, heard_once),
    Flow("check key", a_revealed, check, checked_once),
    Flow("import keys", lambda: builders.a_product(stock=0), bring_keys, stocked_once),
]
