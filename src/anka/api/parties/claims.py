"""Getting out of an order over the API, as its buyer, its shop or the platform: the verdict before submitting, and submitting."""

import msgspec

from anka.api import bodies, shapes_of_cases
from anka.api.call import Answer, Call
from anka.api.doing import as_first_of, seen_by_first_of
from anka.api.parsing import positions_of, require_number
from anka.api.problems import problem
from anka.api.views.cases import case_view
from anka.api.views.seen import EVERYBODY, order_seen_by
from anka.core.actors import Actor
from anka.domain.case_states import CaseStatus
from anka.flows.steps.judge import Claim
from anka.flows.steps.quote import VerdictChanged
from anka.jobs import claims


def quote(call: Call) -> Answer:
    """Answer with what would happen if this caller asked. Changes nothing."""
    asked: bodies.QuoteQuery = call.query
    number = require_number(call.parameters["number"])
    claim = Claim(reason=asked.reason, positions=positions_of(number, asked.units), refund_to=asked.refund_to)
    found = seen_by_first_of(EVERYBODY, call, lambda actor: claims.quote(actor=actor, order_number=number, claim=claim, at=call.at))
    return Answer(200, found)


def submit(call: Call) -> Answer:
    """Open the cases a request becomes and answer with them, or with the new verdict where the one shown has become worse."""
    asked: bodies.NewCase = call.body
    number = require_number(call.parameters["number"])
    claim = Claim(
        reason=asked.reason,
        positions=positions_of(number, asked.units),
        statement=asked.statement,
        refund_to=asked.refund_to,
        quote=asked.quote,
        ask_minor=asked.ask.refund_minor if asked.ask else None,
        ask_replacement=bool(asked.ask and asked.ask.replacement),
        evidence=tuple((item, "") if isinstance(item, str) else (item.kind, item.text) for item in asked.evidence or ()),
    )

    def run(actor: Actor) -> str:
        return ",".join(claims.submit(actor=actor, order_number=number, claim=claim, request=call.request(), at=call.at))

    try:
        opened, replayed = as_first_of(EVERYBODY, call, run)
    except VerdictChanged as changed:
        return _with_quote(changed)
    numbers = opened.split(",")
    seen = order_seen_by(call, number)
    waiting = [case.number for case in seen.beside.cases if case.number in numbers and case.keys_void and case.status == CaseStatus.OPEN]
    if waiting:
        claims.settle_voids(case_numbers=waiting, at=call.at)
        seen = order_seen_by(call, number)
    cases = [case_view(seen, case, call) for case in seen.beside.cases if case.number in numbers]
    return Answer(201, shapes_of_cases.CasesAnswer(cases=cases), replayed)


def _with_quote(changed: VerdictChanged) -> Answer:
    answer = problem(changed)
    answer.body = {**msgspec.to_builtins(answer.body), "quote": changed.quote}
    return answer
