"""Random walks through what happens to orders and refunds while payers' banks take payments back, held to what may never be paid twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

import msgspec

from anka.core import database
from anka.domain.dispute_states import DisputeKind, DisputeState
from anka.flows.record_dispute import record_dispute
from anka.flows.steps.dispute_notice import DisputeNotice
from anka.flows.submit_attempt import HeldByDispute
from anka.flows.transfer_by_hand import abandon_transfer
from anka.jobs import audit
from tests.conftest import END
from tests.faults.money.model import SAYS
from tests.faults.money.real import Market, RealLeg

PRICE = 4_001
CHANNELS = ("sandbox", "alipay", "stripe")
# An order: how many units, how many of them are opened, and what has happened to it where the walk begins.
LIVES = (
    (1, 0, "cancelled"),
    (2, 0, "cancelled"),
    (2, 1, "cancelled"),
    (1, 0, "stuck"),
    (2, 1, "stuck"),
    (1, 1, "argued"),
    (2, 2, "argued"),
    (2, 1, "bought"),
    (1, 0, "bought"),
    (2, 2, "confirmed"),
    (1, 1, "confirmed"),
    (1, 1, "settled"),
)
STEPS = {
    "cancel": 2,
    "complain": 2,
    "end_case": 1,
    "confirm": 1,
    "settle": 3,
    "channel_says": 8,
    "channel_says_of_an_old_number": 3,
    "to_the_wallet": 4,
    "by_hand": 7,
    "once_more": 3,
    "give_up": 3,
    "transfer": 3,
    "bank_takes_back": 3,
    "channel_decides": 4,
}
# What came in, what went back by us and by banks, and what nobody accounts for: of each payment, from the rows alone.
PAYMENTS = """
SELECT payment.number, payment.amount_minor,
    (SELECT coalesce(sum(leg.amount_minor), 0) FROM payments_leg AS leg WHERE leg.shop_id = payment.shop_id
        AND leg.payment_id = payment.id AND leg.status = 'succeeded'),
    (SELECT coalesce(sum(dispute.lost_minor), 0) FROM payments_dispute AS dispute WHERE dispute.shop_id = payment.shop_id
        AND dispute.payment_id = payment.id),
    (SELECT coalesce(sum(dispute.amount_minor - dispute.repaid_minor - dispute.lost_minor - dispute.unborne_minor), 0)
        FROM payments_dispute AS dispute WHERE dispute.shop_id = payment.shop_id AND dispute.payment_id = payment.id
        AND dispute.kind = 'chargeback' AND dispute.status IN ('lost', 'accepted'))
