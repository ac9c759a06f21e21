"""The market's side of the machine: the same steps by the real flows, and what the database then holds."""

from collections.abc import Callable

from anka.cases.models import CaseState
from anka.cases.queries import dossier, read_case
from anka.catalog.models import Terms
from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.refund_states import AttemptState
from anka.flows.accept_order import accept_order
from anka.flows.add_evidence import add_evidence, request_evidence
from anka.flows.answer_case import agree_case, refuse_case
from anka.flows.answer_offer import accept_offer, decline_offer
from anka.flows.appeal_case import appeal_case
from anka.flows.begin_payment import begin_payment
from anka.flows.confirm_order import auto_confirm_order, confirm_order
from anka.flows.deliver_order import deliver_order
from anka.flows.escalate_case import escalate_case
from anka.flows.expire_unpaid import expire_order
from anka.flows.fall_case_clocks import fall_one_case
from anka.flows.hand_over_keys import Handover, hand_over_keys
from anka.flows.make_offer import make_offer, offer_replacement
from anka.flows.open_case import open_case
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.record_void import record_void
from anka.flows.rule_on_case import Finding, approve_ruling, rule_on_case
from anka.flows.settle_order import settle_order
from anka.flows.steps.actions import actions_for
from anka.flows.steps.case_actions import case_actions
from anka.flows.steps.judge import Claim
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import PaidNotice, take_payment
from anka.flows.withdraw_case import withdraw_case
from anka.jobs import closing, keys
from anka.orders.queries import read_order
from tests import builders
from tests.builders import Order, a_key
from tests.builders.cases import an_arbiter
from tests.builders.issuers import issuer_says
from tests.faults.model.arguments import Ask
from tests.faults.model.compared import of_market, of_model, of_stock, require_same, stock_of
from tests.faults.model.life import Life

ATTEMPTS = """
SELECT array_agg(attempt.number ORDER BY attempt.id) FROM payments_refund AS refund
    JOIN payments_attempt AS attempt ON attempt.shop_id = refund.shop_id AND attempt.refund_id = refund.id
WHERE refund.shop_id = %s AND refund.order_id = %s GROUP BY refund.id ORDER BY refund.id
"""


