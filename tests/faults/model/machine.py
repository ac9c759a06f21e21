"""The real market beside the model: every step is done to both, both must agree on whether it may be done and on all that it changes.

What the market offers to each side as allowed must succeed, what it does not offer must be refused; a refusal must change nothing.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.refund_states import AttemptState
from anka.flows.steps.judge import AskRequired
from anka.flows.steps.replace_units import NoStockToReplace
from anka.jobs import audit
from tests.builders import at
from tests.conftest import END
from tests.faults.model.arguments import Ask
from tests.faults.model.compared import Disagreement
from tests.faults.model.life import Life
from tests.faults.model.real import Real
from tests.faults.model.steps import step_of, sweep
from tests.faults.model.things import No, Product

MINUTES = (1, 16, 125, 1441, 2881, 4321, 6 * 1440, 8 * 1440, 16 * 1440)
REASONS = ("NO_LONGER_NEEDED", "KEY_INVALID", "KEY_SHORT_COUNT", "FAKE_OR_ILLICIT", "MINOR_PURCHASE", "LATE_DELIVERY")
WORDS: tuple[dict[str, object], ...] = (
    {},
    {"use_check": "unused"},
    {"use_check": "unused", "voidable": True},
    {"use_check": "used_after_reveal"},
    {"use_check": "used_after_reveal", "used_by": "other"},
    {"use_check": "used_after_reveal", "used_by": "buyer", "delivered_percent": 40},
    {"use_check": "invalid"},
    {"region": "US"},
)
BEFORE_OPENING: tuple[dict[str, object], ...] = ({}, {"use_check": "used_before_reveal"}, {"region": "US"})
WAYS = st.sampled_from(
    ["placed", "begun", "paid", "wallet", "taken_up", "delivered", "opened", "refused", "offered", "offered", "claimed", "claimed"]
)
WITH_OPENED = ("opened", "claimed", "refused", "offered")
PRODUCTS = st.integers(0, 2)
ANY = st.integers(0, 11)
PRICE = 30_001
MOST_ORDERS = 4
PARTY = {
    "merchant": ("refuse", "agree", "offer", "offer_replacement", "accept_offer", "decline_offer", "add_evidence", "appeal"),
    "buyer": ("escalate", "appeal", "offer", "accept_offer", "decline_offer", "add_evidence", "withdraw"),
}
PLATFORM = ("ask_for_evidence", "rule", "rule", "approve", "add_evidence")


class Wish(NamedTuple):
    """A claim before it is about anything: the place of a unit (None: all), and how much of what is left is asked for, in percent."""

    asker: str
    reason: str
    place: int | None
    percent: int | None
    replacement: bool
    refund_to: str


WISHES = st.builds(
    Wish,
    asker=st.sampled_from(["buyer", "buyer", "buyer", "merchant", "platform"]),
    reason=st.sampled_from(REASONS),
    place=st.sampled_from([None, 0, 1, 2]),
    percent=st.sampled_from([None, None, 0, 40, 90, 100]),
    replacement=st.sampled_from([False, False, True]),
    refund_to=st.sampled_from(["original", "wallet"]),
)
# Refused for want of something only this request has to bring, or of stock: the action itself was rightly offered.
INCOMPLETE = (AskRequired, NoStockToReplace)
Step = Callable[[Life], object]


class LifeMachine(RuleBasedStateMachine):
    """One shop with three products, one buyer, three arbiters, and everything that can happen to a few orders and their cases."""

    model: Life
    real: Real
    model_of = Life
    audits_every_step = False
    agree = False

    @initialize(stock=st.integers(3, 6), wallet=st.integers(0, 2), product=PRODUCTS, quantity=st.integers(1, 3), way=WAYS, seed=ANY)
    def open(self, stock: int, wallet: int, product: int, quantity: int, way: str, seed: int) -> None:
        self.since = audit.position()
        self.real = Real(price=PRICE, stock=stock, wallet=wallet * PRICE)
        self.model = self.model_of(wallet=wallet * PRICE)
        self.model.products = [
            Product(False, False, PRICE, 5, stock),
            Product(False, True, PRICE, 5, stock),
            Product(True, False, PRICE, 120, 0),
        ]
        self.bring(product, quantity, way, seed)

    # Both at once

    @property
    def now(self) -> Moment:
        """What time it is in both."""
        return at(self.model.now)

    def both(self, about: int, step: Step, act: Callable[[], object], offered: bool | None = None) -> object:
        """Do a step to the model and to the market, and compare. `offered` is whether the market said that it was allowed."""
        trial, answer, refused = deepcopy(self.model), None, None
        self.agree = False
        try:
            step(trial)
            may = True
        except No:
            may = False
        try:
            answer = act()
        except Refusal as refusal:
            refused = refusal
        if may != (refused is None):
            raise Disagreement(f"the model says {'yes' if may else 'no'}, the market {refused!r}")
        if offered is not None and offered != (may or isinstance(refused, INCOMPLETE)):
            raise Disagreement(f"offered: {offered}; then {refused!r}")
        self.model = trial if may else self.model
        self.compare(about)
        return answer

    def compare(self, *about: int) -> None:
        """See whether the market stands where the model stands."""
        self.agree = False
        self.real.compare(self.model, about)
        if self.audits_every_step:
            assert audit.audit(now=END, since=self.since) == []
        self.agree = True

    # Orders

    def bring(self, product: int, quantity: int, way: str, seed: int) -> None:
        """Somebody orders and goes on as people do, so that walks come to the interesting places."""
        index = len(self.model.orders)
        self.both(-1, lambda m: m.place(m.products[product], quantity), lambda: self.real.place(product, quantity, self.now))
        if len(self.model.orders) == index or way == "placed":
            return
        if way == "wallet":
            self.wallet(index)
            return
        self.begin(index)
        if way != "begun":
            self.hear(index, 0)
        if way == "taken_up":
            self.take_up(index)
        if way in ("delivered", *WITH_OPENED):
            self.hand_over(index)
        for position in range(1, quantity + 1) if way in WITH_OPENED else ():
            self.reveal(index, position)
        self.argue(index, way, seed)

    def argue(self, index: int, way: str, seed: int) -> None:
        """Bring a case about: one that the rules refuse where the notice was confirmed, or any."""
        if way == "refused":
            self.issuer(index, 0, 5)
            self.claim(index, Wish("buyer", "NO_LONGER_NEEDED", 0, 50, False, "original"))
        elif way == "offered":
            self.claim(index, Wish("buyer", "KEY_INVALID", None, 90, False, "original"))
            self.do(index, 0, "merchant", ("offer", "offer_replacement")[seed % 2], 50)
        elif way == "claimed":
            self.issuer(index, 0, seed % len(WORDS))
            self.claim(index, Wish("buyer", REASONS[seed % len(REASONS)], None if seed % 2 else 0, 40, seed % 3 == 0, "original"))

    def order(self, which: int) -> int:
        """Choose an order."""
        return which % len(self.model.orders)

    @precondition(lambda self: len(self.model.orders) < MOST_ORDERS)
    @rule(product=PRODUCTS, quantity=st.integers(1, 3), way=WAYS, seed=ANY)
    def another(self, product: int, quantity: int, way: str, seed: int) -> None:
        self.bring(product, quantity, way, seed)

    def begin(self, index: int) -> None:
        offered = self.real.offers(index, "buyer", "pay", self.now)
        self.both(index, lambda m: m.begin(m.orders[index]), lambda: self.real.begin(index, self.now), offered)

    def wallet(self, index: int) -> None:
        self.both(index, lambda m: m.pay_from_wallet(m.orders[index]), lambda: self.real.pay_from_wallet(index, self.now))

    def hear(self, index: int, payment: int) -> None:
        self.both(
            index, lambda m: m.hear(m.orders[index], m.orders[index].payments[payment]), lambda: self.real.hear(index, payment, self.now)
        )

    @precondition(lambda self: self.model.orders)
    @rule(which=ANY, how=st.sampled_from(["begin", "wallet", "hear", "hear"]))
    def pay(self, which: int, how: str) -> None:
        """Pay in time, late, once more, or from the wallet; a channel may say so twice."""
        index = self.order(which)
        known = [number for number, payment in enumerate(self.model.orders[index].payments) if payment.channel != "wallet"]
        if how == "wallet":
            self.wallet(index)
        elif how == "hear" and known:
            self.hear(index, known[which % len(known)])
        elif len(self.model.orders[index].payments) < 4:
            self.begin(index)

    def hand_over(self, index: int) -> None:
        if self.model.orders[index].product.manual:
            wanted = len(self.model.waiting(self.model.orders[index]))
            offered = self.real.offers(index, "merchant", "deliver", self.now)
            self.both(index, lambda m: m.hand_over(m.orders[index]), lambda: self.real.hand_over(index, max(wanted, 1), self.now), offered)
        else:
            self.both(index, lambda m: m.deliver(m.orders[index]), lambda: self.real.deliver(index, self.now))

    @precondition(lambda self: self.model.orders)
    @rule(which=ANY, what=st.sampled_from(["take_up", "hand_over", "hand_over"]))
    def deliver(self, which: int, what: str) -> None:
        index = self.order(which)
        if what == "hand_over":
            self.hand_over(index)
        else:
            self.take_up(index)

    def take_up(self, index: int) -> None:
        offered = self.real.offers(index, "merchant", "accept", self.now)
        self.both(index, lambda m: m.take_up(m.orders[index]), lambda: self.real.take_up(index, self.now), offered)

    def reveal(self, index: int, position: int) -> None:
        offered = self.real.offers(index, "buyer", "reveal", self.now, position)
        self.both(
            index,
            lambda m: m.reveal(m.orders[index].units[position - 1]),
            lambda: self.real.orders[index].reveal(position, when=self.now),
            offered,
        )

    @precondition(lambda self: self.model.orders)
    @rule(which=ANY, place=ANY)
    def open_unit(self, which: int, place: int) -> None:
        index = self.order(which)
        self.reveal(index, place % len(self.model.orders[index].units) + 1)

    @precondition(lambda self: self.model.orders)
    @rule(which=ANY)
    def confirm(self, which: int) -> None:
        index = self.order(which)
        offered = self.real.offers(index, "buyer", "confirm", self.now)
        self.both(index, lambda m: m.confirm(m.orders[index]), lambda: self.real.confirm(index, self.now), offered)

    def issuer(self, index: int, place: int, words: int) -> None:
        unit = self.model.orders[index].units[place % len(self.model.orders[index].units)]
        if unit.stage not in ("sealed", "revealed", "used"):
            return
        known = BEFORE_OPENING if unit.stage == "sealed" else WORDS
        said = known[words % len(known)]
        position = unit.position
        self.both(
            index,
            lambda m: m.issuer_says(m.orders[index].units[position - 1], said),
            lambda: self.real.issuer_says(index, position, said, self.now),
        )

    @precondition(lambda self: self.model.orders)
    @rule(which=ANY, place=ANY, words=ANY)
    def issuer_says(self, which: int, place: int, words: int) -> None:
        self.issuer(self.order(which), place, words)

    # Claims and cases

    def claim(self, index: int, wish: Wish) -> None:
        asker, reason, place, percent, replacement, refund_to = wish
        units = self.model.orders[index].units
        positions = None if place is None else (place % len(units) + 1,)
        left = sum(unit.left for unit in units if positions is None or unit.position in positions)
        amount = None if percent is None else max(1, left * percent // 100)
        ask = Ask(asker, reason, positions, amount, replacement, refund_to)
        plain = reason == "NO_LONGER_NEEDED" and percent is None and not replacement and refund_to == "original"
        # An unpaid order goes as a whole, whichever unit is named.
        unit = positions[0] if positions and self.model.orders[index].paid_at is not None else None
        # Single units are offered to the buyer only.
        plain = plain and (asker == "buyer" or positions is None)
        offered = self.real.offers(index, asker, "cancel", self.now, unit) if plain else None
        self.both(index, lambda m: m.claim(m.orders[index], ask), lambda: self.real.claim(index, ask, self.now), offered)

    @precondition(lambda self: self.model.orders)
    @rule(which=ANY, wish=WISHES)
    def claims(self, which: int, wish: Wish) -> None:
        self.claim(self.order(which), wish)

    def some_case(self, which: int) -> tuple[int, int]:
        """Choose a case, one that is open if there is one."""
        found = [(i, j) for i, order in enumerate(self.model.orders) for j, _case in enumerate(order.cases)]
        still_open = [(i, j) for i, j in found if self.model.orders[i].cases[j].status != "closed"]
        return (still_open or found)[which % len(still_open or found)]

    def possible(self, index: int, number: int, side: str, names: tuple[str, ...], percent: int) -> list[str]:
        """Return what the model allows a side."""
        found = []
        for name in names:
            trial = deepcopy(self.model)
            try:
                step_of(name, side, percent)(trial, trial.orders[index].cases[number])
            except No:
                continue
            found.append(name)
        return found

    def act(self, which: int, side: str, names: tuple[str, ...], what: int, percent: int, eager: bool) -> None:
        """Let a side do one of these; somebody eager does what is allowed, others try anything."""
        index, number = self.some_case(which)
        may = self.possible(index, number, side, names, percent) if eager else []
        name = (may or names)[what % len(may or names)]
        self.do(index, number, side, name, percent)

    def do(self, index: int, number: int, side: str, name: str, percent: int) -> None:
        """Let a side do this with a case."""
        step = step_of(name, side, percent)
        offered = self.real.case_offers(index, number, side, name, self.now)
        self.both(
            index,
            lambda m: step(m, m.orders[index].cases[number]),
            lambda: self.real.act(index, number, side, name, percent, self.now),
            offered,
        )

    @precondition(lambda self: any(order.cases for order in self.model.orders))
    @rule(which=ANY, side=st.sampled_from(sorted(PARTY)), what=ANY, percent=st.sampled_from([0, 1, 50, 100]), eager=st.integers(0, 3))
    def party_acts(self, which: int, side: str, what: int, percent: int, eager: int) -> None:
        self.act(which, side, PARTY[side], what, percent, eager > 0)

    @precondition(lambda self: any(case.status in ("evidence", "review", "appeal") for order in self.model.orders for case in order.cases))
    @rule(which=ANY, who=st.integers(0, 2), what=ANY, percent=st.sampled_from([0, 1, 50, 100]), eager=st.integers(0, 3))
    def platform_acts(self, which: int, who: int, what: int, percent: int, eager: int) -> None:
        self.act(which, f"arbiter{who}", PLATFORM, what, percent, eager > 0)

    @precondition(lambda self: any(case.keys_void for order in self.model.orders for case in order.cases))
    @rule(which=ANY, receipt=st.booleans())
    def issuer_voids(self, which: int, receipt: bool) -> None:
        index, number = self.some_case(which)
        self.both(
            index,
            lambda m: m.issuer_voided(m.orders[index].cases[number], receipt=receipt),
            lambda: self.real.void(index, number, receipt, self.now),
        )

    # Time and channels

    @rule(minutes=st.sampled_from(MINUTES))
    def time_passes(self, minutes: int) -> None:
        """Time passes, and the worker does all that is due, twice: what one round sets going may be due itself."""
        self.model.now += minutes
        for _round in range(2):
            for index, order in enumerate(self.model.orders):
                sweep(self.model, index)
                self.real.sweep(index, len(order.cases), self.now)
                self.compare(index)

    @precondition(lambda self: any(order.refunds for order in self.model.orders))
    @rule(
        which=ANY, said=st.sampled_from([*[AttemptState.SUCCEEDED] * 3, AttemptState.PROCESSING, AttemptState.UNKNOWN, AttemptState.CLOSED])
    )
    def channel_answers(self, which: int, said: AttemptState) -> None:
        found = [(i, j) for i, order in enumerate(self.model.orders) for j, refund in enumerate(order.refunds) if refund.status == "open"]
        if not found:
            return
        index, number = found[which % len(found)]
        refund = self.model.orders[index].refunds[number]
        said = AttemptState.SUCCEEDED if refund.channel == "wallet" else said
        self.real.channel_answers(index, number, said, self.now)
        if said == AttemptState.SUCCEEDED:
            self.model.arrives(refund)
        elif said == AttemptState.CLOSED:
            self.model.closed_by_channel(refund)
        self.compare(index)

    def teardown(self) -> None:
        if self.agree:
            self.compare(*range(len(self.model.orders)))
            assert audit.audit(now=END, since=self.since) == []
