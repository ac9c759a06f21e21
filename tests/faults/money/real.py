"""The same steps by the real flows, and what the ledger and the refunds look like afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from anka.adapters.channels.port import Bill, BillLine
from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.refund_states import AttemptState
from anka.flows.appeal_case import appeal_case
from anka.flows.ask_withdrawal import WithdrawalAsked, ask_withdrawal
from anka.flows.begin_payment import begin_payment
from anka.flows.choose_wallet import choose_wallet
from anka.flows.confirm_order import confirm_order
from anka.flows.decide_proof import approve_proof
from anka.flows.decide_withdrawal import approve_withdrawal, refuse_withdrawal
from anka.flows.deliver_order import deliver_order
from anka.flows.pay_deposit_from_balance import pay_deposit_from_balance
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.record_payout import begin_payout, record_paid, record_payout_failed
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.return_unused import return_unused
from anka.flows.rule_on_case import Finding, rule_on_case
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.flows.stuck_refund import close_look, retry_refund
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import PaidNotice, take_payment
from anka.flows.transfer_by_hand import Transfer, begin_transfer, transfer_by_hand
from anka.flows.withdraw_case import withdraw_case
from anka.funds import queries as funds
from anka.jobs import reconcile
from anka.payments.bills import CHINA
from tests import builders
from tests.builders import Order, at
from tests.builders.cases import Case, an_arbiter
from tests.builders.funds import a_deposit
from tests.builders.top_ups import top_up as fill
from tests.faults.odd import finance

ACCOUNTS = """
SELECT account.code, sum(moved.amount)::bigint FROM (
    SELECT credit_id AS id, amount_minor AS amount FROM ledger_transfer WHERE shop_id = %(shop)s
    UNION ALL SELECT debit_id, -amount_minor FROM ledger_transfer WHERE shop_id = %(shop)s
) AS moved JOIN ledger_account AS account ON account.shop_id = %(shop)s AND account.id = moved.id
GROUP BY account.code HAVING sum(moved.amount) <> 0
"""
LEGS = """
SELECT refund.order_id, refund.number, leg.leg, leg.channel, leg.amount_minor, leg.status,
    array_agg(attempt.channel || ' ' || attempt.status ORDER BY attempt.id), array_agg(attempt.number ORDER BY attempt.id)
FROM payments_leg AS leg JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
    JOIN payments_attempt AS attempt ON attempt.shop_id = leg.shop_id AND attempt.refund_id = leg.refund_id AND attempt.leg = leg.leg
