"""What somebody was told: as a buyer, as somebody of a shop, as somebody of the platform."""

from anka.api import bodies
from anka.api.call import Answer, Call
from anka.api.parsing import cursor_text, read_cursor
from anka.api.shapes_of_inbox import NoticeList, NoticesRead, NoticeView
from anka.flows.read_notices import read_notices
from anka.messaging import queries, words
from anka.messaging.models import Notice


def index(call: Call) -> Answer:
    """Answer with one page of notices, newest first, and how many are unread."""
    call.require_standing()
    asked: bodies.Page = call.query
    before = read_cursor(asked.cursor, queries.Before)
    found = queries.notices_of(person_id=call.identity.person_id, before=before, limit=asked.limit + 1)
    page = found[: asked.limit]
    more = cursor_text(queries.Before(page[-1].id)) if len(found) > len(page) else None
    unread = queries.unread_count(person_id=call.identity.person_id)
    return Answer(200, NoticeList(items=[_view(call, notice) for notice in page], unread=unread, next=more))


def read(call: Call) -> Answer:
    """Mark notices as read, and answer with how many that were and how many are left."""
    call.require_standing()
    asked: bodies.ReadNotices = call.body
    marked = read_notices(actor=call.buyer, up_to=asked.up_to, at=call.at)
    return Answer(200, NoticesRead(read=marked, unread=queries.unread_count(person_id=call.identity.person_id)))


def _view(call: Call, notice: Notice) -> NoticeView:
    return NoticeView(
        id=notice.id,
        audience=notice.audience,
        kind=notice.kind,
        text=words.sentence(notice=notice),
        shop=notice.shop_code,
        shop_name=call.pick(notice.shop_name_zh, notice.shop_name_en),
        order=notice.order_number,
        case=notice.case_number,
        details=notice.details,
        due_at=words.due_at(notice=notice) if notice.clock_runs else None,
        made_at=notice.made_at,
        read_at=notice.read_at,
    )
