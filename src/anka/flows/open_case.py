"""Get out of an order: judge the claim, hold to the verdict that was shown, carry it out or open a case, and say so in a receipt."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import NotPermitted, Refusal
from anka.domain.policy.reasons import REASONS, ReasonGroup
from anka.flows.steps.change import Change, apply
from anka.flows.steps.file_case import Filing
from anka.flows.steps.judge import Claim, Verdict, asks, judge
from anka.flows.steps.plan_money_back import plan_legs
from anka.flows.steps.quote import hold_to_quote, not_executable, quote
from anka.orders.models import OrderState
from anka.orders.queries import lock_order, read_order

MOST_CASES = 5


class TooManyCases(Refusal):
    """A unit has been argued about five times; only a claim about its quality is heard again."""

    code, status = "too_many_cases", 409
    says = _("This was asked for %(most)s times already. Nothing was submitted; a claim about bad goods, with evidence, is still heard.")


def open_case(*, actor: Actor, order_number: str, claim: Claim, request: RequestKey, at: Moment) -> tuple[str, ...]:
    """Open a case per distinct decision, carry it out where nobody has to answer, and return the cases' numbers. One transaction.

    Raises:
        NotFound, BadInput, FactsError, NothingLeftToCancel, AskRequired: there is nothing to judge, or something is missing.
        VerdictChanged, QuoteDoesNotFit: the quote does not hold; the first carries the new one.
        RouteNotOpenYet, RefusedByRule, MoneyCannotGoBackThisWay, NoStockToReplace, TooManyCases: the verdict cannot be carried out here.
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
        _require_heard_again(state, claim, verdicts)
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


# Staff who act for others at the counter. Finance moves money by its own flows, arbiters rule on cases.
CLAIMING_STAFF = frozenset({"agent", "admin"})


def require_may_claim(*, state: OrderState, actor: Actor) -> None:
    """Raise NotPermitted for staff whose role is not to ask for refunds on somebody's behalf."""
    if actor.kind == ActorKind.PLATFORM and CLAIMING_STAFF.isdisjoint(state.standing.staff_roles):
        raise NotPermitted


def _require_heard_again(state: OrderState, claim: Claim, verdicts: tuple[Verdict, ...]) -> None:
    if REASONS[claim.reason].group == ReasonGroup.QUALITY:
        return
    argued = {position for verdict in verdicts if verdict.decision.route != "instant" for position in verdict.positions}
    if any(unit.case_count >= MOST_CASES for unit in state.units if unit.position in argued):
        raise TooManyCases(most=MOST_CASES)
