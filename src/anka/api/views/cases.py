"""Cases: the whole case, and the line of a list."""

import json

from anka.api import shapes_of_cases
from anka.api.call import Call
from anka.api.views.orders import action_view, without_person
from anka.api.views.receipts import receipts_view
from anka.api.views.seen import Seen
from anka.cases.models import Answer, CaseState, Evidence, Offer, Ruling
from anka.cases.queries import CaseLine
from anka.core.actors import ActorKind
from anka.flows.steps.case_actions import case_actions


def case_view(seen: Seen, case: CaseState, call: Call) -> shapes_of_cases.CaseView:
    """Return a case as one of its parties sees it: whose turn, by when, what follows, what was said, judged and ruled."""
    state, beside, actor = seen
    receipt, turn = case.last_receipt, case.turn
    return shapes_of_cases.CaseView(
        number=case.number,
        order=state.number,
        kind=case.kind,
        status=case.status,
        units=[state.unit_number(position) for position in case.positions],
        asker=without_person(case.asker),
        reason=case.reason,
        statement=case.statement,
        turn=turn.side,
        due_at=case.due_at,
        if_silent=turn.if_silent,
        ask_minor=case.ask_minor,
        ask_replacement=case.ask_replacement,
        offered_minor=case.offered_minor,
        merchant_answer=case.merchant_answer,
        fault=case.fault,
        decision=case.decision_json,
        facts=json.loads(receipt.facts) if receipt else None,
        words={"zh": receipt.because_zh, "en": receipt.because_en} if receipt else None,
        policy_version=receipt.policy_version if receipt else None,
        receipts=receipts_view(state, case),
        refund_minor=case.refund_minor,
        currency=state.currency,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        answers=[_answer_view(said) for said in case.answers],
        offers=[_offer_view(offer) for offer in case.offers],
        evidence=[_evidence_view(item) for item in case.evidence],
        ruling=_ruling_view(case.given_ruling),
        proposed_ruling=_ruling_view(case.proposed_ruling) if actor.kind is ActorKind.PLATFORM else None,
        outcome=case.outcome,
        refunds=[refund.number for refund in beside.refunds if refund.case_number == case.number],
        actions=[action_view(state, action) for action in case_actions(state=state, case=case, actor=actor, at=call.at)],
    )


def _answer_view(said: Answer) -> dict[str, object]:
    return {"at": said.at, "by": said.by_side, "what": said.what, "reason": said.code, "text": said.text}


def _offer_view(offer: Offer) -> dict[str, object]:
    return {
        "id": offer.id,
        "by": offer.by_side,
        "refund_minor": offer.refund_minor,
        "replacement": offer.replacement,
        "text": offer.text,
        "status": offer.status,
        "made_at": offer.made_at,
        "expires_at": offer.expires_at,
    }


def _evidence_view(item: Evidence) -> dict[str, object]:
    return {"id": item.id, "kind": item.kind, "by": item.by_side, "at": item.at, "text": item.text, "sha256": item.sha256}


def _ruling_view(ruling: Ruling | None) -> dict[str, object] | None:
    if ruling is None:
        return None
    return {
        "instance": ruling.instance,
        "fault": ruling.fault,
        "remedy": ruling.remedy,
        "refund_minor": ruling.refund_minor,
        "compensation_minor": ruling.compensation_minor,
        "penalty_minor": ruling.penalty_minor,
        "reasons": list(ruling.reasons),
        "text": ruling.text,
        "made_at": ruling.made_at,
        "approved_at": ruling.approved_at,
    }


def case_line(case: CaseLine) -> shapes_of_cases.CaseLine:
    """Return a case as it stands in a list."""
    return shapes_of_cases.CaseLine(
        number=case.number,
        order=case.order_number,
        kind=case.kind,
        status=case.status,
        units=[f"{case.order_number}-{position}" for position in case.positions],
        reason=case.reason,
        turn=case.turn.side,
        due_at=case.due_at,
        if_silent=case.turn.if_silent,
        ask_minor=case.ask_minor,
        refund_minor=case.refund_minor,
        currency=case.currency,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        outcome=case.outcome,
    )
