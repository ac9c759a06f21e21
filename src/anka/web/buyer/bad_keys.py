"""Keys that the issuer calls bad: the buyer is told on the order, with the way out beside it."""

from typing import Any

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.domain.delivery_states import Stage
from anka.flows.steps.judge import Claim, judge
from anka.flows.steps.quote import not_executable, quote
from anka.orders.models import OrderState, Unit
from anka.vault.queries import available_keys
from anka.web.views_of_quote import selectable

Shown = dict[str, Any]
REASONS = {"invalid": "KEY_INVALID", "used_before_reveal": "KEY_ALREADY_USED"}
HERE = frozenset({Stage.SEALED, Stage.REVEALED, Stage.USED})


def ways_out(*, state: OrderState, actor: Actor, at: Moment) -> dict[int, Shown]:
    """Return the way out of each unit whose key the issuer calls bad: the claim that pays at once, and whether a new key is there."""
    bad = [unit for unit in state.units if unit.use_check in REASONS and unit.stage in HERE and selectable(unit)]
    if not bad:
        return {}
    stock = available_keys(shop_id=state.shop_id, product_id=state.product_id)
    found = {unit.position: _way_out(state, unit, actor, at, stock) for unit in bad}
    return {position: way for position, way in found.items() if way is not None}


def _way_out(state: OrderState, unit: Unit, actor: Actor, at: Moment, stock: int) -> Shown | None:
    claim = Claim(reason=REASONS[unit.use_check], positions=(unit.position,), issuer_asked=True)
    verdicts = judge(state=state, claim=claim, actor=actor, at=at)
    if len(verdicts) != 1 or not_executable(verdicts) is not None or verdicts[0].decision.route != "instant":
        return None
    said = quote(state=state, claim=claim, verdicts=verdicts, at=at)
    if not said["allowed"]:
        return None
    return {
        "reason": claim.reason,
        "quote": said["id"],
        "amount_minor": said["refund_minor"],
        "replacement": verdicts[0].decision.replacement_first and stock > 0,
        "invalid": unit.use_check == "invalid",
    }
