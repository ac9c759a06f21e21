"""An order as its shop sees it: what to do now, the pieces, the money in words, who did what. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext, ngettext

from anka.cases.models import CaseState
from anka.cases.queries import Dossier
from anka.core.clock import Moment
from anka.domain.deadlines import clock_named
from anka.domain.delivery_states import Stage
from anka.domain.facts import Facts
from anka.domain.money import fee
from anka.domain.policy.decide import decide
from anka.domain.policy.explain import verdict
from anka.domain.policy.table import RuleSet
from anka.domain.unit_money import UnitMoney
from anka.orders import views as statuses
from anka.orders.models import OrderState, Unit
from anka.web import case_words, views_of_order, words
from anka.web.merchant.lines import deliver_or_else, tone_of
from anka.web.requests import language, pick
from anka.web.views_of_headline import LOOK
from anka.web.views_of_units import OPENED, WAITING

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """Everything the shop's page of an order is made of."""

    state: OrderState
    beside: Dossier
    at: Moment

    @property
    def now(self) -> datetime:
        """The market's time."""
        return self.at.now

    @property
    def waiting(self) -> list[Unit]:
        """The units that wait for the shop's hands."""
        return [unit for unit in self.state.units if unit.stage in WAITING and not unit.under_case]

    @property
    def by_hand(self) -> bool:
        """Whether there is something to deliver by hand."""
        return self.state.delivery == "manual" and bool(self.waiting)

    @property
    def to_accept(self) -> bool:
        """Whether something was not taken up yet."""
        return self.by_hand and any(unit.stage == Stage.QUEUED for unit in self.waiting)

    @property
    def promised_at(self) -> datetime:
        """Until when delivery is promised."""
        return (self.state.paid_at or self.state.placed_at) + timedelta(minutes=self.state.promise_minutes)

    @property
    def given_back_at(self) -> datetime | None:
        """When the money goes back by itself if nobody takes the order up."""
        if not self.to_accept or self.state.paid_at is None:
            return None
        return max(self.promised_at, self.state.paid_at + clock_named(name="untouched").default)

    @property
    def open_cases(self) -> list[CaseState]:
        """The cases that are not over."""
        return [case for case in self.beside.cases if case.closed_at is None]


def facts(state: OrderState) -> Shown:
    """Return what an order is about, with the shop's own address."""
    return {**views_of_order.order_facts(state), "url": f"/shop/orders/{state.number}"}


def headline(seen: OrderSeen) -> Shown:
    """Return what is to be done now, until when, and what happens otherwise."""
    word = views_of_order.status(seen.state)
    tone, icon = LOOK[word]
    if seen.open_cases:
        told = _under_case(seen, seen.open_cases[0])
    elif seen.by_hand:
        told = _by_hand(seen)
    else:
        told = {"title": _title(seen, word), "text": _text(seen, word)}
    return {"tone": tone, "icon": icon, "badge": statuses.LABELS[word], **told}


_TITLES = {
    statuses.UNPAID: lambda: gettext("The buyer has not paid yet"),
    statuses.CLOSED: lambda: gettext("Closed unpaid; nothing was charged"),
    statuses.REFUNDING: lambda: gettext("Money is on its way back to the buyer"),
    statuses.REFUNDED: lambda: gettext("Refunded; there is nothing to do"),
    statuses.TO_DELIVER: lambda: gettext("Paid; the keys are put into the order by themselves"),
    statuses.DELIVERED: lambda: gettext("Delivered; waiting for the buyer"),
    statuses.COMPLETED: lambda: gettext("Confirmed; the money is yours"),
}


def _title(seen: OrderSeen, word: str) -> str:
    if word == statuses.COMPLETED and seen.state.refunded_minor:
        amount = words.amount(seen.state.refunded_minor, seen.state.currency)
        return gettext("Settled: %(amount)s goes back to the buyer, the rest is yours") % {"amount": amount}
    return _TITLES[word]()


def _text(seen: OrderSeen, word: str) -> str:
    state = seen.state
    if word == statuses.DELIVERED:
        opened = sum(unit.stage in OPENED for unit in state.units)
        sealed = sum(unit.stage == Stage.SEALED for unit in state.units)
        return gettext("%(opened)s opened, %(sealed)s still sealed. You need not do anything; it is confirmed by itself in time.") % {
            "opened": opened,
            "sealed": sealed,
        }
    said = {
        statuses.UNPAID: gettext("The goods are reserved. If nobody pays, it closes by itself and they are on the shelf again."),
        statuses.CLOSED: gettext("The goods are on the shelf again."),
        statuses.REFUNDING: gettext("The channel carries it out; you need not do anything."),
        statuses.REFUNDED: gettext("The money is back with the buyer."),
        statuses.TO_DELIVER: gettext("This takes seconds. If it does not, check your stock."),
        statuses.COMPLETED: gettext("It settles by itself; see the money below."),
    }
    return said[word]


