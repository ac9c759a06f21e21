"""What may be done with an order now, by whom, and why not. The one source: pages and API show the same, flows refuse the same."""

from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

import msgspec
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.refusals import NotPermitted, Refusal
from anka.domain.delivery_states import Stage
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.judge import Claim, NothingLeftToCancel, Verdict, judge
from anka.flows.steps.may_claim import TooManyCases, require_heard_again, require_may_claim
from anka.flows.steps.plan_money_back import MoneyCannotGoBackThisWay, plan_legs
from anka.flows.steps.quote import not_executable
from anka.orders.models import OrderState, Unit

# The reason a bare "I want out" is judged by; the wizard asks for the real one.
PLAIN_REASON = "NO_LONGER_NEEDED"
API = "/api/v1"
LABELS = {
    "pay": _("Pay"),
    "quote": _("See what happens if you cancel"),
    "cancel": _("Cancel this order"),
    "cancel_unit": _("No longer wanted: refund now"),
    "reveal": _("Show key"),
    "key_check": _("Check the key"),
    "confirm": _("Confirm delivery"),
    "accept": _("Take up"),
    "deliver": _("Deliver"),
}
NOT_PAYABLE, NOT_DELIVERED, TAKEN_BACK, UNDER_CASE = "not_payable", "not_delivered", "taken_back", "under_case"
NOTHING_TO_CONFIRM, STILL_SEALED = "nothing_to_confirm", "still_sealed"
NOTHING_TO_ACCEPT, NOTHING_TO_DELIVER = "nothing_to_accept", "nothing_to_deliver"
REASONS = {
    NOT_PAYABLE: _("This order can no longer be paid: it is paid already, closed, or its time has run out."),
    NOT_DELIVERED: _("It is not delivered yet."),
    TAKEN_BACK: _("It was taken back and can no longer be opened."),
    UNDER_CASE: _("A case is open on this item; it decides what happens."),
    NOTHING_TO_CONFIRM: _("Nothing here waits for a confirmation."),
    NOTHING_TO_ACCEPT: _("Nothing here waits to be taken up."),
    NOTHING_TO_DELIVER: _("Nothing here waits to be delivered."),
    STILL_SEALED: _("A sealed item can still be refunded with one click, so there is nothing to confirm yet. Open it first, or wait."),
}
_BY_HAND = frozenset({Stage.QUEUED, Stage.ACCEPTED, Stage.WORKING})
_OPENED = frozenset({Stage.REVEALED, Stage.DELIVERED, Stage.USED})


class Action(msgspec.Struct, frozen=True):
    """One thing that may be done, or may not and why. `path` is the API's; `position` is set where it is about one unit; `needs` names what
    has to be said with it: `ask` where the amount is agreed between the parties, `prefix`, the beginning of a key."""

    name: str
    method: str
    path: str
    label: str
    allowed: bool
    why_not: str | None = None
    position: int | None = None
    needs: tuple[str, ...] = ()


class _Draft(NamedTuple):
    """An action before it is put into words."""

    name: str
    method: str
    path: str
    why_not: str | Refusal | None
    position: int | None = None
    needs: tuple[str, ...] = ()


def actions_for(*, state: OrderState, actor: Actor, at: Moment) -> tuple[Action, ...]:
    """Return every action of this actor on this order, allowed or not, in the language that is active."""
    language = get_language() or ""
    return tuple(_in_words(draft, language) for draft in _drafts(state, actor, at))


def _drafts(state: OrderState, actor: Actor, at: Moment) -> tuple[_Draft, ...]:
    if actor.kind is ActorKind.BUYER:
        goods = (draft for unit in state.units for draft in (_reveal(state, unit), *_check(state, unit)))
        return (_pay(state, at), *_ways_out(state, actor, at), *goods, _confirm(state, at))
    if actor.kind is ActorKind.MERCHANT:
        return (*_ways_out(state, actor, at)[:2], *_hand_work(state))
    if actor.kind is ActorKind.PLATFORM:
        return _ways_out(state, actor, at)[1:2]
    return ()


def _in_words(draft: _Draft, language: str) -> Action:
    refusal = draft.why_not
    why_not = str(refusal) if isinstance(refusal, Refusal) else refusal and _said(refusal, language)
    return Action(
        name="cancel" if draft.name == "cancel_unit" else draft.name,
        method=draft.method,
        path=f"{API}{draft.path}",
        label=_said(draft.name, language),
        allowed=why_not is None,
        why_not=why_not,
        position=draft.position,
        needs=draft.needs,
    )


@lru_cache(maxsize=64)
def _said(key: str, _language: str) -> str:
    """Return a label or a reason in the language that is active. An order shows a dozen, and looking one up takes long."""
    return str(LABELS[key] if key in LABELS else REASONS[key])


