"""Judge a claim: gather each unit's facts from records, decide, and put units that are judged alike together."""

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.refusals import BadInput, Refusal
from anka.domain.delivery_states import Stage
from anka.domain.facts import Facts
from anka.domain.money import share
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.reasons import REASONS
from anka.domain.unit_money import UnitMoney
from anka.orders.models import OrderState, Unit
from anka.orders.policies import rules_of

ENDED = frozenset({Stage.RELEASED, Stage.RECALLED, Stage.VOIDED, Stage.REPLACED, Stage.CLOSED_OUT})
GOING_BACK = frozenset({UnitMoney.REFUNDING, UnitMoney.REFUNDED})


class NothingLeftToCancel(Refusal):
    """The units asked about have ended already, or their money is on its way back."""

    code, status = "nothing_left_to_cancel", 409
    says = _("There is nothing left to cancel here: these items have ended or are being refunded already. Nothing has changed.")


class Claim(msgspec.Struct, frozen=True):
    """What somebody asks for. `positions` None means every unit that is still open. `quote` is the id of the verdict that was shown."""

    reason: str
    positions: tuple[int, ...] | None = None
    statement: str = ""
    refund_to: str = "original"
    quote: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """One decision and the units it is about, with the facts each was judged on."""

    positions: tuple[int, ...]
    facts: tuple[Facts, ...]
    decision: Decision
    refund_each_minor: tuple[int, ...]

    @property
    def refund_minor(self) -> int:
        """What goes back for all units of this verdict; 0 where the parties would settle the amount."""
        return sum(self.refund_each_minor)


def judge(*, state: OrderState, claim: Claim, actor: Actor, at: Moment) -> tuple[Verdict, ...]:
    """Return the verdicts on a claim, in the order of their first unit.

    Raises:
        BadInput: unknown reason or unit, or the statement is too long.
        FactsError: the reason does not fit the goods.
        NothingLeftToCancel: a unit has ended already.
    """
    if claim.reason not in REASONS:
        raise BadInput(fields={"reason": ", ".join(REASONS)})
    if len(claim.statement) > 2000:
        raise BadInput(fields={"statement": "≤ 2000"})
    found: dict[Decision, list[tuple[Unit, Facts]]] = {}
    rules = rules_of(version=state.policy_version)
    for unit in _units(state, claim):
        facts = _facts(state, unit, claim, actor, at)
        found.setdefault(decide(facts, rules), []).append((unit, facts))
    return tuple(_verdict(decision, judged) for decision, judged in found.items())


def _units(state: OrderState, claim: Claim) -> list[Unit]:
    still_open = [unit for unit in state.units if unit.stage not in ENDED and unit.money not in GOING_BACK and not unit.under_case]
    if claim.positions is None:
        chosen = still_open
    else:
        unknown = [position for position in claim.positions if state.unit(position) is None]
        if unknown or not claim.positions:
            raise BadInput(fields={"units": ", ".join(state.unit_number(unit.position) for unit in state.units)})
        chosen = [unit for unit in still_open if unit.position in claim.positions]
        if len(chosen) < len(set(claim.positions)):
            raise NothingLeftToCancel
    if not chosen:
        raise NothingLeftToCancel
    # An unpaid order has one price and one payment: it closes as a whole.
    return still_open if any(unit.stage == Stage.RESERVED for unit in chosen) else chosen


def _facts(state: OrderState, unit: Unit, claim: Claim, actor: Actor, at: Moment) -> Facts:
    minutes = None
    if unit.delivered_at is not None and unit.stage in (Stage.SEALED, Stage.REVEALED, Stage.DELIVERED, Stage.USED):
        minutes = max(0, int((at.now - unit.delivered_at).total_seconds()) // 60)
    return Facts(
        goods=str(unit.goods),
        stage=str(unit.stage),
        reason=claim.reason,
        asker=str(actor.kind) if actor.kind in (ActorKind.MERCHANT, ActorKind.PLATFORM) else "buyer",
        delivered_minutes_ago=minutes,
        promise_overdue=_overdue(state, unit, at),
        notice=state.notice,
        refund_window_minutes=state.refund_window_minutes,
        warranty_minutes=state.warranty_minutes,
    )


def _overdue(state: OrderState, unit: Unit, at: Moment) -> bool:
    if state.paid_at is None:
        return False
    came_at = unit.delivered_at or at.now
    return (came_at - state.paid_at).total_seconds() > state.promise_minutes * 60


def _verdict(decision: Decision, judged: list[tuple[Unit, Facts]]) -> Verdict:
    percent = decision.refund_percent or 0
    amounts = tuple(min(unit.left_minor, share(amount_minor=unit.amount_minor, percent=percent)) for unit, _facts_of in judged)
    if decision.route == "close":
        amounts = tuple(0 for _pair in judged)
    return Verdict(
        positions=tuple(unit.position for unit, _facts_of in judged),
        facts=tuple(facts for _unit, facts in judged),
        decision=decision,
        refund_each_minor=amounts,
    )
