"""The shop gives money back of its own accord: which pieces and why, the verdict before submitting, done."""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from anka.core import rate_limits
from anka.core.idempotency import AlreadyDone
from anka.core.refusals import NotFound, Refusal
from anka.domain.policy.reasons import REASONS
from anka.flows.steps.judge import Claim, NothingLeftToCancel, judge
from anka.flows.steps.quote import RouteNotOpenYet
from anka.jobs import claims
from anka.orders.policies import rules_of
from anka.orders.queries import read_order
from anka.web import views_of_quote
from anka.web.merchant import order_view
from anka.web.merchant.order_view import OrderSeen
from anka.web.merchant.orders import refused_page, seen_by, to_order
from anka.web.merchant.who import merchant_of
from anka.web.requests import PageRequest, caller_of, key_of, new_key, pick, whole_number
from anka.web.typed import typed_text_or_none

LONGEST_STATEMENT = 1000
FIELDS = ("unit", "reason", "statement")
OWN_REASONS = ("OUT_OF_STOCK", "SELLER_ASKED", "WRONG_GOODS_SENT", "KEY_INVALID", "OTHER")
"""Why a shop gives money back before anybody asks."""
Shown = dict[str, Any]


@require_http_methods(["GET", "HEAD", "POST"])
def wizard(request: PageRequest, number: str) -> HttpResponse:
    """Ask which pieces and why, show what would happen, and carry it out when that is posted."""
    seen = seen_by(request, number)
    asked = request.POST if request.method == "POST" else request.GET
    claim = _claim(asked)
    errors = _errors(seen, claim, asked)
    if request.method == "POST" and not errors:
        return _submit(request, seen, claim)
    if errors or not claim.reason:
        return _choose(request, seen, claim, errors)
    try:
        return _verdict(request, seen, claim)
    except NothingLeftToCancel as refused:
        return refused_page(request, seen.state.number, refused)


def _claim(asked: QueryDict) -> Claim:
    positions = tuple(sorted({whole_number(text, field="unit") for text in asked.getlist("unit")}))
    return Claim(
        reason=asked.get("reason", ""),
        positions=positions or None,
        statement=typed_text_or_none(asked.get("statement", ""), most=LONGEST_STATEMENT),
        quote=asked.get("quote") or None,
    )


def _errors(seen: OrderSeen, claim: Claim, asked: QueryDict) -> dict[str, str]:
    errors = {}
    if claim.reason not in OWN_REASONS and (claim.reason or "step" in asked):
        errors["reason"] = gettext("Choose one of these reasons.")
    known = {unit.position for unit in seen.state.units}
    if claim.positions and not set(claim.positions) <= known:
        errors["unit"] = gettext("Choose pieces of this order.")
    if claim.positions is None and "step" in asked:
        errors["unit"] = gettext("Choose at least one piece.")
    return errors


def _choose(request: PageRequest, seen: OrderSeen, claim: Claim, errors: dict[str, str]) -> HttpResponse:
    shown = {
        "order": order_view.facts(seen.state),
        "quote": None,
        "units": views_of_quote.choices(state=seen.state, claim=claim)["units"],
        "reasons": [
            {
                "code": code,
                "label": pick(REASONS[code].zh, REASONS[code].en.capitalize()),
                "chosen": code == claim.reason,
            }
            for code in OWN_REASONS
        ],
        "statement": claim.statement,
        "errors": errors,
    }
    return render(request, "merchant/refund.html", shown, status=422 if errors else 200)


def _verdict(request: PageRequest, seen: OrderSeen, claim: Claim, *, changed: str = "", status: int = 200) -> HttpResponse:
    actor, state = merchant_of(request), seen.state
    said = claims.quote(actor=actor, order_number=state.number, claim=claim, at=request.at)
    # What the issuer said on the way is on record now, so it is judged on the same.
    state = read_order(number=state.number, actor=actor, at=request.at)
    found = judge(state=state, claim=_asked_already(claim), actor=actor, at=request.at)
    why_not = said["why_not"]
    shown = {
        "order": order_view.facts(state),
        "quote": {
            "id": said["id"],
            "allowed": said["allowed"] and not said["ask_required"],
            "why_not": _why_not(why_not) if why_not else "",
            "changed": changed,
            "asked": views_of_quote.asked(state=state, claim=claim),
            "change_url": f"/shop/orders/{state.number}/refund?{urlencode({'unit': claim.positions or ()}, doseq=True)}",
            "units": sorted(position for verdict in found for position in verdict.positions),
            "reason": claim.reason,
            "statement": claim.statement,
            "total_minor": said["refund_minor"],
            "currency": state.currency,
            "verdicts": views_of_quote.verdicts(
                state=state, found=found, quote=said, rules=rules_of(version=state.policy_version), at=request.at
            ),
        },
        "idempotency_key": new_key(),
    }
    return render(request, "merchant/refund.html", shown, status=status)


def _asked_already(claim: Claim) -> Claim:
    return Claim(reason=claim.reason, positions=claim.positions, statement=claim.statement, issuer_asked=True)


def _why_not(reason: dict[str, str]) -> str:
    if reason["code"] == RouteNotOpenYet.code:
        return gettext("Such a request cannot be started on this page yet. Nothing was submitted and nothing is lost.")
    return str(reason["detail"])


def _submit(request: PageRequest, seen: OrderSeen, claim: Claim) -> HttpResponse:
    actor, number = merchant_of(request), seen.state.number
    rate_limits.spend(name="cancel", caller=caller_of(request), at=request.at)
    key = key_of(request, *FIELDS)
    try:
        claims.submit(actor=actor, order_number=number, claim=claim, request=key, at=request.at)
    except AlreadyDone:
        pass
    except NotFound:
        raise
    except Refusal as refused:
        return refused_page(request, number, refused)
    return to_order(number, done="refund")
