"""A case as its parties and the platform see it: offers, evidence, talk, rulings, clocks, and where an amount would go. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from anka.cases.models import CaseState, Offer, Receipt, Ruling
from anka.cases.queries import Dossier
from anka.core.clock import Moment
from anka.domain.policy.explain import verdict
from anka.domain.rulings import remedy_of
from anka.flows.rule_on_case import Finding
from anka.flows.steps.actions import Action
from anka.flows.steps.plan_money_back import MoneyCannotGoBackThisWay, plan_legs, shown
from anka.orders.models import OrderState, Unit
from anka.web import case_words, words
from anka.web.requests import language, pick

Shown = dict[str, Any]
OFFER_TONES = {"open": "info", "accepted": "ok"}
PLATFORM_STATUSES = ("evidence", "review", "appeal")


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """Everything a case's page is made of; `reader` is the side that reads it: buyer, merchant or platform."""

    state: OrderState
    case: CaseState
    beside: Dossier
    actions: tuple[Action, ...]
    reader: str
    at: Moment
    new_key: Callable[[], str]

    @property
    def now(self) -> datetime:
        """The market's time."""
        return self.at.now

    @property
    def shop(self) -> str:
        """The shop's name in the reader's language."""
        return pick(self.state.shop_name_zh, self.state.shop_name_en)

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units the case is about."""
        return tuple(unit for unit in self.state.units if unit.position in self.case.positions)

    @property
    def left_minor(self) -> int:
        """What of these units has not gone back: the most a ruling or an offer may give."""
        return sum(unit.left_minor for unit in self.units)

    def may(self, name: str) -> bool:
        """Tell whether the reader may do this now."""
        return any(action.name == name and action.allowed for action in self.actions)

    def why_not(self, name: str) -> str:
        """Return why the reader may not do this now, "" where they may or where it is not theirs."""
        return next((action.why_not or "" for action in self.actions if action.name == name), "")

    def amount(self, amount_minor: int) -> str:
        """Return an amount of this order in words."""
        return words.amount(amount_minor, self.state.currency)

    def who(self, side: str) -> str:
        """Return a side at the beginning of a line: You, the shop's name, The buyer, The platform."""
        if side == self.reader:
            return gettext("You") if side != "platform" else gettext("The platform")
        names = {"merchant": self.shop, "buyer": gettext("The buyer"), "platform": gettext("The platform")}
        return names.get(side, gettext("Anka, by itself"))


def argued_minor(seen: CaseSeen) -> int:
    """Return how much a case is about: what was asked for, else what its units had cost."""
    return seen.case.ask_minor if seen.case.ask_minor is not None else sum(unit.amount_minor for unit in seen.units)


def facts_of(seen: CaseSeen) -> Shown:
    """Return what a case is about."""
    case = seen.case
    return {
        "number": case.number,
        "url": f"/cases/{case.number}",
        "kind": case_words.case_kind(case.kind),
        "reason": words.sentence_case(words.reason(case.reason)),
        "pieces": words.pieces(case.positions),
        "statement": case.statement,
        "asked": asked(seen),
        "opened_at": case.opened_at,
        "status": case_words.status(case.status),
        "closed": case.closed_at is not None,
        "left_minor": seen.left_minor,
        "left": seen.amount(seen.left_minor),
        "currency": seen.state.currency,
    }


def asked(seen: CaseSeen) -> str:
    """Return what was asked for, in words."""
    case = seen.case
    if case.ask_replacement:
        return gettext("A replacement")
    if case.ask_minor is None:
        return gettext("What the rules give")
    return gettext("%(amount)s back") % {"amount": seen.amount(case.ask_minor)}


def where_it_goes(seen: CaseSeen, *, refund_minor: int) -> Shown:
    """Return where an amount for the whole case comes from and goes, way by way, and what is left for the shop."""
    legs, trouble = _legs(seen, refund_minor)
    confirmed = sum(unit.left_minor for unit in seen.units if unit.confirmed_at)
    sources = [
        {"label": gettext("Held by Anka"), "amount_minor": seen.left_minor - confirmed},
        {"label": gettext("Paid to the shop already, taken back from it"), "amount_minor": confirmed},
    ]
    rest = seen.left_minor - refund_minor
    return {
        "refund_minor": refund_minor,
        "legs": [{"label": words.channel(str(leg["channel"])), "amount_minor": leg["amount_minor"]} for leg in legs],
        "sources": [source for source in sources if source["amount_minor"]],
        "rest_minor": rest,
        "to_label": gettext("Back to you") if seen.reader == "buyer" else gettext("To the buyer"),
        "rest_label": gettext("settled less commission"),
        "arrival": words.expected(channel_code=str(legs[0]["channel"]), accepted_at=seen.now) if legs else "",
        "trouble": trouble,
        "currency": seen.state.currency,
    }


