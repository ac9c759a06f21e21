"""Any sequence of what buyers, shops, channels, finance and arbiters may do with money, done to the market and to plain sums."""

from __future__ import annotations

from hypothesis import strategies as some
from hypothesis.stateful import initialize, precondition, rule

from anka.flows.rule_on_case import Finding
from anka.jobs import audit
from tests.faults.money.books import Books, Leg, Order, Unit
from tests.faults.money.compared import Compared
from tests.faults.money.model import SAYS, Model
from tests.faults.money.real import Market

PRICE = 4_001
MOST_ORDERS = 5
WHICH = some.integers(0, 9)
CHANNELS = some.sampled_from(["sandbox", "alipay", "wechat", "epay", "stripe"])
WAYS = some.one_of(CHANNELS, some.just("wallet"))
NEXT = {"asked": ("approved", "refused"), "approved": ("paying", "refused"), "paying": ("paid", "failed")}
STEPS = some.sampled_from(["approved", "refused", "paying", "paid", "failed"])
LIVES = ["bought", "cancelled", "argued", "confirmed", "settled", "doubled"]


def has_legs(machine: MoneyMachine) -> bool:
    """Whether anything is on its way back, or was."""
    return any(order.legs for order in machine.model.orders)


def has_stuck(machine: MoneyMachine) -> bool:
    """Whether any refund needs somebody."""
    return any(leg.stuck or leg.twice for order in machine.model.orders for leg in order.legs)


def has_case(machine: MoneyMachine) -> bool:
    """Whether anybody argues."""
    return any(order.case for order in machine.model.orders)


def has_money(machine: MoneyMachine) -> bool:
    """Whether the shop has, or had, anything to withdraw."""
    return machine.model.books.has("available") > 0 or bool(machine.model.withdrawals)


