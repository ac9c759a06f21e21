"""What is said about disputes with the payer's bank or channel: events, states, what to do, and the note on an order's page."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from anka.domain.dispute_states import DisputeKind, DisputeState
from anka.orders.models import OrderState

Words = Mapping[str, Promise]
EVENTS: Words = MappingProxyType(
    {
        "payment_disputed": _(
            "The payer had the bank or %(channel)s take %(amount)s back; until that is decided nothing else is paid back"
        ),
        "payment_complaint": _("The payer complained to %(channel)s about this order"),
        "dispute_won": _("%(channel)s has decided for the shop: everything goes on as before"),
        "dispute_lost": _("%(channel)s has decided for the payer, who has %(amount)s from there"),
        "dispute_contradicted": _("The channel says something else about a dispute than before; a person looks into it"),
        "refund_by_bank": _("%(amount)s that was owed is with the buyer: the bank had taken it back"),
        "external_reply_overdue": _("Nobody has answered the channel in time"),
        "external_done_overdue": _("The time to prove our case to the channel is over"),
        "case_external": _("The case waits for the bank or the payment channel"),
        "case_external_won": _("The channel has decided for the shop; the case is closed"),
        "case_external_lost": _("The channel has decided for the payer; the case is closed"),
        "case_complaint_outside": _("The payer has complained to the payment channel as well"),
    }
)
TONES: Mapping[str, str] = MappingProxyType(
    {"payment_disputed": "bad", "dispute_lost": "bad", "dispute_won": "ok", "payment_complaint": "wait", "external_reply_overdue": "wait"}
)
STATES: Words = MappingProxyType(
    {
        DisputeState.OPEN: _("not decided yet"),
        DisputeState.WON: _("decided for us"),
        DisputeState.LOST: _("decided for the payer"),
        DisputeState.ACCEPTED: _("not contested"),
    }
)
STATE_TONES: Mapping[str, str] = MappingProxyType({"open": "wait", "won": "ok", "lost": "bad", "accepted": "mute"})
KINDS: Words = MappingProxyType({DisputeKind.CHARGEBACK: _("Chargeback"), DisputeKind.COMPLAINT: _("Complaint at the channel")})
# What finance staff do about each while it is open.
ADVICE: Words = MappingProxyType(
    {
        DisputeKind.CHARGEBACK: _(
            "Answer on the channel's own pages before the time is over: what was bought, what was delivered when, and who opened it. "
            "The order tells all of it. Refund nothing beside it."
        ),
        DisputeKind.COMPLAINT: _(
            "Answer the payer on the channel's own pages before the time is over. What the shop and the rules allow can be refunded here."
        ),
    }
)


def notes(*, state: OrderState) -> list[dict[str, Any]]:
    """Return what stands on an order's page about its open disputes."""
    return [
        {
            "number": dispute.number,
            "kind": KINDS[dispute.kind],
            "is_chargeback": dispute.kind == DisputeKind.CHARGEBACK,
            "amount_minor": dispute.amount_minor,
            "currency": state.currency,
            "due_at": dispute.evidence_due_at,
        }
        for dispute in state.disputes
    ]
