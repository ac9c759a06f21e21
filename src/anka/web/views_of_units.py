"""One unit of an order as a ticket: what it is, what may be done with it, where its money is. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext

from anka.cases.models import CaseState
from anka.cases.queries import Dossier, Refund
from anka.core.clock import Moment
from anka.domain.delivery_states import Stage
from anka.domain.unit_money import UnitMoney
from anka.flows.steps.actions import Action
from anka.orders.models import OrderState, Unit
from anka.web import views_of_refund, words
from anka.web.requests import pick

Shown = dict[str, Any]
WAITING = frozenset({Stage.QUEUED, Stage.ACCEPTED, Stage.WORKING})
OPENED = frozenset({Stage.REVEALED, Stage.DELIVERED, Stage.USED})
GONE = frozenset({Stage.RECALLED, Stage.VOIDED, Stage.REPLACED})
CHECKABLE = frozenset({Stage.REVEALED, Stage.USED})
ENDED = GONE | {Stage.RELEASED, Stage.CLOSED_OUT}


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything an order's page is made of. `quotes` holds, per position, what a bare "no longer wanted" would bring, where it may;
    `ways_out` the way out of units that the issuer calls bad; `check` what a key check has just shown."""

    state: OrderState
    beside: Dossier
    actions: tuple[Action, ...]
    quotes: Mapping[int, Mapping[str, Any]]
    at: Moment
    new_key: Callable[[], str]
    ways_out: Mapping[int, Shown] = field(default_factory=dict)
    check: Shown | None = None

    @property
    def now(self) -> datetime:
        """The market's time."""
        return self.at.now

    @property
    def shop(self) -> str:
        """The shop's name in the reader's language."""
        return pick(self.state.shop_name_zh, self.state.shop_name_en)

    @property
    def current(self) -> tuple[Unit, ...]:
        """The units that count: those that timed out before late money bought new ones do not."""
        kept = tuple(unit for unit in self.state.units if unit.stage != Stage.RELEASED or unit.money != UnitMoney.NONE)
        return kept or self.state.units

    def action(self, name: str, position: int | None = None) -> Action | None:
        """Return the action of this name where it is allowed now."""
        found = (action for action in self.actions if action.name == name and action.position == position and action.allowed)
        return next(found, None)

    def refund_of(self, position: int) -> Refund | None:
        """Return the newest refund that repays a unit."""
        return next((refund for refund in reversed(self.beside.refunds) if position in refund.positions), None)

    def case_of(self, position: int) -> CaseState | None:
        """Return the open case about a unit."""
        return next((case for case in self.beside.cases if case.closed_at is None and position in case.positions), None)

    def window_ends(self, unit: Unit) -> datetime | None:
        """Return when the right to send a sealed unit back ends; None before it is delivered."""
        return unit.delivered_at + timedelta(minutes=self.state.refund_window_minutes) if unit.delivered_at else None


def tickets(*, seen: Seen, secret: tuple[int, str] | None) -> list[Shown]:
    """Return the units as tickets; `secret` is the position and text of the key that was just opened."""
    return [ticket(seen=seen, unit=unit, secret=secret) for unit in seen.current]


def ticket(*, seen: Seen, unit: Unit, secret: tuple[int, str] | None = None) -> Shown:
    """Return one unit as a ticket."""
    refund, case = seen.refund_of(unit.position), seen.case_of(unit.position)
    shown_secret = secret[1] if secret and secret[0] == unit.position else ""
    title, detail, tone = _in_words(seen, unit, refund)
    return {
        "position": unit.position,
        "stage_label": _stub(unit),
        "title": title,
        "detail": detail,
        "tone": tone,
        "amount_minor": unit.amount_minor,
        "currency": seen.state.currency,
        "sealed": unit.stage == Stage.SEALED,
        "secret": shown_secret,
        "recalled": unit.stage in GONE,
        "can_reveal": not shown_secret and seen.action("reveal", unit.position) is not None,
        "idempotency_key": seen.new_key(),
        "replaces": unit.replaces,
        "replaced_by": next((other.position for other in seen.state.units if other.replaces == unit.position), None),
        "way_out": seen.ways_out.get(unit.position),
        "can_check": unit.stage in CHECKABLE and unit.key_id is not None and unit.revealed_by == seen.state.buyer_id,
        "check": seen.check if seen.check and seen.check["position"] == unit.position else None,
        "case_url": f"/cases/{case.number}" if case else "",
        **_refunding(seen, unit, refund),
    }


def _stub(unit: Unit) -> str:
    if unit.money == UnitMoney.REFUNDED:
        return gettext("Refunded")
    return gettext("Refunding") if unit.money == UnitMoney.REFUNDING else words.stage(unit.stage)


