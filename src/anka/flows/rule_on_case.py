"""The platform decides: fault, amount, reasons, words. Above a limit a second person has to agree; then the appeal window runs."""

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.cases.models import CaseState, Ruling
from anka.cases.queries import lock_case
from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, Refusal
from anka.domain.case_codes import RULINGS
from anka.domain.case_states import CaseStatus, Fault
from anka.domain.money import MAX_MINOR, share
from anka.domain.rulings import needs_second_person, remedy_of
from anka.flows.steps.carry_out_ruling import amounts, carry_out_ruling
from anka.flows.steps.case_parties import NotYourTurn, require_arbiter, require_status
from anka.flows.steps.case_parts import CaseStep, NewRuling, tell
from anka.flows.steps.case_work import BOTH_PARTIES, CaseWork
from anka.funds.queries import position

RULED_IN = (CaseStatus.EVIDENCE, CaseStatus.REVIEW, CaseStatus.APPEAL)
LONGEST_TEXT = 4000


class SamePerson(Refusal):
    """A ruling is approved, and an appeal decided, by somebody else than the one who ruled."""

    code, status = "same_person", 409
    says = _("You have ruled on this case, so somebody else has to do this. Nothing has changed.")


class NoRulingToApprove(Refusal):
    """No ruling waits for a second person."""

    code, status = "no_ruling_to_approve", 409
    says = _("No ruling is waiting for approval here. Nothing has changed; reload the page.")


class Finding(msgspec.Struct, frozen=True):
    """What an arbiter found. Exactly one of `refund_percent` (of what is left) and `refund_minor` (for the whole case).

    `compensation_minor` goes to the buyer's wallet on top; `penalty_minor` comes out of the shop's deposit.
    """

    fault: str
    reasons: tuple[str, ...]
    text: str
    refund_percent: int | None = None
    refund_minor: int | None = None
    compensation_minor: int = 0
    penalty_minor: int = 0


def rule_on_case(*, actor: Actor, case_number: str, finding: Finding, request: RequestKey, at: Moment) -> str:
    """Rule on a case the platform has, or on its appeal, and return its number.

    A first ruling is carried out when the appeal window has passed; the answer to an appeal at once. Above the limit it is only proposed.

    Raises:
        BadInput: `fields` says what. NotFound, NotPermitted, PartyToTheCase, SamePerson, NotYourTurn, MoneyCannotGoBackThisWay:
            nothing has changed.
        AlreadyDone: this request was carried out before; its reference is the case's number.
    """
    _check(finding)
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_arbiter(state=state, actor=actor)
        require_status(case=case, allowed=RULED_IN)
        if case.status == CaseStatus.APPEAL and actor.person_id in _ruled_before(case):
            raise SamePerson
        work = CaseWork(state, case, actor, at)
        ruling = _ruling(work, finding, actor)
        step = CaseStep(number=case.number, what="case_ruled", details=_shown(ruling))
        if needs_second_person(refund_minor=ruling.total_minor):
            ruling.status, step.what = "proposed", "case_ruling_proposed"
            work.change.notices += tell(case=case, audiences=("platform",), kind="case_ruling_proposed")
        else:
            _give(work, step, ruling)
        step.ruling = ruling
        work.write(step, request)
        return case.number


def approve_ruling(*, actor: Actor, case_number: str, request: RequestKey, at: Moment) -> str:
    """Agree, as a second person, to the ruling that was proposed, and return the case's number.

    Raises:
        NoRulingToApprove, SamePerson, NotFound, NotPermitted, PartyToTheCase, MoneyCannotGoBackThisWay: nothing has changed.
        AlreadyDone: as rule_on_case.
    """
    with database.transaction():
        state, case = lock_case(number=case_number, actor=actor, request=request, at=at)
        require_new(state.replay)
        require_arbiter(state=state, actor=actor)
        proposed = case.proposed_ruling
        if proposed is None or case.status not in RULED_IN:
            raise NoRulingToApprove
        if proposed.by_person == actor.person_id or (proposed.instance == 2 and actor.person_id in _ruled_before(case)):
            raise SamePerson
        work = CaseWork(state, case, actor, at)
        step = CaseStep(number=case.number, what="case_ruled", approved_by=actor.person_id, details={"approved": True})
        _give(work, step, proposed)
        work.write(step, request)
        return case.number


