"""The other side accepts an offer, and money or goods move at once — or declines it, and the platform decides."""

from django.utils.translation import gettext_lazy as _

from anka.cases.models import CaseState, Offer
from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import NotFound, Refusal
from anka.domain.case_turns import BARGAINING, SETTLEABLE
from anka.flows.answer_case import agreed
from anka.flows.steps.case_parties import NotYourTurn, require_buyer, require_merchant, require_status
from anka.flows.steps.case_parts import CaseStep, said
from anka.flows.steps.case_work import CaseWork


class OfferNotOpen(Refusal):
    """The offer was accepted, declined, superseded or has expired."""

    code, status = "offer_not_open", 409
    says = _("This offer is no longer open. Nothing has changed; reload the page to see what is on the table.")


def accept_offer(*, actor: Actor, case_number: str, offer_id: int, request: RequestKey, at: Moment) -> str:
    """Accept the other side's offer and carry it out; return the case's number.

    Raises:
        NotFound, NotPermitted, NotYourTurn, OfferNotOpen, MoneyCannotGoBackThisWay: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the case's number.
    """
    with database.transaction():
        work, offer = _begin(actor, case_number, offer_id, request, at)
        if at.now >= offer.expires_at:
            raise OfferNotOpen
        verdicts = agreed(work)
        step = CaseStep(
            number=work.case.number,
            what="case_offer_accepted",
            details={"refund_minor": offer.refund_minor, "replacement": offer.replacement},
            merchant_answer="agreed",
            answer=said(actor=actor, what="accepted"),
            receipts=work.receipts(verdicts),
            fault=verdicts[0].decision.fault,
        )
        work.end_offer(step, "accepted")
        if offer.replacement:
            work.replace(step, offer.key_ids)
        else:
            work.pay(step, work.grants_of(verdicts, offer.refund_minor))
        work.write(step, request)
        return work.case.number


def decline_offer(*, actor: Actor, case_number: str, offer_id: int, request: RequestKey, at: Moment) -> str:
    """Decline the other side's offer; where the parties were bargaining, the platform decides now. Returns the case's number.

    Raises:
        NotFound, NotPermitted, NotYourTurn, OfferNotOpen: nothing has changed. AlreadyDone: as accept_offer.
    """
    with database.transaction():
        work, _offer = _begin(actor, case_number, offer_id, request, at)
        step = CaseStep(number=work.case.number, what="case_offer_declined", answer=said(actor=actor, what="declined"))
        work.end_offer(step, "declined")
        if work.case.status in BARGAINING:
            refused = work.judge_again(merchant_answer="refused")
            step.receipts, step.merchant_answer = work.receipts(refused), "refused"
            work.to_platform(step)
        work.write(step, request)
        return work.case.number


def _begin(actor: Actor, case_number: str, offer_id: int, request: RequestKey, at: Moment) -> tuple[CaseWork, Offer]:
    state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
    require_new(state.replay)
    offer = _offer(case, offer_id)
    if actor.kind is ActorKind.MERCHANT:
        require_merchant(state=state, actor=actor)
    else:
        require_buyer(state=state, actor=actor)
    if str(actor.kind) == offer.by_side:
        raise NotYourTurn
    require_status(case=case, allowed=SETTLEABLE)
    if offer.status != "open":
        raise OfferNotOpen
    return CaseWork(state, case, actor, at), offer


def _offer(case: CaseState, offer_id: int) -> Offer:
    for offer in case.offers:
        if offer.id == offer_id:
            return offer
    raise NotFound
