"""Getting out: what is wrong, the verdict before submitting, done. Looking changes nothing."""

from typing import Any

import msgspec
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from anka.cases.queries import dossier
from anka.core import rate_limits
from anka.core.idempotency import AlreadyDone
from anka.core.refusals import Refusal
from anka.flows.steps.actions import PLAIN_REASON
from anka.flows.steps.judge import AskRequired, Claim, IssuerNotAsked, Verdict, judge
from anka.flows.steps.may_claim import TooManyCases
from anka.flows.steps.plan_money_back import MoneyCannotGoBackThisWay
from anka.flows.steps.quote import QuoteDoesNotFit, RefusedByRule, RouteNotOpenYet, VerdictChanged, quote
from anka.flows.steps.replace_units import NoStockToReplace
from anka.jobs import claims, issuers
from anka.orders.models import OrderState
from anka.orders.policies import rules_of
from anka.orders.queries import read_order
from anka.vault.queries import available_keys
from anka.web import views_of_ask, views_of_quote
from anka.web.buyer.claims import FIELDS, ask_of, evidence_of, read_claim
from anka.web.requests import PageRequest, buyer_of, caller_of, key_of, new_key, require_number
from anka.web.typed import AmountOutOfBounds, NotAnAmount
from anka.web.views_of_order import order_facts

Shown = dict[str, Any]
SHOWN_AGAIN = (
    VerdictChanged,
    QuoteDoesNotFit,
    RouteNotOpenYet,
    RefusedByRule,
    MoneyCannotGoBackThisWay,
    AskRequired,
    NoStockToReplace,
    TooManyCases,
)


@require_http_methods(["GET", "HEAD", "POST"])
def wizard(request: PageRequest, number: str) -> HttpResponse:
    """Ask what is wrong, show what would happen, and carry it out when that is posted."""
    state = read_order(number=require_number(number), actor=buyer_of(request), at=request.at)
    asked = request.POST if request.method == "POST" else request.GET
    read = read_claim(state=state, form=asked)
    claim = read.claim
    if request.method == "POST" and not read.errors:
        return _submit(request, state, claim)
    if read.errors or (not claim.reason and state.paid_at is not None) or "change" in asked:
        return _choose(request, state, claim, read.errors)
    # An unpaid order asks for no reason: nothing was charged, so there is nothing to argue about.
    return _verdict_page(request, state, claim if claim.reason else Claim(reason=PLAIN_REASON, refund_to=claim.refund_to))


def _choose(request: PageRequest, state: OrderState, claim: Claim, errors: dict[str, str]) -> HttpResponse:
    shown = {
        "order": order_facts(state),
        "quote": None,
        **views_of_quote.choices(state=state, claim=claim),
        "errors": errors,
    }
    return render(request, "buyer/cancel.html", shown, status=422 if errors else 200)


def _judged(request: PageRequest, state: OrderState, claim: Claim) -> tuple[OrderState, tuple[Verdict, ...]]:
    """Return the verdicts, having asked the issuer where it has to be; the order may know more after that."""
    buyer = buyer_of(request)
    try:
        return state, judge(state=state, claim=claim, actor=buyer, at=request.at)
    except IssuerNotAsked as first:
        issuers.ask(order_number=state.number, positions=first.positions, occasion="claim", at=request.at)
        fresh = read_order(number=state.number, actor=buyer, at=request.at)
        asked = msgspec.structs.replace(claim, issuer_asked=True)
        return fresh, judge(state=fresh, claim=asked, actor=buyer, at=request.at)


