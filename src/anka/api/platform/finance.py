"""The books over the API, for finance staff: what holds, what is frozen, what differs from the channels, what nobody knows yet."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from anka.accounts.tokens import Scope
from anka.api.bodies import Cursor, Input, Limit
from anka.api.call import Answer, Call, Route, Who
from anka.api.parsing import cursor_text, read_cursor
from anka.api.platform.staff import require_finance
from anka.core import audits, freezes
from anka.core.actors import ActorKind
from anka.core.refusals import NotFound
from anka.domain.unidentified import needs_two
from anka.flows.decide_difference import decide_difference
from anka.flows.thaw_payouts import thaw_payouts
from anka.jobs import audit
from anka.jobs.channels import channels
from anka.jobs.outcomes import Unknown, UnknownCursor, unknown_outcomes
from anka.payments import bills
from anka.payments.bills import CHINA, Difference, DifferenceCursor, DifferenceKind, DifferenceState
from anka.payments.differences import Place, correction_of, journal_of, places
from anka.payments.three_ways import DayOfChannel, day_of_channel

PATH = "/api/v1/finance"
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
ChannelCode = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]


class DifferencesQuery(Input):
    """Which differences: of one state, channel or day, or all; `cursor` is `next` of the page before."""

    status: DifferenceState | None = None
    channel: ChannelCode | None = None
    day: date | None = None
    cursor: Cursor | None = None
    limit: Limit = 20


class OutcomesQuery(Input):
    """Which kind, or all; `cursor` is `next` of the page before."""

    kind: Literal["refund", "payment", "question", "withdrawal"] | None = None
    cursor: Cursor | None = None
    limit: Limit = 20


class DayQuery(Input):
    """Which day, in China's time (yesterday where it is left out), and of which channel (all where it is left out)."""

    day: date | None = None
    channel: ChannelCode | None = None


class Decision(Input):
    """What a difference turned out to be, and why; a large one is decided by two persons, the same.

    `seen_minor` is the `would_post.amount_minor` that was read, 0 for nothing: where it is another by now, nothing is posted.
    """

    decision: Literal["explained", "corrected"]
    note: Words
    seen_minor: int | None = None


class Thaw(Input):
    """The number of the freeze that was read, and why it may be lifted."""

    freeze: Annotated[int, msgspec.Meta(ge=1, le=2**62)]
    reason: Words


class InvariantView(msgspec.Struct):
    """One invariant and how often it is violated, as far as is known."""

    name: str
    violations: int


class FindingView(msgspec.Struct):
    """A violation that stands."""

    invariant: str
    place: str
    what: str
    found_at: datetime


class FreezeView(msgspec.Struct):
    """Why payouts stand still; `asked_by` has asked to lift exactly this, and a second person has to agree."""

    id: int
    at: datetime
    actor: str
    reason: str
    asked_by: str | None
    asked_because: str | None


class BoardView(msgspec.Struct):
    """What the last audits found (times of the machine), whether payouts flow, and how many differences wait."""

    changed_audited_at: datetime | None
    all_audited_at: datetime | None
    invariants: list[InvariantView]
    findings: list[FindingView]
    freeze: FreezeView | None
    differences_waiting: int


class PostingView(msgspec.Struct):
    """What a decision that our books are corrected posts. `amount_minor` is signed: plus where the channel has more than our books."""

    shop_id: int
    key: str
    debit: str
    credit: str
    amount_minor: int


class DifferenceView(msgspec.Struct):
    """Something a bill and our books say otherwise of each other; amounts in minor units, null where one side knows none.

    `would_post` is what deciding `corrected` would post, null for nothing; `journals` names what was posted. `refund` and `order` say
    where to go on.
    """

    id: int
    channel: str
    day: date
    kind: DifferenceKind
    number: str
    channel_number: str
    ours_minor: int | None
    theirs_minor: int | None
    currency: str
    found_at: datetime
    status: DifferenceState
    needs_two: bool
    proposed_as: str | None
    proposed_by: str | None
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    corrected_minor: int
    would_post: PostingView | None
    journals: str | None
    refund: str | None
    order: str | None


