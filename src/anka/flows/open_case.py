"""Get out of an order: judge the claim, hold to the verdict that was shown, carry it out or open a case, and say so in a receipt."""

from typing import Any

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.flows.steps.change import Change, apply
from anka.flows.steps.file_case import Filing
from anka.flows.steps.judge import ChannelsNotAsked, Claim, asks, judge
from anka.flows.steps.may_claim import require_heard_again, require_may_claim
from anka.flows.steps.plan_money_back import plan_legs
from anka.flows.steps.quote import hold_to_quote, not_executable, quote
from anka.orders.models import OrderState
from anka.orders.queries import lock_order, read_order


def open_case(*, actor: Actor, order_number: str, claim: Claim, request: RequestKey, at: Moment) -> tuple[str, ...]:
    """Open a case per distinct decision, carry it out where nobody has to answer, and return the cases' numbers. One transaction.

    Raises:
        NotFound, BadInput, FactsError, NothingLeftToCancel, AskRequired: there is nothing to judge, or something is missing.
        VerdictChanged, QuoteDoesNotFit: the quote does not hold; the first carries the new one.
        RouteNotOpenYet, RefusedByRule, MoneyCannotGoBackThisWay, NoStockToReplace, TooManyCases: the verdict cannot be carried out here.
        IssuerNotAsked, ChannelsNotAsked: somebody outside has to be asked first; jobs/claims.py does.
        AlreadyDone: this request was carried out before; its reference is the cases' numbers, separated by commas.
        In every one of these nothing was opened and nothing has changed.
    """
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_may_claim(state=state, actor=actor)
        verdicts = judge(state=state, claim=claim, actor=actor, at=at)
        hold_to_quote(state=state, claim=claim, verdicts=verdicts, at=at)
        refusal = not_executable(verdicts)
        if refusal is not None:
            raise refusal
        _require_channels_asked(state, claim)
        require_heard_again(state=state, reason=claim.reason, verdicts=verdicts)
        asked = asks(claim=claim, verdicts=verdicts)
        at_once = [verdict.refund_minor if verdict.decision.route == "instant" else 0 for verdict in verdicts]
        planned = plan_legs(state=state, amounts=at_once, refund_to=claim.refund_to, at=at)
        change = Change()
        filing = Filing(state=state, claim=claim, actor=actor, at=at, change=change)
        filed = zip(verdicts, asked, planned, strict=True)
        numbers = tuple(filing.file(verdict=verdict, asked=wanted, legs=legs) for verdict, wanted, legs in filed)
        apply(state=state, change=change, actor=actor, request=request, reference=",".join(numbers), at=at)
        return numbers


def quote_case(*, actor: Actor, order_number: str, claim: Claim, at: Moment) -> dict[str, Any]:
    """Return what open_case would do with this claim at this moment. Reads only.

    Raises:
        NotFound, BadInput, FactsError, NothingLeftToCancel: as open_case.
    """
    state = read_order(number=order_number, actor=actor, at=at)
    verdicts = judge(state=state, claim=claim, actor=actor, at=at)
    return quote(state=state, claim=claim, verdicts=verdicts, at=at)


def _require_channels_asked(state: OrderState, claim: Claim) -> None:
    """Closing an unpaid order while its cashier is open would invite money that has to be sent back."""
    unpaid = state.paid_at is None and state.closed_at is None
    if unpaid and state.live_payments() and not claim.channels_asked:
        raise ChannelsNotAsked
