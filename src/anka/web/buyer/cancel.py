"""Getting out: what is wrong, the verdict before submitting, done. Looking changes nothing."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from anka.cases.queries import dossier
from anka.core import rate_limits
from anka.core.idempotency import AlreadyDone
from anka.core.refusals import Refusal
from anka.domain.policy.reasons import reasons_for
from anka.flows.steps.actions import PLAIN_REASON
from anka.flows.steps.judge import Claim, judge
from anka.flows.steps.plan_money_back import MoneyCannotGoBackThisWay
from anka.flows.steps.quote import QuoteDoesNotFit, RefusedByRule, RouteNotOpenYet, VerdictChanged, quote
from anka.jobs import claims
from anka.orders.models import OrderState
from anka.orders.policies import rules_of
from anka.orders.queries import read_order
from anka.web import views_of_quote
from anka.web.requests import PageRequest, buyer_of, caller_of, key_of, new_key, require_number, whole_number
from anka.web.views_of_order import order_facts

LONGEST_STATEMENT = 1000
FIELDS = ("unit", "reason", "statement", "destination")
SHOWN_AGAIN = (VerdictChanged, QuoteDoesNotFit, RouteNotOpenYet, RefusedByRule, MoneyCannotGoBackThisWay)


@require_http_methods(["GET", "HEAD", "POST"])
def wizard(request: PageRequest, number: str) -> HttpResponse:
    """Ask what is wrong, show what would happen, and carry it out when that is posted."""
    state = read_order(number=require_number(number), actor=buyer_of(request), at=request.at)
    asked = request.POST if request.method == "POST" else request.GET
    claim = _claim(asked)
    errors = _errors(state, claim, asked)
    if request.method == "POST" and not errors:
        return _submit(request, state, claim)
    if errors or (not claim.reason and state.paid_at is not None) or "change" in asked:
        return _choose(request, state, claim, errors)
    # An unpaid order asks for no reason: nothing was charged, so there is nothing to argue about.
    return _verdict_page(request, state, claim if claim.reason else Claim(reason=PLAIN_REASON, refund_to=claim.refund_to))


def _claim(asked: QueryDict) -> Claim:
    positions = tuple(sorted({whole_number(text, field="unit") for text in asked.getlist("unit")}))
    return Claim(
        reason=asked.get("reason", ""),
        positions=positions or None,
        statement=asked.get("statement", "").strip(),
        refund_to="wallet" if asked.get("destination") == "wallet" else "original",
        quote=asked.get("quote") or None,
    )


def _errors(state: OrderState, claim: Claim, asked: QueryDict) -> dict[str, str]:
    errors = {}
    if claim.reason and claim.reason not in {reason.code for reason in reasons_for(goods=state.kind)}:
        errors["reason"] = gettext("Choose one of these reasons.")
    if claim.positions and not set(claim.positions) <= {unit.position for unit in state.units}:
        errors["unit"] = gettext("Choose pieces of this order.")
    if claim.positions is None and asked.get("step") == "2":
        errors["unit"] = gettext("Choose at least one piece.")
    if len(claim.statement) > LONGEST_STATEMENT or "\0" in claim.statement:
        errors["statement"] = gettext("At most %(most)s characters.") % {"most": LONGEST_STATEMENT}
    return errors


def _choose(request: PageRequest, state: OrderState, claim: Claim, errors: dict[str, str]) -> HttpResponse:
    shown = {
        "order": order_facts(state),
        "quote": None,
        **views_of_quote.choices(state=state, claim=claim),
        "errors": errors,
    }
    return render(request, "buyer/cancel.html", shown, status=422 if errors else 200)


def _verdict_page(request: PageRequest, state: OrderState, claim: Claim, *, changed: str = "", status: int = 200) -> HttpResponse:
    found = judge(state=state, claim=claim, actor=buyer_of(request), at=request.at)
    said = quote(state=state, claim=claim, verdicts=found, at=request.at)
    shown = {
        "order": order_facts(state),
        "statement": claim.statement,
        "idempotency_key": new_key(),
        "quote": {
            "id": said["id"],
            "allowed": said["allowed"],
            **_why_not(said["why_not"]),
            "changed": changed,
            "asked": views_of_quote.asked(state=state, claim=claim),
            "change_url": _change_url(state, claim),
            "units": sorted(position for verdict in found for position in verdict.positions),
            "reason": claim.reason,
            "total_minor": said["refund_minor"] if said["allowed"] else 0,
            "currency": state.currency,
            "confirm_label": views_of_quote.confirm_label(found),
            "verdicts": views_of_quote.verdicts(
                state=state, found=found, quote=said, rules=rules_of(version=state.policy_version), at=request.at
            ),
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
    if reason["code"] == RefusedByRule.code:
        return {
            "why_title": gettext("The rules refuse this"),
            "why_not": gettext("The slip says why, and what would change it. Nothing has changed."),
        }
    return {"why_title": gettext("That is no longer possible"), "why_not": reason["detail"]}


def _change_url(state: OrderState, claim: Claim) -> str:
    asked: dict[str, Any] = {"unit": claim.positions or (), "reason": claim.reason, "statement": claim.statement, "change": "1"}
    return f"/orders/{state.number}/cancel?{urlencode({name: value for name, value in asked.items() if value}, doseq=True)}"


def _submit(request: PageRequest, state: OrderState, claim: Claim) -> HttpResponse:
    rate_limits.spend(name="cancel", caller=caller_of(request), at=request.at)
    key = key_of(request, *FIELDS)
    try:
        numbers = claims.cancel(actor=buyer_of(request), order_number=state.number, claim=claim, request=key, at=request.at)
    except AlreadyDone as done:
        numbers = tuple(done.reference.split(","))
    except SHOWN_AGAIN as refused:
        return _shown_again(request, state, claim, refused)
    return HttpResponseRedirect(_result_of(request, state, numbers))


def _shown_again(request: PageRequest, state: OrderState, claim: Claim, refused: Refusal) -> HttpResponse:
    """Show the verdict as it stands now; what was promised before does not hold any more, or cannot be carried out."""
    fresh = read_order(number=state.number, actor=buyer_of(request), at=request.at)
    changed = str(refused) if isinstance(refused, VerdictChanged | QuoteDoesNotFit) else ""
    return _verdict_page(request, fresh, claim, changed=changed, status=refused.status)


def _result_of(request: PageRequest, state: OrderState, case_numbers: tuple[str, ...]) -> str:
    """Return the refund's page where one refund came of it, else the order's."""
    made = [refund.number for refund in dossier(state=state).refunds if refund.case_number in case_numbers]
    return f"/refunds/{made[0]}" if len(made) == 1 else f"/orders/{state.number}"
