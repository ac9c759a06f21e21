"""The verdict before submitting: what would happen to which pieces, how much comes back, by when, by which rule."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext

from anka.core.clock import Moment
from anka.domain.facts import Facts
from anka.domain.funds_mode import Doing
from anka.domain.policy import wordings
from anka.domain.policy.alternatives import Alternative, what_would_change
from anka.domain.policy.decision import Decision
from anka.domain.policy.explain import verdict
from anka.domain.policy.reasons import reasons_for
from anka.domain.policy.table import RuleSet
from anka.domain.refund_plan import WALLET, Destination
from anka.flows.steps.award import bearer_of
from anka.flows.steps.judge import ENDED, GOING_BACK, Claim, Verdict
from anka.ledger import mode
from anka.orders.models import OrderState, Unit
from anka.web import words
from anka.web.requests import language, pick

Shown = dict[str, Any]
TONES = {"instant": "ok", "close": "ok", "merchant": "wait", "upstream": "wait", "platform": "info", "external": "info", "refuse": "bad"}
MOST_ALTERNATIVES = 4
# Where a case stays open, what its units have left is out of the shop's reach until it ends.
FREEZING = ("merchant", "platform", "refuse")


def choices(*, state: OrderState, claim: Claim) -> Shown:
    """Return the first step: which pieces, and why."""
    chosen = claim.positions
    return {
        "units": [_choice(state, unit, chosen) for unit in state.units],
        "reasons": [
            {"code": reason.code, "label": pick(reason.zh, reason.en.capitalize()), "chosen": reason.code == claim.reason}
            for reason in reasons_for(goods=state.kind)
        ],
        "statement": claim.statement,
    }


def selectable(unit: Unit) -> bool:
    """Tell whether a unit can be asked about at all."""
    return unit.stage not in ENDED and unit.money not in GOING_BACK and not unit.under_case


def _choice(state: OrderState, unit: Unit, chosen: tuple[int, ...] | None) -> Shown:
    free = selectable(unit)
    return {
        "position": unit.position,
        "stage_label": words.stage(unit.stage),
        "detail": "" if free else gettext("Already ended, or its money is on its way back"),
        "amount_minor": unit.amount_minor,
        "currency": state.currency,
        "chosen": free and (chosen is None or unit.position in chosen),
        "selectable": free,
    }


def verdicts(*, state: OrderState, found: tuple[Verdict, ...], quote: Mapping[str, Any], rules: RuleSet, at: Moment) -> list[Shown]:
    """Return the slips: one per distinct decision."""
    alone = len(found) == 1 and len(found[0].positions) == len([unit for unit in state.units if selectable(unit)])
    return [_slip(state, each, quote, rules, at, "" if alone else words.pieces(each.positions)) for each in found]


def _slip(state: OrderState, each: Verdict, quote: Mapping[str, Any], rules: RuleSet, at: Moment, units_label: str) -> Shown:
    decision = each.decision
    told = verdict(decision=decision, language=language())
    pays = decision.route in ("instant", "close") and each.refund_minor > 0
    left = sum(each.left_each_minor)
    most = left if each.is_negotiable or decision.route == "refuse" else each.refund_minor
    channels = [str(leg["channel"]) for leg in quote["legs"]] if pays else []
    return {
        "tone": TONES.get(decision.route, "info"),
        "units_label": units_label,
        "title": words.sentence_case(told),
        "amount_minor": each.refund_minor if pays else None,
        "most_minor": most if decision.route in ("merchant", "platform") and most else None,
        "frozen_minor": left if decision.route in FREEZING and state.paid_at is not None else None,
        "compensation_minor": each.compensation_minor if decision.route == "instant" else 0,
        "compensation_by": bearer_of(fault=decision.fault),
        "currency": state.currency,
        "path": words.sentence_case(wordings.ROUTES[decision.route][language()]),
        "legs": [{"label": words.channel(str(leg["channel"])), "amount_minor": leg["amount_minor"]} for leg in quote["legs"]]
        if pays
        else [],
        "arrival": words.expected(channel_code=channels[0], accepted_at=at.now) if channels else "",
        "clock": _clock(decision, at),
        "refused": decision.route == "refuse",
        "why": pick(decision.because_zh, decision.because_en),
        "rule": {
            "label": decision.rule,
            "version": state.policy_version,
            "url": f"/rules?version={state.policy_version}#{decision.rule.partition('.')[0]}",
        },
        "what_if": alternatives(facts=each.facts[0], rules=rules),
    }


def _clock(decision: Decision, at: Moment) -> str:
    """Return whose turn it would be, until when, and what follows if nobody moves."""
    if decision.route == "platform":
        return gettext("The platform looks at it within 24 hours and decides within 48 hours. Nothing is decided by silence.")
    if decision.route == "refuse":
        return gettext("You may call the platform within 7 days. If you do not, the refusal stands.")
    minutes = decision.answer_within_minutes
    if minutes is None:
        return ""
    by = words.moment(at.now + timedelta(minutes=minutes))
    said = gettext("The shop answers within %(hours)s h, by %(at)s.") % {"hours": minutes // 60, "at": by}
    silent = {
        "refund": gettext("If it says nothing, you are refunded by itself."),
        "escalate": gettext("If it says nothing, the platform takes over by itself."),
    }
    return words.sentences(said, silent.get(decision.on_silence or "", ""))


def alternatives(*, facts: Facts, rules: RuleSet) -> list[Shown]:
    """Return what would change a decision: one changed fact each, and what would come of it."""
    return [what_if(other) for other in what_would_change(facts=facts, rules=rules)[:MOST_ALTERNATIVES]]


def what_if(other: Alternative) -> Shown:
    """Return one alternative as a condition without its "if", and what comes of it."""
    when = pick(other.when_zh.removeprefix("如果"), other.when_en.removeprefix("If ").removeprefix("Once "))
    return {"when": when, "then": verdict(decision=other.decision, language=language())}


def destinations(*, state: OrderState, quote: Mapping[str, Any], chosen: str, at: Moment) -> list[Shown]:
    """Return where the money may go; empty where there is nothing to choose."""
    channels = list(dict.fromkeys(payment.channel for payment in state.payments if payment.paid_at is not None))
    if not quote["refund_minor"] or channels == [WALLET] or not channels or not mode.offered(doing=Doing.REFUND_TO_WALLET):
        return []
    if chosen == Destination.HAND:
        return [
            {"code": code, **other_way(code=code, url="", at=at), "chosen": code == chosen}
            for code in (str(Destination.WALLET), str(Destination.HAND))
        ]
    back = gettext(", ").join(words.channel(code) for code in channels)
    slowest = channels[0]
    return [
        {
            "code": str(Destination.ORIGINAL),
            "label": gettext("The way it came: %(channel)s") % {"channel": back},
            "arrival": words.expected(channel_code=slowest, accepted_at=at.now),
            "chosen": chosen != Destination.WALLET,
        },
        {
            "code": str(Destination.WALLET),
            "label": words.channel(WALLET),
            "arrival": words.expected(channel_code=WALLET, accepted_at=at.now),
            "chosen": chosen == Destination.WALLET,
        },
    ]


def other_way(*, code: str, url: str, at: Moment) -> Shown:
    """Return a way for money that its channel no longer takes back: where it is chosen, and how soon it arrives."""
    return {"label": words.channel(code), "arrival": words.expected(channel_code=code, accepted_at=at.now), "url": url}


def asked(*, state: OrderState, claim: Claim) -> str:
    """Return what was asked, in one line."""
    reason = words.reason(claim.reason)
    if claim.positions is None:
        return gettext("The whole order · %(reason)s") % {"reason": reason}
    return f"{words.pieces(claim.positions)} · {reason}"


def confirm_label(found: tuple[Verdict, ...]) -> str:
    """Return what the button that submits says."""
    routes = {each.decision.route for each in found}
    if routes == {"instant"}:
        return gettext("Confirm, refund now")
    if len(routes) > 1:
        return gettext("Confirm and submit")
    said = {
        "merchant": gettext("Submit, the shop answers"),
        "platform": gettext("Submit to the platform"),
        "refuse": gettext("Put it on record all the same"),
    }
    return said.get(routes.pop(), gettext("Confirm, close the order"))
