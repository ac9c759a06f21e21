"""The demo market's orders: small stories told by running the real flows against the sandbox gateway, oldest first.

Each story begins some minutes ago; nothing moves the clock, the flows are told when. What a story leaves behind is one stage that a
visitor can then look at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from anka.cli.demo_market import person_id
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment, moment
from anka.core.database import value
from anka.core.idempotency import unrepeated
from anka.flows.confirm_order import confirm_order
from anka.flows.place_order import Purchase, place_order
from anka.flows.reveal_unit import reveal_unit
from anka.flows.steps.judge import Claim
from anka.jobs import claims, payments, sweeps
from anka.jobs.keys import opener_for
from anka.jobs.sandbox_play import play_payment, play_refund
from anka.orders.models import OrderState
from anka.orders.queries import read_order
from anka.payments.queries import refunds_of_order

NOTHING_REMEMBERED = unrepeated("demo")
DAY = 1440


@dataclass
class Story:
    """One order being told: who buys what, and how many minutes ago we are."""

    buyer: str
    product_number: str
    minutes_ago: float
    order: str = ""
    payment: str = ""
    _begun: Moment = field(default_factory=moment)

    @property
    def at(self) -> Moment:
        """The instant the story has come to."""
        return Moment(now=self._begun.now - timedelta(minutes=self.minutes_ago), real=self._begun.real)

    @property
    def actor(self) -> Actor:
        """Who buys."""
        return Actor(kind=ActorKind.BUYER, person_id=person_id(self.buyer))

    def state(self) -> OrderState:
        """How the order stands."""
        return read_order(number=self.order, actor=self.actor, at=self.at)

    def later(self, minutes: float) -> None:
        """Let time pass; whatever falls due is done as the worker would."""
        self.minutes_ago = max(0.0, self.minutes_ago - minutes)
        sweeps.run_due(at=self.at)

    def place(self, quantity: int = 1) -> None:
        """Place the order, with the notice confirmed."""
        purchase = Purchase(self.product_number, quantity, accept_notice=True, allow_duplicate=True)
        self.order = place_order(actor=self.actor, purchase=purchase, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)

    def begin(self, channel: str = "sandbox") -> None:
        """Go to the cashier; the wallet is charged at once."""
        begun = payments.begin(actor=self.actor, order_number=self.order, channel=channel, request=NOTHING_REMEMBERED, at=self.at)
        self.payment = begun.number
        self.later(0.5)

    def money_comes(self) -> None:
        """Have the gateway say that it was paid."""
        play_payment(number=self.payment, outcome="paid", faults=(), at=self.at)
        self.later(0.5)

    def buy(self, quantity: int = 1) -> None:
        """Place, pay at the gateway, and have it delivered."""
        self.place(quantity)
        self.begin()
        self.money_comes()

    def reveal(self, *positions: int) -> None:
        """Open keys."""
        opener = opener_for(shop_id=self.state().shop_id)
        for position in positions:
            reveal_unit(actor=self.actor, order_number=self.order, position=position, open_secret=opener, at=self.at)
        self.later(2)

    def confirm(self) -> None:
        """Say that it works."""
        confirm_order(actor=self.actor, order_number=self.order, positions=None, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)

    def cancel(self, reason: str, *positions: int, to: str = "original") -> None:
        """Get out of it, the money going back where it came from or to the wallet."""
        claim = Claim(reason=reason, positions=positions or None, statement="不需要了，谢谢。", refund_to=to)
        claims.cancel(actor=self.actor, order_number=self.order, claim=claim, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.1)

    def refund_comes(self, outcome: str = "succeeded") -> None:
        """Have the gateway say what became of the refund."""
        state = self.state()
        for refund in refunds_of_order(shop_id=state.shop_id, order_id=state.id):
            play_refund(number=refund.number, outcome=outcome, faults=(), at=self.at)
        self.later(0.1)


def _settled(story: Story) -> None:
    story.buy()
    story.reveal(1)
    story.confirm()
    story.later(2 * DAY + 10)


def _confirmed(story: Story) -> None:
    story.buy(2)
    story.reveal(1, 2)
    story.confirm()


def _opened(story: Story) -> None:
    story.buy()
    story.reveal(1)


def _some_opened(story: Story) -> None:
    story.buy(3)
    story.reveal(1)


def _sealed(story: Story) -> None:
    story.buy()


def _sealed_many(story: Story) -> None:
    story.buy(5)


def _cancelled_unpaid(story: Story) -> None:
    story.place()
    story.begin()
    story.cancel("WRONG_ITEM_PICKED")


def _expired(story: Story) -> None:
    story.place(2)
    story.later(40)


def _late_kept(story: Story) -> None:
    story.place()
    story.begin()
    story.later(40)
    story.money_comes()


def _late_refunded(story: Story) -> None:
    story.place()
    story.begin()
    story.cancel("NO_LONGER_NEEDED")
    story.money_comes()
    story.refund_comes()


def _refunded(story: Story) -> None:
    story.buy()
    story.cancel("NO_LONGER_NEEDED")
    story.refund_comes()


def _refunded_to_wallet(story: Story) -> None:
    story.buy(2)
    story.cancel("DUPLICATE", to="wallet")


def _partly_refunded(story: Story) -> None:
    story.buy(3)
    story.reveal(1)
    story.cancel("NO_LONGER_NEEDED", 2, 3)
    story.refund_comes()


def _refund_stuck(story: Story) -> None:
    story.buy()
    story.cancel("PRICE_CHANGED")
    story.refund_comes("abnormal")


def _paid_from_wallet(story: Story) -> None:
    story.place()
    story.begin("wallet")


def _unpaid(story: Story) -> None:
    story.place(2)


Telling = Callable[[Story], None]
# Minutes ago, buyer, product, story.
STORIES: tuple[tuple[float, str, str, Telling], ...] = (
    (5 * DAY, "buyer2", "yunlan-100", _settled),
    (4 * DAY, "buyer3", "xinghai-648", _settled),
    (3 * DAY, "buyer1", "fengche-10", _settled),
    (2 * DAY, "buyer4", "shanhe-50", _confirmed),
    (1.5 * DAY, "buyer1", "tingyu-vip-30", _confirmed),
    (1.2 * DAY, "buyer5", "wudu-98", _some_opened),
    (DAY, "buyer2", "xinghai-month", _refunded),
    (1000, "buyer3", "yunlan-30", _partly_refunded),
    (900, "buyer4", "fengche-50", _expired),
    (800, "buyer1", "shanhe-200", _refunded_to_wallet),
    (700, "buyer5", "guangying-90", _cancelled_unpaid),
    (600, "buyer2", "yunlan-100-intl", _late_kept),
    (500, "buyer3", "tingyu-vip-365", _late_refunded),
    (450, "buyer1", "yunlan-30", _paid_from_wallet),
    (400, "buyer1", "xinghai-648", _partly_refunded),
    (360, "buyer1", "fengche-50", _refunded),
    (330, "buyer1", "wudu-98", _expired),
    (300, "buyer1", "xinghai-starter", _cancelled_unpaid),
    (270, "buyer1", "shanhe-50", _late_kept),
    (240, "buyer4", "yunlan-100", _refund_stuck),
    (200, "buyer2", "xinghai-starter", _opened),
    (180, "buyer1", "guangying-90", _opened),
    (150, "buyer1", "yunlan-100", _some_opened),
    (120, "buyer5", "yunlan-30", _sealed_many),
    (90, "buyer3", "fengche-10", _sealed),
    (60, "buyer1", "xinghai-month", _sealed_many),
    (30, "buyer1", "yunlan-100", _sealed),
    (2, "buyer2", "tingyu-vip-30", _unpaid),
    (1, "buyer1", "yunlan-100", _unpaid),
)


def market_has_orders() -> bool:
    """Tell whether anybody has ordered anything."""
    return bool(value("SELECT EXISTS (SELECT FROM orders_order)"))


def stories(*, numbers: dict[str, str]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield every story: what it is called, and what tells it."""
    for minutes_ago, buyer, slug, tell in STORIES:
        story = Story(buyer, numbers[slug], minutes_ago)
        yield f"{buyer} · {slug} · {tell.__name__.strip('_').replace('_', ' ')}", lambda tell=tell, story=story: tell(story)  # type: ignore[misc]
