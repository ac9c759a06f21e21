"""Filling the wallet or a shop's deposit over the API, and having unused money sent back the way it came."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from anka.accounts import queries as accounts
from anka.accounts.tokens import Scope
from anka.adapters.channels.port import Started
from anka.api.bodies import Input
from anka.api.call import REPLAYED, V1, Answer, Call, Nothing, Route, Who
from anka.api.doing import carry_out
from anka.api.parsing import require_number
from anka.core.actors import ActorKind
from anka.core.refusals import NotFound
from anka.domain.top_ups import Purpose
from anka.flows.begin_top_up import Wanted
from anka.flows.return_unused import return_unused, returnable_now
from anka.flows.steps.funds_desk import CURRENCY
from anka.jobs import top_ups
from anka.jobs.payments import Seat
from anka.ledger.queries import wallet_balance
from anka.payments.top_ups import Return, TopUp, returns_of

Minor = Annotated[int, msgspec.Meta(ge=1, le=10**12)]
SHOWN = 20


class NewTopUp(Input):
    """How much to pay in, in minor units, and how. `device` as where an order is paid."""

    amount_minor: Minor
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    device: Literal["desktop", "mobile", "wechat"] = "desktop"


class NewDepositTopUp(Input):
    """How much to pay into the deposit, and how. `shop` is the code of one of yours; your first where it is left out."""

    amount_minor: Minor
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    device: Literal["desktop", "mobile", "wechat"] = "desktop"
    shop: Annotated[str, msgspec.Meta(min_length=1, max_length=10)] | None = None


class NewReturn(Input):
    """How much of the wallet goes back the way it came."""

    amount_minor: Minor


class TopUpView(msgspec.Struct):
    """A payment into a wallet or deposit. `cashier_url` and `qr` say where it is paid, while it is open."""

    number: str
    purpose: Purpose
    channel: str
    status: str
    amount_minor: int
    currency: str
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    returned_minor: int
    cashier_url: str | None
    qr: str | None


class ReturnLegView(msgspec.Struct):
    """One way money goes back."""

    channel: str
    amount_minor: int
    status: str
    arrives_by: datetime
    ended_at: datetime | None


class ReturnView(msgspec.Struct):
    """Unused wallet money on its way back."""

    number: str
    amount_minor: int
    currency: str
    status: str
    intended_at: datetime
    ended_at: datetime | None
    legs: list[ReturnLegView]


class Returns(msgspec.Struct):
    """What can go back the way it came, what came that way and its channel no longer takes back, and what went, newest first."""

    balance_minor: int
    returnable_minor: int
    blocked_minor: int
    currency: str
    items: list[ReturnView]


def begin(call: Call) -> Answer:
    """Begin to fill the wallet and answer with the payment and its cashier."""
    asked: NewTopUp = call.body
    seat = Seat(device=asked.device, address=call.address)
    wanted = Wanted(amount_minor=asked.amount_minor, channel=asked.channel)
    begun = top_ups.begin(actor=call.buyer, wanted=wanted, request=call.request(), at=call.at, seat=seat)
    return Answer(201, _view(begun.payment, begun.started), REPLAYED if begun.replayed else ())


def begin_deposit(call: Call) -> Answer:
    """Begin to fill a shop's deposit and answer with the payment and its cashier."""
    asked: NewDepositTopUp = call.body
    shops = accounts.shops_of(person_id=call.identity.person_id)
    shop = next((one for one in shops if asked.shop is None or one.shop_code == asked.shop), None)
    if shop is None:
        raise NotFound
    begun = top_ups.begin(
        actor=call.acting_as(ActorKind.MERCHANT),
        wanted=Wanted(amount_minor=asked.amount_minor, channel=asked.channel),
        request=call.request(),
        at=call.at,
        seat=Seat(device=asked.device, address=call.address),
        shop_id=shop.shop_id,
    )
    return Answer(201, _view(begun.payment, begun.started), REPLAYED if begun.replayed else ())


