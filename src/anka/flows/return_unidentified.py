"""Send unidentified money back to where it came from: the decision of finance staff. It takes the way of every refund."""

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.unidentified import UnidentifiedState
from anka.flows.steps.finance_staff import require_finance
from anka.flows.take_unidentified import PLATFORM_CODE, intended, send_back
from anka.payments.unidentified import Unidentified, lock_unidentified


class AlreadyDecided(Refusal):
    """Somebody has decided about this money otherwise."""

    code, status = "already_decided", 409
    says = _("Somebody has decided about this money already. Nothing has changed; reload the page to see what became of it.")


def return_unidentified(*, actor: Actor, number: str, at: Moment) -> Unidentified:
    """Send money back through the channel it came by, and return it as it was before; asking again changes nothing.

    Raises:
        NotFound: there is no such money, or the actor is not of the finance staff.
        AlreadyDecided: it pays an order.
    """
    with database.transaction():
        require_finance(actor=actor, at=at)
        found = lock_unidentified(number=number)
        if found.status == UnidentifiedState.MATCHED:
            raise AlreadyDecided
        if found.status == UnidentifiedState.OPEN:
            refund = intended(
                shop_code=PLATFORM_CODE, unidentified_id=found.id, channel=found.channel, amount_minor=found.amount_minor, at=at
            )
            send_back(shop_id=found.shop_id, unidentified_id=found.id, actor=str(actor), refund=refund, currency=found.currency, at=at)
        return found
