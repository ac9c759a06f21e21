"""The demo market's orders: small stories told by running the real flows against the sandbox gateway, oldest first.

What a story leaves behind is one stage that a visitor can then look at.
"""

from collections.abc import Callable, Iterator

from anka.cli.demo_story import Story
from anka.core.database import value
from anka.domain.funds_mode import Doing
from anka.ledger import mode

DAY = 1440


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


def _many_settled(story: Story) -> None:
    """What a shop has to withdraw comes of what it has sold."""
    story.buy(20)
    story.reveal(*range(1, 21))
    story.confirm()
    story.later(2 * DAY + 10)


def _partly_refunded_by_alipay(story: Story) -> None:
    story.place(3)
    story.begin("alipay")
    story.money_comes()
    story.cancel("NO_LONGER_NEEDED", 2)
    story.refund_comes()


def _refund_waits_for_funds(story: Story) -> None:
    story.buy()
    story.cancel_without_funds("NO_LONGER_NEEDED")


def _refund_stuck(story: Story) -> None:
    story.buy()
    story.cancel("PRICE_CHANGED")
    story.refund_comes("failed")


def _paid_from_wallet(story: Story) -> None:
    story.place()
    story.begin("wallet")


def _unpaid(story: Story) -> None:
    story.place(2)


def _to_deliver(story: Story) -> None:
    """Paid, nobody of the shop has looked at it yet."""
    story.buy()


def _to_deliver_two(story: Story) -> None:
    story.buy(2)


def _taken_up(story: Story) -> None:
    story.buy()
    story.accept()


def _handed_over(story: Story) -> None:
    story.buy(2)
    story.accept()
    story.later(20)
    story.hand_over()


def _regretted(story: Story) -> None:
    """The shop has taken it up, the buyer wants out: silence refunds."""
    story.buy()
    story.accept()
    story.later(4)
    story.complain("NO_LONGER_NEEDED", "朋友已经送了我一张，还没发货的话请退款，谢谢。")


def _bad_key(story: Story) -> None:
    story.buy()
    story.reveal(1)
    story.complain("KEY_INVALID", "打开两分钟后去兑换，提示卡密无效。", ask_minor=story.state().amount_minor)


def _offered(story: Story) -> None:
    _bad_key(story)
    story.later(10)
    story.offer(story.merchant, story.state().amount_minor // 2, "先退一半，卡密我们拿去发行方核实。")


def _countered(story: Story) -> None:
    _offered(story)
    story.later(15)
    story.offer(story.actor, story.state().amount_minor * 4 // 5, "退八成我就接受。")


def _refused(story: Story) -> None:
    _bad_key(story)
    story.later(30)
    story.refuse()


def _ruled(story: Story) -> None:
    _refused(story)
    story.later(120)
    story.rule(60)


def _appealed(story: Story) -> None:
    _ruled(story)
    story.later(60)
    story.appeal("我补了完整录屏：从打开卡密到兑换失败没有间断，账号和时间都在画面里。")


def _replaced(story: Story) -> None:
    story.buy()
    story.reveal(1)
    story.complain("KEY_INVALID", "卡密无效，请补发一张。", replacement=True)
    story.later(10)
    story.agree()


def _agreed(story: Story) -> None:
    _bad_key(story)
    story.later(25)
    story.agree()
    story.refund_comes()


Telling = Callable[[Story], None]
# Minutes ago, buyer, product, story.
STORIES: tuple[tuple[float, str, str, Telling], ...] = (
    (5.5 * DAY, "buyer5", "yunlan-100", _many_settled),
    (5 * DAY, "buyer2", "yunlan-100", _settled),
    (4 * DAY, "buyer3", "xinghai-648", _settled),
    (3 * DAY, "buyer1", "fengche-10", _settled),
    (2 * DAY, "buyer4", "shanhe-50", _confirmed),
    (1.5 * DAY, "buyer1", "tingyu-vip-30", _confirmed),
    (1.2 * DAY, "buyer5", "wudu-98", _some_opened),
    (DAY, "buyer2", "xinghai-month", _refunded),
    (1400, "buyer4", "yunlan-100", _appealed),
    (1300, "buyer5", "yunlan-100", _ruled),
    (1200, "buyer3", "yunlan-100", _agreed),
    (1100, "buyer4", "xinghai-648", _refused),
    (1000, "buyer3", "yunlan-30", _partly_refunded),
    (900, "buyer4", "fengche-50", _expired),
    (850, "buyer2", "yunlan-100", _replaced),
    (800, "buyer1", "shanhe-200", _refunded_to_wallet),
    (700, "buyer5", "guangying-90", _cancelled_unpaid),
    (600, "buyer2", "yunlan-100-intl", _late_kept),
    (500, "buyer3", "tingyu-vip-365", _late_refunded),
    (480, "buyer1", "yunlan-100", _partly_refunded_by_alipay),
    (450, "buyer1", "yunlan-30", _paid_from_wallet),
    (400, "buyer1", "xinghai-648", _partly_refunded),
    (380, "buyer3", "yunlan-500", _handed_over),
    (360, "buyer1", "fengche-50", _refunded),
    (330, "buyer1", "wudu-98", _expired),
    (310, "buyer5", "yunlan-100", _refused),
    (300, "buyer1", "xinghai-starter", _cancelled_unpaid),
    (270, "buyer1", "shanhe-50", _late_kept),
    (250, "buyer2", "shanhe-200", _bad_key),
    (240, "buyer4", "yunlan-100", _refund_stuck),
    (220, "buyer2", "xinghai-648", _refund_waits_for_funds),
    (200, "buyer2", "xinghai-starter", _opened),
    (190, "buyer3", "yunlan-100", _countered),
    (180, "buyer1", "guangying-90", _opened),
    (170, "buyer5", "xinghai-648", _offered),
    (150, "buyer1", "yunlan-100", _some_opened),
    (140, "buyer4", "yunlan-1000", _taken_up),
    (120, "buyer5", "yunlan-30", _sealed_many),
    (116, "buyer2", "yunlan-500", _to_deliver),
    (110, "buyer3", "yunlan-500", _regretted),
    (100, "buyer5", "yunlan-100", _bad_key),
    (90, "buyer3", "fengche-10", _sealed),
    (60, "buyer1", "xinghai-month", _sealed_many),
    (45, "buyer1", "xinghai-6480", _to_deliver_two),
    (30, "buyer1", "yunlan-100", _sealed),
    (25, "buyer1", "yunlan-500", _to_deliver),
    (2, "buyer2", "tingyu-vip-30", _unpaid),
    (1, "buyer1", "yunlan-100", _unpaid),
)


OF_WALLETS = frozenset({_refunded_to_wallet, _paid_from_wallet})


def market_has_orders() -> bool:
    """Tell whether anybody has ordered anything."""
    return bool(value("SELECT EXISTS (SELECT FROM orders_order)"))


def to_tell() -> list[tuple[float, str, str, Telling]]:
    """Return the stories that this installation can tell: where it holds no money, those of wallets are left out."""
    has_wallets = mode.offered(doing=Doing.PAY_FROM_WALLET)
    return [story for story in STORIES if has_wallets or story[-1] not in OF_WALLETS]


def stories(*, numbers: dict[str, str]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield every story: what it is called, and what tells it."""
    for minutes_ago, buyer, slug, tell in to_tell():
        story = Story(buyer, numbers[slug], minutes_ago)
        yield f"{buyer} · {slug} · {tell.__name__.strip('_').replace('_', ' ')}", lambda tell=tell, story=story: tell(story)  # type: ignore[misc]
