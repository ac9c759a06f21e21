"""What a notice is when it is read."""

from datetime import datetime
from typing import Any

import msgspec


class Notice(msgspec.Struct, frozen=True):
    """Something somebody was told. `details` are the values its sentence is made of; names and titles are as they stand today.

    `clock_runs`: it warns of a clock, and that clock still runs, so that something is left to be done.
    A buyer's notice is theirs alone; a shop's or the platform's was read when anybody of it has read it.
    """

    id: int
    audience: str
    kind: str
    details: dict[str, Any]
    made_at: datetime
    read_at: datetime | None
    order_number: str | None
    case_number: str | None
    shop_code: str
    shop_name_zh: str
    shop_name_en: str
    title_zh: str
    title_en: str
    currency: str
    clock_runs: bool
