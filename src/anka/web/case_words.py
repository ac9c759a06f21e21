"""What a case is called: statuses, turns, clocks, codes, events. Pure: codes in, words in the reader's language out."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from anka.domain import case_codes
from anka.domain.policy import wordings
from anka.web.requests import language, pick

Words = Mapping[str, str | Promise]

EVENTS: Words = MappingProxyType(
    {
        "case_opened": gettext_lazy("Cancellation or after-sale asked for %(pieces)s: %(reason)s"),
        "case_opened_paying": gettext_lazy(
            "Cancellation or after-sale asked for %(pieces)s: %(reason)s; by rule %(amount)s goes back at once"
        ),
        "case_agreed": gettext_lazy("Agreed: %(amount)s goes back to the buyer"),
        "case_agreed_replacement": gettext_lazy("Agreed to replace what the case is about"),
        "case_refused": gettext_lazy("Refused: %(code)s. The platform looks into the case now"),
        "case_offer_made": gettext_lazy("Offered to settle with %(amount)s back to the buyer"),
        "case_offer_made_replacement": gettext_lazy("Offered a replacement; the keys for it are set aside"),
        "case_offer_accepted": gettext_lazy("Offer accepted: %(amount)s goes back to the buyer"),
        "case_offer_accepted_replacement": gettext_lazy("Offer accepted: what the case is about is replaced"),
        "case_offer_declined": gettext_lazy("Offer declined"),
        "case_offer_expired": gettext_lazy("Nobody answered the offer in time; the platform looks into the case now"),
        "case_withdrawn": gettext_lazy("Request withdrawn; the order goes on as before"),
        "case_escalated": gettext_lazy("The platform was called into the case"),
        "case_evidence_added": gettext_lazy("Evidence added: %(kind)s"),
        "case_evidence_asked": gettext_lazy("Evidence asked for: %(side)s"),
        "case_silent": gettext_lazy("The shop did not answer in time; the platform looks into the case now"),
        "case_silent_paying": gettext_lazy("The shop did not answer in time; %(amount)s goes back to the buyer by itself"),
        "case_review": gettext_lazy("The time for evidence is over; the platform decides now"),
        "case_ruling_proposed": gettext_lazy("A ruling was drafted; a second person at the platform looks at it"),
        "case_ruled": gettext_lazy("The platform has ruled"),
        "case_ruled_paying": gettext_lazy("The platform has ruled: %(amount)s back to the buyer"),
        "case_ruled_nothing": gettext_lazy("The platform has ruled: nothing goes back"),
        "case_ruled_approved": gettext_lazy("The ruling was approved by a second person at the platform"),
        "case_ruling_overdue": gettext_lazy("The platform's ruling is late; somebody there was alarmed"),
        "case_ruling_carried_out": gettext_lazy("Nobody appealed; the ruling was carried out"),
        "case_ruling_carried_out_paying": gettext_lazy("Nobody appealed; the ruling was carried out: %(amount)s goes back to the buyer"),
        "case_ceiling_reached": gettext_lazy("The longest time for a case is over; it was decided by rule"),
        "case_ceiling_reached_paying": gettext_lazy("The longest time for a case is over; by rule %(amount)s goes back to the buyer"),
        "case_appealed": gettext_lazy("Appealed against the ruling; another person at the platform decides"),
        "case_expired": gettext_lazy("The platform was not called in time; the refusal stands and the case is closed"),
        "case_keys_void": gettext_lazy("The issuer confirmed in writing that the key is void; the money goes back"),
        "case_keys_not_void": gettext_lazy("The issuer did not confirm the key as void; the case goes on by the rules"),
        "units_accepted": gettext_lazy("%(pieces)s accepted; the shop prepares the delivery"),
        "units_replaced": gettext_lazy("%(pieces)s replaced"),
        "replacements_paid": gettext_lazy("%(pieces)s came in as a replacement, paid by the unit replaced"),
        "units_used": gettext_lazy("%(pieces)s used, as the issuer's record says"),
    }
)
TONES = MappingProxyType(
    {
        "case_opened": "wait",
        "case_refused": "bad",
        "case_agreed": "ok",
        "case_offer_accepted": "ok",
        "case_keys_void": "ok",
        "case_silent": "bad",
        "case_offer_expired": "wait",
        "case_escalated": "wait",
        "case_evidence_asked": "wait",
        "case_ruling_overdue": "bad",
        "case_ceiling_reached": "bad",
        "case_appealed": "wait",
        "case_keys_not_void": "wait",
        "case_withdrawn": "mute",
        "case_expired": "mute",
        "case_evidence_added": "mute",
        "case_offer_declined": "mute",
        "replacements_paid": "mute",
        "units_used": "mute",
    }
)
STATUSES: Words = MappingProxyType(
    {
        "open": gettext_lazy("With the issuer"),
        "merchant_turn": gettext_lazy("The shop answers"),
        "buyer_turn": gettext_lazy("The buyer answers"),
        "waiting_upstream": gettext_lazy("With the supplier"),
        "external": gettext_lazy("Complaint outside"),
        "refused": gettext_lazy("Refused"),
        "evidence": gettext_lazy("Platform: collecting evidence"),
        "review": gettext_lazy("Platform: deciding"),
        "decided": gettext_lazy("Ruled"),
        "appeal": gettext_lazy("Under appeal"),
        "final": gettext_lazy("Final ruling"),
        "executing": gettext_lazy("Being carried out"),
        "closed": gettext_lazy("Closed"),
    }
)
STATUS_TONES = MappingProxyType({"merchant_turn": "wait", "buyer_turn": "wait", "refused": "bad", "closed": "mute"})
OUTCOMES: Words = MappingProxyType(
    {
        "refunded": gettext_lazy("Refunded in full"),
        "partial": gettext_lazy("Refunded in part"),
        "replaced": gettext_lazy("Replaced"),
        "resumed": gettext_lazy("The order goes on"),
        "rejected": gettext_lazy("Nothing goes back"),
        "withdrawn": gettext_lazy("Withdrawn"),
        "expired": gettext_lazy("Ended unanswered"),
        "settled_outside": gettext_lazy("Settled elsewhere"),
        "merged": gettext_lazy("Went into another case"),
        "released": gettext_lazy("Closed unpaid"),
    }
)
OUTCOME_TONES = MappingProxyType({"refunded": "ok", "partial": "ok", "replaced": "ok", "resumed": "ok"})
SIDES: Words = MappingProxyType(
    {
        "buyer": gettext_lazy("the buyer"),
        "merchant": gettext_lazy("the shop"),
        "platform": gettext_lazy("the platform"),
        "both": gettext_lazy("both sides"),
        "issuer": gettext_lazy("the issuer"),
        "none": gettext_lazy("nobody"),
    }
)
IF_SILENT: Words = MappingProxyType(
    {
        "refund": gettext_lazy(
            "If nobody moves: on %(at)s %(amount)s goes back to the buyer by itself, and it counts as a breach of the shop."
        ),
        "escalate": gettext_lazy("If nobody moves: on %(at)s the platform takes over; the money stays frozen until it decides."),
        "close": gettext_lazy("If nobody moves: on %(at)s the refusal stands, the case closes and the order goes on."),
        "review": gettext_lazy("If nobody moves: on %(at)s the platform decides on what is there."),
        "alarm": gettext_lazy("If nobody moves: on %(at)s somebody at the platform is alarmed; the money stays frozen."),
        "execute": gettext_lazy("If nobody moves: on %(at)s the ruling is carried out by itself."),
    }
)
CLOCKS: Words = MappingProxyType(
    {
        "promise": gettext_lazy("Delivery promised by"),
        "untouched": gettext_lazy("Refund by itself if nobody has accepted the order"),
        "answer": gettext_lazy("The shop answers by"),
        "offer": gettext_lazy("The offer is answered by"),
        "evidence": gettext_lazy("Evidence is due by"),
        "look": gettext_lazy("The platform looks at it by"),
        "rule": gettext_lazy("The platform decides by"),
        "escalate": gettext_lazy("The platform can be called until"),
        "appeal": gettext_lazy("An appeal is possible until"),
        "ceiling": gettext_lazy("Decided for the buyer, if nobody has ruled by"),
        "settle": gettext_lazy("Paid to the shop on"),
        "confirm": gettext_lazy("Confirmed by itself on"),
    }
)
FAULTS: Words = MappingProxyType({"both": gettext_lazy("both sides are at fault")})
REMEDIES: Words = MappingProxyType(
    {
        "full": gettext_lazy("Everything goes back"),
        "partial": gettext_lazy("A part goes back"),
        "replacement": gettext_lazy("A replacement"),
        "compensation": gettext_lazy("A compensation"),
        "nothing": gettext_lazy("Nothing goes back"),
    }
)
SAID: Words = MappingProxyType(
    {
        "agreed": gettext_lazy("agreed"),
        "refused": gettext_lazy("refused"),
        "withdrew": gettext_lazy("withdrew"),
        "escalated": gettext_lazy("called the platform"),
        "appealed": gettext_lazy("appealed"),
        "accepted": gettext_lazy("accepted the offer"),
        "declined": gettext_lazy("declined the offer"),
    }
)
OFFERS: Words = MappingProxyType(
    {
        "open": gettext_lazy("Waits for an answer"),
        "accepted": gettext_lazy("Was accepted"),
        "declined": gettext_lazy("Was declined"),
        "superseded": gettext_lazy("Superseded"),
        "expired": gettext_lazy("Expired"),
    }
)
RULING_STATES: Words = MappingProxyType(
    {"proposed": gettext_lazy("Waits for a second person"), "given": gettext_lazy("Given"), "replaced": gettext_lazy("Superseded")}
)
KINDS: Words = MappingProxyType(
    {
        "cancellation": gettext_lazy("Cancellation"),
        "after_sale": gettext_lazy("After-sale"),
        "external": gettext_lazy("Complaint outside"),
    }
)


def event_form(*, what: str, details: Mapping[str, object]) -> str:
    """Return the form of the sentence for an event of a case, "" for any other; with money, a replacement or nothing in it, as it was."""
    return str(EVENTS.get(f"{what}{_variant(what, details)}") or EVENTS.get(what, ""))


def _variant(what: str, details: Mapping[str, object]) -> str:
    minor = details.get("refund_minor")
    if details.get("replacement") or (what == "case_agreed" and minor is None):
        return "_replacement"
    if what == "case_ruled" and details.get("approved"):
        return "_approved"
    if isinstance(minor, int):
        return "_paying" if minor else "_nothing"
    return ""


def status(code: str) -> str:
    """Return what a case waits for, in one word or two."""
    return str(STATUSES.get(code, code))


def status_tone(code: str) -> str:
    """Return the tone of a status."""
    return STATUS_TONES.get(code, "info")


def outcome(code: str) -> str:
    """Return how a case ended."""
    return str(OUTCOMES.get(code, code))


def outcome_tone(code: str) -> str:
    """Return the tone of an outcome: green only where money or goods arrived."""
    return OUTCOME_TONES.get(code, "mute")


def case_kind(code: str) -> str:
    """Return what kind of case it is."""
    return str(KINDS.get(code, code))


def side(code: str, *, seen_by: str) -> str:
    """Return a side as it is called in the middle of a sentence by a reader of the side `seen_by`: you, the buyer, the shop."""
    return gettext("you") if code == seen_by else str(SIDES.get(code, code))


def turn(code: str, *, seen_by: str) -> str:
    """Return whose turn it is as a headline's badge, for a reader of the side `seen_by`."""
    if code == seen_by:
        return gettext("Your turn")
    said = {
        "buyer": gettext("The buyer's turn"),
        "merchant": gettext("The shop's turn"),
        "platform": gettext("With the platform"),
    }
    return said.get(code, gettext("Nobody has to move"))


