"""Who may claim, and how often. The flow that opens cases refuses by it, and pages do not offer what would be refused."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor, ActorKind
from anka.core.refusals import NotPermitted, Refusal
from anka.domain.policy.reasons import REASONS, ReasonGroup
from anka.flows.steps.judge import Verdict
from anka.orders.models import OrderState

# Staff who act for others at the counter. Finance moves money by its own flows, arbiters rule on cases.
CLAIMING_STAFF = frozenset({"agent", "admin"})
MOST_CASES = 5


class TooManyCases(Refusal):
    """A unit has been argued about five times; only a claim about its quality is heard again."""

    code, status = "too_many_cases", 409
    says = _("This was asked for %(most)s times already. Nothing was submitted; a claim about bad goods, with evidence, is still heard.")


def require_may_claim(*, state: OrderState, actor: Actor) -> None:
    """Raise NotPermitted for staff whose role is not to ask for refunds on somebody's behalf."""
    if actor.kind == ActorKind.PLATFORM and CLAIMING_STAFF.isdisjoint(state.standing.staff_roles):
        raise NotPermitted


def require_heard_again(*, state: OrderState, reason: str, verdicts: Sequence[Verdict]) -> None:
    """Raise TooManyCases where somebody would have to answer about a unit that was argued about five times, except about its quality."""
    if REASONS[reason].group == ReasonGroup.QUALITY:
        return
    argued = {position for verdict in verdicts if verdict.decision.route != "instant" for position in verdict.positions}
    if any(unit.case_count >= MOST_CASES for unit in state.units if unit.position in argued):
        raise TooManyCases(most=MOST_CASES)
