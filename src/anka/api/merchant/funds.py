"""A shop's own money over the API: its owner looks, withdraws, tops up the deposit; finance carries withdrawals through."""

from datetime import datetime
from typing import Annotated

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.accounts import queries as accounts
from anka.accounts.passwords import RECENT
from anka.accounts.queries import ShopRole
from anka.accounts.tokens import Scope
from anka.api.bodies import Input
from anka.api.call import V1, Answer, Call, Nothing, Route, Who
from anka.api.doing import carry_out
from anka.api.parsing import require_number
from anka.api.platform.staff import is_finance
from anka.core.actors import ActorKind
from anka.core.refusals import NotFound, Refusal
from anka.domain.deposits import Tier
from anka.domain.withdrawals import WithdrawalState, due_at
from anka.flows.ask_withdrawal import WithdrawalAsked, ask_withdrawal
from anka.flows.decide_withdrawal import approve_withdrawal, refuse_withdrawal
from anka.flows.pay_deposit_from_balance import pay_deposit_from_balance
from anka.flows.record_payout import begin_payout, record_paid, record_payout_failed
from anka.flows.release_deposit import release_deposit
from anka.flows.steps.funds_desk import CURRENCY
from anka.funds import queries
from anka.funds.models import Withdrawal

Minor = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
ShopCode = Annotated[str, msgspec.Meta(min_length=1, max_length=10)]


class SignInAgain(Refusal):
    """What was asked moves money out, and the session's sign-in is too old for that."""

    code, status = "step_up_required", 403
    says = _("Please sign in again before money leaves. Nothing has moved.")


class OfShop(Input):
    """Which of your shops, by its code; your first where it is left out."""

    shop: ShopCode | None = None


class AskWithdrawal(Input):
    """How much, the fee in it, and to which bank account (only its end is kept). `shop` as everywhere here."""

    amount_minor: Minor
    account: Annotated[str, msgspec.Meta(min_length=6, max_length=42)]
    shop: ShopCode | None = None


class TopUp(Input):
    """How much of the available balance goes into the deposit."""

    amount_minor: Minor
    shop: ShopCode | None = None


class OneShop(Input):
    """Which of your shops; your first where it is left out."""

    shop: ShopCode | None = None


class Reason(Input):
    """Why; the shop reads it."""

    reason: Words


class Paid(Input):
    """Under which number of its own the bank has paid."""

    bank_reference: Annotated[str, msgspec.Meta(min_length=4, max_length=64)]


class FundsView(msgspec.Struct):
    """What a shop has by place, what it owes, what it has to put down, and how long its money stays pending."""

    shop: str
    currency: str
    pending_minor: int
    available_minor: int
    frozen_minor: int
    deposit_minor: int
    withdrawing_minor: int
    receivable_minor: int
    tier: Tier
    deposit_required_minor: int
    deposit_floor_minor: int
    takes_orders: bool
    settle_minutes: int


class WithdrawalView(msgspec.Struct):
    """A withdrawal; `account` is masked, `arrives_minor` what the bank pays, `due_at` by when the next step is promised."""

    number: str
    shop: str
    status: WithdrawalState
    amount_minor: int
    fee_minor: int
    arrives_minor: int
    currency: str
    account: str
    asked_at: datetime
    due_at: datetime | None
    approvals: int
    bank_reference: str | None
    ended_at: datetime | None
    reason: str


class WithdrawalList(msgspec.Struct):
    """A shop's withdrawals, newest first; for finance what waits in all shops, oldest first. At most 100."""

    items: list[WithdrawalView]


def show(call: Call) -> Answer:
    """Answer with what a shop has and owes."""
    return Answer(200, _funds(own_shop(call, call.query.shop)))


def index(call: Call) -> Answer:
    """Answer with a shop's withdrawals, or with what waits for finance."""
    finance = call.query.shop is None and is_finance(call)
    found = queries.open_withdrawals() if finance else queries.withdrawals_of(shop_id=own_shop(call, call.query.shop).shop_id)
    return Answer(200, WithdrawalList(items=[_view(one) for one in found]))


def ask(call: Call) -> Answer:
    """Ask for a withdrawal and answer with it."""
    asked: AskWithdrawal = call.body
    shop = own_shop(call, asked.shop)
    _require_fresh(call)
    wanted = WithdrawalAsked(amount_minor=asked.amount_minor, account=asked.account)
    actor = call.acting_as(ActorKind.MERCHANT)
    number, replayed = carry_out(
        call, lambda: ask_withdrawal(actor=actor, shop_id=shop.shop_id, asked=wanted, request=call.request(), at=call.at)
    )
    return Answer(201, _view(queries.withdrawal(number=number)), replayed)


def top_up(call: Call) -> Answer:
    """Put available money into the deposit and answer with what the shop has then."""
    asked: TopUp = call.body
    shop, actor = own_shop(call, asked.shop), call.acting_as(ActorKind.MERCHANT)
    _number, replayed = carry_out(
        call,
        lambda: pay_deposit_from_balance(
            actor=actor, shop_id=shop.shop_id, amount_minor=asked.amount_minor, request=call.request(), at=call.at
        ),
    )
    return Answer(200, _funds(shop), replayed)


def release(call: Call) -> Answer:
    """Give the deposit of a shop that has closed back to its available balance, and answer with what the shop has then."""
    asked: OneShop = call.body
    shop, actor = own_shop(call, asked.shop), call.acting_as(ActorKind.MERCHANT)
    _require_fresh(call)
    _number, replayed = carry_out(call, lambda: release_deposit(actor=actor, shop_id=shop.shop_id, request=call.request(), at=call.at))
    return Answer(200, _funds(shop), replayed)