class DifferenceList(msgspec.Struct):
    """One page of differences, newest first."""

    items: list[DifferenceView]
    next: str | None


class Decided(msgspec.Struct):
    """What became of it: proposed (a second person has to decide the same), explained or corrected."""

    outcome: str
    difference: DifferenceView


class OutcomeList(msgspec.Struct):
    """One page of what nobody knows the outcome of, longest first."""

    items: list[Unknown]
    next: str | None


class DayList(msgspec.Struct):
    """A day of each channel, seen three ways."""

    items: list[DayOfChannel]


class Thawed(msgspec.Struct):
    """What became of it: thawed, or asked (a second person has to agree)."""

    outcome: str


def board(call: Call) -> Answer:
    """Answer with the invariants, the freeze and what waits."""
    require_finance(call)
    standing = audits.standing_findings()
    counted = {name: sum(1 for one in standing if one.invariant == name) for name in audit.names()}
    last, whole = audits.last_run(), audits.last_run(scope="whole")
    freeze = freezes.standing_freeze()
    told = BoardView(
        changed_audited_at=last.ended_at if last else None,
        all_audited_at=whole.ended_at if whole else None,
        invariants=[InvariantView(name, violations) for name, violations in counted.items()],
        findings=[FindingView(one.invariant, one.place, one.what, one.found_at) for one in standing],
        freeze=_freeze(freeze) if freeze else None,
        differences_waiting=bills.waiting(),
    )
    return Answer(200, told)


def _freeze(freeze: freezes.Freeze) -> FreezeView:
    asked = freeze.asked
    return FreezeView(
        id=freeze.frozen.id,
        at=freeze.frozen.at,
        actor=freeze.frozen.actor,
        reason=freeze.frozen.reason,
        asked_by=asked.actor if asked else None,
        asked_because=asked.reason if asked else None,
    )


def differences(call: Call) -> Answer:
    """Answer with one page of differences."""
    require_finance(call)
    asked: DifferencesQuery = call.query
    after = read_cursor(asked.cursor, DifferenceCursor)
    found = bills.inbox(status=asked.status, channel=asked.channel, day=asked.day, after=after, limit=asked.limit + 1)
    page = found[: asked.limit]
    more = cursor_text(DifferenceCursor(page[-1].found_at, page[-1].id)) if len(found) > len(page) else None
    return Answer(200, DifferenceList(items=_views(page), next=more))