FROM payments_payment AS payment WHERE payment.shop_id = %s AND payment.status = 'paid'
"""
TAKEN = """
SELECT coalesce(sum(amount_minor) FILTER (WHERE status = 'open'), 0), coalesce(sum(unborne_minor), 0)
FROM payments_dispute WHERE shop_id = %s AND kind = 'chargeback'
"""


class Walk:
    """One walk of a seed. Whoever may try, tries; what is refused moves nothing."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.since = audit.position()
        self.market = Market(PRICE)
        self.disputes: dict[tuple[int, int], DisputeNotice] = {}
        self.opened: dict[int, int] = {}
        self.done: Counter[str] = Counter()
        for _ in range(self.chance.choice((1, 1, 2))):
            self.begin(*self.chance.choice(LIVES))

    def begin(self, quantity: int, opened: int, life: str) -> None:
        """Bring an order to where things happen."""
        bought = self.market.place(quantity, [self.chance.choice(CHANNELS)])
        assert self.market.hear(bought, 0) == "taken"
        self.opened[bought.id] = opened
        self.market.deliver(bought, opened)
        if life in ("cancelled", "stuck"):
            assert self.does(partial(self.market.cancel, bought, tuple(range(opened + 1, quantity + 1)), "original"))
        if life == "stuck":
            (leg,) = self.market.legs()[bought.id]
            assert self.does(partial(self.market.say, leg.numbers[0], self.chance.choice(("failed", "abnormal"))))
        if life == "argued":
            assert self.does(partial(self.market.complain, bought, tuple(range(1, quantity + 1)), PRICE))
        if life in ("confirmed", "settled"):
            assert self.does(partial(self.market.confirm, bought))
        if life == "settled":
            assert self.market.settle(bought)

    def does(self, act: Callable[[], object]) -> bool:
        """Let somebody try, and return whether it was carried out."""
        try:
            return not self.market.attempt(act)
        except HeldByDispute:
            return False

    def walk(self, steps: int) -> None:
        """Take so many steps, and then bring everything to its end."""
        for _ in range(steps):
            (step,) = self.chance.choices(list(STEPS), list(STEPS.values()))
            self.done[step] += bool(getattr(self, step)())
            self.nothing_is_paid_back_twice()
        self.end()

    def cancel(self) -> bool:
        bought = self.chance.choice(self.market.orders)
        sealed = tuple(range(self.opened[bought.id] + 1, len(bought.order.state.units) + 1))
        return bool(sealed) and self.does(partial(self.market.cancel, bought, sealed, self.chance.choice(("original", "wallet"))))

    def complain(self) -> bool:
        bought = self.chance.choice(self.market.orders)
        if bought.case or not self.opened[bought.id]:
            return False
        return self.does(partial(self.market.complain, bought, (1,), self.chance.choice((1, 2_000, PRICE))))

    def end_case(self) -> bool:
        bought = self.chance.choice(self.market.orders)
        act = self.chance.choice((self.market.agree, self.market.withdraw_case))
        return bool(bought.case) and self.does(partial(act, bought))

    def confirm(self) -> bool:
        return self.does(partial(self.market.confirm, self.chance.choice(self.market.orders)))

    def settle(self) -> bool:
        return self.market.settle(self.chance.choice(self.market.orders))

    def channel_says(self) -> bool:
        leg = self.leg(lambda leg: not leg.attempts[-1].startswith("hand"))
        if leg is None:
            return False
        word = "succeeded" if leg.attempts[-1].startswith("wallet") else self.chance.choice(SAYS)
        return self.does(partial(self.market.say, leg.numbers[-1], word, source=self.chance.choice(("answer", "notice", "poll", "bill"))))

    def channel_says_of_an_old_number(self) -> bool:
        leg = self.leg(lambda leg: len(leg.attempts) > 1)
        if leg is None:
            return False
        place = self.chance.randrange(len(leg.attempts) - 1)
        if leg.attempts[place].startswith(("hand", "wallet")):
            return False
        word, source = self.chance.choice(("succeeded", "succeeded", "failed")), self.chance.choice(("notice", "poll", "bill"))
        return self.does(partial(self.market.say, leg.numbers[place], word, source=source))

    def to_the_wallet(self) -> bool:
        leg = self.leg(stuck)
        return leg is not None and self.does(partial(self.market.choose_wallet, leg))

    def by_hand(self) -> bool:
        leg = self.leg(stuck)
        return leg is not None and self.does(partial(self.market.begin_transfer, leg))

    def once_more(self) -> bool:
        leg = self.leg(stuck)
        return leg is not None and self.does(partial(self.market.send_again, leg))

    def give_up(self) -> bool:
        leg, who = self.leg(in_hand), self.market.first
        if leg is None:
            return False
        return self.does(partial(abandon_transfer, actor=who, refund_number=leg.refund, leg=leg.leg, at=self.market.now))

    def transfer(self) -> bool:
        leg = self.leg(in_hand)
        if leg is None or not self.does(partial(self.market.enter_transfer, leg)):
            return False
        return self.chance.random() < 0.5 or self.does(partial(self.market.approve_transfer, leg, by=self.market.second))

    def bank_takes_back(self) -> bool:
        bought = self.chance.choice(self.market.orders)
        place = (bought.id, self.chance.randrange(2))
        kind = self.chance.choice((DisputeKind.CHARGEBACK, DisputeKind.CHARGEBACK, DisputeKind.COMPLAINT))
        paid, percent = bought.notices[0], self.chance.choice((100, 100, 60, 1))
        notice = DisputeNotice(
            said=DisputeState.OPEN,
            channel=paid.channel,
            payment_number=paid.payment_number,
            channel_number=f"{kind}-{place}-{paid.payment_number}",
            kind=kind,
            amount_minor=max(1, paid.amount_minor * percent // 100),
        )
        return self.hear(self.disputes.setdefault(place, notice))

    def channel_decides(self) -> bool:
        if not self.disputes:
            return False
        notice = self.chance.choice(list(self.disputes.values()))
        word = self.chance.choice((DisputeState.WON, DisputeState.LOST, DisputeState.LOST, DisputeState.ACCEPTED))
        # Said twice, it is as good as said once.
        return all(self.hear(notice, word) for _ in range(self.chance.choice((1, 2))))

    def hear(self, notice: DisputeNotice, word: DisputeState = DisputeState.OPEN) -> bool:
        told = msgspec.structs.replace(notice, said=word)
        return self.does(lambda: record_dispute(notice=told, at=self.market.now))

    def leg(self, which: Callable[[RealLeg], bool]) -> RealLeg | None:
        """One way of some refund; those that have arrived are looked at last."""
        found = [leg for legs in self.market.legs().values() for leg in legs if which(leg)]
        waiting = [leg for leg in found if leg.status != "succeeded"]
        found = waiting if self.chance.random() < 0.8 else found
        return self.chance.choice(found) if found else None

    def nothing_is_paid_back_twice(self) -> None:
        """Compare what came in with what went back, and the two accounts of disputes with what banks have said."""
        for number, captured, returned, lost, unexplained in database.rows(PAYMENTS, (self.market.shop.id,)):
            assert returned + lost <= captured, f"{number}: {returned} by us and {lost} by banks of {captured}"
            assert unexplained == 0, f"{number}: {unexplained} of lost chargebacks are nobody's"
        accounts = self.market.accounts()
        ((in_dispute, unborne),) = database.rows(TAKEN, (self.market.shop.id,))
        assert -sum(amount for code, amount in accounts.items() if code.startswith("dispute:")) == in_dispute
        assert -accounts.get("bad_debt", 0) == unborne

    def end(self) -> None:
        """Channels decide, people do what is left to do: then nothing is owed to any buyer, and the audit is clean."""
        for notice in self.disputes.values():
            self.hear(notice, DisputeState.WON)
        for _round in range(6):
            for leg in [leg for legs in self.market.legs().values() for leg in legs]:
                self.see_to(leg)
        self.nothing_is_paid_back_twice()
        left = [leg for legs in self.market.legs().values() for leg in legs if leg.status != "succeeded"]
        owed = {code: amount for code, amount in self.market.accounts().items() if code.startswith("refund_payable:")}
        assert left == [], f"not over: {left}"
        assert owed == {}, f"still owed: {owed}"
        found = audit.audit(now=END, since=self.since)
        assert not found, found

    def see_to(self, leg: RealLeg) -> None:
        """Do the next thing about one way of a refund."""
        self.does(partial(self.market.look_into, leg))
        if in_hand(leg):
            self.does(partial(self.market.enter_transfer, leg))
            self.does(partial(self.market.approve_transfer, leg, by=self.market.second))
        elif stuck(leg) and not leg.attempts[-1].endswith("created"):
            self.does(partial(self.market.choose_wallet, leg))
        elif leg.status != "succeeded":
            self.does(partial(self.market.say, leg.numbers[-1], "succeeded"))


def stuck(leg: RealLeg) -> bool:
    """Whether one way of a refund needs somebody."""
    return leg.status == "stuck"


def in_hand(leg: RealLeg) -> bool:
    """Whether somebody transfers it by hand."""
    return leg.attempts[-1] == "hand manual"
