"""Refunds that need somebody, over the API: finance staff see what is stuck and take it further; the buyer may choose the wallet."""

from datetime import datetime
from typing import Annotated, Literal, cast

import msgspec

from anka.accounts.tokens import Scope
from anka.api.bodies import Input
from anka.api.call import V1, Answer, Call, Nothing, Route, Who
from anka.api.parsing import require_number
from anka.api.parties.cases import refund
from anka.api.platform.staff import require_finance
from anka.api.shapes_of_orders import RefundView
from anka.core.actors import ActorKind
from anka.core.refusals import BadInput
from anka.flows.act_on_refund import RefundStep, act_on_refund
from anka.flows.choose_wallet import choose_wallet
from anka.payments.refund_queue import steps_for, view
from anka.payments.stuck import StuckLine, stuck_refund

Words = Annotated[str, msgspec.Meta(max_length=1_000)]
Reference = Annotated[str, msgspec.Meta(max_length=200)]


class RefundQueueQuery(Input):
    """Which refunds: `stuck` for a person to look after, `funds` waiting for funds of ours, `unknown` unanswered for half an hour;
    `by_hand` those that were paid by a transfer and may still come back."""

    view: Literal["stuck", "funds", "unknown", "by_hand"] = "stuck"


class Step(Input):
    """What is done about one way of a refund. `text` goes with note and close; `reference` with transfer, console, returned,
    approve and refuse; `payee`, `bank` and `amount_minor` with transfer; `says` with console."""

    step: Literal[
        "take", "note", "retry", "begin_transfer", "abandon_transfer", "transfer", "console", "returned", "approve", "refuse", "close"
    ]
    text: Words = ""
    reference: Reference = ""
    payee: Reference = ""
    bank: Annotated[str, msgspec.Meta(max_length=64)] = ""
    amount_minor: Annotated[int, msgspec.Meta(ge=0, le=10**15)] = 0
    says: Literal["", "succeeded", "failed"] = ""


class StuckRefundView(msgspec.Struct):
    """One way of a refund that needs somebody. `proof` waits for a second person; `actions` are the steps you may take. `chargeback` is
    `open`, `lost` or `accepted` where the payer's bank took the payment back, so that it may have repaid this already."""

    refund: str
    leg: int
    order: str | None
    payment: str | None
    amount_minor: int
    currency: str
    channel: str
    attempt: str
    status: str
    channel_number: str | None
    asked: int
    intended_at: datetime
    reason: str | None
    since: datetime | None
    due_at: datetime | None
    owner: str | None
    notes: list[str]
    proof: dict[str, str] | None
    chargeback: Literal["open", "lost", "accepted"] | None
    actions: list[str]


class RefundQueue(msgspec.Struct):
    """What needs somebody, the most pressing first; at most 100."""

    items: list[StuckRefundView]


class StepTaken(msgspec.Struct):
    """How the refund stands now; nothing where nobody has to look after it any more."""

    refund: StuckRefundView | None


def index(call: Call) -> Answer:
    """Answer with one view of the queue."""
    require_finance(call)
    asked: RefundQueueQuery = call.query
    return Answer(200, RefundQueue(items=[_view(line, call.identity.person_id) for line in view(name=asked.view, at=call.at)]))


def step(call: Call) -> Answer:
    """Take one step about one way of a refund."""
    number, leg, asked = require_number(call.parameters["number"]), _leg(call), call.body
    wanted = RefundStep(
        step=asked.step,
        refund_number=number,
        leg=leg,
        text=asked.text,
        reference=asked.reference,
        payee=asked.payee,
        bank=asked.bank,
        amount_minor=asked.amount_minor,
        says=asked.says,
    )
    act_on_refund(actor=call.acting_as(ActorKind.PLATFORM), wanted=wanted, at=call.at)
    line = stuck_refund(refund_number=number, leg=leg)
    return Answer(200, StepTaken(refund=_view(line, call.identity.person_id) if line else None))


def to_wallet(call: Call) -> Answer:
    """Send one way of a refund to its buyer's wallet, as the buyer chose."""
    number = require_number(call.parameters["number"])
    choose_wallet(actor=call.acting_as(ActorKind.BUYER), refund_number=number, leg=_leg(call), at=call.at)
    return refund(call)


def _leg(call: Call) -> int:
    text = call.parameters["leg"]
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 100):
        raise BadInput(fields={"leg": "1 to 100"})
    return int(text)


def _view(line: StuckLine, person_id: int) -> StuckRefundView:
    proof = {"kind": line.proof_kind, "says": line.proof_says, "payee": line.payee, "bank": line.bank, "reference": line.reference}
    return StuckRefundView(
        refund=line.refund,
        leg=line.leg,
        order=line.order,
        payment=line.payment,
        amount_minor=line.amount_minor,
        currency=line.currency,
        channel=line.leg_channel,
        attempt=line.attempt,
        status=line.status,
        channel_number=line.channel_number,
        asked=line.asked,
        intended_at=line.intended_at,
        reason=line.reason,
        since=line.since,
        due_at=line.due_at,
        owner=line.owner_name,
        notes=line.notes,
        proof={name: text for name, text in proof.items() if text is not None} if line.proof_kind else None,
        chargeback=cast('Literal["open", "lost", "accepted"] | None', line.chargeback),
        actions=steps_for(line=line, person_id=person_id),
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path=f"{V1}/refunds/{{number}}/legs/{{leg}}/wallet",
        handler=to_wallet,
        who=Who.SIGNED_IN,
        tag="cases",
        scope=Scope.REFUND,
        body=Nothing,
        answer=RefundView,
        refusals=(403, 404, 409),
        zh="渠道退不了时，买家自己选择退到钱包；重复提交不会退两次",
        en="Where its channel cannot complete a refund, its buyer takes it into the wallet; asking again does not pay twice",
    ),
    Route(
        method="GET",
        path=f"{V1}/stuck-refunds",
        handler=index,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        query=RefundQueueQuery,
        answer=RefundQueue,
        refusals=(403,),
        zh="需要人处理的退款：卡住、等资金、长时间未知；限财务",
        en="Refunds that need somebody: stuck, waiting for funds, unknown for long; for finance staff",
    ),
    Route(
        method="POST",
        path=f"{V1}/stuck-refunds/{{number}}/legs/{{leg}}",
        handler=step,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.REFUND,
        body=Step,
        answer=StepTaken,
        refusals=(403, 404, 409),
        zh="处理一笔卡住的退款：认领、备注、换号重试、人工转账、录入凭证、由另一人批准",
        en="Take a stuck refund further: take it up, note, retry under a new number, transfer by hand, prove, approve as the second person",
    ),
)
