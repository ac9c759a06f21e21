"""What a channel says about a dispute, whether it fits what is known, and the word that is kept of it."""

from datetime import datetime

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import gateway
from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.domain.dispute_states import DisputeKind, DisputeState
from anka.payments.disputes import Dispute, DisputedPayment

KEEP = "SELECT keep_dispute_evidence(%s, %s, %s, %s::jsonb)"


class DisputePaymentUnknown(Refusal):
    """The channel speaks of a payment that we never took through it."""

    code, status = "dispute_payment_unknown", 404
    says = _("We took no such payment through this channel. Nothing has changed; ask the channel which payment it means.")


class DisputeDiffers(Refusal):
    """The channel names another payment, currency or kind than before, or more than was paid."""

    code, status = "dispute_differs", 409
    says = _("This is not what is known of the dispute or its payment. Nothing has changed; the platform looks into it.")


class DisputeNotice(msgspec.Struct, frozen=True):
    """What is said about a dispute. `payment_number` is ours or the channel's; `amount_minor` None means all that was paid.

    `digest` is SHA-256 of the raw bytes, in hex; `evidence_due_at` None means that the channel did not say.
    """

    said: DisputeState
    channel: str
    payment_number: str
    channel_number: str
    kind: DisputeKind = DisputeKind.CHARGEBACK
    amount_minor: int | None = None
    currency: str | None = None
    reason: str = ""
    evidence_due_at: datetime | None = None
    digest: str = ""


def require_fits(*, payment: DisputedPayment, notice: DisputeNotice, known: Dispute | None) -> None:
    """Compare what is said with the payment and with what was said before.

    Raises:
        DisputeDiffers: another payment, currency, kind or amount.
    """
    same_currency = notice.currency in (None, payment.currency)
    if not same_currency or not 0 < (notice.amount_minor or payment.amount_minor) <= payment.amount_minor:
        raise DisputeDiffers
    if known is None:
        return
    same_payment = (known.shop_id, known.payment_id, known.kind) == (payment.shop_id, payment.payment_id, notice.kind)
    if not same_payment or notice.amount_minor not in (None, known.amount_minor):
        raise DisputeDiffers


def keep(*, dispute: Dispute, notice: DisputeNotice, applied: str, at: Moment) -> None:
    """Keep what was said; `applied` is true or false."""
    said = {
        "source": "notice",
        "said": notice.said,
        "by_actor": str(gateway(notice.channel)),
        "amount_minor": notice.amount_minor,
        "digest": notice.digest,
        "applied": applied,
    }
    database.rows(KEEP, (dispute.shop_id, dispute.id, at.now, as_json(said)))


def as_json(value: object) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value).decode()
