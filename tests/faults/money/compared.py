"""What every step leaves behind: the ledger and the sums compared, and in the end nothing that is owed to any buyer."""

from __future__ import annotations

from functools import partial

from hypothesis.stateful import RuleBasedStateMachine, invariant

from anka.jobs import audit
from tests import builders
from tests.conftest import END
from tests.faults.money.books import Leg, Order
from tests.faults.money.model import Model
from tests.faults.money.real import Bought, Market, RealLeg

Found = tuple[Leg, RealLeg]


class Compared(RuleBasedStateMachine):
    """A market and its model, side by side."""

    market: Market
    model: Model
    since: str

    def both(self, number: int) -> tuple[Order, Bought] | None:
        """An order, in the model and in the market."""
        if not self.model.orders:
            return None
        place = number % len(self.model.orders)
        paid = [bought for bought in self.market.orders if bought.id in self.paid]
        return self.model.orders[place], paid[place]

    @property
    def paid(self) -> set[int]:
        """The orders that were paid, in the market."""
        return {int(order.escrow.split(":")[1]) for order in self.model.orders}

    def leg(self, number: int) -> Found | None:
        """One way of some refund, in the model and in the market. What is not over yet comes first."""
        real = self.market.legs()
        found = [pair for order in self.model.orders for pair in zip(order.legs, real.get(self.id_of(order), []), strict=True)]
        found.sort(key=lambda pair: (pair[0].arrived, not pair[0].stuck))
        return found[number % len(found)] if found else None

    def real_of(self, leg: Leg) -> RealLeg:
        """The market's side of one way of a refund."""
        order = next(order for order in self.model.orders if any(one is leg for one in order.legs))
        place = next(place for place, one in enumerate(order.legs) if one is leg)
        return self.market.legs()[self.id_of(order)][place]

    def id_of(self, order: Order) -> int:
        return int(order.escrow.split(":")[1])

    def may(self, allowed: object, refused: bool) -> None:
        """What the model allows is not refused. What it does not allow has moved nothing, which the comparison says."""
        assert not (allowed and refused), "the market refused what may be done"

    @invariant()
    def the_ledger_has_what_the_sums_say(self) -> None:
        if not hasattr(self, "model"):
            return
        ledger, sums = self.market.accounts(), self.model.books.everything()
        apart = {account: (ledger.get(account), sums.get(account)) for account in ledger | sums if ledger.get(account) != sums.get(account)}
        assert apart == {}, f"ledger and sums part: {apart}"
        wallet = builders.wallet(self.market.buyer)
        assert wallet == self.model.books.wallet, f"wallet and sums part: {wallet}, {self.model.books.wallet}"
        assert self.market.states() == [state for _amount, state in self.model.withdrawals]
        real = self.market.legs()
        for order in self.model.orders:
            for leg, there in zip(order.legs, real.get(self.id_of(order), []), strict=True):
                expected = [f"{way} {state}" for way, state in leg.attempts]
                assert (there.channel, there.amount, there.attempts) == (leg.channel, leg.amount, expected)
                assert (there.status == "stuck", there.status == "succeeded") == (leg.stuck, leg.arrived), there

    def teardown(self) -> None:
        """Channels and people do what is left to do: then nothing is owed to any buyer, and the audit is clean."""
        if not hasattr(self, "model"):
            return
        for order in self.model.orders:
            self.see_to(order)
        self.the_ledger_has_what_the_sums_say()
        owed = [account for account in self.market.accounts() if account.startswith("refund_payable:")]
        assert owed == []
        assert audit.audit(now=END, since=self.since) == []

    def see_to(self, order: Order) -> None:
        """Bring every refund of an order to its end."""
        for place, leg in enumerate(order.legs):
            for _ in range(4):
                real = self.market.legs()[self.id_of(order)][place]
                if leg.twice:
                    assert not self.market.attempt(partial(self.market.look_into, real))
                    leg.twice = False
                elif leg.arrived:
                    break
                elif leg.newest == ["hand", "manual"]:
                    self.market.attempt(partial(self.market.enter_transfer, real))
                    assert not self.market.attempt(partial(self.market.approve_transfer, real, by=self.market.second))
                    leg.newest[1] = "succeeded"
                    self.model.arrive(leg)
                elif leg.stuck and self.model.another(leg, "wallet"):
                    assert not self.market.attempt(partial(self.market.choose_wallet, real))
                else:
                    if leg.newest[1] == "created":
                        leg.newest[1], leg.stuck = "submitting", False
                    self.market.attempt(partial(self.market.say, real.numbers[-1], "succeeded"))
                    self.model.said(leg, "succeeded", source="answer")
            assert leg.arrived, leg
