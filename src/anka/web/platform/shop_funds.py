"""What holds for a shop's money, for finance staff: deposit, floor, settlement, who bears a channel's fee; every change with its reason."""

from contextlib import suppress
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods

from anka.accounts.queries import person
from anka.catalog.queries import shop_id_of
from anka.core.actors import Actor
from anka.core.idempotency import AlreadyDone, once
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.deposits import MOST_FEE_BASIS_POINTS, FeeBearer, Tier, level
from anka.domain.goods import Goods
from anka.domain.money import MAX_MINOR, format_amount
from anka.flows.decide_withdrawal import LONGEST_REASON
from anka.flows.set_funds_terms import NewTerms, set_funds_terms
from anka.flows.steps.funds_desk import CURRENCY
from anka.funds.models import Step, Terms
from anka.funds.queries import position, steps, terms
from anka.web.funds_words import BEARERS, TIERS
from anka.web.platform.staff import finance_of
from anka.web.requests import PageRequest, key_of, new_key, require_recent_sign_in
from anka.web.typed import typed_amount, typed_text
from anka.web.views_of_rules import fact_value

Shown = dict[str, Any]
FIELDS = ("tier", "required", "floor", "hours", "bearer", "rate", "reason")
MOST_HOURS = 720
SET = gettext_lazy("Set, and told to the shop.")
CHANGES = 20


@require_http_methods(["GET", "HEAD", "POST"])
def terms_of(request: PageRequest, code: str) -> HttpResponse:
    """Show a shop's terms and how they came to be; set new ones."""
    actor = finance_of(request)
    shop_id = shop_id_of(code=code)
    if shop_id is None:
        raise NotFound
    if request.method != "POST":
        told = [{"tone": "ok", "text": SET}] if request.GET.get("done") == "set" else []
        return _page(request, code, shop_id, typed=_typed(terms(shop_id=shop_id)), told=told)
    require_recent_sign_in(request)
    try:
        _set(request, actor, shop_id)
    except Refusal as refused:
        if refused.status >= 500 or isinstance(refused, NotFound):
            raise
        typed = {name: request.POST.get(name, "") for name in FIELDS}
        told = [{"tone": "bad", "text": str(refused)}]
        return _page(request, code, shop_id, typed=typed, told=told, status=refused.status)
    return HttpResponseRedirect(f"/platform/shops/{code}/funds?done=set")


def _set(request: PageRequest, actor: Actor, shop_id: int) -> None:
    asked, key = _asked(request), key_of(request, *FIELDS)
    with suppress(AlreadyDone):
        once(lambda: set_funds_terms(actor=actor, shop_id=shop_id, terms=asked, request=key, at=request.at))


def _asked(request: PageRequest) -> NewTerms:
    said = request.POST
    hours = said.get("hours", "").strip()
    if not hours.isascii() or not hours.isdigit() or int(hours[:6]) > MOST_HOURS:
        raise BadInput(fields={"hours": f"0–{MOST_HOURS}"})
    try:
        tier, bearer = Tier(said.get("tier", "")), FeeBearer(said.get("bearer", ""))
    except ValueError:
        raise BadInput(fields={"tier": ", ".join(Tier), "bearer": ", ".join(FeeBearer)}) from None
    required = typed_amount(said.get("required", ""), currency=CURRENCY, least_minor=0, most_minor=MAX_MINOR)
    return NewTerms(
        tier=tier,
        settle_minutes=int(hours) * 60,
        required_minor=required,
        floor_minor=typed_amount(said.get("floor", ""), currency=CURRENCY, least_minor=0, most_minor=required),
        fee_bearer=bearer,
        fee_basis_points=typed_amount(said.get("rate", ""), currency=CURRENCY, least_minor=0, most_minor=MOST_FEE_BASIS_POINTS),
        reason=typed_text(said.get("reason", ""), most=LONGEST_REASON),
    )


def _typed(held: Terms) -> Shown:
    return {
        "tier": str(held.tier),
        "required": format_amount(amount_minor=held.required_minor, currency=CURRENCY),
        "floor": format_amount(amount_minor=held.floor_minor, currency=CURRENCY),
        "hours": str(held.settle_minutes // 60),
        "bearer": str(held.fee_bearer),
        "rate": format_amount(amount_minor=held.fee_basis_points, currency=CURRENCY),
        "reason": "",
    }


def _page(request: PageRequest, code: str, shop_id: int, *, typed: Shown, told: list[Shown], status: int = 200) -> HttpResponse:
    held, has = terms(shop_id=shop_id), position(shop_id=shop_id, currency=CURRENCY)
    shown = {
        "code": code,
        "currency": CURRENCY,
        "funds": has,
        "terms": held,
        "is_short": has.deposit < held.floor_minor,
        "typed": typed,
        "tiers": [{"code": str(tier), "label": label, "chosen": typed["tier"] == tier} for tier, label in TIERS.items()],
        "bearers": [{"code": str(bearer), "label": label, "chosen": typed["bearer"] == bearer} for bearer, label in BEARERS.items()],
        "levels": [_usual(kind) for kind in Goods],
        "changes": [change(step) for step in steps(shop_id=shop_id, what="terms_set", limit=CHANGES)],
        "notices": told,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/shop_funds.html", shown, status=status)


def _usual(kind: Goods) -> Shown:
    """What is asked of a shop that sells these goods, by tier."""
    amounts = [{"tier": label, "minor": level(tier=tier, goods=(kind,)).required_minor} for tier, label in TIERS.items()]
    return {"label": fact_value("goods", str(kind)), "amounts": amounts}


def change(step: Step) -> Shown:
    """Return a change of terms: when, by whom, why, and what held from then on."""
    kind, _separator, number = step.actor.partition(":")
    who = person(person_id=int(number)) if kind == "platform" and number.isdigit() else None
    said = step.details
    return {
        "at": step.at,
        "who": who.display_name if who else gettext("The operator"),
        "reason": said.get("reason", ""),
        "required_minor": said.get("required_minor", 0),
        "floor_minor": said.get("floor_minor", 0),
    }
