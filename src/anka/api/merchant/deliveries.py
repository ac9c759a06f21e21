"""What a merchant does with an order: take it up, hand over its keys, tell how far it is. Each answers with the order."""

from django.utils.translation import gettext_lazy as _

from anka.api import bodies_of_cases
from anka.api.call import Answer, Call
from anka.api.doing import on_order
from anka.api.parsing import positions_in_order, positions_of, require_number
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import BadInput, Refusal
from anka.flows.accept_order import accept_order
from anka.flows.hand_over_keys import Handover, hand_over_keys
from anka.jobs import keys
from anka.orders.queries import read_order


class ProgressForServicesOnly(Refusal):
    """A key is delivered or it is not: only services have progress to report."""

    code, status = "progress_for_services_only", 409
    says = _("Only services have progress to report; a card key is delivered in one step. Nothing has changed; deliver the key instead.")


def accept(call: Call) -> Answer:
    """Take up units that wait for their merchant."""
    asked: bodies_of_cases.Accept = call.body

    def step(actor: Actor, number: str) -> str:
        positions = positions_of(number, asked.units)
        return accept_order(actor=actor, order_number=number, positions=positions, request=call.request(), at=call.at)

    return on_order(call, ActorKind.MERCHANT, step)


def deliver(call: Call) -> Answer:
    """Hand over keys, one per unit. They are sealed on the way and never shown again but to their buyer."""
    asked: bodies_of_cases.Deliver = call.body
    actor, number = call.acting_as(ActorKind.MERCHANT), require_number(call.parameters["number"])
    handover = _handover(number, asked)
    # Looked at before a key is got ready for the shop: another's order looks like a missing one.
    shop_id = read_order(number=number, actor=actor, at=call.at).shop_id
    sealer = keys.sealer_for(shop_id=shop_id, at=call.at)

    def step(actor: Actor, number: str) -> str:
        return hand_over_keys(actor=actor, order_number=number, handover=handover, sealer=sealer, request=call.request(), at=call.at)

    return on_order(call, ActorKind.MERCHANT, step)


def progress(call: Call) -> Answer:
    """Refuse: this version sells card keys, which have no progress."""
    number = require_number(call.parameters["number"])
    read_order(number=number, actor=call.acting_as(ActorKind.MERCHANT), at=call.at)
    raise ProgressForServicesOnly


def _handover(number: str, asked: bodies_of_cases.Deliver) -> Handover:
    """Return keys and units as the flow takes them: by position, whichever order they were named in."""
    positions = positions_in_order(number, asked.units)
    if positions is None:
        return Handover(secrets=tuple(asked.secrets))
    if len(positions) != len(asked.secrets):
        raise BadInput(fields={"secrets": str(len(positions))})
    pairs = sorted(zip(positions, asked.secrets, strict=True))
    return Handover(secrets=tuple(secret for _position, secret in pairs), positions=tuple(position for position, _secret in pairs))
