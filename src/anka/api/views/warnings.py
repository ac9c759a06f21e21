"""What is worth knowing about an order and stops nothing: a record that speaks against the goods, goods that came late, odd money."""

from datetime import datetime, timedelta
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from anka.api.shapes_of_orders import OrderWarning
from anka.cases.queries import Dossier
from anka.domain.delivery_states import Stage
from anka.orders.models import OrderState, Unit

ISSUER_SAYS_BAD, LATE_DELIVERY, ODD_PAYMENT = "issuer_says_bad", "late_delivery", "odd_payment"
WORDS: MappingProxyType[str, Promise] = MappingProxyType(
    {
        ISSUER_SAYS_BAD: _("By the issuer's records this key was invalid, or used before it was opened. A claim needs no other proof."),
        LATE_DELIVERY: _("This was not delivered by the promised time. It counts as late in every claim."),
        ODD_PAYMENT: _("Another sum arrived than was asked for, so it did not pay this order. It goes back by itself."),
        "late_payment": _("A payment arrived after its time. It goes back by itself."),
        "double_payment": _("A payment too many came in. It goes back by itself."),
    }
)
BAD = frozenset({"invalid", "used_before_reveal"})
WITH_THE_BUYER = frozenset({Stage.SEALED, Stage.REVEALED, Stage.USED})
WAITING = frozenset({Stage.QUEUED, Stage.ACCEPTED, Stage.WORKING})


def warnings_of(*, state: OrderState, beside: Dossier, now: datetime) -> list[OrderWarning]:
    """Return the warnings of an order, those about single units with the unit."""
    found = [_warning(ISSUER_SAYS_BAD, state, unit) for unit in state.units if unit.stage in WITH_THE_BUYER and unit.use_check in BAD]
    found += [_warning(LATE_DELIVERY, state, unit) for unit in state.units if _is_late(state, unit, now)]
    if any(event.what == "odd_payment_refunded" for event in beside.timeline):
        found.append(_warning(ODD_PAYMENT, state))
    # These causes of refunds are told under their own name: money that never paid for anything here.
    causes = sorted({refund.cause for refund in beside.refunds} & {"late_payment", "double_payment"})
    return [*found, *(_warning(cause, state) for cause in causes)]


def _is_late(state: OrderState, unit: Unit, now: datetime) -> bool:
    if state.paid_at is None or unit.stage not in WAITING | WITH_THE_BUYER:
        return False
    return (unit.delivered_at or now) > state.paid_at + timedelta(minutes=state.promise_minutes)


def _warning(code: str, state: OrderState, unit: Unit | None = None) -> OrderWarning:
    return OrderWarning(code=code, detail=str(WORDS[code]), unit=None if unit is None else state.unit_number(unit.position))
