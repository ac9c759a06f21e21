"""What each side may do with a case now, and why not. The one source: pages and API show the same, flows refuse the same."""

from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from anka.cases.models import CaseState
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.domain.case_states import CaseStatus
from anka.domain.case_turns import MOST_ROUNDS, SETTLEABLE
from anka.flows.steps.actions import API, Action
from anka.flows.steps.judge import judge_again
from anka.orders.models import OrderState

C = CaseStatus
LABELS = {
    "agree": _("Agree"),
    "refuse": _("Refuse"),
    "offer": _("Make an offer"),
    "accept_offer": _("Accept the offer"),
    "decline_offer": _("Decline the offer"),
    "withdraw": _("Withdraw"),
    "escalate": _("Call the platform"),
    "add_evidence": _("Add evidence"),
    "appeal": _("Appeal"),
    "ask_for_evidence": _("Ask for evidence"),
    "rule": _("Rule"),
    "approve": _("Approve the ruling"),
}
OVER = _("The case is closed.")
NOT_NOW = _("The case is not waiting for that now.")
NO_OFFER = _("There is no offer of the other side to answer.")
ENOUGH_OFFERS = _("There were enough offers; answer what is on the table.")
NOT_ARBITER = _("Only an arbiter who is no party to it rules on a case.")
NO_PROPOSAL = _("No ruling is waiting for approval.")
PLATFORM_ONLY = _("The rules leave this one to the platform, whatever the parties agree.")
OWN_PROPOSAL = _("You have ruled on this case, so somebody else has to do this.")
RULED_IN = (C.EVIDENCE, C.REVIEW, C.APPEAL)


class _Draft(NamedTuple):
    """An action before it is put into words; `why_not` None where it is allowed."""

    name: str
    path: str
    why_not: object | None


def case_actions(*, state: OrderState, case: CaseState, actor: Actor, at: Moment) -> tuple[Action, ...]:
    """Return every action of this actor on this case, allowed or not, in the language that is active."""
    if actor.kind is ActorKind.BUYER:
        drafts = _of_buyer(state, case, at)
    elif actor.kind is ActorKind.MERCHANT:
        drafts = _of_merchant(state, case, at)
    elif actor.kind is ActorKind.PLATFORM:
        drafts = _of_platform(state, case, actor)
    else:
        drafts = []
    return tuple(
        Action(
            name=draft.name,
            method="POST",
            path=f"{API}/cases/{case.number}/{draft.path}",
            label=str(LABELS[draft.name]),
            allowed=draft.why_not is None,
            why_not=None if draft.why_not is None else str(draft.why_not),
        )
        for draft in drafts
    )


def _of_buyer(state: OrderState, case: CaseState, at: Moment) -> list[_Draft]:
    mine = case.asker_kind != "merchant"
    drafts = _answers(case, "buyer", at)
    drafts.append(_Draft("offer", "offers", _why_no_offer(case, C.BUYER_TURN, at) or _why_not_settled(state, case)))
    if mine:
        drafts.append(_Draft("escalate", "escalate", _unless(case, (C.REFUSED,))))
        drafts.append(_Draft("withdraw", "withdraw", _unless(case, SETTLEABLE)))
    return [*drafts, *_of_both(case)]


def _of_merchant(state: OrderState, case: CaseState, at: Moment) -> list[_Draft]:
    left_to_platform = _why_not_settled(state, case)
    drafts = [
        _Draft("agree", "agree", _unless(case, SETTLEABLE) or left_to_platform),
        _Draft("refuse", "refuse", _unless(case, (C.MERCHANT_TURN,))),
        _Draft("offer", "offers", _why_no_offer(case, C.MERCHANT_TURN, at) or left_to_platform),
        *_answers(case, "merchant", at),
    ]
    if case.asker_kind == "merchant":
        drafts.append(_Draft("withdraw", "withdraw", _unless(case, SETTLEABLE)))
    return [*drafts, *_of_both(case)]


def _why_not_settled(state: OrderState, case: CaseState) -> object | None:
    """Some claims are the platform's to decide: protected payers, illicit goods."""
    judged = case.last_receipt.judged() if case.last_receipt and case.status in SETTLEABLE else []
    agreed = judge_again(state=state, judged=judged, merchant_answer="agreed")
    return PLATFORM_ONLY if any(verdict.decision.route != "instant" for verdict in agreed) else None


def _of_both(case: CaseState) -> list[_Draft]:
    return [
        _Draft("add_evidence", "evidence", OVER if case.closed_at else None),
        _Draft("appeal", "appeal", _unless(case, (C.DECIDED,))),
    ]


def _of_platform(state: OrderState, case: CaseState, actor: Actor) -> list[_Draft]:
    arbiter = "arbiter" in state.standing.staff_roles and state.standing.shop_role is None and state.buyer_id != actor.person_id
    not_arbiter = None if arbiter else NOT_ARBITER
    proposed = case.proposed_ruling
    ruled = {person for ruling in case.rulings if ruling.status == "given" for person in (ruling.by_person, ruling.approved_by)}
    appealed_by_me = OWN_PROPOSAL if case.status == C.APPEAL and actor.person_id in ruled else None
    own = OWN_PROPOSAL if proposed and proposed.by_person == actor.person_id else appealed_by_me
    return [
        _Draft("ask_for_evidence", "evidence-requests", not_arbiter or _unless(case, (C.EVIDENCE, C.REVIEW))),
        _Draft("rule", "ruling", not_arbiter or _unless(case, RULED_IN) or appealed_by_me),
        _Draft("approve", "approve", not_arbiter or (NO_PROPOSAL if proposed is None else None) or _unless(case, RULED_IN) or own),
        _Draft("add_evidence", "evidence", not_arbiter or (OVER if case.closed_at else None)),
    ]


def _answers(case: CaseState, side: str, at: Moment) -> list[_Draft]:
    offer = case.open_offer
    answerable = offer is not None and offer.by_side != side and case.status in SETTLEABLE
    path = f"offers/{offer.id if offer else 0}"
    late = answerable and offer is not None and at.now >= offer.expires_at
    return [
        _Draft("accept_offer", f"{path}/accept", None if answerable and not late else NO_OFFER),
        _Draft("decline_offer", f"{path}/decline", None if answerable else NO_OFFER),
    ]


def _why_no_offer(case: CaseState, mine: CaseStatus, at: Moment) -> object | None:
    others = {C.MERCHANT_TURN, C.BUYER_TURN} - {mine}
    if case.status not in SETTLEABLE or case.status in others or (case.status == C.REFUSED and mine == C.BUYER_TURN):
        return _unless(case, ())
    over = case.bargaining_until is not None and at.now >= case.bargaining_until
    return ENOUGH_OFFERS if over or case.rounds >= MOST_ROUNDS else None


def _unless(case: CaseState, allowed: tuple[CaseStatus, ...]) -> object | None:
    if case.status in allowed:
        return None
    return OVER if case.closed_at else NOT_NOW
