"""Handing over keys by hand: paste them, look over how many, send. No page ever shows a key again."""

from contextlib import suppress
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from anka.core.idempotency import AlreadyDone, once
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.flows.hand_over_keys import Handover, KeyDeliveredBefore, hand_over_keys
from anka.jobs import keys
from anka.orders.models import OrderState
from anka.orders.policies import rules_of
from anka.vault.drafts import DraftBroken, open_draft, seal_draft
from anka.vault.key_file import fault_of
from anka.vault.sealing import normalised
from anka.web import words
from anka.web.merchant import order_view
from anka.web.merchant.order_view import OrderSeen
from anka.web.merchant.orders import refused_page, seen_by, to_order
from anka.web.merchant.who import merchant_of
from anka.web.requests import PageRequest, key_of, new_key

MOST_CHARACTERS = 600_000
MOST_FAULTS = 20
Shown = dict[str, Any]


@sensitive_post_parameters("keys", "draft")
@require_http_methods(["GET", "HEAD", "POST"])
def wizard(request: PageRequest, number: str) -> HttpResponse:
    """Ask for the keys, show what is about to happen, and hand them over when that is sent."""
    seen = seen_by(request, number)
    if request.method == "POST" and "draft" in request.POST:
        return _send(request, seen)
    if not seen.by_hand:
        return refused_page(request, number, NothingWaits())
    return _review(request, seen) if request.method == "POST" else _page(request, seen)


class NothingWaits(Refusal):
    """There is nothing of the order to be delivered by hand."""

    code, status = "nothing_waits", 409
    says = gettext_lazy("Nothing of this order waits to be delivered by hand. Nothing has changed.")


def _page(request: PageRequest, seen: OrderSeen, *, faults: list[str] | None = None, review: Shown | None = None) -> HttpResponse:
    state = seen.state
    shown = {
        "order": order_view.facts(state),
        "waiting": len(seen.waiting),
        "pieces": words.pieces([unit.position for unit in seen.waiting]),
        "promised_at": seen.promised_at,
        "late": seen.promised_at <= seen.now,
        "recall": order_view.recall_rule(state=state, rules=rules_of(version=state.policy_version)),
        "faults": faults or [],
        "review": review,
        "idempotency_key": new_key(),
    }
    return render(request, "merchant/deliver.html", shown, status=422 if faults else 200)


def _review(request: PageRequest, seen: OrderSeen) -> HttpResponse:
    text = request.POST.get("keys", "")
    if len(text) > MOST_CHARACTERS:
        return _page(request, seen, faults=[gettext("That is too much text for so few keys.")])
    found = [(place, line.strip()) for place, line in enumerate(text.splitlines(), start=1) if line.strip()]
    faults = _faults(found, most=len(seen.waiting))
    if faults:
        return _page(request, seen, faults=faults[:MOST_FAULTS])
    secrets = [secret for _place, secret in found]
    sealer = keys.sealer_for(shop_id=seen.state.shop_id, at=request.at)
    positions = [unit.position for unit in seen.waiting][: len(secrets)]
    review = {
        "count": len(secrets),
        "left": len(seen.waiting) - len(secrets),
        "pieces": words.pieces(positions),
        "amount_minor": sum(unit.left_minor for unit in seen.waiting if unit.position in positions),
        "currency": seen.state.currency,
        "draft": seal_draft(data_key=sealer.data_key, bound_to=_bound_to(request, seen.state), secrets=secrets),
    }
    return _page(request, seen, review=review)


def _faults(found: list[tuple[int, str]], *, most: int) -> list[str]:
    """Return what is wrong with the lines, one sentence each, never what they hold."""
    if not found:
        return [gettext("There is no key here: one key in each line.")]
    if len(found) > most:
        said = ngettext("%(count)s key waits to be delivered,", "%(count)s keys wait to be delivered,", most) % {"count": most}
        return [words.sentences(said, gettext("but there are %(count)s lines.") % {"count": len(found)})]
    faults: list[str] = []
    places: dict[str, int] = {}
    for place, secret in found:
        fault = fault_of(secret=secret)
        first = places.setdefault(normalised(secret), place)
        if fault:
            faults.append(gettext("Line %(place)s: %(fault)s.") % {"place": place, "fault": _fault(fault)})
        elif first != place:
            faults.append(gettext("Line %(place)s is the same key as line %(first)s.") % {"place": place, "first": first})
    return faults


def _fault(fault: str) -> str:
    if fault.startswith("longer"):
        return gettext("longer than a key may be")
    if fault.startswith("holds"):
        return gettext("holds a character that no key has")
    return gettext("nothing but spaces and dashes")


def _bound_to(request: PageRequest, state: OrderState) -> str:
    person = request.visitor.person.id if request.visitor else 0
    return f"{state.number}:{person}"


def _send(request: PageRequest, seen: OrderSeen) -> HttpResponse:
    state = seen.state
    key = key_of(request, "draft")
    sealer = keys.sealer_for(shop_id=state.shop_id, at=request.at)
    try:
        secrets = open_draft(data_key=sealer.data_key, bound_to=_bound_to(request, state), draft=request.POST["draft"])
    except DraftBroken:
        return _page(request, seen, faults=[gettext("What you looked over could not be opened again.")])
    first = tuple(unit.position for unit in seen.waiting)[: len(secrets)]
    # Where fewer wait than there are keys, this was sent before, or somebody else was quicker: the flow knows which.
    handover = Handover(secrets=secrets, positions=first if len(first) == len(secrets) else None)
    actor = merchant_of(request)
    try:
        with suppress(AlreadyDone):
            once(
                lambda: hand_over_keys(actor=actor, order_number=state.number, handover=handover, sealer=sealer, request=key, at=request.at)
            )
    except KeyDeliveredBefore as refused:
        return _page(request, seen, faults=[str(refused)])
    except NotFound:
        raise
    except BadInput:
        return _page(request, seen, faults=[gettext("Fewer pieces wait now than you looked over.")])
    except Refusal as refused:
        return refused_page(request, state.number, refused)
    return to_order(state.number, done="deliver")
