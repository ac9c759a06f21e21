"""A case as the shop reads it: what the buyer wants, whose turn it is, what agreeing moves, what silence does. Pure."""

from typing import Any

from django.utils.translation import gettext

from anka.domain.case_states import CaseStatus
from anka.web import case_words, views_of_case, words
from anka.web.merchant.lines import tone_of
from anka.web.views_of_case import CaseSeen

Shown = dict[str, Any]
C = CaseStatus


def headline(seen: CaseSeen) -> Shown:
    """Return what the shop has to know first."""
    case = seen.case
    if case.closed_at is not None:
        return _closed(seen)
    mine = case.turn.side == "merchant"
    tone = tone_of(due=case.due_at, now=seen.now) if mine and case.due_at else case_words.status_tone(case.status)
    badge = case_words.turn("merchant", seen_by="merchant") if mine else case_words.status(case.status)
    title, text = _SAID.get(case.status, _other)(seen)
    return {"tone": tone, "icon": "bell" if mine else "clock", "badge": badge, "countdown": _countdown(seen), "title": title, "text": text}


def _countdown(seen: CaseSeen) -> Shown | None:
    case = seen.case
    clock = next((clock for clock in case.clocks if clock.kind == case.turn.clock), None)
    if clock is None:
        return None
    labels = {
        "merchant": gettext("Time left for you to answer"),
        "buyer": gettext("Time left for the buyer"),
        "platform": gettext("Time left for the platform"),
        "none": gettext("Time left for an appeal"),
    }
    return {
        "due": clock.due_at,
        "since": clock.started_at,
        "label": labels[case.turn.side],
        "consequence": consequence(seen),
    }


def consequence(seen: CaseSeen) -> str:
    """Return what happens when the clock of the turn falls, in the shop's words; the moment stands before it."""
    case = seen.case
    if case.status == C.MERCHANT_TURN:
        if case.turn.if_silent == "refund":
            amount = case.offered_minor if case.offered_minor is not None else case.ask_minor or 0
            return gettext("%(amount)s is refunded by itself and counted as your breach.") % {"amount": seen.amount(amount)}
        return gettext("the platform takes over; the money stays frozen, and silence counts against you.")
    return views_of_case.consequence(seen)


def _wish(seen: CaseSeen) -> str:
    case = seen.case
    if case.ask_replacement:
        return gettext("a replacement")
    return seen.amount(seen.left_minor if case.ask_minor is None else case.ask_minor)


def _my_turn(seen: CaseSeen) -> tuple[str, str]:
    offer = seen.case.open_offer
    if offer is not None and offer.by_side == "buyer":
        said = gettext("The buyer offers to settle with %(amount)s. Do you accept?")
        return said % {"amount": seen.amount(offer.refund_minor)}, gettext("Accept it, make a last offer, or refuse with a reason.")
    title = gettext("The buyer asks for %(what)s. What do you answer?") % {"what": _wish(seen)}
    return title, gettext("Agree, offer something else, or refuse with a reason. If you refuse, the platform decides.")


def _buyers_turn(seen: CaseSeen) -> tuple[str, str]:
    offer = seen.case.open_offer
    what = gettext("a replacement") if offer is None or offer.replacement else seen.amount(offer.refund_minor)
    return (
        gettext("You offered %(what)s; the buyer answers now") % {"what": what},
        gettext("You need not do anything. Agreeing to all that was asked ends it at once."),
    )


def _refused(_seen: CaseSeen) -> tuple[str, str]:
    return (
        gettext("The rules refuse this request"),
        gettext("You need not do anything, unless the buyer calls the platform. You may still settle it with an offer."),
    )


def _platform(_seen: CaseSeen) -> tuple[str, str]:
    return (
        gettext("The platform decides; the money is frozen"),
        gettext("Add what proves your side. You may still agree, or settle it with an offer."),
    )


