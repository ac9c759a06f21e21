"""One side offers the other a way to settle: part of the money, or a replacement from stock that is set aside at once."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from anka.cases.models import CaseState
from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, Refusal
from anka.domain.case_states import CaseStatus
from anka.domain.case_turns import MOST_ROUNDS, SETTLEABLE, bargaining_ends
from anka.domain.deadlines import clock_named
from anka.flows.answer_case import LONGEST_TEXT, agreed
from anka.flows.steps.case_parties import NotYourTurn, require_buyer, require_merchant, require_status
from anka.flows.steps.case_parts import CaseStep, NewOffer, tell
from anka.flows.steps.case_work import CaseWork
from anka.flows.steps.change import Clock
from anka.flows.steps.replace_units import set_aside


class TooManyOffers(Refusal):
    """The parties have bargained long enough, or often enough."""

    code, status = "too_many_offers", 409
    says = _("There were %(most)s offers already, or bargaining is over. Nothing has changed; answer what is on the table.")


def make_offer(*, actor: Actor, case_number: str, refund_minor: int, text: str, request: RequestKey, at: Moment) -> str:
    """Offer an amount in minor units for the whole case and return the case's number; an offer that was open is superseded.

    Raises:
        BadInput: nothing, or more than the units have left. NotFound, NotPermitted, NotYourTurn, TooManyOffers, AgreementNotAllowed:
            nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the case's number.
    """
    with database.transaction():
        work = _begin(actor, case_number, text, request, at)
        left = sum(work.left_each_minor)
        if not 1 <= refund_minor <= left:
            raise BadInput(fields={"refund_minor": f"1–{left}"})
        return _put(work, refund_minor, (), text, request)


def offer_replacement(*, actor: Actor, case_number: str, text: str, request: RequestKey, at: Moment) -> str:
    """Offer to replace the units of a case; the keys are set aside at once. Only the merchant can. Returns the case's number.

    Raises:
        NoStockToReplace: there is nothing to offer. The others: as make_offer.
    """
    with database.transaction():
        work = _begin(actor, case_number, text, request, at)
        require_merchant(state=work.state, actor=actor)
        return _put(work, 0, set_aside(state=work.state, count=len(work.case.positions)), text, request)


def _begin(actor: Actor, case_number: str, text: str, request: RequestKey, at: Moment) -> CaseWork:
    if len(text) > LONGEST_TEXT:
        raise BadInput(fields={"text": f"≤ {LONGEST_TEXT}"})
    state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
    require_new(state.replay)
    if actor.kind is ActorKind.MERCHANT:
        require_merchant(state=state, actor=actor)
    else:
        require_buyer(state=state, actor=actor)
    work = CaseWork(state, case, actor, at)
    _require_may_offer(case, actor)
    agreed(work)
    if case.rounds >= MOST_ROUNDS or (case.bargaining_until and at.now >= case.bargaining_until):
        raise TooManyOffers(most=MOST_ROUNDS)
    return work


def _require_may_offer(case: CaseState, actor: Actor) -> None:
    """While the parties bargain, only the side whose turn it is offers; once the platform has the case, either may."""
    require_status(case=case, allowed=SETTLEABLE)
    mine = CaseStatus.MERCHANT_TURN if actor.kind is ActorKind.MERCHANT else CaseStatus.BUYER_TURN
    if case.status in (CaseStatus.MERCHANT_TURN, CaseStatus.BUYER_TURN) and case.status != mine:
        raise NotYourTurn
    if case.status == CaseStatus.REFUSED and actor.kind is not ActorKind.MERCHANT:
        raise NotYourTurn


def _put(work: CaseWork, refund_minor: int, key_ids: tuple[int, ...], text: str, request: RequestKey) -> str:
    case, now = work.case, work.at.now
    merchant = work.actor.kind is ActorKind.MERCHANT
    until = case.bargaining_until or bargaining_ends(began_at=now)
    step = CaseStep(number=case.number, what="case_offer_made", bargaining_until=until)
    step.details = {"refund_minor": refund_minor, "replacement": bool(key_ids)}
    work.end_offer(step, "superseded")
    length = clock_named(name="offer").default if merchant else _answer_time(case)
    expires_at = min(now + length, until)
    step.offer = NewOffer(
        by_side=str(work.actor.kind),
        person_id=work.actor.person_id,
        refund_minor=refund_minor,
        replacement=bool(key_ids),
        text=text,
        expires_at=expires_at,
        key_ids=list(key_ids),
    )
    if case.status in (CaseStatus.MERCHANT_TURN, CaseStatus.BUYER_TURN):
        work.stop_clocks(keep=frozenset({"ceiling"}))
        step.path = [CaseStatus.BUYER_TURN if merchant else CaseStatus.MERCHANT_TURN]
        work.change.clocks.append(Clock(kind="offer" if merchant else "answer", position=case.clock_position, due_at=expires_at))
    work.change.notices += tell(case=case, audiences=("buyer" if merchant else "shop",), kind="case_offer", details=step.details)
    work.write(step, request)
    return case.number


def _answer_time(case: CaseState) -> timedelta:
    """The merchant has as long for a counter-offer as the rules gave for the claim."""
    first = case.receipts[0].decided().answer_within_minutes if case.receipts else None
    return timedelta(minutes=first) if first else clock_named(name="answer").default
