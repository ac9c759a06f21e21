"""One door for everything finance staff do about a stuck refund, so that pages and the API do the same under the same names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import BadInput
from anka.domain.refund_states import AttemptState
from anka.flows.confirm_outcome import OUTCOMES, confirm_outcome
from anka.flows.decide_proof import approve_proof, refuse_proof
from anka.flows.return_transfer import return_transfer
from anka.flows.stuck_refund import close_look, note_stuck_refund, retry_refund, take_stuck_refund
from anka.flows.transfer_by_hand import Transfer, abandon_transfer, begin_transfer, transfer_by_hand


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundStep:
    """What somebody wants to do about a leg of a refund; of the rest, what the step needs.

    `text` is a note, `reference` the bank's or the console's, `payee`, `bank` and `amount_minor` those of a transfer, `says` succeeded or
    failed.
    """

    step: str
    refund_number: str
    leg: int
    text: str = ""
    reference: str = ""
    payee: str = ""
    bank: str = ""
    amount_minor: int = 0
    says: str = ""


Act = Callable[[Actor, RefundStep, Moment], object]


def _transfer(actor: Actor, wanted: RefundStep, at: Moment) -> object:
    made = Transfer(payee=wanted.payee, bank=wanted.bank, reference=wanted.reference, amount_minor=wanted.amount_minor)
    return transfer_by_hand(actor=actor, refund_number=wanted.refund_number, leg=wanted.leg, transfer=made, at=at)


def _console(actor: Actor, wanted: RefundStep, at: Moment) -> object:
    if wanted.says not in OUTCOMES:
        raise BadInput(fields={"says": ", ".join(OUTCOMES)})
    says, reference = AttemptState(wanted.says), wanted.reference
    return confirm_outcome(actor=actor, refund_number=wanted.refund_number, leg=wanted.leg, says=says, reference=reference, at=at)


STEPS: Mapping[str, Act] = MappingProxyType(
    {
        "take": lambda actor, step, at: take_stuck_refund(actor=actor, refund_number=step.refund_number, leg=step.leg, at=at),
        "note": lambda actor, step, at: note_stuck_refund(
            actor=actor, refund_number=step.refund_number, leg=step.leg, text=step.text, at=at
        ),
        "retry": lambda actor, step, at: retry_refund(actor=actor, refund_number=step.refund_number, leg=step.leg, at=at),
        "begin_transfer": lambda actor, step, at: begin_transfer(actor=actor, refund_number=step.refund_number, leg=step.leg, at=at),
        "abandon_transfer": lambda actor, step, at: abandon_transfer(actor=actor, refund_number=step.refund_number, leg=step.leg, at=at),
        "transfer": _transfer,
        "console": _console,
        "returned": lambda actor, step, at: return_transfer(
            actor=actor, refund_number=step.refund_number, leg=step.leg, reference=step.reference, at=at
        ),
        "approve": lambda actor, step, at: approve_proof(
            actor=actor, refund_number=step.refund_number, leg=step.leg, reference=step.reference, at=at
        ),
        "refuse": lambda actor, step, at: refuse_proof(
            actor=actor, refund_number=step.refund_number, leg=step.leg, reference=step.reference, at=at
        ),
        "close": lambda actor, step, at: close_look(actor=actor, refund_number=step.refund_number, leg=step.leg, text=step.text, at=at),
    }
)


def act_on_refund(*, actor: Actor, wanted: RefundStep, at: Moment) -> None:
    """Carry one step out.

    Raises:
        BadInput: there is no such step, or something of it is missing. NotFound and the refusals of each step: as it says.
    """
    act = STEPS.get(wanted.step)
    if act is None:
        raise BadInput(fields={"step": ", ".join(STEPS)})
    act(actor, wanted, at)
