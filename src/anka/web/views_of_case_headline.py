"""The headline of a case for its buyer: what is happening, until when, whose turn it is, what follows if nobody moves. Pure."""

from typing import Any

from django.utils.translation import gettext

from anka.domain.case_states import CaseStatus
from anka.web import case_words, words
from anka.web.requests import pick
from anka.web.views_of_case import CaseSeen, consequence
from anka.web.views_of_headline import link

Shown = dict[str, Any]
C = CaseStatus
LOOK = {
    C.OPEN: ("info", "clock"),
    C.MERCHANT_TURN: ("wait", "clock"),
    C.BUYER_TURN: ("wait", "bell"),
    C.REFUSED: ("bad", "alert"),
    C.EVIDENCE: ("info", "shield"),
    C.REVIEW: ("info", "shield"),
    C.DECIDED: ("info", "shield"),
    C.APPEAL: ("wait", "shield"),
}


def headline(seen: CaseSeen) -> Shown:
    """Return the headline of a case's page."""
    status = seen.case.status
    tone, icon = LOOK.get(status, ("info", "info"))
    told = _SAID.get(status, _other)(seen)
    return {"tone": tone, "icon": icon, "badge": _badge(seen), "countdown": _countdown(seen), **told}


def _badge(seen: CaseSeen) -> str:
    case = seen.case
    if case.closed_at is not None:
        return case_words.outcome(case.outcome or "")
    if case.status in (C.MERCHANT_TURN, C.BUYER_TURN):
        return case_words.turn(case.turn.side, seen_by=seen.reader)
    return case_words.status(case.status)


def _countdown(seen: CaseSeen) -> Shown | None:
    case = seen.case
    clock = next((clock for clock in case.clocks if clock.kind == case.turn.clock), None)
    if clock is None:
        return None
    labels = {
        "merchant": gettext("Time left for the shop to answer"),
        "buyer": gettext("Time left for you"),
        "platform": gettext("Time left for the platform"),
        "none": gettext("Time left for an appeal"),
    }
    return {"due": clock.due_at, "since": clock.started_at, "label": labels[case.turn.side], "consequence": consequence(seen)}


def _open(seen: CaseSeen) -> Shown:
    return {
        "title": gettext("The key is being made worthless, then your money comes back"),
        "text": gettext("The issuer is asked to void it. As soon as it confirms, the refund starts by itself; otherwise the case goes on."),
    }


def _merchant_turn(seen: CaseSeen) -> Shown:
    case = seen.case
    if case.ask_replacement:
        title = gettext("Waiting for the shop: you asked for a replacement")
    elif case.open_offer is not None:
        title = gettext("Waiting for the shop: your offer is %(amount)s") % {"amount": seen.amount(case.open_offer.refund_minor)}
    else:
        title = gettext("Waiting for the shop: you asked for %(amount)s") % {"amount": seen.amount(case.ask_minor or 0)}
    return {
        "title": title,
        "text": gettext(
            "The shop can agree, make an offer, or refuse with a reason. You need not do anything; the money is frozen meanwhile."
        ),
        "secondary": _to_evidence(seen),
    }


def _buyer_turn(seen: CaseSeen) -> Shown:
    offer = seen.case.open_offer
    if offer is None:
        return {"title": gettext("It is your turn"), "text": "", "secondary": _to_evidence(seen)}
    title = (
        gettext("The shop offers a new key instead. Do you accept?")
        if offer.replacement
        else gettext("The shop offers %(amount)s. Do you accept?") % {"amount": seen.amount(offer.refund_minor)}
    )
    return {
        "title": title,
        "text": gettext("Accept it, decline it, or offer something else. If you decline, the platform decides."),
        "primary": link(gettext("To the offer"), "#offers"),
    }


def _refused(seen: CaseSeen) -> Shown:
    receipt = seen.case.last_receipt
    return {
        "title": gettext("The rules refuse this request"),
        "text": pick(receipt.because_zh, receipt.because_en) if receipt else "",
        "primary": link(gettext("Call the platform"), "#escalate") if seen.may("escalate") else None,
    }


def _platform(seen: CaseSeen) -> Shown:
    said = gettext("The platform looks at what both sides bring. More evidence helps, but no clock waits for it.")
    deciding = seen.case.status == C.REVIEW
    return {
        "title": gettext("The platform is deciding") if deciding else gettext("The platform has your case and collects evidence"),
        "text": said,
        "secondary": _to_evidence(seen),
    }


def _decided(seen: CaseSeen) -> Shown:
    ruling = seen.case.given_ruling
    minor = ruling.refund_minor if ruling else 0
    title = (
        gettext("The platform rules: %(amount)s back to you") % {"amount": seen.amount(minor)}
        if minor
        else gettext("The platform rules: nothing goes back")
    )
    return {
        "title": title,
        "text": gettext("You need not do anything. Either side may appeal once; another person decides then."),
        "secondary": link(gettext("Appeal"), "#appeal") if seen.may("appeal") else None,
    }


