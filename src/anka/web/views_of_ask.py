"""What the verdict page asks before a claim is submitted: how much, or a new key instead, and what would show it. Pure."""

from typing import Any

from django.utils.translation import gettext

from anka.domain.money import format_amount, split
from anka.flows.steps.judge import Verdict
from anka.orders.models import OrderState
from anka.web import case_words, words

Shown = dict[str, Any]


def paid_at_once(found: tuple[Verdict, ...]) -> int:
    """Return what goes back the moment a claim is submitted."""
    return sum(verdict.refund_minor for verdict in found if verdict.decision.route == "instant")


def ask(*, state: OrderState, found: tuple[Verdict, ...], stock: int) -> Shown | None:
    """Return the question how much is asked for, or whether a new key is wanted instead; None where there is nothing to choose."""
    open_ended = [verdict for verdict in found if verdict.is_negotiable and verdict.decision.route in ("merchant", "platform")]
    answered = [verdict for verdict in found if verdict.decision.route == "merchant"]
    positions = [position for verdict in found for position in verdict.positions]
    delivered = all(unit.key_id is not None for unit in state.units if unit.position in positions)
    first = len(found) == 1 and found[0].decision.route == "instant" and found[0].decision.replacement_first
    replaceable = state.kind == "card_key" and delivered and stock >= len(positions) and (bool(answered) or first)
    if not open_ended and not replaceable:
        return None
    left = sum(sum(verdict.left_each_minor) for verdict in found)
    half = max(1, split(amount_minor=left, weights=(1, 1))[0]) if left else 0
    return {
        "required": bool(open_ended),
        "first": first,
        "replacement": replaceable,
        "left_minor": left,
        "half_minor": half,
        "currency": state.currency,
        "least": format_amount(amount_minor=1, currency=state.currency),
        "most": words.amount(left, state.currency),
        "count": len(positions),
        "hint": gettext("The shop agrees, offers less, or refuses with a reason. If it agrees, this goes back at once.")
        if answered
        else gettext("The platform decides how much goes back."),
    }


def evidence_fields(found: tuple[Verdict, ...]) -> list[Shown]:
    """Return what the decisions say would help, one field each; nothing waits for it."""
    codes = dict.fromkeys(kind for verdict in found for kind in verdict.decision.evidence_needed)
    return [{"code": code, "field": f"evidence_{code}", "label": case_words.evidence_kind(code)} for code in codes]