WHERE leg.shop_id = %s GROUP BY refund.order_id, refund.id, refund.number, leg.leg, leg.channel, leg.amount_minor, leg.status
ORDER BY refund.id, leg.leg
"""
S = AttemptState


@dataclass(frozen=True)
class RealLeg:
    """One way of a refund as the database has it."""

    refund: str
    leg: int
    channel: str
    amount: int
    status: str
    attempts: list[str]
    numbers: list[str]


@dataclass
class Bought:
    """An order of the market with its payments and its case."""

    order: Order
    id: int
    notices: list[PaidNotice] = field(default_factory=list)
    case: str = ""


@dataclass
class Market:
    """One shop, one buyer, two of the finance staff, two arbiters. Each step is a minute; settlement looks weeks ahead."""

    price: int
    minutes: int = 0
    orders: list[Bought] = field(default_factory=list)
    withdrawals: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.product = builders.a_product(stock=24, price_minor=self.price)
        self.shop, self.buyer = self.product.shop, builders.a_buyer()
        self.first, self.second = finance(), finance()
        self.arbiters = [an_arbiter(), an_arbiter()]

    @property
    def now(self) -> Moment:
        return at(self.minutes)

    def attempt(self, act: Callable[[], object]) -> bool:
        """Let somebody try; return whether it was refused. A minute passes."""
        self.minutes += 1
        try:
            act()
        except Refusal:
            return True
        return False

    def accounts(self) -> dict[str, int]:
        """Every account of the shop that is not empty: credited less debited, from the transfers alone."""
        return {str(code): int(amount) for code, amount in database.rows(ACCOUNTS, {"shop": self.shop.id})}

    def legs(self) -> dict[int, list[RealLeg]]:
        """The ways of all refunds, by order."""
        found: dict[int, list[RealLeg]] = {}
        for order, *row in database.rows(LEGS, (self.shop.id,)):
            found.setdefault(order, []).append(RealLeg(*row))
        return found

    def put_down(self, amount: int) -> None:
        """The shop begins with a deposit."""
        a_deposit(self.shop, amount)

    def fill_wallet(self, amount: int) -> None:
        """The buyer fills the wallet through a channel."""
        fill(self.buyer, amount, when=self.now)

    def return_unused(self, amount: int) -> None:
        return_unused(actor=self.buyer, amount_minor=amount, request=builders.a_key(self.buyer), at=self.now)

    def place(self, quantity: int, channels: list[str]) -> Bought:
        """An order with a payment begun at each of these channels."""
        order = builders.a_placed_order(quantity=quantity, product=self.product, buyer=self.buyer, when=self.now)
        bought = Bought(order, order.state.id)
        for channel in channels:
            number = begin_payment(
                actor=self.buyer, order_number=order.number, channel=channel, request=builders.a_key(self.buyer), at=self.now
            )
            transaction = f"M{channel}{builders.serial()}"
            amount = quantity * self.price
            bought.notices.append(
                PaidNotice(channel=channel, payment_number=number, transaction_number=transaction, amount_minor=amount, currency="CNY")
            )
        self.orders.append(bought)
        return bought

    def pay_from_wallet(self, bought: Bought) -> None:
        key = builders.a_key(self.buyer)
        pay_from_wallet(actor=self.buyer, order_number=bought.order.number, request=key, at=self.now)

    def hear(self, bought: Bought, which: int) -> str:
        """The channel says that it captured a payment."""
        return take_payment(paid=bought.notices[which], at=self.now).outcome

    def deliver(self, bought: Bought, opened: int) -> None:
        deliver_order(order_number=bought.order.number, at=self.now)
        for position in range(1, opened + 1):
            bought.order.reveal(position, when=self.now)

    def cancel(self, bought: Bought, positions: tuple[int, ...], to: str) -> None:
        bought.order.cancel(Claim(reason=builders.CHANGED_MIND, positions=positions, refund_to=to), when=self.now)

    def complain(self, bought: Bought, positions: tuple[int, ...], ask: int) -> None:
        (bought.case,) = bought.order.cancel(Claim(reason="KEY_INVALID", positions=positions, ask_minor=ask), when=self.now)

    def case(self, bought: Bought) -> Case:
        return Case(number=bought.case, order=bought.order)

    def agree(self, bought: Bought) -> None:
        self.case(bought).agree(when=self.now)

    def withdraw_case(self, bought: Bought) -> None:
        withdraw_case(actor=self.buyer, case_number=bought.case, request=builders.a_key(self.buyer), at=self.now)

    def rule(self, bought: Bought, finding: Finding) -> None:
        """The shop refuses, the platform rules, the buyer appeals, and somebody else rules the same for good."""
        case = self.case(bought)
        case.refuse(when=self.now)
        first, second = self.arbiters
        rule_on_case(actor=first, case_number=case.number, finding=finding, request=builders.a_key(first), at=self.now)
        appeal_case(actor=self.buyer, case_number=case.number, text="No.", request=builders.a_key(self.buyer), at=self.now)
        rule_on_case(actor=second, case_number=case.number, finding=finding, request=builders.a_key(second), at=self.now)

    def confirm(self, bought: Bought) -> None:
        key = builders.a_key(self.buyer)
        confirm_order(actor=self.buyer, order_number=bought.order.number, positions=None, request=key, at=self.now)

    def settle(self, bought: Bought) -> bool:
        return settle_order(order_number=bought.order.number, at=at(days=20))

    def say(self, number: str, says: str, *, source: str = "answer") -> None:
        """Take an attempt up where nobody has, and hear what its channel says."""
        submit_attempt(number=number, at=self.now)
        said = Evidence(status=S(says), source=source, observed_at=self.now.now)
        record_refund_outcome(number=number, evidence=said, at=self.now)

    def choose_wallet(self, leg: RealLeg) -> None:
        choose_wallet(actor=self.buyer, refund_number=leg.refund, leg=leg.leg, at=self.now)

    def send_again(self, leg: RealLeg) -> None:
        retry_refund(actor=self.first, refund_number=leg.refund, leg=leg.leg, at=self.now)

    def begin_transfer(self, leg: RealLeg) -> None:
        begin_transfer(actor=self.first, refund_number=leg.refund, leg=leg.leg, at=self.now)

    def enter_transfer(self, leg: RealLeg) -> None:
        made = Transfer(payee="Zhang San", bank="1", reference=leg.numbers[-1], amount_minor=leg.amount)
        transfer_by_hand(actor=self.first, refund_number=leg.refund, leg=leg.leg, transfer=made, at=self.now)

    def approve_transfer(self, leg: RealLeg, *, by: Actor) -> None:
        approve_proof(actor=by, refund_number=leg.refund, leg=leg.leg, reference=leg.numbers[-1], at=self.now)

    def look_into(self, leg: RealLeg) -> None:
        close_look(actor=self.first, refund_number=leg.refund, leg=leg.leg, text="asked for it back", at=self.now)

    def ask_withdrawal(self, amount: int) -> None:
        owner = self.shop.owner
        asked = WithdrawalAsked(amount_minor=amount, account="6222000012345678")
        number = ask_withdrawal(actor=owner, shop_id=self.shop.id, asked=asked, request=builders.a_key(owner), at=self.now)
        self.withdrawals.append(number)

    def step_withdrawal(self, place: int, step: str) -> None:
        """One step of finance with a withdrawal."""
        number, actor = self.withdrawals[place], self.first
        key = builders.a_key(actor)
        if step == "approved":
            approve_withdrawal(actor=actor, number=number, request=key, at=self.now)
        elif step == "paying":
            begin_payout(actor=actor, number=number, request=key, at=self.now)
        elif step == "paid":
            record_paid(actor=actor, number=number, bank_reference=number, request=key, at=self.now)
        elif step == "failed":
            record_payout_failed(actor=actor, number=number, reason="closed", request=key, at=self.now)
        else:
            refuse_withdrawal(actor=actor, number=number, reason="no papers", request=key, at=self.now)

    def states(self) -> list[str]:
        """How far each withdrawal is, oldest first."""
        return [str(funds.withdrawal(number=number).status) for number in self.withdrawals]

    def deposit(self, amount: int) -> None:
        owner = self.shop.owner
        pay_deposit_from_balance(actor=owner, shop_id=self.shop.id, amount_minor=amount, request=builders.a_key(owner), at=self.now)

    def bill(self, bought: Bought, fee: int) -> None:
        """The channel's bill of some day has the payment of an order, and what was kept of it."""
        paid, day = bought.notices[0], at(days=-2000 - builders.serial()).now.astimezone(CHINA).date()
        line = BillLine(
            kind="payment",
            number=paid.payment_number,
            payment_number=paid.payment_number,
            channel_number=paid.transaction_number,
            amount_minor=paid.amount_minor,
            fee_minor=fee,
            currency="CNY",
            occurred_at=self.now.now,
        )
        read = Bill(day=day, lines=(line,), digest=hashlib.sha256(str(day).encode()).hexdigest())
        kept = reconcile.keep(channel=paid.channel, bill=read, origin=("file", "operator:test"), at=self.now)
        reconcile.compare(bill=kept, at=self.now)
