"""Orders, as whoever may look at them sees them: the buyer, the shop, the platform's staff."""

from anka.accounts import queries as accounts
from anka.api import bodies
from anka.api.call import Answer, Call
from anka.api.parsing import cursor_text, read_cursor
from anka.api.shapes_of_orders import OrderList
from anka.api.views.orders import order_line, order_view
from anka.api.views.seen import order_seen_by
from anka.orders.queries import Cursor, Line, PromiseCursor, orders_of_buyer, orders_of_shop, orders_to_deliver


def show(call: Call) -> Answer:
    """Answer with one order."""
    return Answer(200, order_view(call, order_seen_by(call, call.parameters["number"])))


def index(call: Call) -> Answer:
    """Answer with one page of the caller's orders: those they bought, and those of the shops they work for."""
    call.require_standing()
    asked: bodies.OrderSearch = call.query
    if asked.role == "merchant" and asked.tab == "to_deliver":
        return _to_deliver(call, asked)
    after = read_cursor(asked.cursor, Cursor)
    found: dict[str, Line] = {}
    limit = asked.limit + 1
    if asked.role != "merchant":
        bought = orders_of_buyer(buyer_id=call.identity.person_id, tab=asked.tab, after=after, limit=limit)
        found.update((line.number, line) for line in bought)
    if asked.role != "buyer":
        for shop in accounts.shops_of(person_id=call.identity.person_id):
            sold = orders_of_shop(shop_id=shop.shop_id, tab=asked.tab, after=after, limit=limit)
            found.update((line.number, line) for line in sold)
    newest = sorted(found.values(), key=lambda line: (line.placed_at, line.number), reverse=True)
    page = newest[: asked.limit]
    more = cursor_text(Cursor(page[-1].placed_at, page[-1].number)) if len(newest) > len(page) else None
    return Answer(200, OrderList(items=[order_line(call, line) for line in page], next=more))


def _to_deliver(call: Call, asked: bodies.OrderSearch) -> Answer:
    """What a merchant has to deliver is listed by when it was promised, what is late first."""
    shops = tuple(shop.shop_id for shop in accounts.shops_of(person_id=call.identity.person_id))
    found = orders_to_deliver(shop_ids=shops, after=read_cursor(asked.cursor, PromiseCursor), limit=asked.limit + 1)
    page = found[: asked.limit]
    last = page[-1] if len(found) > len(page) else None
    more = cursor_text(PromiseCursor(last.due_at, last.number)) if last and last.due_at else None
    return Answer(200, OrderList(items=[order_line(call, line) for line in page], next=more))
