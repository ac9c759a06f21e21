"""The word of an issuer about a unit, as the flows keep it."""

from typing import Any

from anka.core.clock import Moment
from anka.domain.issuer import KeyState, Redeemer, Said
from anka.flows.record_issuer_answer import Occasion, record_issuer_answer
from anka.vault.issuer import Answer
from tests.builders.moments import at
from tests.builders.orders import Order
from tests.builders.people import serial


def issuer_says(order: Order, *, when: Moment | None = None, position: int = 1, **facts: Any) -> None:
    """Let the issuer say something about a unit: use_check, used_by, voidable, delivered_percent, region."""
    said = Said(
        state=KeyState.UNKNOWN,
        use_check=facts.get("use_check"),
        redeemer=Redeemer(str(facts.get("used_by", "unknown"))),
        voidable=facts.get("voidable"),
        value_percent=facts.get("delivered_percent"),
        region=facts.get("region"),
    )
    heard = {position: Answer(said=said, digest=serial().to_bytes(32, "big"))}
    record_issuer_answer(order_number=order.number, occasion=Occasion(issuer="sandbox", occasion="notice"), heard=heard, at=when or at(5))
