"""The shapes of notices that go out."""

from datetime import datetime
from typing import Any

import msgspec


class NoticeView(msgspec.Struct):
    """Something you were told, as whom (`audience`: buyer, shop, platform). `text` says it in the language asked for; a warning of a clock
    that still runs has the moment it falls as `due_at`."""

    id: int
    audience: str
    kind: str
    text: str
    shop: str
    shop_name: str
    order: str | None
    case: str | None
    details: dict[str, Any]
    due_at: datetime | None
    made_at: datetime
    read_at: datetime | None


class NoticeList(msgspec.Struct):
    """One page of notices; `unread` is counted up to 100."""

    items: list[NoticeView]
    unread: int
    next: str | None


class NoticesRead(msgspec.Struct):
    """How many notices were marked as read, and how many are left, counted up to 100."""

    read: int
    unread: int