def if_silent(code: str | None, *, at: str, amount: str) -> str:
    """Return what happens when the clock falls at `at`, as a sentence; `amount` is what would go back. Empty where nothing does."""
    return str(IF_SILENT.get(code or "", "")) % {"at": at, "amount": amount}


def clock(code: str) -> str:
    """Return what a clock is for, so that its moment can follow."""
    return str(CLOCKS.get("confirm" if code.startswith("confirm") else code.removesuffix("_account").removesuffix("_alarm"), code))


def fault(code: str) -> str:
    """Return whose fault it is, as a clause; the words of the rules."""
    found = wordings.FAULTS.get(code)
    return found[language()] if found else str(FAULTS.get(code, code))


def remedy(code: str) -> str:
    """Return what a ruling grants."""
    return str(REMEDIES.get(code, code))


def refusal(code: str) -> str:
    """Return why a merchant refuses."""
    found = case_codes.REFUSALS.get(code)
    return pick(found.zh, found.en) if found else code


def ruling_reason(code: str) -> str:
    """Return why the platform ruled as it did."""
    found = case_codes.RULINGS.get(code)
    return pick(found.zh, found.en) if found else code


def evidence_kind(code: str) -> str:
    """Return what a kind of evidence is called, as it stands at the beginning of a line."""
    found = wordings.EVIDENCE.get(code)
    return f"{found[language()][:1].upper()}{found[language()][1:]}" if found else code


def said(code: str) -> str:
    """Return what a party did, as a verb after its name."""
    return str(SAID.get(code, code))


def offer_status(code: str) -> str:
    """Return what became of an offer."""
    return str(OFFERS.get(code, code))


def ruling_status(code: str) -> str:
    """Return how far a ruling is."""
    return str(RULING_STATES.get(code, code))