def _under_case(seen: OrderSeen, case: CaseState) -> Shown:
    mine = case.turn.side == "merchant"
    title = gettext("The buyer asks for something, and it is your turn") if mine else gettext("A case is open; its money is frozen")
    shown: Shown = {
        "tone": "wait" if mine else "info",
        "icon": "bell" if mine else "clock",
        "badge": case_words.turn(case.turn.side, seen_by="merchant"),
        "title": title,
        "text": f"{words.reason(case.reason)} · {words.pieces(case.positions)}",
        "primary": {"label": gettext("To the case"), "href": f"/shop/cases/{case.number}", "method": "get", "amount_minor": None},
    }
    clock = next((clock for clock in case.clocks if clock.kind == case.turn.clock), None)
    if clock is not None and mine:
        shown["countdown"] = {
            "due": clock.due_at,
            "since": clock.started_at,
            "label": gettext("Time left to answer"),
            "consequence": gettext("is the latest; the case page says what happens then."),
        }
    return shown


def _by_hand(seen: OrderSeen) -> Shown:
    state, due = seen.state, seen.promised_at
    count = {"count": len(seen.waiting)}
    title = (
        ngettext("Accept and deliver %(count)s key", "Accept and deliver %(count)s keys", len(seen.waiting))
        if seen.to_accept
        else ngettext("Deliver %(count)s key", "Deliver %(count)s keys", len(seen.waiting))
    )
    amount = words.amount(sum(unit.left_minor for unit in seen.waiting), state.currency)
    told: Shown = {
        "tone": "bad" if due <= seen.now else tone_of(due=due, now=seen.now),
        "icon": "alert" if due <= seen.now else "clock",
        "badge": gettext("Late: not delivered as promised") if due <= seen.now else gettext("To deliver"),
        "title": title % count,
        "text": deliver_or_else(due_at=due, back_at=seen.given_back_at, amount=amount, now=seen.now),
        "by_hand": True,
    }
    falls = due if due > seen.now else seen.given_back_at
    if falls is not None and falls > seen.now:
        told["countdown"] = {
            "due": falls,
            "since": state.paid_at,
            "label": gettext("Time left to deliver") if falls == due else gettext("Time left before it is refunded by itself"),
            "consequence": gettext("is the latest; after that it is a breach.")
            if falls == due
            else gettext("%(amount)s goes back to the buyer by itself.") % {"amount": amount},
        }
    return told


def units(seen: OrderSeen) -> list[Shown]:
    """Return the pieces: where each is, since when, and where its money is."""
    return [_unit(seen, unit) for unit in seen.state.units]


def _unit(seen: OrderSeen, unit: Unit) -> Shown:
    case = next((case for case in seen.open_cases if unit.position in case.positions), None)
    return {
        "position": unit.position,
        "stage_label": words.stage(unit.stage),
        "title": _unit_title(unit),
        "detail": gettext("Since %(at)s") % {"at": words.moment(unit.since)},
        "money": _money_of(seen, unit),
        "tone": "wait" if unit.under_case else _UNIT_TONES.get(unit.money, "info"),
        "amount_minor": unit.amount_minor,
        "currency": seen.state.currency,
        "case_url": f"/shop/cases/{case.number}" if case else "",
    }


_UNIT_TONES = {UnitMoney.REFUNDED: "mute", UnitMoney.REFUNDING: "wait", UnitMoney.NONE: "mute", UnitMoney.SETTLED: "ok"}


def _unit_title(unit: Unit) -> str:
    if unit.stage == Stage.SEALED:
        return gettext("Delivered sealed, not opened")
    if unit.revealed_at is not None and unit.stage in OPENED:
        return gettext("Opened by the buyer %(at)s") % {"at": words.moment(unit.revealed_at)}
    if unit.replaces is not None:
        return gettext("A replacement for piece %(position)s") % {"position": unit.replaces}
    said = {
        Stage.RESERVED: gettext("Reserved, not paid"),
        Stage.QUEUED: gettext("Paid, not accepted yet"),
        Stage.ACCEPTED: gettext("Accepted, not delivered yet"),
        Stage.RELEASED: gettext("Released, on the shelf again"),
        Stage.RECALLED: gettext("Taken back unopened"),
    }
    return said.get(unit.stage, words.stage(unit.stage))


def _money_of(seen: OrderSeen, unit: Unit) -> str:
    currency = seen.state.currency
    amount = {"amount": words.amount(unit.merchant_minor or unit.left_minor, currency)}
    if unit.under_case and unit.frozen_minor:
        return gettext("%(amount)s frozen until the case is over") % {"amount": words.amount(unit.frozen_minor, currency)}
    said = {
        UnitMoney.NONE: gettext("Nothing was charged"),
        UnitMoney.HELD: gettext("%(amount)s held by Anka until it is confirmed") % {"amount": words.amount(unit.left_minor, currency)},
        UnitMoney.RELEASED: gettext("%(amount)s for you, settles soon") % amount,
        UnitMoney.SETTLED: gettext("%(amount)s settled, available to you") % amount,
        UnitMoney.REFUNDING: gettext("%(amount)s on its way back") % {"amount": words.amount(unit.refunded_minor, currency)},
        UnitMoney.REFUNDED: gettext("%(amount)s back with the buyer") % {"amount": words.amount(unit.refunded_minor, currency)},
        UnitMoney.PART_REFUNDED: gettext("%(amount)s of it went back") % {"amount": words.amount(unit.refunded_minor, currency)},
    }
    return said[unit.money]


