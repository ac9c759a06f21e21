"""Getting out of an order over the API: the verdict before submitting, the case, and the money on its way back."""

import msgspec

from anka.accounts import queries as accounts
from anka.api import bodies, shapes
from anka.api.buyer.doing import as_first_of
from anka.api.buyer.parsing import cursor_text, positions_of, read_cursor, require_number
from anka.api.buyer.views import case_line, case_view, order_seen_by, refund_view
from anka.api.call import Answer, Call
from anka.api.problems import problem
from anka.cases import queries
from anka.cases.queries import CaseCursor
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import NotFound
from anka.flows.steps.judge import Claim
from anka.flows.steps.quote import VerdictChanged
from anka.jobs import claims

ASKERS = (ActorKind.BUYER, ActorKind.MERCHANT, ActorKind.PLATFORM)


def quote(call: Call) -> Answer:
    """Answer with what would happen. Changes nothing."""
    asked: bodies.QuoteQuery = call.query
    number = require_number(call.parameters["number"])
    claim = Claim(reason=asked.reason, positions=positions_of(number, asked.units), refund_to=asked.refund_to)
    return Answer(200, claims.quote(actor=call.buyer, order_number=number, claim=claim, at=call.at))


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
        opened, replayed = as_first_of(ASKERS, call, run)
    except VerdictChanged as changed:
        return _with_quote(changed)
    seen = order_seen_by(call, number, ASKERS)
    numbers = opened.split(",")
    cases = [case_view(seen, case, call) for case in seen.beside.cases if case.number in numbers]
    return Answer(201, shapes.CasesAnswer(cases=cases), replayed)


def _with_quote(changed: VerdictChanged) -> Answer:
    answer = problem(changed)
    answer.body = {**msgspec.to_builtins(answer.body), "quote": changed.quote}
    return answer


def index(call: Call) -> Answer:
    """Answer with one page of the cases about the caller's own orders and those of their shops."""
    call.require_standing()
    asked: bodies.Page = call.query
    person_id = call.identity.person_id
    shops = tuple(shop.shop_id for shop in accounts.shops_of(person_id=person_id))
    after = read_cursor(asked.cursor, CaseCursor)
    found = queries.cases_of(buyer_id=person_id, shop_ids=shops, after=after, limit=asked.limit + 1)
    page = found[: asked.limit]
    more = cursor_text(CaseCursor(page[-1].opened_at, page[-1].number)) if len(found) > len(page) else None
    return Answer(200, shapes.CaseList(items=[case_line(case) for case in page], next=more))


def show(call: Call) -> Answer:
    """Answer with one case of the caller's."""
    number = require_number(call.parameters["number"])
    order_number = queries.order_of_case(number=number)
    if order_number is None:
        raise NotFound
    seen = order_seen_by(call, order_number)
    case = next((case for case in seen.beside.cases if case.number == number), None)
    if case is None:
        raise NotFound
    return Answer(200, case_view(seen, case, call))


def refund(call: Call) -> Answer:
    """Answer with one refund of the caller's."""
    number = require_number(call.parameters["number"])
    order_number = queries.order_of_refund(number=number)
    if order_number is None:
        raise NotFound
    seen = order_seen_by(call, order_number)
    found = next((refund for refund in seen.beside.refunds if refund.number == number), None)
    if found is None:
        raise NotFound
    return Answer(200, refund_view(seen.state, found))
