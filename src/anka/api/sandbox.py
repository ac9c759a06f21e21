"""Playing the outside world. These routes exist in a sandbox only; elsewhere their addresses answer like any unknown one."""

import msgspec

from anka.api import bodies, shapes
from anka.api.call import Answer, Call
from anka.core import clock
from anka.jobs import sandbox_disputes, sandbox_issuer, sandbox_play
from anka.jobs.sandbox_disputes import Complaint


def move_clock(call: Call) -> Answer:
    """Move the market's time and answer with it, after the clocks that fell were carried out."""
    asked: bodies.MoveClock = call.body
    now = sandbox_play.move_clock(advance_seconds=asked.advance_seconds, now=asked.now)
    return Answer(200, shapes.ClockAnswer(now=now, offset_seconds=int(clock.offset().total_seconds())))


def play_payment(call: Call) -> Answer:
    """Decide what the gateway does with a payment."""
    asked: bodies.PlayPayment = call.body
    played = sandbox_play.play_payment(
        number=call.parameters["number"], outcome=asked.outcome, faults=asked.faults, amount_minor=asked.amount_minor, at=call.at
    )
    return Answer(200, played)


def play_refund(call: Call) -> Answer:
    """Decide what the gateway does with a refund."""
    asked: bodies.PlayRefund = call.body
    played = sandbox_play.play_refund(number=call.parameters["number"], outcome=asked.outcome, faults=asked.faults, at=call.at)
    return Answer(200, played)


def play_complaint(call: Call) -> Answer:
    """Complain about an order to its payment channel, or have its payment taken back; with an outcome, let the channel decide."""
    asked: bodies.PlayComplaint = call.body
    word = Complaint(kind=asked.kind, outcome=asked.outcome, amount_minor=asked.amount_minor, faults=tuple(asked.faults))
    return Answer(200, sandbox_disputes.play(order_number=asked.order, word=word, at=call.at))


def play_issuer(call: Call) -> Answer:
    """Decide what the issuer knows of a unit's key, and answer with what is known of it now."""
    played = sandbox_issuer.play(unit=call.parameters["unit"], word=msgspec.structs.asdict(call.body), at=call.at)
    return Answer(200, played)
