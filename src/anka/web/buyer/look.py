"""“I have paid”: the buyer has the channels asked at once, and is told in words what they said."""

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from anka.core import rate_limits
from anka.domain.payment_states import PaymentState
from anka.jobs.channels import WALLET
from anka.jobs.look_again import look_again
from anka.orders.models import OrderState
from anka.web.requests import PageRequest, buyer_of, caller_of, key_of, require_number

# Outcome, tone and words. What is not here is not said.
WORDS = {
    "taken": ("ok", gettext_lazy("Your payment has arrived.")),
    "repeated": ("ok", gettext_lazy("Your payment has arrived.")),
    "late_kept": ("ok", gettext_lazy("Your payment has arrived late; new goods were reserved for it.")),
    "late_refunded": ("ok", gettext_lazy("Your payment has arrived after the order had closed. All of it goes back by itself.")),
    "double_refunded": ("ok", gettext_lazy("This order was paid already. What came a second time goes back by itself, all of it.")),
    "differs": ("wait", gettext_lazy("Something else arrived than was asked for. It is being looked into; what does not fit goes back.")),
    "not_paid": (
        "wait",
        gettext_lazy("The channel says that it has not received it yet. Nothing is lost: whatever comes is taken, or goes back by itself."),
    ),
    "no_answer": ("wait", gettext_lazy("The channel does not answer just now. Nothing is lost; it is asked again, and so may you.")),
    "channel_off": (
        "wait",
        gettext_lazy("This channel cannot be asked just now. Nothing is lost; the platform's finance staff can look it up by hand."),
    ),
    "nothing": ("wait", gettext_lazy("No payment was begun for this order.")),
}


@require_POST
def look(request: PageRequest, number: str) -> HttpResponse:
    """Ask the channels of an order's payments, and show the order with what they said."""
    buyer = buyer_of(request)
    # Asking twice does nothing twice; but the form has to be one of ours.
    key_of(request)
    rate_limits.spend(name="look_again", caller=caller_of(request), at=request.at)
    outcome = look_again(actor=buyer, order_number=require_number(number), at=request.at)
    return HttpResponseRedirect(f"/orders/{number}?{urlencode({'looked': outcome})}")


def told(request: PageRequest) -> list[dict[str, object]]:
    """Return what was said when the channels were asked, as a notice of the page."""
    found = WORDS.get(request.GET.get("looked", ""))
    return [{"tone": found[0], "text": found[1]}] if found else []


def can_be_asked(state: OrderState) -> bool:
    """Tell whether there is a channel to ask: a payment was begun there and has not come."""
    return any(payment.channel != WALLET and payment.status != PaymentState.PAID for payment in state.payments) and state.paid_at is None