def _legs(seen: CaseSeen, refund_minor: int) -> tuple[list[dict[str, object]], str]:
    if refund_minor <= 0:
        return [], ""
    try:
        (planned,) = plan_legs(state=seen.state, amounts=[refund_minor], refund_to=seen.case.refund_to, at=seen.at)
    except MoneyCannotGoBackThisWay as refused:
        return [], str(refused)
    return shown(legs=planned, at=seen.at), ""


def offers(seen: CaseSeen) -> list[Shown]:
    """Return the offers, newest first; the open one with what accepting it would move."""
    return [_offer(seen, offer, number) for number, offer in reversed(list(enumerate(seen.case.offers, start=1)))]


def _offer(seen: CaseSeen, offer: Offer, number: int) -> Shown:
    live = offer.status == "open"
    answerable = live and offer.by_side != seen.reader
    return {
        "id": offer.id,
        "round": number,
        "by": seen.who(offer.by_side),
        "what": gettext("A new sealed key for each piece instead, no refund") if offer.replacement else _back(seen, offer.refund_minor),
        "replacement": offer.replacement,
        "amount_minor": offer.refund_minor,
        "text": offer.text,
        "made_at": offer.made_at,
        "expires_at": offer.expires_at if live else None,
        "status": case_words.offer_status(offer.status),
        "tone": OFFER_TONES.get(offer.status, "mute"),
        "live": live,
        "goes": where_it_goes(seen, refund_minor=offer.refund_minor) if answerable and not offer.replacement else None,
        "can_accept": answerable and seen.may("accept_offer"),
        "can_decline": answerable and seen.may("decline_offer"),
        "accept_key": seen.new_key(),
        "decline_key": seen.new_key(),
    }


def _back(seen: CaseSeen, amount_minor: int) -> str:
    form = gettext("%(amount)s back to you") if seen.reader == "buyer" else gettext("%(amount)s back to the buyer")
    return form % {"amount": seen.amount(amount_minor)}


def evidence(seen: CaseSeen) -> list[Shown]:
    """Return what was brought as evidence, by side, oldest first."""
    groups = []
    for side in ("buyer", "merchant", "platform"):
        items = [
            {"kind": case_words.evidence_kind(item.kind), "at": item.at, "text": item.text, "mark": item.sha256[:12]}
            for item in seen.case.evidence
            if item.by_side == side
        ]
        if items:
            groups.append({"label": seen.who(side), "lines": items})
    return groups


def talk(seen: CaseSeen) -> list[Shown]:
    """Return what was said, oldest first: the claim, answers, what the platform asked for."""
    case = seen.case
    said = [_said(seen, case.asker_kind, case.opened_at, words.reason(case.reason), case.statement)]
    for answer in case.answers:
        code = case_words.refusal(answer.code) if answer.code else ""
        did = case_words.said(answer.what)
        said.append(_said(seen, answer.by_side, answer.at, f"{did} · {code}" if code else did, answer.text))
    for event in seen.beside.timeline:
        if event.what == "case_evidence_asked" and set(event.positions) <= set(case.positions) and event.at >= case.opened_at:
            side = case_words.side(str(event.details.get("side", "")), seen_by=seen.reader)
            what = gettext("asks for evidence: %(side)s") % {"side": side}
            said.append(_said(seen, "platform", event.at, what, str(event.details.get("text", ""))))
    return sorted(said, key=lambda line: line["at"])


def _said(seen: CaseSeen, side: str, at: datetime, what: str, text: str) -> Shown:
    return {"who": seen.who(side), "mine": side == seen.reader, "at": at, "what": what, "text": text}


def rulings(seen: CaseSeen) -> list[Shown]:
    """Return the rulings that count, newest first. What only waits for a second person is shown to the platform alone."""
    visible = [ruling for ruling in seen.case.rulings if ruling.status == "given" or seen.reader == "platform"]
    return [ruling_slip(seen, ruling) for ruling in reversed(visible)]


