"""The merchant answers: agrees to what was asked, and the money moves at once — or refuses with a reason, and the platform decides."""

from django.utils.translation import gettext_lazy as _

from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, Refusal
from anka.domain.case_codes import REFUSALS
from anka.domain.case_states import CaseStatus
from anka.domain.case_turns import SETTLEABLE
from anka.flows.steps.case_parties import require_merchant, require_status
from anka.flows.steps.case_parts import CaseStep, said
from anka.flows.steps.case_work import CaseWork
from anka.flows.steps.judge import Verdict
from anka.flows.steps.replace_units import set_aside

LONGEST_TEXT = 2000


class AgreementNotAllowed(Refusal):
    """The rules leave this to the platform, whatever the parties agree: protected payers, illicit goods."""

    code, status = "agreement_not_allowed", 409
    says = _("The platform has to decide this one, so the parties cannot settle it between themselves. Nothing has changed.")


def agree_case(*, actor: Actor, case_number: str, request: RequestKey, at: Moment) -> str:
    """Give the asker what they asked for and return the case's number. Money and goods move in this transaction.

    Raises:
        NotFound, NotPermitted, NotYourTurn, AgreementNotAllowed, NoStockToReplace, MoneyCannotGoBackThisWay: nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the case's number.
    """
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_merchant(state=state, actor=actor)
        require_status(case=case, allowed=SETTLEABLE)
        work = CaseWork(state, case, actor, at)
        verdicts = agreed(work)
        step = CaseStep(
            number=case.number,
            what="case_agreed",
            merchant_answer="agreed",
            answer=said(actor=actor, what="agreed"),
            receipts=work.receipts(verdicts),
            fault=verdicts[0].decision.fault,
        )
        work.end_offer(step, "superseded")
        if case.ask_replacement:
            work.replace(step, set_aside(state=state, count=len(case.positions)))
        else:
            asked = case.ask_minor if case.ask_minor is not None else sum(work.left_each_minor)
            step.details = {"refund_minor": asked}
            work.pay(step, work.grants_of(verdicts, asked))
            work.compensate(step, verdicts)
        work.write(step, request)
        return case.number


def agreed(work: CaseWork) -> tuple[Verdict, ...]:
    """Return the verdicts on a case whose merchant agrees.

    Raises:
        AgreementNotAllowed: the rules want the platform to decide all the same.
    """
    verdicts = work.judge_again(merchant_answer="agreed")
    if any(verdict.decision.route != "instant" for verdict in verdicts):
        raise AgreementNotAllowed
    return verdicts


def refuse_case(*, actor: Actor, case_number: str, code: str, text: str, request: RequestKey, at: Moment) -> str:
    """Refuse what was asked, with a code and in words, and hand the case to the platform; return the case's number.

    Raises:
        BadInput: no such code, or no text. NotFound, NotPermitted, NotYourTurn: nothing has changed. AlreadyDone: as agree_case.
    """
    if code not in REFUSALS:
        raise BadInput(fields={"reason": ", ".join(REFUSALS)})
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise BadInput(fields={"text": f"1–{LONGEST_TEXT}"})
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_merchant(state=state, actor=actor)
        require_status(case=case, allowed=(CaseStatus.MERCHANT_TURN,))
        work = CaseWork(state, case, actor, at)
        step = CaseStep(
            number=case.number,
            what="case_refused",
            details={"code": code},
            merchant_answer="refused",
            answer=said(actor=actor, what="refused", code=code, text=text),
            receipts=work.receipts(work.judge_again(merchant_answer="refused")),
            fault="undecided",
        )
        work.end_offer(step, "superseded")
        work.to_platform(step)
        work.write(step, request)
        return case.number
