"""Disputes with banks and payment channels over the API, for finance staff."""

from datetime import datetime

import msgspec

from anka.accounts.tokens import Scope
from anka.api.call import V1, Answer, Call, Route, Who
from anka.api.platform.staff import require_finance
from anka.domain.dispute_states import DisputeKind, DisputeState
from anka.payments.disputes import all_disputes


class DisputeView(msgspec.Struct):
    """A dispute. Of a lost chargeback: `repaid_minor` paid refunds that were owed, `lost_minor` was taken of the order's units, and
    `unborne_minor` had been paid back before, which is the platform's loss."""

    number: str
    kind: DisputeKind
    status: DisputeState
    order: str | None
    payment: str
    channel: str
    channel_number: str
    amount_minor: int
    currency: str
    reason: str
    opened_at: datetime
    evidence_due_at: datetime
    closed_at: datetime | None
    repaid_minor: int
    lost_minor: int
    unborne_minor: int


class DisputeList(msgspec.Struct):
    """The newest 200 disputes: open ones first, by when our answer is due. `next` is always null."""

    items: list[DisputeView]
    next: None = None


def index(call: Call) -> Answer:
    """Answer with the disputes."""
    require_finance(call)
    named = {"order": "order_number", "payment": "payment_number"}
    fields = [(field, named.get(field, field)) for field in DisputeView.__struct_fields__]
    items = [DisputeView(**{field: getattr(dispute, source) for field, source in fields}) for dispute in all_disputes()]
    return Answer(200, DisputeList(items=items))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=f"{V1}/disputes",
        handler=index,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        answer=DisputeList,
        refusals=(403,),
        zh="拒付与渠道投诉：未决的在前，按答辩期限排序；限财务",
        en="Chargebacks and complaints at channels: open ones first, by when an answer is due; for finance staff",
    ),
)