def _check(finding: Finding) -> None:
    wrong = {}
    if finding.fault not in tuple(Fault):
        wrong["fault"] = ", ".join(Fault)
    if not finding.reasons or any(code not in RULINGS for code in finding.reasons):
        wrong["reasons"] = ", ".join(RULINGS)
    if not finding.text.strip() or len(finding.text) > LONGEST_TEXT:
        wrong["text"] = f"1–{LONGEST_TEXT}"
    if (finding.refund_percent is None) == (finding.refund_minor is None):
        wrong["refund_minor"] = "either refund_percent or refund_minor"
    if finding.refund_percent is not None and not 0 <= finding.refund_percent <= 100:
        wrong["refund_percent"] = "0–100"
    wrong.update(_wrong_remedies(finding))
    if wrong:
        raise BadInput(fields=wrong)


def _wrong_remedies(finding: Finding) -> dict[str, str]:
    """Return what is wrong with what is granted beside the refund: whoever is at fault pays, and nobody else."""
    wrong = {}
    if not 0 <= finding.compensation_minor <= MAX_MINOR or (finding.compensation_minor and finding.fault == Fault.BUYER):
        wrong["compensation_minor"] = "fault: merchant, both, platform, none"
    if not 0 <= finding.penalty_minor <= MAX_MINOR or (finding.penalty_minor and finding.fault not in (Fault.MERCHANT, Fault.BOTH)):
        wrong["penalty_minor"] = "fault: merchant, both"
    return wrong


def _ruling(work: CaseWork, finding: Finding, actor: Actor) -> NewRuling:
    left = sum(work.left_each_minor)
    amount = finding.refund_minor
    if amount is None:
        amount = share(amount_minor=left, percent=finding.refund_percent or 0)
    if not 0 <= amount <= left:
        raise BadInput(fields={"refund_minor": f"0–{left}"})
    deposit = position(shop_id=work.state.shop_id, currency=work.state.currency).deposit if finding.penalty_minor else 0
    if finding.penalty_minor > deposit:
        raise BadInput(fields={"penalty_minor": f"0–{deposit}"})
    return NewRuling(
        instance=2 if work.case.status == CaseStatus.APPEAL else 1,
        status="given",
        by_person=actor.person_id,
        fault=finding.fault,
        remedy=remedy_of(refund_minor=amount, left_minor=left),
        refund_minor=amount,
        reasons=list(dict.fromkeys(finding.reasons)),
        text=finding.text,
        compensation_minor=finding.compensation_minor,
        penalty_minor=finding.penalty_minor,
    )


def _give(work: CaseWork, step: CaseStep, ruling: NewRuling | Ruling) -> None:
    """Let a ruling count: the answer to an appeal is carried out, a first ruling may be appealed against for a while."""
    work.end_offer(step, "superseded")
    work.change.notices += tell(case=work.case, audiences=BOTH_PARTIES, kind="case_ruled", details=amounts(ruling=ruling))
    if work.case.status == CaseStatus.APPEAL:
        carry_out_ruling(work=work, step=step, ruling=ruling, before=(CaseStatus.FINAL,))
        return
    work.stop_clocks()
    work.start("appeal")
    step.path, step.fault = [CaseStatus.DECIDED], ruling.fault


def _ruled_before(case: CaseState) -> set[int]:
    """Who gave the ruling that is appealed against: its author and who approved it."""
    first = next((ruling for ruling in case.rulings if ruling.instance == 1 and ruling.status == "given"), None)
    if first is None:
        raise NotYourTurn
    return {first.by_person, first.approved_by or 0}


def _shown(ruling: NewRuling) -> dict[str, object]:
    return {"fault": ruling.fault, "remedy": ruling.remedy, **amounts(ruling=ruling), "reasons": ruling.reasons}