def step(call: Call) -> Answer:
    """Take a step of a withdrawal as finance, and answer with it as it is then."""
    number, actor = require_number(call.parameters["number"]), call.acting_as(ActorKind.PLATFORM)
    _require_fresh(call)
    done, name, request = call.body, call.path.rsplit("/", 1)[1], call.request()

    def run() -> str:
        if name == "approve":
            approve_withdrawal(actor=actor, number=number, request=request, at=call.at)
        elif name == "refuse":
            refuse_withdrawal(actor=actor, number=number, reason=done.reason, request=request, at=call.at)
        elif name == "begin":
            begin_payout(actor=actor, number=number, request=request, at=call.at)
        elif name == "paid":
            record_paid(actor=actor, number=number, bank_reference=done.bank_reference, request=request, at=call.at)
        else:
            record_payout_failed(actor=actor, number=number, reason=done.reason, request=request, at=call.at)
        return number

    _number, replayed = carry_out(call, run)
    return Answer(200, _view(queries.withdrawal(number=number)), replayed)


def own_shop(call: Call, code: str | None) -> ShopRole:
    """Return the caller's shop of this code, or their first. To everybody else there is none."""
    call.require_standing()
    found = next((shop for shop in accounts.shops_of(person_id=call.identity.person_id) if code in (None, shop.shop_code)), None)
    if found is None:
        raise NotFound
    return found


def _require_fresh(call: Call) -> None:
    signed_in_at = call.identity.signed_in_at
    if signed_in_at is not None and call.at.real - signed_in_at > RECENT:
        raise SignInAgain


def _funds(shop: ShopRole) -> FundsView:
    has, held = queries.position(shop_id=shop.shop_id, currency=CURRENCY), queries.terms(shop_id=shop.shop_id)
    return FundsView(
        shop=shop.shop_code,
        currency=CURRENCY,
        pending_minor=has.pending,
        available_minor=has.available,
        frozen_minor=has.frozen,
        deposit_minor=has.deposit,
        withdrawing_minor=has.withdrawing,
        receivable_minor=has.receivable,
        tier=held.tier,
        deposit_required_minor=held.required_minor,
        deposit_floor_minor=held.floor_minor,
        takes_orders=has.deposit >= held.floor_minor,
        settle_minutes=held.settle_minutes,
    )


def _view(found: Withdrawal) -> WithdrawalView:
    return WithdrawalView(
        number=found.number,
        shop=found.shop_code,
        status=found.status,
        amount_minor=found.amount_minor,
        fee_minor=found.fee_minor,
        arrives_minor=found.paid_out_minor,
        currency=found.currency,
        account=found.account,
        asked_at=found.asked_at,
        due_at=due_at(status=found.status, asked_at=found.asked_at),
        approvals=sum(person is not None for person in (found.first_by, found.decided_by)) if found.status != "refused" else 0,
        bank_reference=found.bank_reference,
        ended_at=found.ended_at,
        reason=found.reason,
    )


def _step(name: str, body: type[msgspec.Struct], zh: str, en: str) -> Route:
    return Route(
        method="POST",
        path=f"{V1}/withdrawals/{{number}}/{name}",
        handler=step,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.PAY,
        body=body,
        answer=WithdrawalView,
        refusals=(403, 404, 409),
        zh=zh,
        en=en,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=f"{V1}/funds",
        handler=show,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.READ,
        query=OfShop,
        answer=FundsView,
        refusals=(404,),
        zh="店铺资金：待结算、可提现、冻结、保证金、提现中、欠平台款",
        en="A shop's money: pending, available, frozen, deposit, on its way out, and what it owes",
    ),
    Route(
        method="GET",
        path=f"{V1}/withdrawals",
        handler=index,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.READ,
        query=OfShop,
        answer=WithdrawalList,
        refusals=(404,),
        zh="店铺的提现；财务看到所有待处理的提现",
        en="A shop's withdrawals; finance staff see what waits in all shops",
    ),
    Route(
        method="POST",
        path=f"{V1}/withdrawals",
        handler=ask,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.SELL,
        body=AskWithdrawal,
        answer=WithdrawalView,
        status=201,
        refusals=(403, 404, 409),
        zh="申请提现（限店主）；资金立即预留，先偿还欠款",
        en="Ask for a withdrawal, as an owner; the money is set aside at once, what is owed is paid first",
    ),
    Route(
        method="POST",
        path=f"{V1}/deposit",
        handler=top_up,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.SELL,
        body=TopUp,
        answer=FundsView,
        refusals=(403, 404, 409),
        zh="从可提现余额补缴保证金（限店主）",
        en="Top up the deposit from the available balance, as an owner",
    ),
    Route(
        method="POST",
        path=f"{V1}/deposit/release",
        handler=release,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.SELL,
        body=OneShop,
        answer=FundsView,
        refusals=(403, 404, 409),
        zh="关店且不再有售后风险后退回保证金（限店主）",
        en="Have the deposit back, as an owner, after the shop has closed and nothing it sold can be complained about",
    ),
    _step("approve", Nothing, "批准提现；金额大的须两人批准", "Approve a withdrawal; much money needs two people"),
    _step("refuse", Reason, "拒绝提现，资金退回店铺", "Refuse a withdrawal; the money is available to the shop again"),
    _step("begin", Nothing, "由我打款：他人不可再打", "Say that you pay it at the bank now, so that nobody else does"),
    _step("paid", Paid, "登记银行已打款及流水号", "Enter that the bank has paid, under which number"),
    _step("failed", Reason, "登记银行未打款，资金退回店铺", "Enter that the bank has not paid; the money is available to the shop again"),
)