def _pay(state: OrderState, at: Moment) -> _Draft:
    reserved = all(unit.stage == Stage.RESERVED for unit in state.units)
    payable = state.closed_at is None and state.paid_at is None and at.now < state.hold_until and reserved
    return _Draft("pay", "POST", f"/orders/{state.number}/payments", None if payable else NOT_PAYABLE)


def _ways_out(state: OrderState, actor: Actor, at: Moment) -> tuple[_Draft, ...]:
    """The quote, the whole order, and each unit by itself where the units do not have to go together."""
    path = f"/orders/{state.number}/cases"
    try:
        require_may_claim(state=state, actor=actor)
        verdicts = judge(state=state, claim=Claim(reason=PLAIN_REASON, issuer_asked=True), actor=actor, at=at)
    except (NotPermitted, NothingLeftToCancel) as nothing:
        return (
            _Draft("quote", "GET", f"/orders/{state.number}/cancellation", nothing),
            _Draft("cancel", "POST", path, nothing),
        )
    refusal = _why_not(state, verdicts, at)
    whole = (
        _Draft("quote", "GET", f"/orders/{state.number}/cancellation", None),
        _Draft("cancel", "POST", path, refusal, needs=_needs(verdicts)),
    )
    if state.paid_at is None:
        return whole
    # Where the payments bear all of it, they bear each part.
    single = [
        (position, _Draft("cancel_unit", "POST", path, refusal and _why_not(state, (verdict,), at), position, _needs((verdict,))))
        for verdict in verdicts
        for position in verdict.positions
    ]
    return (*whole, *(action for _position, action in sorted(single, key=lambda pair: pair[0])))


def _needs(verdicts: tuple[Verdict, ...]) -> tuple[str, ...]:
    return ("ask",) if any(verdict.is_negotiable for verdict in verdicts) else ()


def _why_not(state: OrderState, verdicts: tuple[Verdict, ...], at: Moment) -> Refusal | None:
    refusal = not_executable(verdicts)
    if refusal is not None:
        return refusal
    try:
        require_heard_again(state=state, reason=PLAIN_REASON, verdicts=verdicts)
        plan_legs(state=state, amounts=[verdict.refund_minor for verdict in verdicts], refund_to="original", at=at)
    except (TooManyCases, MoneyCannotGoBackThisWay) as refused:
        return refused
    return None


def _hand_work(state: OrderState) -> tuple[_Draft, ...]:
    """What a merchant does with goods that are not delivered by themselves."""
    if state.delivery != "manual":
        return ()
    waiting = {unit.stage for unit in state.units if not unit.under_case}
    return (
        _Draft("accept", "POST", f"/orders/{state.number}/accept", None if Stage.QUEUED in waiting else NOTHING_TO_ACCEPT),
        _Draft("deliver", "POST", f"/orders/{state.number}/deliver", NOTHING_TO_DELIVER if waiting.isdisjoint(_BY_HAND) else None),
    )


def _reveal(state: OrderState, unit: Unit) -> _Draft:
    path = f"/orders/{state.number}/units/{state.unit_number(unit.position)}/reveal"
    return _Draft("reveal", "POST", path, _why_not_reveal(state, unit), unit.position)


def _check(state: OrderState, unit: Unit) -> tuple[_Draft, ...]:
    """Whoever has opened a key may show that it is this very one; before that there is nothing to show."""
    if unit.stage not in (Stage.REVEALED, Stage.USED) or unit.key_id is None:
        return ()
    path = f"/orders/{state.number}/units/{state.unit_number(unit.position)}/key-check"
    return (_Draft("key_check", "POST", path, None, unit.position, needs=("prefix",)),)


def _why_not_reveal(state: OrderState, unit: Unit) -> str | None:
    if unit.stage in (Stage.REVEALED, Stage.USED) and unit.revealed_by == state.buyer_id:
        return None
    if unit.under_case:
        return UNDER_CASE
    if unit.stage == Stage.SEALED:
        return None
    return NOT_DELIVERED if unit.stage in (Stage.RESERVED, Stage.QUEUED, Stage.ACCEPTED, Stage.WORKING) else TAKEN_BACK


def _confirm(state: OrderState, at: Moment) -> _Draft:
    return _Draft("confirm", "POST", f"/orders/{state.number}/confirm", _why_not_confirm(state, at))


def _why_not_confirm(state: OrderState, at: Moment) -> str | None:
    window = timedelta(minutes=state.refund_window_minutes)
    sealed = [unit for unit in state.units if unit.stage == Stage.SEALED and unit.delivered_at is not None]
    still_sealed = [unit for unit in sealed if unit.delivered_at is not None and at.now <= unit.delivered_at + window]
    ready = [unit for unit in state.units if unit.stage in _OPENED or (unit in sealed and unit not in still_sealed)]
    if any(unit.money == UnitMoney.HELD and not unit.under_case for unit in ready):
        return None
    return STILL_SEALED if still_sealed else NOTHING_TO_CONFIRM
