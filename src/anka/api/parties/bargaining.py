"""The argument over the API: what the parties of a case offer, answer, add and take back. Each answers with the case."""

from anka.api import bodies_of_cases
from anka.api.call import Answer, Call
from anka.api.doing import on_case
from anka.api.views.seen import EVERYBODY, PARTIES
from anka.core.actors import Actor
from anka.core.refusals import BadInput, NotFound
from anka.flows.add_evidence import add_evidence
from anka.flows.answer_offer import accept_offer, decline_offer
from anka.flows.appeal_case import appeal_case
from anka.flows.escalate_case import escalate_case
from anka.flows.make_offer import make_offer, offer_replacement
from anka.flows.withdraw_case import withdraw_case

LARGEST_ID = 2**63 - 1


def offer(call: Call) -> Answer:
    """Offer the other side an amount, or a replacement."""
    asked: bodies_of_cases.Offer = call.body
    amount = asked.refund_minor
    if (amount is None) == (not asked.replacement):
        raise BadInput(fields={"refund_minor": call.pick("refund_minor 与 replacement 二选一", "either refund_minor or replacement")})

    def step(actor: Actor, number: str) -> str:
        if amount is None:
            return offer_replacement(actor=actor, case_number=number, text=asked.text, request=call.request(), at=call.at)
        return make_offer(actor=actor, case_number=number, refund_minor=amount, text=asked.text, request=call.request(), at=call.at)

    return on_case(call, PARTIES, step)


def accept(call: Call) -> Answer:
    """Accept the other side's offer; money or goods move at once."""
    offer_id = _offer_id(call)
    return on_case(
        call,
        PARTIES,
        lambda actor, number: accept_offer(actor=actor, case_number=number, offer_id=offer_id, request=call.request(), at=call.at),
    )


def decline(call: Call) -> Answer:
    """Decline the other side's offer."""
    offer_id = _offer_id(call)
    return on_case(
        call,
        PARTIES,
        lambda actor, number: decline_offer(actor=actor, case_number=number, offer_id=offer_id, request=call.request(), at=call.at),
    )


def evidence(call: Call) -> Answer:
    """Add evidence, as a party or as the arbiter."""
    asked: bodies_of_cases.AddEvidence = call.body
    return on_case(
        call,
        EVERYBODY,
        lambda actor, number: add_evidence(
            actor=actor, case_number=number, kind=asked.kind, text=asked.text, request=call.request(), at=call.at
        ),
    )


def escalate(call: Call) -> Answer:
    """Call the platform after the rules have refused."""
    asked: bodies_of_cases.Escalate = call.body
    return on_case(
        call,
        PARTIES,
        lambda actor, number: escalate_case(actor=actor, case_number=number, text=asked.text, request=call.request(), at=call.at),
    )


def withdraw(call: Call) -> Answer:
    """Take a claim back."""
    return on_case(call, PARTIES, lambda actor, number: withdraw_case(actor=actor, case_number=number, request=call.request(), at=call.at))


def appeal(call: Call) -> Answer:
    """Appeal against a ruling with something new."""
    asked: bodies_of_cases.Appeal = call.body
    return on_case(
        call,
        PARTIES,
        lambda actor, number: appeal_case(actor=actor, case_number=number, text=asked.text, request=call.request(), at=call.at),
    )


def _offer_id(call: Call) -> int:
    """Return the offer's id from the path. What does not look like one cannot exist."""
    text = call.parameters["id"]
    number = int(text) if text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= 19 else 0
    if not 0 < number <= LARGEST_ID:
        raise NotFound
    return number
