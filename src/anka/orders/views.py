"""What an order is called in a list. Labels are views over facts; nothing here is stored."""

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

UNPAID, CLOSED, REFUNDING, REFUNDED = "unpaid", "closed", "refunding", "refunded"
TO_DELIVER, DELIVERED, COMPLETED = "to_deliver", "delivered", "completed"
LABELS: dict[str, str | Promise] = {
    UNPAID: _("To pay"),
    CLOSED: _("Closed"),
    REFUNDING: _("Refund on its way"),
    REFUNDED: _("Refunded"),
    TO_DELIVER: _("Being delivered"),
    DELIVERED: _("Delivered"),
    COMPLETED: _("Completed"),
}
_WAITING = frozenset({"queued", "accepted", "working"})
_HERE = frozenset({"sealed", "revealed", "delivered", "used"})


def status_of(*, is_paid: bool, is_closed: bool, stages: Sequence[str], moneys: Sequence[str]) -> str:
    """Return the one word for an order, a key of LABELS: money under way first, then what is still to come, then what is there."""
    if not is_paid or is_closed:
        return CLOSED if is_closed else UNPAID
    if "refunding" in moneys:
        return REFUNDING
    if moneys and all(money in ("refunded", "none") for money in moneys):
        return REFUNDED
    if not _WAITING.isdisjoint(stages):
        return TO_DELIVER
    units = zip(stages, moneys, strict=True)
    to_confirm = any(stage in _HERE and money in ("held", "part_refunded") for stage, money in units)
    return DELIVERED if to_confirm else COMPLETED
