"""The queue of unidentified money over the API: finance staff look at it, send money back, or let it pay the order it was for."""

from datetime import datetime
from typing import Annotated

import msgspec

from anka.accounts.tokens import Scope
from anka.api.bodies import Cursor, Input, Limit
from anka.api.call import Answer, Call, Nothing, Route, Who
from anka.api.parsing import cursor_text, read_cursor, require_number
from anka.api.platform.staff import require_finance
from anka.core.actors import ActorKind
from anka.domain.unidentified import Oddity, UnidentifiedState, needs_two
from anka.flows.match_unidentified import approve_match, match_unidentified
from anka.flows.return_unidentified import return_unidentified
from anka.payments.unidentified import QueueCursor, Unidentified, queue, unidentified

PATH = "/api/v1/unidentified"
ORDERS = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class QueueQuery(Input):
    """Which part of the queue: one status, or everything; `cursor` is `next` of the page before."""

    status: UnidentifiedState | None = None
    cursor: Cursor | None = None
    limit: Limit = 20


class Match(Input):
    """The number of the order this money is to pay."""

    order: ORDERS


class UnidentifiedView(msgspec.Struct):
    """Money that does not fit. `order` is the one whose payment it came under; `proposed_order` waits for a second person."""

    number: str
    reason: Oddity
    status: UnidentifiedState
    channel: str
    transaction_number: str
    payment_number: str
    order: str | None
    expected_minor: int | None
    amount_minor: int
    currency: str
    needs_two: bool
    found_at: datetime
    proposed_order: str | None
    proposed_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    matched_order: str | None
    refund: str | None


class UnidentifiedList(msgspec.Struct):
    """One page of the queue, newest first."""

    items: list[UnidentifiedView]
    next: str | None


class Decided(msgspec.Struct):
    """What became of the money: proposed, repeated, taken, late_kept, late_refunded or returning."""

    outcome: str
    money: UnidentifiedView


def index(call: Call) -> Answer:
    """Answer with one page of the queue."""
    require_finance(call)
    asked: QueueQuery = call.query
    found = queue(status=asked.status, after=read_cursor(asked.cursor, QueueCursor), limit=asked.limit + 1)
    page = found[: asked.limit]
    more = cursor_text(QueueCursor(page[-1].found_at, page[-1].number)) if len(found) > len(page) else None
    return Answer(200, UnidentifiedList(items=[_view(money) for money in page], next=more))


def send_back(call: Call) -> Answer:
    """Send money back the way it came."""
    number = require_number(call.parameters["number"])
    return_unidentified(actor=call.acting_as(ActorKind.PLATFORM), number=number, at=call.at)
    return _decided(number, "returning")


def match(call: Call) -> Answer:
    """Let money pay an order, or propose it where it is much."""
    number, asked = require_number(call.parameters["number"]), call.body
    order = require_number(asked.order)
    return _decided(number, match_unidentified(actor=call.acting_as(ActorKind.PLATFORM), number=number, order_number=order, at=call.at))


def approve(call: Call) -> Answer:
    """Approve what somebody else proposed."""
    number, asked = require_number(call.parameters["number"]), call.body
    order = require_number(asked.order)
    return _decided(number, approve_match(actor=call.acting_as(ActorKind.PLATFORM), number=number, order_number=order, at=call.at))


def _decided(number: str, outcome: str) -> Answer:
    return Answer(200, Decided(outcome=outcome, money=_view(unidentified(number=number))))


def _view(money: Unidentified) -> UnidentifiedView:
    return UnidentifiedView(
        number=money.number,
        reason=money.reason,
        status=money.status,
        channel=money.channel,
        transaction_number=money.transaction_number,
        payment_number=money.payment_number,
        order=money.order_number,
        expected_minor=money.expected_minor,
        amount_minor=money.amount_minor,
        currency=money.currency,
        needs_two=needs_two(amount_minor=money.amount_minor),
        found_at=money.found_at,
        proposed_order=money.proposed_order,
        proposed_at=money.proposed_at,
        decided_by=money.decided_by,
        decided_at=money.decided_at,
        matched_order=money.matched_order,
        refund=money.refund_number,
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=PATH,
        handler=index,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        query=QueueQuery,
        answer=UnidentifiedList,
        refusals=(403,),
        zh="待认领的款项：多付、少付、币种不符、没有对应付款的到账；限财务",
        en="Money that does not fit: too much, too little, another currency, nobody's payment; for finance staff",
    ),
    Route(
        method="POST",
        path=f"{PATH}/{{number}}/return",
        handler=send_back,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.REFUND,
        body=Nothing,
        answer=Decided,
        refusals=(404, 409),
        zh="把待认领的款项原路退回；重复提交不会退两次",
        en="Send such money back the way it came; asking again does not pay twice",
    ),
    Route(
        method="POST",
        path=f"{PATH}/{{number}}/match",
        handler=match,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.PAY,
        body=Match,
        answer=Decided,
        refusals=(403, 404, 409),
        zh="把待认领的款项认作某张订单的付款；金额大的须另一人批准",
        en="Let such money pay an order; much of it needs somebody else's approval",
    ),
    Route(
        method="POST",
        path=f"{PATH}/{{number}}/approve",
        handler=approve,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.PAY,
        body=Match,
        answer=Decided,
        refusals=(403, 404, 409),
        zh="批准他人提出的认领；须写明同一张订单",
        en="Approve what somebody else proposed, naming the same order",
    ),
)
