"""Payments whose notice was lost, over the API: anybody concerned has the channel asked; finance staff take what cannot be asked about."""

from typing import Annotated

import msgspec

from anka.accounts.tokens import Scope
from anka.api.bodies import Input
from anka.api.call import V1, Answer, Call, Nothing, Route, Who
from anka.api.parsing import require_number
from anka.core.actors import ActorKind
from anka.core.refusals import NotFound
from anka.flows.take_by_hand import LONGEST_PROOF, Statement, refuse_by_hand
from anka.jobs import look_again

PATH = f"{V1}/finance/payments"
Transaction = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class ByHand(Input):
    """What was seen of a payment at its channel: the transaction, the whole amount, and where it can be seen again."""

    transaction_number: Transaction
    amount_minor: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    proof: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_PROOF)]


class Refused(Input):
    """The transaction that somebody entered and that is not so."""

    transaction_number: Transaction


class Found(msgspec.Struct):
    """What is known now: taken, late_kept, late_refunded, double_refunded, repeated, differs, no_answer, channel_off, not_paid, nothing;
    proposed where a second person has to say the same, refused where what was entered is no more."""

    outcome: str


def look(call: Call) -> Answer:
    """Have the channels of an order's payments asked at once, for its buyer or the platform's staff."""
    number = require_number(call.parameters["number"])
    try:
        return Answer(200, Found(look_again.look_again(actor=call.buyer, order_number=number, at=call.at)))
    except NotFound:
        staff = call.acting_as(ActorKind.PLATFORM)
        return Answer(200, Found(look_again.look_again(actor=staff, order_number=number, at=call.at)))


def take(call: Call) -> Answer:
    """Take a payment by hand, or approve as the second person what the first one entered."""
    number, asked = require_number(call.parameters["number"]), call.body
    said = Statement(payment_number=number, transaction_number=asked.transaction_number, amount_minor=asked.amount_minor, proof=asked.proof)
    return Answer(200, Found(look_again.take(actor=call.acting_as(ActorKind.PLATFORM), said=said, at=call.at)))


def refuse(call: Call) -> Answer:
    """Refuse what somebody entered, or withdraw what one entered oneself."""
    number, asked = require_number(call.parameters["number"]), call.body
    actor = call.acting_as(ActorKind.PLATFORM)
    refuse_by_hand(actor=actor, payment_number=number, transaction_number=asked.transaction_number, at=call.at)
    return Answer(200, Found("refused"))


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path=f"{V1}/orders/{{number}}/look",
        handler=look,
        who=Who.SIGNED_IN,
        tag="orders",
        scope=Scope.PAY,
        budget="look_again",
        body=Nothing,
        answer=Found,
        refusals=(404, 429),
        zh="我已付款但订单没变：立即向支付渠道查询一次；限买家和平台人员，有频率限制",
        en="I have paid and nothing came: ask the channels at once; for the buyer and the platform's staff, rate limited",
    ),
    Route(
        method="POST",
        path=f"{PATH}/{{number}}/take",
        handler=take,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.PAY,
        body=ByHand,
        answer=Found,
        refusals=(403, 404, 409),
        zh="补单：渠道查不到时由财务人工认款，500 元起须第二人录入同一笔；先再查一次渠道，渠道否认则拒绝",
        en="Take a payment by hand whose channel cannot be asked; from 500.00 on a second person has to say the same. The channel is asked "
        "once more first, and believed",
    ),
    Route(
        method="POST",
        path=f"{PATH}/{{number}}/refuse",
        handler=refuse,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.PAY,
        body=Refused,
        answer=Found,
        refusals=(403, 404, 409),
        zh="驳回（或撤回）一笔待第二人确认的人工认款",
        en="Refuse, or withdraw, what was entered by hand and waits for a second person",
    ),
)
