"""Play the payer who complains to the channel, or whose bank takes a payment back; and the channel that decides about it."""

from typing import Literal

import msgspec

from anka.adapters.channels import sandbox_play as gateway
from anka.core.clock import Moment
from anka.core.refusals import NotFound
from anka.domain.dispute_states import DisputeKind
from anka.domain.payment_states import PaymentState
from anka.domain.refund_plan import WALLET
from anka.flows.record_dispute import record_dispute
from anka.flows.steps.dispute_notice import DisputeNotice
from anka.jobs.disputes import SAYS
from anka.jobs.sandbox_play import PLAYER, Played, carry_out, sandbox
from anka.orders.queries import read_order


class Complaint(msgspec.Struct, frozen=True):
    """What the payer does, or how the channel decides; `amount_minor` where it is less than what was paid."""

    kind: Literal["complaint", "chargeback"]
    outcome: Literal["opened", "won", "lost"] = "opened"
    amount_minor: int | None = None
    faults: tuple[gateway.FaultWish, ...] = ()


def play(*, order_number: str, word: Complaint, at: Moment) -> Played:
    """Let a payer complain or charge back, or the channel decide; chargebacks of the sandbox channel come as its signed notices.

    Raises:
        NotFound: there is no such order, or no channel has taken money for it.
        DisputeDiffers, GatewayRefuses: nothing has changed.
    """
    channel = sandbox()
    state = read_order(number=order_number, actor=PLAYER, at=at)
    paid = [payment for payment in state.payments if payment.status == PaymentState.PAID and payment.channel != WALLET]
    if not paid:
        raise NotFound
    payment = paid[0]
    if word.kind == "chargeback" and payment.channel == channel.code:
        return carry_out(
            lambda: gateway.play_dispute(
                channel=channel, number=payment.number, outcome=word.outcome, amount_minor=word.amount_minor, faults=word.faults
            ),
            at=at,
        )
    # Other channels tell of chargebacks in their own ways, and of complaints in none that we read: the word is taken as it is.
    said = DisputeNotice(
        said=SAYS[f"dispute.{word.outcome}"],
        channel=payment.channel,
        payment_number=payment.number,
        channel_number=f"played_{word.kind}_{payment.number}",
        kind=DisputeKind(word.kind),
        amount_minor=word.amount_minor,
    )
    return Played(status=str(record_dispute(notice=said, at=at).status), notices=[])
