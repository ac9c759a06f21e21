"""What arbiters do with a case: ask for evidence, rule, approve. Each answers with the case."""

from django.utils.translation import gettext_lazy as _

from anka.api import bodies_of_cases
from anka.api.call import Answer, Call
from anka.api.doing import on_case
from anka.core.actors import ActorKind
from anka.core.refusals import Refusal
from anka.flows.add_evidence import request_evidence
from anka.flows.rule_on_case import Finding, approve_ruling, rule_on_case

STAFF = (ActorKind.PLATFORM,)
LATER = ("replacement",)


class RemedyNotAvailable(Refusal):
    """The ruling grants something that this version cannot carry out."""

    code, status = "remedy_not_available", 422
    says = _("This version cannot carry out this remedy yet: %(names)s. Nothing was decided; leave it out, or grant money instead.")


def ask_for_evidence(call: Call) -> Answer:
    """Ask one side, or both, for evidence; the case waits for it."""
    asked: bodies_of_cases.AskForEvidence = call.body
    return on_case(
        call,
        STAFF,
        lambda actor, number: request_evidence(
            actor=actor, case_number=number, side=asked.side, text=asked.text, request=call.request(), at=call.at
        ),
    )


def rule(call: Call) -> Answer:
    """Rule on a case, or on its appeal; a large amount is only proposed until somebody else approves."""
    asked: bodies_of_cases.Rule = call.body
    wanted = [name for name in LATER if getattr(asked, name)]
    if wanted:
        raise RemedyNotAvailable(names=", ".join(wanted), fields=dict.fromkeys(wanted, call.pick("本版本尚无", "not in this version")))
    finding = Finding(
        fault=asked.fault,
        reasons=tuple(asked.reasons),
        text=asked.text,
        refund_percent=asked.refund_percent,
        refund_minor=asked.refund_minor,
        compensation_minor=asked.compensation_minor or 0,
        penalty_minor=asked.penalty_minor or 0,
    )
    return on_case(
        call,
        STAFF,
        lambda actor, number: rule_on_case(actor=actor, case_number=number, finding=finding, request=call.request(), at=call.at),
    )


def approve(call: Call) -> Answer:
    """Agree, as a second person, to the ruling that was proposed."""
    return on_case(call, STAFF, lambda actor, number: approve_ruling(actor=actor, case_number=number, request=call.request(), at=call.at))
