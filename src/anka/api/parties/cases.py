"""Cases and refunds, as whoever may look at them sees them: the buyer, the shop, the platform's staff."""

from anka.accounts import queries as accounts
from anka.api import bodies_of_cases, shapes_of_cases
from anka.api.call import Answer, Call, NotSignedIn
from anka.api.parsing import cursor_text, read_cursor, require_number
from anka.api.views.cases import case_line, case_view
from anka.api.views.money import refund_view
from anka.api.views.seen import case_seen_by, order_seen_by
from anka.cases import queries
from anka.cases.queries import CaseCursor, QueueCursor, queue_cursor
from anka.core.refusals import NotFound, NotPermitted
from anka.domain.case_states import CaseStatus
from anka.domain.case_turns import turn_of

PLATFORMS = tuple(status for status in CaseStatus if turn_of(status=status, on_silence=None).side == "platform")
MERCHANTS = tuple(status for status in CaseStatus if turn_of(status=status, on_silence=None).side == "merchant")


def index(call: Call) -> Answer:
    """Answer with one page of the cases the caller is a party to, or of a queue."""
    who = accounts.standing(person_id=call.identity.person_id, token_id=call.identity.token_id, at=call.at)
    if not who.active:
        raise NotSignedIn
    asked: bodies_of_cases.CaseSearch = call.query
    queue = asked.queue or ("platform" if who.staff_roles else "mine")
    if queue == "platform" and not who.staff_roles:
        raise NotPermitted
    return _mine(call, asked) if queue == "mine" else _waiting(call, asked, queue)


def _mine(call: Call, asked: bodies_of_cases.CaseSearch) -> Answer:
    after = read_cursor(asked.cursor, CaseCursor)
    person_id = call.identity.person_id
    found = queries.cases_of(buyer_id=person_id, shop_ids=_shops(call), after=after, limit=asked.limit + 1, status=asked.status)
    page = found[: asked.limit]
    more = cursor_text(CaseCursor(page[-1].opened_at, page[-1].number)) if len(found) > len(page) else None
    return _page(page, more)


def _waiting(call: Call, asked: bodies_of_cases.CaseSearch, queue: str) -> Answer:
    waiting = PLATFORMS if queue == "platform" else MERCHANTS
    if asked.status is not None:
        # Staff may look at every open case by its status; a merchant's queue has what waits for the merchant.
        waiting = tuple(status for status in (tuple(CaseStatus) if queue == "platform" else MERCHANTS) if status == asked.status)
    shops = None if queue == "platform" else _shops(call)
    after = read_cursor(asked.cursor, QueueCursor)
    found = queries.cases_waiting(statuses=waiting, shop_ids=shops, after=after, limit=asked.limit + 1)
    page = found[: asked.limit]
    return _page(page, cursor_text(queue_cursor(page[-1])) if len(found) > len(page) else None)


def _page(page: tuple[queries.CaseLine, ...], more: str | None) -> Answer:
    return Answer(200, shapes_of_cases.CaseList(items=[case_line(case) for case in page], next=more))


def _shops(call: Call) -> tuple[int, ...]:
    return tuple(shop.shop_id for shop in accounts.shops_of(person_id=call.identity.person_id))


def show(call: Call) -> Answer:
    """Answer with one case."""
    seen, case = case_seen_by(call, call.parameters["number"])
    return Answer(200, case_view(seen, case, call))


def refund(call: Call) -> Answer:
    """Answer with one refund."""
    number = require_number(call.parameters["number"])
    order_number = queries.order_of_refund(number=number)
    if order_number is None:
        raise NotFound
    seen = order_seen_by(call, order_number)
    found = next((refund for refund in seen.beside.refunds if refund.number == number), None)
    if found is None:
        raise NotFound
    return Answer(200, refund_view(seen.state, found, person_id=call.identity.person_id))
