"""Judge a claim: gather each unit's facts from records, decide, and put units that are judged alike together."""

import dataclasses
from datetime import timedelta

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.refusals import BadInput, Refusal
from anka.domain.delivery_states import Stage
from anka.domain.facts import EVIDENCE, Facts
from anka.domain.money import split
from anka.domain.policy.amounts import refund_minor
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.reasons import REASONS
from anka.domain.unit_money import UnitMoney
from anka.orders.models import OrderState, Unit
from anka.orders.policies import rules_of
from anka.vault.queries import proved_positions

DELIVERED = frozenset({Stage.SEALED, Stage.REVEALED, Stage.USED})
# An issuer's answer is good for a claim so long.
FRESH = timedelta(minutes=1)
ENDED = frozenset({Stage.RELEASED, Stage.RECALLED, Stage.VOIDED, Stage.REPLACED, Stage.CLOSED_OUT})
GOING_BACK = frozenset({UnitMoney.REFUNDING, UnitMoney.REFUNDED})


# Where somebody answers, or could: what is asked for counts there.
ANSWERED = frozenset({"merchant", "platform", "refuse"})


class NothingLeftToCancel(Refusal):
    """The units asked about have ended already, or their money is on its way back."""

    code, status = "nothing_left_to_cancel", 409
    says = _("There is nothing left to cancel here: these items have ended or are being refunded already. Nothing has changed.")


class AskRequired(Refusal):
    """The amount is to be agreed upon, so whoever asks has to say how much they ask for, or that they want a replacement."""

    code, status = "ask_required", 422
    says = _("Here the amount is agreed with the shop: say how much you ask for, or ask for a replacement. Nothing was submitted.")


class Claim(msgspec.Struct, frozen=True):
    """What somebody asks for. `positions` None means every unit that is still open. `quote` is the id of the verdict that was shown.

    `ask_minor` is what they want back in all, in minor units; `evidence` are pairs of a kind and a text. `issuer_asked` and
    `channels_asked` say that the issuer of the keys, and the channels that may still take money, were asked just now, whatever they said.
    """

    reason: str
    positions: tuple[int, ...] | None = None
    statement: str = ""
    refund_to: str = "original"
    quote: str | None = None
    ask_minor: int | None = None
    ask_replacement: bool = False
    evidence: tuple[tuple[str, str], ...] = ()
    issuer_asked: bool = False
    channels_asked: bool = False


class IssuerNotAsked(Exception):
    """The issuer of these units has to be asked before they are judged. Not for people: who called asks, and calls again."""

    def __init__(self, positions: tuple[int, ...]) -> None:
        super().__init__(positions)
        self.positions = positions


class ChannelsNotAsked(Exception):
    """A channel may still take money for the unpaid order that is to be closed, and has to be told to stop first. Not for people either."""


class Verdict(msgspec.Struct, frozen=True):
    """One decision and the units it is about, with the facts each was judged on and what may go back of each at most."""

    positions: tuple[int, ...]
    facts: tuple[Facts, ...]
    decision: Decision
    refund_each_minor: tuple[int, ...]
    left_each_minor: tuple[int, ...]

    @property
    def refund_minor(self) -> int:
        """What goes back for all units of this verdict; 0 where the parties would settle the amount."""
        return sum(self.refund_each_minor)

    @property
    def compensation_minor(self) -> int:
        """What the rules promise the buyer on top, for all units of this verdict: the rules' amount is for one."""
        return (self.decision.compensation_minor or 0) * len(self.positions)

    @property
    def is_negotiable(self) -> bool:
        """Whether the parties settle the amount."""
        return self.decision.refund_percent is None


def judge(*, state: OrderState, claim: Claim, actor: Actor, at: Moment) -> tuple[Verdict, ...]:
    """Return the verdicts on a claim, in the order of their first unit.

    Raises:
        BadInput: unknown reason or unit, or the statement is too long.
        FactsError: the reason does not fit the goods.
        NothingLeftToCancel: a unit has ended already.
        IssuerNotAsked: their issuer has to be asked first.
    """
    if claim.reason not in REASONS:
        raise BadInput(fields={"reason": ", ".join(REASONS)})
    if len(claim.statement) > 2000:
        raise BadInput(fields={"statement": "≤ 2000"})
    if any(kind not in EVIDENCE for kind, _text in claim.evidence):
        raise BadInput(fields={"evidence": ", ".join(EVIDENCE)})
    found: dict[Decision, list[tuple[Unit, Facts]]] = {}
    rules = rules_of(version=state.policy_version)
    chosen = _units(state, claim)
    _require_asked(state, claim, chosen, at)
    proved = _proved(state, chosen)
    for unit in chosen:
        facts = _facts(state, unit, claim, actor, at)
        evidence = _evidence(claim, proved, unit)
        if evidence:
            facts = dataclasses.replace(facts, evidence=evidence)
        found.setdefault(decide(facts, rules), []).append((unit, facts))
    return tuple(_verdict(decision, judged) for decision, judged in found.items())


def _units(state: OrderState, claim: Claim) -> list[Unit]:
    still_open = [unit for unit in state.units if unit.stage not in ENDED and unit.money not in GOING_BACK and _may_be_asked(state, unit)]
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


def _may_be_asked(state: OrderState, unit: Unit) -> bool:
    """What a chargeback argues about is judged all the same: the rules say who decides about its money."""
    return not unit.under_case or bool(state.charged_back)


