"""Send unused wallet money back to where it came from: the wallet is debited at once, and the legs go the way of every refund."""

from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.numbers import new_number
from anka.core.refusals import Refusal
from anka.domain.chart import PLATFORM_SHOP
from anka.domain.postings_wallet import unused_returned
from anka.domain.top_ups import ReturnPlan, plan_return, topped_up_left
from anka.flows.begin_top_up import require_buyer
from anka.flows.steps.change import journals
from anka.flows.steps.funds_desk import CURRENCY
from anka.funds.writes import remember
from anka.ledger.queries import wallet_balance
from anka.payments.arrangements import expected, limits
from anka.payments.top_ups import PLATFORM_CODE, TopUp, lock_wallet, open_top_ups, sources

INTEND = "SELECT intend_refund($1, NULL, $2, $3, $4)"
POST = "SELECT post_journals($1, $2, $3)"


class ReturnsLess(Refusal):
    """Less than was asked for can go back the way it came. `fields` says how much."""

    code, status = "returns_less", 409
    says = _("Only %(most)s of this can go back the way it came. Nothing has moved; ask for less, or write to us about the rest.")


def return_unused(*, actor: Actor, amount_minor: int, request: RequestKey, at: Moment) -> str:
    """Send so much of the actor's wallet back through the top-ups it came by, the newest first, and return the refund's number.

    Raises:
        NotPermitted: nobody may ask for another. ReturnsLess: as its name says. BalanceTooLow: it was spent meanwhile.
        AlreadyDone: this request was carried out before; its reference is the refund's number.
    """
    with database.transaction():
        desk = lock_wallet(person_id=actor.person_id, request=request)
        require_buyer(actor=actor, at=at)
        require_new(desk.replay)
        balance = wallet_balance(person_id=actor.person_id, currency=CURRENCY)
        planned = _planned(payments=desk.payments, balance_minor=balance, amount_minor=amount_minor, at=at)
        if amount_minor <= 0 or planned.amount_minor != amount_minor:
            most = returnable(payments=desk.payments, balance_minor=balance, at=at).amount_minor
            raise ReturnsLess(fields={"amount_minor": f"1–{most}"}, most=f"{most / 100:.2f}")
        refund = _refund(planned, actor, at)
        database.call(INTEND, PLATFORM_SHOP, CURRENCY, at.now, msgspec.json.encode(refund).decode())
        remember(request=request, reference=refund["number"], at=at)
        legs = tuple((leg.channel, leg.amount_minor) for leg in planned.legs)
        posting = unused_returned(buyer_id=actor.person_id, refund_number=refund["number"], legs=legs)
        database.call(POST, at.now, CURRENCY, msgspec.json.encode(journals(posting)).decode())
        number: str = refund["number"]
        return number


def returnable(*, payments: tuple[TopUp, ...], balance_minor: int, at: Moment) -> ReturnPlan:
    """Return the plan that sends back as much of a wallet as can go the way it came at this moment."""
    return _planned(payments=payments, balance_minor=balance_minor, amount_minor=balance_minor, at=at)


def returnable_now(*, person_id: int, balance_minor: int, at: Moment) -> ReturnPlan:
    """Return the same for pages and quotes, read without a lock."""
    return returnable(payments=open_top_ups(shop_id=PLATFORM_SHOP, person_id=person_id), balance_minor=balance_minor, at=at)


def _planned(*, payments: tuple[TopUp, ...], balance_minor: int, amount_minor: int, at: Moment) -> ReturnPlan:
    paid = sources(payments=payments)
    most = topped_up_left(balance_minor=balance_minor, payments=paid)
    return plan_return(amount_minor=min(amount_minor, most), payments=paid, now=at.now, limits=limits())


def _refund(planned: ReturnPlan, actor: Actor, at: Moment) -> dict[str, Any]:
    legs = [
        {
            "leg": place,
            "payment_id": leg.payment_id,
            "channel": leg.channel,
            "amount_minor": leg.amount_minor,
            "arrives_by": expected(channel=leg.channel, accepted_at=at.now).latest_at,
            "attempt": new_number(shop_code=PLATFORM_CODE, letter="T"),
            "not_before": leg.not_before,
        }
        for place, leg in enumerate(planned.legs, start=1)
    ]
    return {
        "number": new_number(shop_code=PLATFORM_CODE, letter="R"),
        "cause": "wallet_return",
        "case_number": None,
        "person_id": actor.person_id,
        "amount_minor": planned.amount_minor,
        "units": [],
        "legs": legs,
    }
