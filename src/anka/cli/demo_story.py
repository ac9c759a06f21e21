"""One story of the demo market: an order told by running the real flows against the sandbox gateway, as if some time ago.

Nothing moves the clock; the flows are told when.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from anka.adapters.channels.sandbox_play import preset_fault
from anka.cases.models import CaseState
from anka.cases.queries import read_case
from anka.cli.demo_market import owner_of, person_id
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment, moment
from anka.core.database import rows
from anka.core.idempotency import unrepeated
from anka.flows.accept_order import accept_order
from anka.flows.answer_case import agree_case, refuse_case
from anka.flows.appeal_case import appeal_case
from anka.flows.confirm_order import confirm_order
from anka.flows.hand_over_keys import Handover, hand_over_keys
from anka.flows.make_offer import make_offer
from anka.flows.place_order import Purchase, place_order
from anka.flows.reveal_unit import reveal_unit
from anka.flows.rule_on_case import Finding, rule_on_case
from anka.flows.steps.judge import Claim
from anka.jobs import claims, payments, sweeps
from anka.jobs.keys import opener_for, sealer_for
from anka.jobs.sandbox_play import play_payment, play_refund, sandbox
from anka.orders.models import OrderState
from anka.orders.queries import read_order
from anka.payments.queries import refunds_of_order

NOTHING_REMEMBERED = unrepeated("demo")
MANY_TIMES = 10_000
ATTEMPTS = """
SELECT attempt.number FROM payments_attempt AS attempt
    JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id
WHERE refund.shop_id = %s AND refund.order_id = %s
"""


@dataclass
class Story:
    """One order being told: who buys what, and how many minutes ago we are."""

    buyer: str
    product_number: str
    minutes_ago: float
    order: str = ""
    payment: str = ""
    case: str = ""
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
        claims.submit(actor=self.actor, order_number=self.order, claim=claim, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.1)

    def cancel_without_funds(self, reason: str) -> None:
        """Get out of it while our balance at the channel is too low for the refund, now and whenever it is asked again."""
        claim = Claim(reason=reason, positions=None, statement="不需要了，谢谢。", refund_to="original")
        claims.submit(actor=self.actor, order_number=self.order, claim=claim, request=NOTHING_REMEMBERED, at=self.at)
        for (number,) in rows(ATTEMPTS, (self.state().shop_id, self.state().id)):
            preset_fault(channel=sandbox(), operation="refund", fault="out_of_funds", times=MANY_TIMES, number=number)
        self.later(0.1)

    def refund_comes(self, outcome: str = "succeeded") -> None:
        """Have the gateway say what became of the refund."""
        state = self.state()
        for refund in refunds_of_order(shop_id=state.shop_id, order_id=state.id):
            play_refund(number=refund.number, outcome=outcome, faults=(), at=self.at)
        self.later(0.1)

    @property
    def merchant(self) -> Actor:
        """Who answers for the shop."""
        return Actor(kind=ActorKind.MERCHANT, person_id=person_id(owner_of(self.state().shop_code)))

    def case_state(self) -> CaseState:
        """How the case stands."""
        return read_case(number=self.case, actor=self.merchant, at=self.at)[1]

    def accept(self) -> None:
        """Take the order up, as the shop."""
        accept_order(actor=self.merchant, order_number=self.order, positions=None, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)

    def hand_over(self) -> None:
        """Deliver everything that waits by hand; the keys are made up from the order's number."""
        state = self.state()
        secrets = tuple(f"HAND-{state.number.replace('-', '')}-{unit.position:02d}" for unit in state.units)
        sealer = sealer_for(shop_id=state.shop_id, at=self.at)
        hand_over_keys(
            actor=self.merchant,
            order_number=self.order,
            handover=Handover(secrets=secrets),
            sealer=sealer,
            request=NOTHING_REMEMBERED,
            at=self.at,
        )
        self.later(0.5)

    def complain(self, reason: str, statement: str, *, ask_minor: int | None = None, replacement: bool = False) -> None:
        """Ask for money back, or for a replacement, with a screenshot described; the case is kept."""
        claim = Claim(
            reason=reason,
            statement=statement,
            ask_minor=ask_minor,
            ask_replacement=replacement,
            evidence=(("ERROR_SCREENSHOT", "兑换页面提示「该卡密无效或已被使用」，截图时间与打开时间相差两分钟。"),)
            if ask_minor or replacement
            else (),
        )
        (self.case,) = claims.submit(actor=self.actor, order_number=self.order, claim=claim, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)

    def agree(self) -> None:
        """Agree, as the shop."""
        agree_case(actor=self.merchant, case_number=self.case, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)

    def refuse(self) -> None:
        """Refuse, as the shop."""
        text = "这批卡入库时逐张验过，同批其他卡都能正常兑换。请买家提供兑换时的完整录屏。"
        refuse_case(actor=self.merchant, case_number=self.case, code="KEY_WORKED", text=text, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)

    def offer(self, actor: Actor, refund_minor: int, text: str) -> None:
        """Offer an amount, as either side."""
        make_offer(actor=actor, case_number=self.case, refund_minor=refund_minor, text=text, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)

    def rule(self, percent: int) -> None:
        """Have the platform decide."""
        finding = Finding(
            fault="both",
            reasons=("SHARED_FAULT", "EVIDENCE_SUFFICIENT"),
            text="发行方没有该卡密的兑换记录，商家的入库记录没有时间；买家的截图未包含兑换账号。双方各有责任。",
            refund_percent=percent,
        )
        arbiter = Actor(kind=ActorKind.PLATFORM, person_id=person_id("arbiter1"))
        rule_on_case(actor=arbiter, case_number=self.case, finding=finding, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)

    def appeal(self, text: str) -> None:
        """Appeal, as the buyer."""
        appeal_case(actor=self.actor, case_number=self.case, text=text, request=NOTHING_REMEMBERED, at=self.at)
        self.later(0.5)