def _require_asked(state: OrderState, claim: Claim, units: list[Unit], at: Moment) -> None:
    """A claim about delivered goods is judged by what the issuer says now, not by what nobody has asked."""
    if state.issuer is None or claim.issuer_asked:
        return
    stale = [
        u.position for u in units if u.key_id and u.stage in DELIVERED and (not u.issuer_asked_at or at.now - u.issuer_asked_at > FRESH)
    ]
    if stale:
        raise IssuerNotAsked(tuple(stale))


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
        use_check=unit.use_check,
        used_by=unit.used_by,
        voidable=unit.voidable,
        matches_order=unit.matches_order,
        delivered_percent=unit.delivered_percent,
        notice=state.notice,
        refund_window_minutes=state.refund_window_minutes,
        warranty_minutes=state.warranty_minutes,
        dispute=state.dispute,
    )


def _proved(state: OrderState, units: list[Unit]) -> frozenset[int]:
    """The opened units whose key somebody has shown to hold, asked for all of them at once."""
    opened = any(unit.stage in (Stage.REVEALED, Stage.USED) for unit in units)
    return proved_positions(shop_id=state.shop_id, order_id=state.id) if opened else frozenset()


def _evidence(claim: Claim, proved: frozenset[int], unit: Unit) -> tuple[str, ...]:
    """What is there already: what the asker brings, and a prefix that proved possession of this very key."""
    kinds = {kind for kind, _text in claim.evidence}
    return tuple(sorted(kinds | {"KEY_PREFIX"} if unit.position in proved else kinds))


def _overdue(state: OrderState, unit: Unit, at: Moment) -> bool:
    if state.paid_at is None:
        return False
    came_at = unit.delivered_at or at.now
    return (came_at - state.paid_at).total_seconds() > state.promise_minutes * 60


def _verdict(decision: Decision, judged: list[tuple[Unit, Facts]]) -> Verdict:
    amounts = tuple(_worth(decision, unit) for unit, _facts_of in judged)
    return Verdict(
        positions=tuple(unit.position for unit, _facts_of in judged),
        facts=tuple(facts for _unit, facts in judged),
        decision=decision,
        refund_each_minor=amounts,
        left_each_minor=tuple(unit.left_minor for unit, _facts_of in judged),
    )


def _worth(decision: Decision, unit: Unit) -> int:
    """What a decision brings for a unit by itself: nothing where nothing was paid, or where the parties settle the amount."""
    if decision.route == "close" or decision.refund_percent is None:
        return 0
    return min(unit.left_minor, refund_minor(decision=decision, amount_minor=unit.amount_minor))


def asks(*, claim: Claim, verdicts: tuple[Verdict, ...]) -> list[tuple[int, ...]]:
    """Return what is asked for per unit of each verdict that somebody has to answer; () for those that need no answer.

    Where the rules fix a share, no more than that is asked, and all of it unless less is said; where they leave the amount open, saying
    it is obligatory. An amount for units of several verdicts is shared out in proportion to what each may bring at most.

    Raises:
        AskRequired: an amount has to be said. BadInput: it is nothing, or more than these units have left.
    """
    waiting = [verdict for verdict in verdicts if verdict.decision.route in ANSWERED]
    most = [amount for verdict in waiting for amount in _most(verdict)]
    if claim.ask_minor is None:
        if not claim.ask_replacement and any(verdict.is_negotiable for verdict in waiting):
            raise AskRequired(fields={"ask": "refund_minor, replacement"})
        return [_most(verdict) if verdict in waiting else () for verdict in verdicts]
    left = sum(amount for verdict in waiting for amount in verdict.left_each_minor)
    if waiting and not 1 <= claim.ask_minor <= left:
        raise BadInput(fields={"ask.refund_minor": f"1–{left}"})
    parts = iter(split(amount_minor=min(claim.ask_minor, sum(most)), weights=most) if sum(most) else most)
    shared = [tuple(next(parts) for _position in verdict.positions) if verdict in waiting else () for verdict in verdicts]
    if any(part and not sum(part) for part in shared):
        # A case that asks for nothing would be one about nothing.
        raise BadInput(fields={"ask.refund_minor": f"{len(most)}–{left}"})
    return shared


def _most(verdict: Verdict) -> tuple[int, ...]:
    """A merchant may agree, out of goodwill, to what the rules would refuse: then all that is left may be asked for."""
    open_ended = verdict.is_negotiable or verdict.decision.route == "refuse"
    return verdict.left_each_minor if open_ended else verdict.refund_each_minor


def judge_again(*, state: OrderState, judged: list[tuple[int, Facts]], **changed: object) -> tuple[Verdict, ...]:
    """Judge what was judged before, with some facts changed: the merchant has answered, or a record turned out otherwise.

    The other facts are those of the first judgement: what was true when the case was opened counts, not how long the answer took.
    """
    rules = rules_of(version=state.policy_version)
    found: dict[Decision, list[tuple[Unit, Facts]]] = {}
    for position, facts in judged:
        unit = state.unit(position)
        if unit is None:
            raise NothingLeftToCancel
        now = dataclasses.replace(facts, **changed)  # type: ignore[arg-type]
        found.setdefault(decide(now, rules), []).append((unit, now))
    return tuple(_verdict(decision, pairs) for decision, pairs in found.items())
