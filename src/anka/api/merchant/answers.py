"""What a merchant answers to a case: agree, or refuse. Each answers with the case."""

from anka.api import bodies_of_cases
from anka.api.call import Answer, Call
from anka.api.doing import on_case
from anka.core.actors import ActorKind
from anka.flows.answer_case import agree_case, refuse_case

SHOP = (ActorKind.MERCHANT,)


def agree(call: Call) -> Answer:
    """Give the asker what they asked for; money or goods move at once."""
    return on_case(call, SHOP, lambda actor, number: agree_case(actor=actor, case_number=number, request=call.request(), at=call.at))


def refuse(call: Call) -> Answer:
    """Refuse with a reason and in words; the platform decides."""
    asked: bodies_of_cases.Refuse = call.body
    return on_case(
        call,
        SHOP,
        lambda actor, number: refuse_case(
            actor=actor, case_number=number, code=asked.reason, text=asked.text, request=call.request(), at=call.at
        ),
    )