def _appeal(seen: CaseSeen) -> Shown:
    return {
        "title": gettext("The ruling is looked at again, by somebody else"),
        "text": gettext("Nothing of the first ruling is carried out until then. What comes out is final and carried out at once."),
        "secondary": _to_evidence(seen),
    }


def _closed(seen: CaseSeen) -> Shown:
    case = seen.case
    refund = next((refund for refund in seen.beside.refunds if refund.case_number == case.number), None)
    amount = {"amount": seen.amount(case.refund_minor)}
    if refund is not None:
        arrived = refund.status == "succeeded"
        return {
            "tone": "ok" if arrived else "info",
            "icon": "check" if arrived else "back",
            "title": gettext("%(amount)s is back with you") % amount
            if arrived
            else gettext("%(amount)s is on its way back to you") % amount,
            "text": words.sentences(_silence(seen), gettext("The case is closed. There is nothing left for you to do.")),
            "primary": link(gettext("Follow the refund"), f"/refunds/{refund.number}"),
        }
    order = link(gettext("To the order"), f"/orders/{seen.state.number}")
    title, text, tone, icon = _endings()[case.outcome or ""] if (case.outcome or "") in _endings() else _endings()["resumed"]
    return {"tone": tone, "icon": icon, "title": title, "text": text, "primary": order}


def _silence(seen: CaseSeen) -> str:
    """Return that nobody answered, where that is why it ended."""
    case = seen.case
    silent = case.merchant_answer == "silent" and case.outcome == "refunded" and not case.rulings
    return gettext("The shop did not answer in time, so it was refunded by itself.") if silent else ""


def _endings() -> dict[str, tuple[str, str, str, str]]:
    on = gettext("The order goes on as if nobody had argued. If a fault shows, you can ask again.")
    return {
        "replaced": (
            gettext("Replaced: a new sealed key is in your order"),
            gettext("It can be opened there. While it is sealed, it goes back for its full price like any other."),
            "ok",
            "seal",
        ),
        "withdrawn": (gettext("You took this request back"), on, "mute", "info"),
        "rejected": (
            gettext("Closed: nothing goes back"),
            gettext("The reasons stand in the ruling below. The order goes on."),
            "mute",
            "info",
        ),
        "expired": (
            gettext("Closed: the refusal was not taken to the platform in time"),
            gettext("The order goes on. A fault in the goods can still be claimed."),
            "mute",
            "info",
        ),
        "released": (gettext("Cancelled before payment"), gettext("Nothing was charged; the goods were released."), "mute", "info"),
        "resumed": (gettext("The case is closed"), on, "mute", "info"),
    }


def _other(seen: CaseSeen) -> Shown:
    if seen.case.closed_at is not None:
        return _closed(seen)
    return {"title": case_words.status(seen.case.status), "text": ""}


def _to_evidence(seen: CaseSeen) -> Shown | None:
    return link(gettext("Add evidence"), "#add-evidence") if seen.may("add_evidence") else None


_SAID = {
    C.OPEN: _open,
    C.MERCHANT_TURN: _merchant_turn,
    C.BUYER_TURN: _buyer_turn,
    C.REFUSED: _refused,
    C.EVIDENCE: _platform,
    C.REVIEW: _platform,
    C.DECIDED: _decided,
    C.APPEAL: _appeal,
}


def next_steps(seen: CaseSeen) -> list[Shown]:
    """Return whose turn it is now, what the buyer may do, and what happens if nobody moves."""
    case = seen.case
    if case.closed_at is not None:
        return [{"when": gettext("Now"), "who": gettext("Everything is decided"), "what": "", "detail": ""}]
    doing = {
        "merchant": gettext("agrees, offers something, or refuses with a reason"),
        "buyer": gettext("may call the platform") if case.status == C.REFUSED else gettext("answer the offer"),
        "platform": gettext("looks at both sides and decides"),
        "none": gettext("either side may appeal"),
    }
    side = case.turn.side
    steps: list[Shown] = [{"when": gettext("Now"), "who": _who(seen, side), "what": doing[side], "detail": ""}]
    if side != "buyer":
        mine = gettext("may add evidence, or take the request back") if seen.may("withdraw") else gettext("may add evidence")
        steps.append({"when": gettext("You"), "who": gettext("You"), "what": mine, "detail": gettext("You need not do anything.")})
    if case.due_at is not None:
        when = {"due": case.due_at, "what": consequence(seen)}
        steps.append({"when": gettext("If not"), "who": "", "what": "", "detail": "", "fall": when})
    return steps


def _who(seen: CaseSeen, side: str) -> str:
    return gettext("Nobody has to move;") if side == "none" else seen.who(side)