def money_lines(seen: OrderSeen) -> list[Shown]:
    """Return where the money is: what was paid, what went back, what is held and frozen, the commission, what comes to the shop, when."""
    state = seen.state
    if not state.paid_minor:
        return [_line(state, gettext("Paid"), 0, detail=gettext("nothing yet"))]
    done = [unit for unit in state.units if unit.confirmed_at is not None and unit.merchant_minor]
    held = [unit for unit in state.units if unit.money in (UnitMoney.HELD, UnitMoney.PART_REFUNDED) and unit.confirmed_at is None]
    to_come = sum(unit.left_minor for unit in held)
    commission = fee(amount_minor=to_come, basis_points=state.commission_basis_points)
    rate = f"{state.commission_basis_points // 100}.{state.commission_basis_points % 100:02d}%"
    lines = [_line(state, gettext("The buyer paid"), state.paid_minor)]
    lines += _if(_line(state, gettext("Back to the buyer"), -state.refunded_minor, tone="mute"))
    lines += _if(_line(state, gettext("Held by Anka"), to_come, detail=gettext("until the buyer confirms, or it is confirmed by itself")))
    frozen = sum(unit.frozen_minor for unit in state.units)
    lines += _if(_line(state, gettext("Of it frozen"), frozen, detail=gettext("until the case is over"), tone="wait"))
    lines += _if(_line(state, gettext("Commission to come"), -commission, detail=rate, tone="mute"))
    lines += _if(_line(state, gettext("Then for you"), to_come - commission, tone="info"))
    lines += _if(_line(state, gettext("Commission"), -sum(unit.commission_minor for unit in done), detail=rate, tone="mute"))
    return lines + _settling(state, done)


def _settling(state: OrderState, done: list[Unit]) -> list[Shown]:
    settled = sum(unit.merchant_minor for unit in done if unit.money == UnitMoney.SETTLED)
    pending = [unit for unit in done if unit.money != UnitMoney.SETTLED]
    lines = _if(_line(state, gettext("Settled, yours"), settled, tone="ok"))
    if pending:
        on = max(unit.confirmed_at for unit in pending if unit.confirmed_at) + clock_named(name="settle").default
        detail = gettext("available from %(at)s") % {"at": words.moment(on)}
        lines += _if(_line(state, gettext("Settles"), sum(unit.merchant_minor for unit in pending), detail=detail, tone="info"))
    return lines


def _if(line: Shown) -> list[Shown]:
    return [line] if line["amount_minor"] else []


def _line(state: OrderState, label: str, amount_minor: int, *, detail: str = "", tone: str = "") -> Shown:
    return {"label": label, "detail": detail, "amount_minor": amount_minor, "currency": state.currency, "tone": tone}


def case_link(case: CaseState, *, currency: str) -> Shown:
    """Return a case of an order as a line that leads to it."""
    over = case.closed_at is not None
    return {
        "number": case.number,
        "url": f"/shop/cases/{case.number}",
        "title": f"{words.reason(case.reason)} · {words.pieces(case.positions)}",
        "badge": case_words.outcome(case.outcome or "") if over else case_words.status(case.status),
        "tone": case_words.outcome_tone(case.outcome or "") if over else case_words.status_tone(case.status),
        "at": case.closed_at or case.opened_at,
        "amount_minor": case.refund_minor,
        "currency": currency,
    }


def timeline(*, state: OrderState, beside: Dossier) -> list[Shown]:
    """Return what happened, newest first, by whom, as the shop reads it."""
    shop = pick(state.shop_name_zh, state.shop_name_en)
    return [
        {
            "at": event.at,
            "actor": gettext("The buyer") if event.actor.startswith("buyer:") else words.actor(event.actor, shop=shop),
            "what": words.event(what=event.what, positions=event.positions, details=event.details, currency=state.currency),
            "tone": words.event_tone(event.what),
            "now": False,
        }
        for event in reversed(beside.timeline)
    ]


def recall_rule(*, state: OrderState, rules: RuleSet) -> Shown:
    """Return what the rules of this order say to a shop that wants a sealed, sound key back."""
    found = decide(
        Facts(
            goods=state.kind,
            stage="sealed",
            reason="OTHER",
            asker="merchant",
            delivered_minutes_ago=0,
            notice=state.notice,
            refund_window_minutes=state.refund_window_minutes,
            warranty_minutes=state.warranty_minutes,
        ),
        rules,
    )
    return {
        "rule": found.rule,
        "version": state.policy_version,
        "because": pick(found.because_zh, found.because_en),
        "verdict": words.sentence_case(verdict(decision=found, language=language())),
        "url": f"/rules?version={state.policy_version}#{found.rule.partition('.')[0]}",
    }