class Real:
    """One shop, its products and orders, and the people around them."""

    def __init__(self, *, price: int, stock: int, wallet: int) -> None:
        shop = builders.a_shop()
        notice = Terms(notice_zh="一经使用不退", notice_en="No refund once used")
        self.products = [
            builders.a_product(shop=shop, stock=stock, price_minor=price),
            builders.a_product(shop=shop, stock=stock, price_minor=price, terms=notice),
            builders.a_product(shop=shop, stock=0, price_minor=price, delivery="manual", terms=Terms(promise_minutes=120)),
        ]
        self.shop, self.buyer = shop, builders.a_buyer(wallet_minor=wallet)
        self.actors = {"buyer": self.buyer, "merchant": shop.owner, "platform": an_arbiter("agent")}
        self.actors |= {f"arbiter{number}": an_arbiter() for number in range(3)}
        self.orders: list[Order] = []
        self.payments: list[list[PaidNotice]] = []
        self.cases: list[list[str]] = []

    # What the market offers

    def offers(self, index: int, side: str, name: str, now: Moment, position: int | None = None) -> bool:
        """Tell whether an action on an order is offered as allowed."""
        actor = self.actors[side]
        state = read_order(number=self.orders[index].number, actor=actor, at=now)
        found = [a for a in actions_for(state=state, actor=actor, at=now) if (a.name, a.position) == (name, position)]
        return any(action.allowed for action in found)

    def case_offers(self, index: int, number: int, side: str, name: str, now: Moment) -> bool:
        """Tell whether an action on a case is offered as allowed."""
        actor = self.actors[side]
        state, case = read_case(number=self.cases[index][number], actor=actor, at=now)
        name = "offer" if name == "offer_replacement" else name
        return any(action.allowed for action in case_actions(state=state, case=case, actor=actor, at=now) if action.name == name)

    # Orders

    def place(self, product: int, quantity: int, now: Moment) -> None:
        """Order."""
        self.orders.append(builders.a_placed_order(quantity=quantity, product=self.products[product], buyer=self.buyer, when=now))
        self.payments.append([])
        self.cases.append([])

    def begin(self, index: int, now: Moment) -> None:
        """Begin a payment."""
        order = self.orders[index]
        number = begin_payment(actor=self.buyer, order_number=order.number, channel="sandbox", request=a_key(self.buyer), at=now)
        if number not in {notice.payment_number for notice in self.payments[index]}:
            amount = order.product.price_minor * order.state.quantity
            self.payments[index].append(PaidNotice("sandbox", number, f"LIFE{builders.serial()}", amount, "CNY"))

    def pay_from_wallet(self, index: int, now: Moment) -> None:
        """Pay from the wallet."""
        number = pay_from_wallet(actor=self.buyer, order_number=self.orders[index].number, request=a_key(self.buyer), at=now)
        self.payments[index].append(PaidNotice("wallet", number, number, 0, "CNY"))

    def hear(self, index: int, payment: int, now: Moment) -> None:
        """A channel says that money came."""
        take_payment(paid=self.payments[index][payment], at=now)

    def deliver(self, index: int, now: Moment) -> None:
        """Goods deliver themselves."""
        deliver_order(order_number=self.orders[index].number, at=now)

    def take_up(self, index: int, now: Moment) -> None:
        """The merchant takes an order up."""
        shop = self.shop.owner
        accept_order(actor=shop, order_number=self.orders[index].number, positions=None, request=a_key(shop), at=now)

    def hand_over(self, index: int, wanted: int, now: Moment) -> None:
        """The merchant hands keys over."""
        shop = self.shop.owner
        sealer = keys.sealer_for(shop_id=self.shop.id, at=now)
        given = Handover(secrets=tuple(f"HAND{builders.serial():08d}" for _unit in range(wanted)))
        hand_over_keys(actor=shop, order_number=self.orders[index].number, handover=given, sealer=sealer, request=a_key(shop), at=now)

    def confirm(self, index: int, now: Moment) -> None:
        """The buyer confirms."""
        confirm_order(actor=self.buyer, order_number=self.orders[index].number, positions=None, request=a_key(self.buyer), at=now)

    def issuer_says(self, index: int, position: int, said: dict[str, object], now: Moment) -> None:
        """The issuer says something."""
        issuer_says(self.orders[index], when=now, position=position, **said)

    def claim(self, index: int, ask: Ask, now: Moment) -> None:
        """Somebody claims."""
        actor = self.actors[ask.asker]
        claim = Claim(
            reason=ask.reason,
            positions=ask.positions,
            refund_to=ask.refund_to,
            ask_minor=ask.amount,
            ask_replacement=ask.replacement,
            issuer_asked=True,
            channels_asked=True,
        )
        self.cases[index] += open_case(actor=actor, order_number=self.orders[index].number, claim=claim, request=a_key(actor), at=now)

    # Cases

    def act(self, index: int, number: int, side: str, name: str, percent: int, now: Moment) -> None:
        """A side does something with a case."""
        actor = self.actors[side]
        case = read_case(number=self.cases[index][number], actor=actor, at=now)[1]
        left = sum(unit.left_minor for unit in self.orders[index].state.units if unit.position in case.positions)
        act = _ACTS[name]
        if side.startswith("arbiter") and name == "rule":
            finding = Finding(fault="both", reasons=("OTHER",), text="So.", refund_percent=percent)
            rule_on_case(actor=actor, case_number=case.number, finding=finding, request=a_key(actor), at=now)
        elif name == "offer":
            amount = max(1, left * percent // 100)
            make_offer(actor=actor, case_number=case.number, refund_minor=amount, text="", request=a_key(actor), at=now)
        else:
            act(actor, case, now)

    def void(self, index: int, number: int, receipt: bool, now: Moment) -> None:
        """The issuer voids keys, or does not."""
        case = read_case(number=self.cases[index][number], actor=self.actors["buyer"], at=now)[1]
        word: str | None = "VOID-1" if receipt else None
        said: dict[int, str | None] = dict.fromkeys(case.positions, word)
        if not record_void(case_number=case.number, receipts=said, at=now):
            raise NothingToVoid

    # The worker and the channels

    def sweep(self, index: int, cases: int, now: Moment) -> None:
        """The worker comes by."""
        number = self.orders[index].number
        for act in (deliver_order, expire_order, auto_confirm_order, settle_order):
            act(order_number=number, at=now)
        for case in self.cases[index]:
            for _clock in range(20):
                if not fall_one_case(case_number=case, at=now):
                    break
        if (self.shop.id, number) in closing.untouched(at=now, limit=10_000):
            known = {case.number for case in dossier(state=self.orders[index].state).cases}
            closing.give_back(order_number=number, at=now)
            made = [case.number for case in dossier(state=self.orders[index].state).cases if case.number not in known]
            self.cases[index] += made

    def channel_answers(self, index: int, refund: int, said: AttemptState, now: Moment) -> None:
        """A channel answers about the newest attempt of a refund."""
        order = self.orders[index]
        tried = database.rows(ATTEMPTS, (self.shop.id, order.state.id))[refund][0]
        assert submit_attempt(number=tried[-1], at=now) is not None
        record_refund_outcome(number=tried[-1], evidence=Evidence(status=said, source="poll", observed_at=now.now), at=now)

    # Comparing

    def compare(self, model: Life, about: tuple[int, ...]) -> None:
        """Compare some orders, all balances and all stock."""
        for index in about:
            if index >= 0:
                state = self.orders[index].state
                cases = {case.number: case for case in dossier(state=state).cases}
                found = of_market(state, [cases[number] for number in self.cases[index]], dossier(state=state).refunds)
                wanted = of_model(model, model.orders[index])
                require_same(what=f"order {index}", found=found, wanted=wanted)
        owed = sum(r.amount for order in model.orders for r in order.refunds if r.status != "succeeded")
        books = {"pending": model.pending, "available": model.available, "frozen": model.frozen}
        books |= {"commission": model.commission, "wallet": model.wallet, "owed": owed}
        require_same(what="balances", found=dict(self.balances()), wanted=dict(books))
        for product, known in zip(self.products, model.products, strict=True):
            require_same(what="stock", found=dict(stock_of(product)), wanted=dict(of_stock(model, known)))

    def balances(self) -> dict[str, int]:
        """What the books say."""
        merchant = {name: self.shop.balance(f"merchant:{self.shop.id}:{name}") for name in ("pending", "available", "frozen")}
        owed = sum(self.shop.balance(f"refund_payable:{channel}") for channel in ("sandbox", "wallet"))
        return {**merchant, "commission": self.shop.balance("commission"), "wallet": builders.wallet(self.buyer), "owed": owed}


class NothingToVoid(Refusal):
    """The case does not wait for the issuer."""

    code, status = "nothing_to_void", 409


def _offer_id(case: CaseState) -> int:
    return case.offers[-1].id if case.offers else 0


_ACTS: dict[str, Callable[[Actor, CaseState, Moment], object]] = {
    "agree": lambda actor, case, now: agree_case(actor=actor, case_number=case.number, request=a_key(actor), at=now),
    "refuse": lambda actor, case, now: refuse_case(
        actor=actor, case_number=case.number, code="OTHER", text="No.", request=a_key(actor), at=now
    ),
    "offer_replacement": lambda actor, case, now: offer_replacement(
        actor=actor, case_number=case.number, text="", request=a_key(actor), at=now
    ),
    "accept_offer": lambda actor, case, now: accept_offer(
        actor=actor, case_number=case.number, offer_id=_offer_id(case), request=a_key(actor), at=now
    ),
    "decline_offer": lambda actor, case, now: decline_offer(
        actor=actor, case_number=case.number, offer_id=_offer_id(case), request=a_key(actor), at=now
    ),
    "withdraw": lambda actor, case, now: withdraw_case(actor=actor, case_number=case.number, request=a_key(actor), at=now),
    "escalate": lambda actor, case, now: escalate_case(actor=actor, case_number=case.number, text="", request=a_key(actor), at=now),
    "add_evidence": lambda actor, case, now: add_evidence(
        actor=actor, case_number=case.number, kind="OTHER", text="See.", request=a_key(actor), at=now
    ),
    "appeal": lambda actor, case, now: appeal_case(actor=actor, case_number=case.number, text="No.", request=a_key(actor), at=now),
    "ask_for_evidence": lambda actor, case, now: request_evidence(
        actor=actor, case_number=case.number, side="both", text="More.", request=a_key(actor), at=now
    ),
    "approve": lambda actor, case, now: approve_ruling(actor=actor, case_number=case.number, request=a_key(actor), at=now),
    "rule": lambda actor, case, now: None,
    "offer": lambda actor, case, now: None,
}
