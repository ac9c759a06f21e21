"""What notices say: one sentence per kind and reader, in the reader's language. Pages and the API say the same."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from anka.messaging.models import Notice

Sentences = Mapping[str, Mapping[str, Promise]]

# Kind, then who reads it; `all` where it says the same to everybody.
TOLD: Sentences = MappingProxyType(
    {
        "order_paid": {
            "buyer": _("Your payment has arrived; Anka holds it until you have what you bought."),
            "shop": _("An order was paid. Deliver it in time."),
        },
        "order_delivered": {
            "buyer": _("Your order was delivered. What you bought is in the order; open it there."),
            "shop": _("An order was delivered."),
        },
        "late_delivery": {
            "buyer": _("The shop has not delivered in time. You may cancel and get everything back."),
            "shop": _("This order was promised by now and is not delivered. It counts as late."),
        },
        "refund_arrived": {"all": _("The refund has arrived.")},
        "refund_stuck": {
            "platform": _("A refund is stuck and needs somebody of the finance staff."),
            "all": _("The refund takes longer than it should. A person is looking into it; the money is not lost."),
        },
        "refund_waiting_funds": {"platform": _("A refund waits because our balance at the channel is too low. Put funds in.")},
        "refund_overdue": {"platform": _("A refund has not arrived in time; the channel is asked again and again.")},
        "refund_late": {"platform": _("A refund has not arrived for six days. Somebody of the finance staff has to look into it.")},
        "refund_paid_twice": {"platform": _("A channel paid a refund that was given up there; the finance staff have to look into it.")},
        "payment_found": {"buyer": _("Your payment was found, though its channel had not told us. Your order shows what became of it.")},
        "payment_needs_approval": {"platform": _("A payment taken by hand needs a second person's approval.")},
        "refund_needs_approval": {"platform": _("What somebody says about a refund needs a second person's approval.")},
        "payment_disputed": {
            "buyer": _("The bank or payment channel was asked to take your payment back. It decides; till then nothing else is paid back."),
            "shop": _("The payer has had a payment taken back by the bank. The money is frozen until the channel decides."),
            "platform": _("A payment was charged back. Answer the channel in time; see Chargebacks and complaints."),
        },
        "payment_complaint": {
            "buyer": _("Your complaint at the payment channel has reached us."),
            "all": _("The payer has complained to the payment channel about this order."),
        },
        "dispute_won": {
            "buyer": _("The payment channel has decided for the shop. Everything goes on as before."),
            "all": _("The payment channel has decided for the shop; what was frozen is free."),
        },
        "dispute_lost": {
            "buyer": _("The payment channel has decided for you: you have the money back from there."),
            "all": _("The payment channel has decided for the payer; the money is gone."),
        },
        "dispute_contradicted": {"platform": _("A channel says something else about a dispute than before. Look into it there.")},
        "external_reply_overdue": {"platform": _("A channel has waited in vain for a first answer about a complaint or chargeback.")},
        "external_done_overdue": {"platform": _("The time to answer a complaint or chargeback at the channel is over.")},
        "case_opened": {
            "buyer": _("Your request was received."),
            "shop": _("The buyer asks to cancel or for help with this order."),
            "platform": _("A case was opened."),
        },
        "case_your_turn": {"all": _("It is your turn in this case.")},
        "case_refused": {
            "buyer": _("The shop has refused. You may call the platform."),
            "all": _("The request was refused."),
        },
        "case_offer": {"all": _("There is an offer for you to answer.")},
        "case_escalated": {
            "buyer": _("The platform looks into your case."),
            "shop": _("The buyer has called the platform."),
            "platform": _("A case was brought to the platform."),
        },
        "case_evidence_asked": {"all": _("The platform asks you for evidence.")},
        "case_look_overdue": {"platform": _("This case was not looked at in time.")},
        "case_ruling_overdue": {"platform": _("This case was not decided in time.")},
        "case_ruling_proposed": {"platform": _("A ruling was proposed and needs a second person to approve it.")},
        "case_appealed": {
            "platform": _("A ruling was appealed against; somebody else has to decide."),
            "all": _("The decision was appealed against. Somebody else looks at the case again."),
        },
        "case_ruled": {"all": _("The platform has decided this case.")},
        "case_closed": {"all": _("This case is closed.")},
        "withdrawal_approved": {"shop": _("A withdrawal was approved. The bank is told next.")},
        "withdrawal_refused": {"shop": _("A withdrawal was refused; the money is available again. The page Money tells why.")},
        "withdrawal_paid": {"shop": _("A withdrawal was paid to your bank account.")},
        "withdrawal_failed": {"shop": _("The bank did not take a withdrawal; the money is available again. The page Money tells why.")},
        "deposit_low": {
            "shop": _("The deposit is below its floor, so this shop takes no new orders. Top it up on the page Money; orders it has go on.")
        },
        "funds_terms_set": {
            "shop": _("The platform has set this shop's terms for deposit, settlement and fees. Read them on the page Money.")
        },
        "receivable_arose": {
            "shop": _("A refund was more than this shop has, so the platform has advanced it. Later sales pay it back by themselves.")
        },
        "receivable_collected": {"shop": _("What the platform had advanced for this shop was paid back from its money.")},
        "books_violated": {"platform": _("The audit found something wrong in the books. Payouts are frozen until somebody has looked.")},
        "clock_fallen": {"all": _("The time is over; what was announced has happened by itself.")},
    }
)
# Clock, then who reads it: what to do until when, and what happens otherwise.
WARNINGS: Sentences = MappingProxyType(
    {
        "hold": {"buyer": _("Pay by %(due)s, or the order closes and nothing is charged.")},
        "promise": {"shop": _("Deliver by %(due)s as promised; after that it counts as late.")},
        "answer": {"shop": _("Answer the buyer by %(due)s; after that the case goes on without your answer.")},
        "offer": {"buyer": _("Answer the offer by %(due)s; after that the platform looks into the case.")},
        "escalate": {"buyer": _("You may call the platform until %(due)s; after that the refusal stands.")},
        "appeal": {"buyer": _("You may appeal until %(due)s; after that the decision stands.")},
        "evidence": {"all": _("Hand in your evidence by %(due)s; after that it is decided on what is there.")},
        "look": {"platform": _("Take a first look at this case by %(due)s.")},
        "rule": {"platform": _("Decide this case by %(due)s.")},
        "ceiling": {"platform": _("This case is taking too long. Without a ruling by %(due)s it is decided for the buyer.")},
    }
)
PASSED: Mapping[int, Promise] = MappingProxyType(
    {50: _("Half of the time has passed."), 80: _("Only a fifth of the time is left.")},
)


def sentence(*, notice: Notice) -> str:
    """Return what a notice says, in the active language. It holds no text that anybody has written."""
    due = due_at(notice=notice)
    if notice.kind != "clock_warning" or due is None:
        return str(_for(TOLD.get(notice.kind, {}), notice.audience) or gettext("Something has happened with this order."))
    form = _for(WARNINGS.get(str(notice.details.get("clock")), {}), notice.audience) or gettext("Something is due by %(due)s.")
    passed = PASSED.get(notice.details.get("percent", 0), "")
    joined = "" if (get_language() or "").startswith("zh") or not passed else " "
    return f"{passed}{joined}{str(form) % {'due': _moment(due)}}"


def due_at(*, notice: Notice) -> datetime | None:
    """Return when the clock falls that a notice warns of, None where it warns of none."""
    text = notice.details.get("due_at")
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _for(sentences: Mapping[str, Promise], audience: str) -> Promise | None:
    return sentences.get(audience) or sentences.get("all")


def _moment(at: datetime) -> str:
    # Translators: a date format of Django, month and day with hour and minute.
    return str(date_format(timezone.localtime(at), gettext("M j, H:i"), use_l10n=False))