def _refunding(seen: Seen, unit: Unit, refund: Refund | None) -> Shown:
    quote = seen.quotes.get(unit.position)
    can_refund = unit.stage == Stage.SEALED and quote is not None and seen.action("cancel", unit.position) is not None
    shown: Shown = {"can_refund": can_refund, "refund_track": [], "channel_refund_number": "", "refund_url": "", "refund": None}
    if can_refund and quote is not None:
        channels = [str(leg["channel"]) for leg in quote["legs"]]
        shown["refund"] = {
            "amount_minor": quote["refund_minor"],
            "channel": gettext(", ").join(words.channel(code) for code in dict.fromkeys(channels)),
            "arrival": words.expected(channel_code=channels[0], accepted_at=seen.now) if channels else "",
            "quote": quote["id"],
        }
    if refund is not None:
        shown["refund_track"] = views_of_refund.track(refund=refund, leg=refund.legs[0]) if len(refund.legs) == 1 else []
        shown["channel_refund_number"] = views_of_refund.channel_number(refund.legs[0])
        shown["refund_url"] = f"/refunds/{refund.number}"
    return shown


def _in_words(seen: Seen, unit: Unit, refund: Refund | None) -> tuple[str, str, str]:
    """Return a ticket's title, its small line and its tone."""
    if refund is not None and unit.money in (UnitMoney.REFUNDING, UnitMoney.REFUNDED):
        return _refund_in_words(unit, refund)
    if unit.refunded_minor and unit.left_minor:
        return _parted_in_words(unit, seen.state.currency)
    case = seen.case_of(unit.position)
    if case is not None:
        opened = gettext("Asked %(at)s; its money is frozen until the case ends") % {"at": words.moment(case.opened_at)}
        return gettext("Case open: %(reason)s") % {"reason": words.reason(case.reason)}, opened, "wait"
    return _stage_in_words(seen, unit)


def _parted_in_words(unit: Unit, currency: str) -> tuple[str, str, str]:
    title = gettext("%(amount)s of it goes back to you") % {"amount": words.amount(unit.refunded_minor, currency)}
    return title, gettext("The rest, %(amount)s, is the shop's") % {"amount": words.amount(unit.left_minor, currency)}, "ok"


def _stage_in_words(seen: Seen, unit: Unit) -> tuple[str, str, str]:
    if unit.stage == Stage.REPLACED:
        return gettext("Replaced by a new key"), gettext("The old key is taken back; its price moved on to the new one"), "mute"
    if unit.stage == Stage.SEALED:
        return _sealed_in_words(seen, unit)
    if unit.stage in OPENED:
        return _opened_in_words(unit)
    if unit.stage == Stage.RESERVED:
        return gettext("Held for you"), gettext("Until %(at)s, for your payment") % {"at": words.moment(seen.state.hold_until)}, "info"
    if unit.stage in WAITING:
        since = gettext("Paid %(at)s") % {"at": words.moment(unit.since)}
        return gettext("Not delivered yet"), since, "info"
    if unit.stage == Stage.RELEASED:
        return gettext("Released"), gettext("Back on the shelf; nothing was charged for it"), "mute"
    return words.stage(unit.stage), gettext("Since %(at)s") % {"at": words.moment(unit.since)}, "mute"


def _refund_in_words(unit: Unit, refund: Refund) -> tuple[str, str, str]:
    said = {"channel": gettext(", ").join(dict.fromkeys(words.channel(leg.channel) for leg in refund.legs))}
    if unit.money == UnitMoney.REFUNDED:
        when = gettext("Arrived %(at)s") % {"at": words.moment(refund.ended_at)} if refund.ended_at else ""
        return gettext("Back at %(channel)s") % said, when, "ok"
    if refund.status in views_of_refund.STUCK:
        return gettext("Still on its way to %(channel)s") % said, gettext("A person is looking into it; the money is still yours"), "wait"
    due = max(leg.arrives_by for leg in refund.legs)
    return gettext("On its way back to %(channel)s") % said, gettext("Expected by %(at)s") % {"at": words.moment(due)}, "info"


def _sealed_in_words(seen: Seen, unit: Unit) -> tuple[str, str, str]:
    ends = seen.window_ends(unit)
    if ends is not None and seen.now <= ends:
        detail = gettext("Full refund in one tap until %(at)s") % {"at": words.moment(ends)}
        return gettext("Not opened means not used"), detail, "info"
    return gettext("Delivered, not opened"), gettext("The time for a one-tap refund is over"), "mute"


def _opened_in_words(unit: Unit) -> tuple[str, str, str]:
    opened = gettext("Opened by you %(at)s") % {"at": words.moment(unit.revealed_at)} if unit.revealed_at else ""
    if unit.confirmed_at is not None:
        return gettext("Confirmed"), opened, "ok"
    return gettext("Opened"), opened, "wait"