def ruling_slip(seen: CaseSeen, ruling: Ruling) -> Shown:
    """Return a ruling as a slip."""
    waits = ruling.status == "proposed"
    return {
        "title": gettext("Ruling on the appeal") if ruling.instance > 1 else gettext("Ruling"),
        "at": ruling.approved_at or ruling.made_at,
        "status": case_words.ruling_status(ruling.status) if waits else "",
        "amount_minor": ruling.refund_minor,
        "of_minor": seen.left_minor if seen.case.closed_at is None else None,
        "currency": seen.state.currency,
        "remedy": case_words.remedy(ruling.remedy),
        "fault": words.sentence_case(case_words.fault(ruling.fault)),
        "reasons": [case_words.ruling_reason(code) for code in ruling.reasons],
        "text": ruling.text,
        "compensation_minor": ruling.compensation_minor,
        "penalty_minor": ruling.penalty_minor,
        "tone": "wait" if waits else "info",
        "by_law": ruling.by_person == 0,
        "by_person": ruling.by_person,
        "approved_by": ruling.approved_by,
    }


def drafted(seen: CaseSeen, *, finding: Finding) -> Shown:
    """Return a ruling that is not given yet as a slip."""
    minor = finding.refund_minor or 0
    return {
        "amount_minor": minor,
        "of_minor": seen.left_minor,
        "currency": seen.state.currency,
        "remedy": case_words.remedy(remedy_of(refund_minor=minor, left_minor=seen.left_minor)),
        "fault": words.sentence_case(case_words.fault(finding.fault)),
        "reasons": [case_words.ruling_reason(code) for code in finding.reasons],
        "text": finding.text,
        "compensation_minor": finding.compensation_minor,
        "penalty_minor": finding.penalty_minor,
    }


def rule_quoted(seen: CaseSeen) -> Shown | None:
    """Return the rule of the newest judgement with its words and where it can be read."""
    receipt = seen.case.last_receipt
    return _judgement(seen, receipt) if receipt else None


def _judgement(seen: CaseSeen, receipt: Receipt) -> Shown:
    rule = receipt.rule.partition(".")[0]
    return {
        "rule": receipt.rule,
        "verdict": words.sentence_case(verdict(decision=receipt.decided(), language=language())),
        "because": pick(receipt.because_zh, receipt.because_en),
        "version": receipt.policy_version,
        "url": f"/rules?version={receipt.policy_version}#{rule}",
    }


def clocks(seen: CaseSeen) -> list[Shown]:
    """Return the clocks that run or wait, the nearest first."""
    return [
        {"label": case_words.clock(clock.kind), "due": clock.due_at, "overdue": clock.due_at <= seen.now, "paused": clock.state == "paused"}
        for clock in seen.case.clocks
    ]


def evidence_kinds(seen: CaseSeen) -> list[Shown]:
    """Return the kinds of evidence to choose from, those the rules name first."""
    decision = seen.case.decision
    needed = tuple(decision.evidence_needed) if decision else ()
    rest = ("ERROR_SCREENSHOT", "SCREENSHOT", "SCREEN_RECORDING", "BALANCE_SCREENSHOT", "ISSUER_STATEMENT", "ISSUER_TICKET", "OTHER")
    return [{"code": code, "label": case_words.evidence_kind(code), "needed": code in needed} for code in dict.fromkeys((*needed, *rest))]


def consequence(seen: CaseSeen) -> str:
    """Return what happens when the clock of the turn falls, without the moment, which stands before it."""
    case = seen.case
    amount = seen.amount(case.offered_minor if case.offered_minor is not None else case.ask_minor or 0)
    given = case.given_ruling
    said = {
        "refund": gettext("%(amount)s goes back by itself, and it counts as the shop's breach.") % {"amount": amount},
        "escalate": gettext("the platform takes over by itself; the money stays frozen until it decides."),
        "close": gettext("the refusal stands, the case closes and the order goes on."),
        "review": gettext("the platform decides on what is there."),
        "alarm": gettext("somebody at the platform is alarmed; the money stays frozen."),
        "execute": gettext("%(amount)s goes back by itself.") % {"amount": seen.amount(given.refund_minor)}
        if given and given.refund_minor
        else gettext("the ruling is carried out by itself and the order goes on."),
    }
    return said.get(case.turn.if_silent or "", "")
