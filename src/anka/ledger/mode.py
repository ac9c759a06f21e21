"""In whose hands the money is in this installation, as its operator decided (ANKA_FUNDS_MODE), and what therefore is not offered."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from anka.core.refusals import Refusal
from anka.domain.funds_mode import Doing, FundsMode, allows, read


class NotOursToHold(Refusal):
    """A payment institution holds the money here; what was asked for would make a balance of ours out of it."""

    code, status = "not_ours_to_hold", 409
    says = _("A payment institution keeps the money here, so there is no balance with us. Nothing has changed; choose another way.")


def funds_mode() -> FundsMode:
    """Return the mode of this installation."""
    return read(text=settings.FUNDS_MODE)


def offered(*, doing: Doing) -> bool:
    """Tell whether this installation does this."""
    return allows(mode=funds_mode(), doing=doing)


def require(*, doing: Doing) -> None:
    """Refuse what this installation does not do.

    Raises:
        NotOursToHold: its money is in a payment institution's hands.
    """
    if not offered(doing=doing):
        raise NotOursToHold