class MoneyMachine(Compared):
    """The shop's money in the ledger and as plain sums. After each step they are the same, and at the end nothing is owed."""

    model_type: type[Model] = Model

    @initialize(
        deposit=some.sampled_from([0, 300, 5_000]),
        wallet=some.sampled_from([0, PRICE, 3 * PRICE]),
        lives=some.lists(some.tuples(WAYS, some.integers(1, 2), some.sampled_from(LIVES)), min_size=2, max_size=3),
    )
    def open(self, deposit: int, wallet: int, lives: list[tuple[str, int, str]]) -> None:
        self.since = audit.position()
        self.market = Market(PRICE)
        self.model = self.model_type(Books(self.market.shop.id))
        self.told: set[str] = set()
        self.market.put_down(deposit) if deposit else None
        self.model.books.move("psp:sandbox:clearing", self.model.books.place("deposit"), deposit)
        self.market.fill_wallet(wallet) if wallet else None
        self.model.books.wallet = self.model.topped_up = wallet
        for way, quantity, life in lives:
            self.begin(way, quantity, life)

    def begin(self, way: str, quantity: int, life: str) -> None:
        """Bring an order to where things happen, so that walks begin there."""
        before = len(self.model.orders)
        self.buy(quantity=quantity, way=way, doubled="stripe" if life == "doubled" else "", opened=0 if life == "cancelled" else quantity)
        if len(self.model.orders) == before:
            return
        if life == "cancelled":
            self.cancel(number=before, both=True, to="original")
        elif life == "argued":
            self.complain(number=before, percent=60)
        elif life in ("confirmed", "settled"):
            self.confirm(number=before, settles=life == "settled")

    @precondition(lambda self: len(self.market.orders) < MOST_ORDERS)
    @rule(quantity=some.integers(1, 2), way=WAYS, doubled=some.sampled_from(["", "", "alipay", "stripe"]), opened=some.integers(0, 2))
    def buy(self, quantity: int, way: str, doubled: str, opened: int) -> None:
        doubled = "" if doubled == way else doubled
        began = [channel for channel in (way, doubled) if channel not in ("", "wallet")]
        bought = self.market.place(quantity, began)
        amount = quantity * PRICE
        order = Order(f"order:{bought.id}:escrow", way, [Unit(PRICE, PRICE) for _ in range(quantity)], doubled=doubled)
        if way == "wallet":
            refused = self.market.attempt(lambda: self.market.pay_from_wallet(bought))
            assert refused == (self.model.books.wallet < amount)
            if refused:
                return
        else:
            assert self.market.hear(bought, 0) == "taken"
            assert self.market.hear(bought, 0) == "repeated"
        self.model.bought(order, amount)
        opened = min(opened, quantity)
        self.market.deliver(bought, opened)
        for unit in order.units[:opened]:
            unit.opened = True

    @precondition(lambda self: any(order.doubled for order in self.model.orders))
    @rule(number=WHICH, again=some.booleans())
    def second_payment_comes_in(self, number: int, again: bool) -> None:
        found = self.both(number)
        if found is None or not found[0].doubled:
            return
        order, bought = found
        assert self.market.hear(bought, -1) == "double_refunded"
        self.model.paid_again(order)
        if again:
            assert self.market.hear(bought, -1) == "repeated"

    @precondition(lambda self: any(not unit.opened and not unit.over for order in self.model.orders for unit in order.units))
    @rule(number=WHICH, both=some.booleans(), to=some.sampled_from(["original", "original", "wallet"]))
    def cancel(self, number: int, both: bool, to: str) -> None:
        found = self.both(number)
        if found is None:
            return
        order, bought = found
        sealed = [place for place, unit in enumerate(order.units, start=1) if not unit.opened and not unit.over]
        sealed = sealed if both else sealed[:1]
        if sealed:
            units = [order.units[place - 1] for place in sealed]
            assert not self.market.attempt(lambda: self.market.cancel(bought, tuple(sealed), to))
            self.model.refund(order, [(unit, unit.left) for unit in units], to)

    @precondition(lambda self: any(unit.opened and not unit.over and not order.case for order in self.model.orders for unit in order.units))
    @rule(number=WHICH, percent=some.integers(1, 100))
    def complain(self, number: int, percent: int) -> None:
        found = self.both(number)
        if found is None or found[0].case:
            return
        order, bought = found
        places = [place for place, unit in enumerate(order.units, start=1) if unit.opened and not unit.over and not unit.argued]
        units = [order.units[place - 1] for place in places]
        ask = max(1, sum(unit.left for unit in units) * percent // 100)
        if units:
            assert not self.market.attempt(lambda: self.market.complain(bought, tuple(places), ask))
            self.model.argue(order, units, ask)

    @precondition(has_case)
    @rule(number=WHICH, how=some.sampled_from(["agree", "withdraw"]))
    def end_case(self, number: int, how: str) -> None:
        found = self.both(number)
        if found is None or not found[0].case:
            return
        order, bought = found
        act = self.market.agree if how == "agree" else self.market.withdraw_case
        assert not self.market.attempt(lambda: act(bought))
        self.model.end_case(order, order.asked if how == "agree" else 0)

    @precondition(has_case)
    @rule(
        number=WHICH,
        percent=some.sampled_from([0, 33, 50, 100]),
        compensation=some.sampled_from([0, 7, 2_000]),
        penalty=some.sampled_from([0, 200, 4_000]),
        fault=some.sampled_from(["merchant", "both", "platform"]),
    )
    def rule_on_case(self, number: int, percent: int, compensation: int, penalty: int, fault: str) -> None:
        found = self.both(number)
        if found is None or not found[0].case:
            return
        order, bought = found
        refund = sum(unit.left for unit in order.case) * percent // 100
        penalty = min(penalty, self.model.books.has("deposit")) if fault != "platform" else 0
        finding = Finding(
            fault=fault,
            reasons=("EVIDENCE_SUFFICIENT",),
            text="So.",
            refund_minor=refund,
            compensation_minor=compensation,
            penalty_minor=penalty,
        )
        assert not self.market.attempt(lambda: self.market.rule(bought, finding))
        bearer = "platform" if fault == "platform" else "shop"
        self.model.end_case(order, refund, compensation=compensation, penalty=penalty, bearer=bearer)

    @precondition(lambda self: any(unit.opened and unit.is_held for order in self.model.orders for unit in order.units))
    @rule(number=WHICH, settles=some.booleans())
    def confirm(self, number: int, settles: bool) -> None:
        found = self.both(number)
        if found is None:
            return
        order, bought = found
        allowed = self.model.confirm(order)
        assert self.market.attempt(lambda: self.market.confirm(bought)) != allowed
        if settles:
            self.settle(number)

    @precondition(lambda self: any(unit.confirmed and not unit.settled for order in self.model.orders for unit in order.units))
    @rule(number=WHICH)
    def settle(self, number: int) -> None:
        found = self.both(number)
        if found is not None:
            assert self.market.settle(found[1]) == self.model.settle(found[0])

    @precondition(has_legs)
    @rule(number=WHICH, says=some.sampled_from([*SAYS, "succeeded"]), source=some.sampled_from(["answer", "notice", "poll", "bill"]))
    def channel_says(self, number: int, says: str, source: str) -> None:
        found = self.leg(number)
        if found is None or found[0].newest[0] == "hand":
            return
        leg, real = found
        says = "succeeded" if leg.newest[0] == "wallet" else says
        if leg.newest[1] == "created":
            leg.newest[1], leg.stuck = "submitting", False
        self.market.attempt(lambda: self.market.say(real.numbers[-1], says, source=source))
        if leg.arrived and leg.paying is not leg.newest:
            # It was called off because an older one had paid.
            self.said_late(leg, len(leg.attempts) - 1, real.numbers[-1], says)
        else:
            self.model.said(leg, says, source=source)

    def said_late(self, leg: Leg, place: int, number: str, says: str) -> None:
        self.model.said_late(leg, place, says, again=number in self.told)
        if says == "succeeded":
            self.told.add(number)

    @precondition(lambda self: any(not leg.arrived and not leg.stuck for order in self.model.orders for leg in order.legs))
    @rule(number=WHICH, says=some.sampled_from(["failed", "abnormal", "closed", "unknown"]))
    def channel_cannot(self, number: int, says: str) -> None:
        self.channel_says(number=number, says=says, source="poll")

    @precondition(lambda self: any(leg.arrived and leg.paying[0] == leg.channel for order in self.model.orders for leg in order.legs))
    @rule(number=WHICH)
    def money_bounces(self, number: int) -> None:
        """The bill says that a refund came back to us."""
        arrived = [leg for order in self.model.orders for leg in order.legs if leg.arrived and leg.paying[0] == leg.channel]
        leg = arrived[number % len(arrived)]
        if leg.channel != "wallet":
            real = self.real_of(leg)
            paid = real.numbers[next(place for place, one in enumerate(leg.attempts) if one is leg.paying)]
            self.market.attempt(lambda: self.market.say(paid, "failed", source="bill"))
            self.model.bounced(leg)

    @precondition(lambda self: any(len(leg.attempts) > 1 for order in self.model.orders for leg in order.legs))
    @rule(number=WHICH, which=some.integers(0, 3), says=some.sampled_from(["succeeded", "succeeded", "failed", "processing"]))
    def channel_says_of_an_old_number(self, number: int, which: int, says: str) -> None:
        found = self.leg(number)
        if found is None or len(found[0].attempts) < 2:
            return
        leg, real = found
        place = which % (len(leg.attempts) - 1)
        if leg.attempts[place][0] in ("hand", "wallet"):
            return
        self.market.attempt(lambda: self.market.say(real.numbers[place], says, source="notice"))
        self.said_late(leg, place, real.numbers[place], says)

    @precondition(has_stuck)
    @rule(number=WHICH)
    def to_the_wallet(self, number: int) -> None:
        self.another_way(number, "wallet")

    @precondition(has_stuck)
    @rule(number=WHICH)
    def by_hand(self, number: int) -> None:
        self.another_way(number, "hand")

    @precondition(has_stuck)
    @rule(number=WHICH)
    def once_more(self, number: int) -> None:
        self.another_way(number, "again")

    def another_way(self, number: int, way: str) -> None:
        """Somebody wants another way for a refund: the buyer into the wallet, finance by hand or again."""
        found = self.leg(number)
        if found is None or (way == "hand" and found[0].newest == ["hand", "manual"]):
            return
        leg, real = found
        act = {"wallet": self.market.choose_wallet, "hand": self.market.begin_transfer, "again": self.market.send_again}[way]
        allowed = self.model.another(leg, leg.channel if way == "again" else way)
        self.may(allowed, self.market.attempt(lambda: act(real)))

    @precondition(lambda self: any(leg.newest == ["hand", "manual"] for order in self.model.orders for leg in order.legs))
    @rule(number=WHICH, alone=some.booleans())
    def transfer(self, number: int, alone: bool) -> None:
        """The transfer is made and written down; approving it needs somebody else."""
        found = self.leg(number)
        if found is None or found[0].newest != ["hand", "manual"]:
            return
        leg, real = found
        if not leg.proof:
            refused = self.market.attempt(lambda: self.market.enter_transfer(real))
            assert refused == leg.twice
            leg.proof = not refused
        by = self.market.first if alone else self.market.second
        refused = self.market.attempt(lambda: self.market.approve_transfer(real, by=by))
        assert refused == (alone or leg.twice or not leg.proof)
        if not refused:
            leg.newest[1], leg.proof = "succeeded", False
            self.model.arrive(leg)

    @precondition(lambda self: any(leg.twice for order in self.model.orders for leg in order.legs))
    @rule(number=WHICH)
    def look_into(self, number: int) -> None:
        found = self.leg(number)
        if found is not None and found[0].twice:
            assert not self.market.attempt(lambda: self.market.look_into(found[1]))
            found[0].twice = False

    @precondition(has_money)
    @rule(amount=some.sampled_from([1_000, 2_500, 3_800, 3_801, 7_602]))
    def ask_withdrawal(self, amount: int) -> None:
        allowed = self.model.ask_withdrawal(amount)
        assert self.market.attempt(lambda: self.market.ask_withdrawal(amount)) != allowed

    @precondition(lambda self: any(state in NEXT for _amount, state in self.model.withdrawals))
    @rule(number=WHICH, step=STEPS, goes_on=some.booleans())
    def step_withdrawal(self, number: int, step: str, goes_on: bool) -> None:
        """Finance does the next thing with a withdrawal, or what is not its turn."""
        place = number % len(self.model.withdrawals)
        withdrawal = self.model.withdrawals[place]
        turns = NEXT.get(str(withdrawal[1]), ())
        step = turns[number % len(turns)] if goes_on and turns else step
        allowed = step in turns
        assert self.market.attempt(lambda: self.market.step_withdrawal(place, step)) != allowed
        if allowed and step in ("paid", "failed", "refused"):
            self.model.end_withdrawal(withdrawal, step)
        elif allowed:
            withdrawal[1] = step

    @precondition(lambda self: self.model.books.wallet > 0)
    @rule(amount=some.sampled_from([1, 1_000, PRICE, PRICE + 1, 3 * PRICE]))
    def return_unused(self, amount: int) -> None:
        """Unused money goes back the way it came; what came from refunds and compensations did not come that way."""
        allowed = self.model.return_unused(amount)
        assert self.market.attempt(lambda: self.market.return_unused(amount)) != allowed

    @precondition(has_money)
    @rule(amount=some.sampled_from([1, 1_000, 3_801]))
    def deposit(self, amount: int) -> None:
        allowed = self.model.put_down(amount)
        assert self.market.attempt(lambda: self.market.deposit(amount)) != allowed

    @rule(number=WHICH)
    def bill(self, number: int) -> None:
        found = self.both(number)
        if found is None or found[0].channel == "wallet":
            return
        order, bought = found
        self.market.bill(bought, 24)
        if bought.order.number not in self.told:
            self.told.add(bought.order.number)
            self.model.billed(order, 24)