def _verdict_page(
    request: PageRequest, state: OrderState, claim: Claim, *, changed: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    state, found = _judged(request, state, claim)
    said = quote(state=state, claim=claim, verdicts=found, at=request.at)
    slips = views_of_quote.verdicts(state=state, found=found, quote=said, rules=rules_of(version=state.policy_version), at=request.at)
    stock = available_keys(shop_id=state.shop_id, product_id=state.product_id) if state.paid_at is not None else 0
    shown = {
        "order": order_facts(state),
        "statement": claim.statement,
        "idempotency_key": new_key(),
        "errors": errors or {},
        "typed": request.POST if errors else {},
        "quote": {
            "id": said["id"],
            "allowed": said["allowed"],
            **_why_not(said["why_not"]),
            "changed": changed,
            "other_ways": [
                views_of_quote.other_way(code=code, url=_way_url(state, claim, code), at=request.at) for code in said["other_ways"]
            ],
            "asked": views_of_quote.asked(state=state, claim=claim),
            "change_url": _change_url(state, claim),
            "units": sorted(position for verdict in found for position in verdict.positions),
            "reason": claim.reason,
            "total_minor": views_of_ask.paid_at_once(found) if said["allowed"] else 0,
            "currency": state.currency,
            "confirm_label": views_of_quote.confirm_label(found),
            "verdicts": slips,
            "ask": views_of_ask.ask(state=state, found=found, stock=stock) if said["allowed"] else None,
            "evidence": views_of_ask.evidence_fields(found) if said["allowed"] else [],
            "destinations": views_of_quote.destinations(state=state, quote=said, chosen=claim.refund_to, at=request.at)
            if said["allowed"]
            else [],
        },
    }
    return render(request, "buyer/cancel.html", shown, status=status)


def _why_not(reason: dict[str, str] | None) -> dict[str, str]:
    """Return why a verdict cannot be submitted here, as a title and a sentence; the slip itself says what the rules say."""
    if reason is None:
        return {"why_title": "", "why_not": ""}
    if reason["code"] == RouteNotOpenYet.code:
        said = gettext("Anka cannot open such a request on this page yet. Nothing was submitted and nothing is lost.")
        return {"why_title": gettext("This path cannot be started here yet"), "why_not": said}
    return {"why_title": gettext("That is no longer possible"), "why_not": reason["detail"]}


def _change_url(state: OrderState, claim: Claim) -> str:
    asked: Shown = {"unit": claim.positions or (), "reason": claim.reason, "statement": claim.statement, "change": "1"}
    return f"/orders/{state.number}/cancel?{urlencode({name: value for name, value in asked.items() if value}, doseq=True)}"


def _way_url(state: OrderState, claim: Claim, destination: str) -> str:
    asked: Shown = {"unit": claim.positions or (), "reason": claim.reason, "statement": claim.statement, "destination": destination}
    return f"/orders/{state.number}/cancel?{urlencode({name: value for name, value in asked.items() if value}, doseq=True)}"


def _submit(request: PageRequest, state: OrderState, claim: Claim) -> HttpResponse:
    rate_limits.spend(name="cancel", caller=caller_of(request), at=request.at)
    key = key_of(request, *FIELDS)
    evidence, errors = evidence_of(request.POST)
    try:
        amount, replacement = ask_of(request.POST, currency=state.currency, left_minor=_left(state, claim))
    except (NotAnAmount, AmountOutOfBounds) as refused:
        errors["amount"] = str(refused)
    if errors:
        return _verdict_page(request, state, claim, errors=errors, status=422)
    claim = msgspec.structs.replace(claim, evidence=evidence, ask_minor=amount, ask_replacement=replacement)
    try:
        numbers = claims.submit(actor=buyer_of(request), order_number=state.number, claim=claim, request=key, at=request.at)
    except AlreadyDone as done:
        numbers = tuple(done.reference.split(","))
    except SHOWN_AGAIN as refused:
        return _shown_again(request, state, claim, refused)
    return HttpResponseRedirect(_result_of(request, state, numbers))


def _left(state: OrderState, claim: Claim) -> int:
    """Return what the units asked about have left."""
    chosen = [unit for unit in state.units if claim.positions is None or unit.position in claim.positions]
    return sum(unit.left_minor for unit in chosen if views_of_quote.selectable(unit))


def _shown_again(request: PageRequest, state: OrderState, claim: Claim, refused: Refusal) -> HttpResponse:
    """Show the verdict as it stands now; what was promised before does not hold any more, or cannot be carried out."""
    fresh = read_order(number=state.number, actor=buyer_of(request), at=request.at)
    if isinstance(refused, AskRequired | NoStockToReplace):
        return _verdict_page(request, fresh, claim, errors={"want": str(refused)}, status=refused.status)
    changed = str(refused) if isinstance(refused, VerdictChanged | QuoteDoesNotFit | TooManyCases) else ""
    return _verdict_page(request, fresh, claim, changed=changed, status=refused.status)


def _result_of(request: PageRequest, state: OrderState, case_numbers: tuple[str, ...]) -> str:
    """Return the case's room where one case came of it that somebody has to look at, the refund's page where one refund did, else the
    order's."""
    beside = dossier(state=state)
    still_open = [case.number for case in beside.cases if case.number in case_numbers and case.closed_at is None]
    if still_open:
        return f"/cases/{still_open[0]}" if len(case_numbers) == 1 else f"/orders/{state.number}"
    made = [refund.number for refund in beside.refunds if refund.case_number in case_numbers]
    return f"/refunds/{made[0]}" if len(made) == 1 else f"/orders/{state.number}"
