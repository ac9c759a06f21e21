"""What is said of a shop's terms, to the shop and to the platform's staff."""

from typing import Any

from django.utils.translation import gettext, gettext_lazy, ngettext

from anka.domain.deposits import FeeBearer, Tier
from anka.funds.models import Terms

HOUR, DAY = 60, 24 * 60
TIERS = {
    Tier.OPEN: gettext_lazy("No deposit asked"),
    Tier.NEW: gettext_lazy("A new shop"),
    Tier.PROVEN: gettext_lazy("Proven"),
    Tier.TRUSTED: gettext_lazy("Trusted"),
}
BEARERS = {
    FeeBearer.PLATFORM: gettext_lazy("The platform"),
    FeeBearer.MERCHANT: gettext_lazy("The shop, where it is at fault"),
}


def shown(*, held: Terms) -> dict[str, Any]:
    """Return a shop's terms in words."""
    return {
        "tier": TIERS[held.tier],
        "settles": settles(minutes=held.settle_minutes),
        "bearer": BEARERS[held.fee_bearer],
        "rate": f"{held.fee_basis_points / 100:.2f} %" if held.fee_bearer is FeeBearer.MERCHANT else "",
    }


def settles(*, minutes: int) -> str:
    """Return how long after a confirmation money settles."""
    if minutes == 0:
        return gettext("At once")
    if minutes % DAY == 0:
        return ngettext("%(count)s day after the confirmation", "%(count)s days after the confirmation", minutes // DAY) % {
            "count": minutes // DAY
        }
    hours = max(1, minutes // HOUR)
    return ngettext("%(count)s hour after the confirmation", "%(count)s hours after the confirmation", hours) % {"count": hours}