def show(call: Call) -> Answer:
    """Answer with a payment into a wallet or deposit that the caller began."""
    call.require_standing()
    found = top_ups.mine(number=require_number(call.parameters["number"]), person_id=call.identity.person_id)
    return Answer(200, _view(found, top_ups.cashier(payment=found, at=call.at)))


def give_back(call: Call) -> Answer:
    """Send wallet money back the way it came and answer with what is on its way."""
    asked: NewReturn = call.body
    number, replayed = carry_out(
        call, lambda: return_unused(actor=call.buyer, amount_minor=asked.amount_minor, request=call.request(), at=call.at)
    )
    found = next((one for one in returns_of(person_id=call.identity.person_id, limit=100) if one.number == number), None)
    if found is None:
        raise NotFound
    return Answer(201, _return_view(found), replayed)


def returns(call: Call) -> Answer:
    """Answer with what can go back and what went."""
    call.require_standing()
    person_id = call.identity.person_id
    balance = wallet_balance(person_id=person_id, currency=CURRENCY)
    most = returnable_now(person_id=person_id, balance_minor=balance, at=call.at)
    items = [_return_view(one) for one in returns_of(person_id=person_id, limit=SHOWN)]
    shown = Returns(
        balance_minor=balance, returnable_minor=most.amount_minor, blocked_minor=most.blocked_minor, currency=CURRENCY, items=items
    )
    return Answer(200, shown)


def _view(found: TopUp, started: Started | None) -> TopUpView:
    return TopUpView(
        number=found.number,
        purpose=found.purpose,
        channel=found.channel,
        status=found.status,
        amount_minor=found.amount_minor,
        currency=found.currency,
        created_at=found.created_at,
        expires_at=found.expires_at,
        paid_at=found.paid_at,
        returned_minor=found.refunded_minor,
        cashier_url=(started.cashier_url or None) if started else None,
        qr=(started.qr_text or None) if started else None,
    )


def _return_view(found: Return) -> ReturnView:
    return msgspec.convert(msgspec.to_builtins(found), ReturnView)


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path=f"{V1}/wallet/top-ups",
        handler=begin,
        who=Who.SIGNED_IN,
        tag="wallet",
        scope=Scope.PAY,
        budget="pay",
        body=NewTopUp,
        answer=TopUpView,
        status=201,
        refusals=(409, 429),
        zh="钱包充值，1.00 至 5,000.00：返回收银台地址和二维码文字",
        en="Fill the wallet, 1.00 to 5,000.00: the cashier's address and the text of its code",
    ),
    Route(
        method="GET",
        path=f"{V1}/wallet/top-ups/{{number}}",
        handler=show,
        who=Who.SIGNED_IN,
        tag="wallet",
        scope=Scope.READ,
        answer=TopUpView,
        refusals=(404,),
        zh="一笔充值或保证金缴纳",
        en="A payment into your wallet, or into a deposit that you began",
    ),
    Route(
        method="GET",
        path=f"{V1}/wallet/returns",
        handler=returns,
        who=Who.SIGNED_IN,
        tag="wallet",
        scope=Scope.READ,
        query=Nothing,
        answer=Returns,
        zh="余额退回：可原路退回多少，退回记录",
        en="Unused balance: how much can go back the way it came, and what went",
    ),
    Route(
        method="POST",
        path=f"{V1}/wallet/returns",
        handler=give_back,
        who=Who.SIGNED_IN,
        tag="wallet",
        scope=Scope.REFUND,
        budget="refund",
        body=NewReturn,
        answer=ReturnView,
        status=201,
        refusals=(409, 429),
        zh="把未使用的充值余额原路退回，立即从钱包扣除",
        en="Send topped-up money that is not spent back the way it came; it leaves the wallet at once",
    ),
    Route(
        method="POST",
        path=f"{V1}/deposit/top-ups",
        handler=begin_deposit,
        who=Who.SIGNED_IN,
        tag="merchant",
        scope=Scope.SELL,
        budget="pay",
        body=NewDepositTopUp,
        answer=TopUpView,
        status=201,
        refusals=(404, 409, 429),
        zh="店主经支付渠道缴纳保证金",
        en="Pay into the deposit of a shop you own, through a channel",
    ),
)