def decide(call: Call) -> Answer:
    """Explain a difference, or say that it was corrected."""
    asked: Decision = call.body
    text = call.parameters["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound
    actor = call.acting_as(ActorKind.PLATFORM)
    number, seen = int(text), asked.seen_minor
    outcome = decide_difference(actor=actor, difference_id=number, decision=asked.decision, note=asked.note, seen_minor=seen, at=call.at)
    (view,) = _views([bills.difference(difference_id=number)])
    return Answer(200, Decided(outcome=outcome, difference=view))


def outcomes(call: Call) -> Answer:
    """Answer with one page of what nobody knows the outcome of."""
    require_finance(call)
    asked: OutcomesQuery = call.query
    after = read_cursor(asked.cursor, UnknownCursor)
    found = unknown_outcomes(kind=asked.kind, after=after, now=call.at.now, limit=asked.limit + 1)
    page = found[: asked.limit]
    more = cursor_text(UnknownCursor(page[-1].since, page[-1].kind, page[-1].number)) if len(found) > len(page) else None
    return Answer(200, OutcomeList(items=page, next=more))


def day(call: Call) -> Answer:
    """Answer with a day of each channel, seen three ways."""
    require_finance(call)
    asked: DayQuery = call.query
    wanted = asked.day or call.at.now.astimezone(CHINA).date() - timedelta(days=1)
    codes = [asked.channel] if asked.channel else sorted(channels)
    return Answer(200, DayList(items=[day_of_channel(channel=code, day=wanted) for code in codes]))


def thaw(call: Call) -> Answer:
    """Let payouts go again, or ask a second person to agree."""
    asked: Thaw = call.body
    actor = call.acting_as(ActorKind.PLATFORM)
    return Answer(200, Thawed(thaw_payouts(actor=actor, freeze_id=asked.freeze, reason=asked.reason, at=call.at)))


def _views(found: Sequence[Difference]) -> list[DifferenceView]:
    placed = places(ids=[one.id for one in found])
    return [_view(one, placed[one.id]) for one in found]


def _view(one: Difference, place: Place) -> DifferenceView:
    beside = {"needs_two", "would_post", "journals", "refund", "order"}
    return DifferenceView(
        needs_two=needs_two(amount_minor=one.size_minor),
        would_post=_would_post(one, place),
        journals=place.journals,
        refund=place.refund,
        order=place.order,
        **{name: getattr(one, name) for name in DifferenceView.__struct_fields__ if name not in beside},
    )


def _would_post(one: Difference, place: Place) -> PostingView | None:
    found = correction_of(difference=one, place=place)
    if found is None:
        return None
    (journal,) = journal_of(difference=one, place=place)
    (transfer,) = journal.transfers
    return PostingView(
        shop_id=journal.shop_id, key=journal.key, debit=transfer.debit, credit=transfer.credit, amount_minor=found.amount_minor
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=PATH,
        handler=board,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        answer=BoardView,
        refusals=(403,),
        zh="账目看板：各项不变量、出款是否冻结、待处理的差异；限财务",
        en="The books at a glance: invariants, whether payouts flow, differences that wait; for finance staff",
    ),
    Route(
        method="GET",
        path=f"{PATH}/differences",
        handler=differences,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        query=DifferencesQuery,
        answer=DifferenceList,
        refusals=(403,),
        zh="对账差异：渠道账单与我方账目不一致之处；限财务",
        en="What bills of channels and our books say otherwise of each other; for finance staff",
    ),
    Route(
        method="POST",
        path=f"{PATH}/differences/{{id}}/decide",
        handler=decide,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.REFUND,
        body=Decision,
        answer=Decided,
        refusals=(404, 409),
        zh="处理一条对账差异（说明不记账，更正按账单记账），须写明原因；金额大的须两人一致",
        en="Explain a difference (posts nothing) or correct our books by it (posts would_post), with a note; a large one needs two persons",
    ),
    Route(
        method="GET",
        path=f"{PATH}/outcomes",
        handler=outcomes,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        query=OutcomesQuery,
        answer=OutcomeList,
        refusals=(403,),
        zh="结果未明的付款、退款、提现与查询：自何时起、何时再问、谁在跟进；限财务",
        en="Payments, refunds, withdrawals and questions whose outcome nobody knows yet; for finance staff",
    ),
    Route(
        method="GET",
        path=f"{PATH}/day",
        handler=day,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.READ,
        query=DayQuery,
        answer=DayList,
        refusals=(403,),
        zh="某日各渠道三方对账：渠道账单、我方付款与退款、总账；限财务",
        en="A day of each channel seen three ways: its bill, our payments and refunds, the ledger; for finance staff",
    ),
    Route(
        method="POST",
        path=f"{PATH}/thaw",
        handler=thaw,
        who=Who.SIGNED_IN,
        tag="platform",
        scope=Scope.PAY,
        body=Thaw,
        answer=Thawed,
        refusals=(404, 409),
        zh="解除出款冻结：两名财务，或一名管理员，须写明原因",
        en="Let payouts go again: two of the finance staff, or one administrator, with a reason",
    ),
)