def _decided(seen: CaseSeen) -> tuple[str, str]:
    ruling = seen.case.given_ruling
    minor = ruling.refund_minor if ruling else 0
    title = (
        gettext("The platform rules: %(amount)s goes back to the buyer") % {"amount": seen.amount(minor)}
        if minor
        else gettext("The platform rules: nothing goes back")
    )
    return title, gettext(
        "It is carried out when the time for an appeal is over. Either side may appeal once; another person decides then."
    )


def _appeal(_seen: CaseSeen) -> tuple[str, str]:
    return (
        gettext("The ruling is looked at again, by somebody else"),
        gettext("Nothing of the first ruling is carried out until then. What comes out is final."),
    )


def _open(_seen: CaseSeen) -> tuple[str, str]:
    return (
        gettext("The issuer is asked to void the key"),
        gettext("If it confirms, the money goes back by itself; otherwise the case goes on. You need not do anything."),
    )


def _other(seen: CaseSeen) -> tuple[str, str]:
    return case_words.status(seen.case.status), ""


_SAID = {
    C.OPEN: _open,
    C.MERCHANT_TURN: _my_turn,
    C.BUYER_TURN: _buyers_turn,
    C.REFUSED: _refused,
    C.EVIDENCE: _platform,
    C.REVIEW: _platform,
    C.DECIDED: _decided,
    C.APPEAL: _appeal,
}


def _closed(seen: CaseSeen) -> Shown:
    case = seen.case
    outcome = case.outcome or ""
    amount = {"amount": seen.amount(case.refund_minor)}
    titles = {
        "refunded": gettext("Over: %(amount)s goes back to the buyer") % amount,
        "partial": gettext("Over: %(amount)s goes back to the buyer, the rest is yours") % amount,
        "replaced": gettext("Over: the goods were replaced, no money moved"),
    }
    return {
        "tone": case_words.outcome_tone(outcome),
        "icon": "check",
        "badge": case_words.outcome(outcome),
        "title": titles.get(outcome, gettext("Over: nothing goes back, the order goes on")),
        "text": _because(seen),
        "countdown": None,
    }


def _because(seen: CaseSeen) -> str:
    """Return why a case ended as it did: silence is a breach, whoever was at fault in the goods."""
    case = seen.case
    if case.merchant_answer == "silent" and case.outcome == "refunded" and not case.rulings:
        return gettext("You did not answer in time, so it was refunded by itself and counts as your breach.")
    return words.sentence_case(case_words.fault(case.fault)) if case.fault else ""


def agreeing(seen: CaseSeen) -> Shown | None:
    """Return what agreeing moves: how much from where to where. None where the shop may not agree."""
    if not seen.may("agree"):
        return None
    case = seen.case
    amount = seen.left_minor if case.ask_minor is None else case.ask_minor
    return {
        "replacement": case.ask_replacement,
        "amount_minor": amount,
        "currency": seen.state.currency,
        "goes": None if case.ask_replacement else views_of_case.where_it_goes(seen, refund_minor=amount),
    }


def next_steps(seen: CaseSeen) -> list[Shown]:
    """Return whose turn it is now, what the shop may do, and what happens if nobody moves."""
    case = seen.case
    if case.closed_at is not None:
        return [{"when": gettext("Now"), "who": gettext("Everything is decided"), "what": "", "detail": ""}]
    doing = {
        "merchant": gettext("agree, make an offer, or refuse with a reason"),
        "buyer": gettext("may call the platform") if case.status == C.REFUSED else gettext("answers the offer"),
        "platform": gettext("looks at both sides and decides"),
        "none": gettext("either side may appeal"),
    }
    side = case.turn.side
    who = gettext("Nobody has to move;") if side == "none" else seen.who(side)
    steps: list[Shown] = [{"when": gettext("Now"), "who": who, "what": doing[side], "detail": ""}]
    if side != "merchant" and seen.may("add_evidence"):
        steps.append({"when": gettext("You"), "who": gettext("You"), "what": gettext("may add evidence"), "detail": ""})
    if case.due_at is not None:
        fall = {"due": case.due_at, "what": consequence(seen)}
        steps.append({"when": gettext("If not"), "who": "", "what": "", "detail": "", "fall": fall})
    return steps
