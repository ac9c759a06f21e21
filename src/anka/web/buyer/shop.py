"""Looking around, and deciding to buy: shop front, product, review, placing the order."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from anka.catalog import queries as catalog
from anka.catalog.models import Product, ProductFilter
from anka.core import rate_limits
from anka.core.idempotency import AlreadyDone, once
from anka.core.refusals import BadInput, Refusal
from anka.flows.place_order import DuplicateOrder, NoticeNotConfirmed, NotOnSale, OutOfStock, Purchase, place_order
from anka.orders.duplicates import recent_order
from anka.web import words
from anka.web.requests import PageRequest, buyer_of, key_of, new_key, pick, whole_number

ON_A_PAGE = 24
MINUTES_PER_DAY = 1440
Shown = dict[str, Any]


@require_safe
def front(request: PageRequest) -> HttpResponse:
    """Show what is for sale."""
    wanted = ProductFilter(text=request.GET.get("q", "")[:80], kind=request.GET.get("kind", ""), shop=request.GET.get("shop", ""))
    page = catalog.products(wanted=wanted, after=request.GET.get("after") or None, limit=ON_A_PAGE)
    shown = {
        "products": [product_card(product) for product in page.items],
        "query": {"text": wanted.text, "kind": wanted.kind, "shop": wanted.shop},
        "kinds": _kinds(wanted),
        "shops": [{"code": shop.code, "name": pick(shop.name_zh, shop.name_en)} for shop in catalog.shops()],
        "next_url": _front_url(wanted, after=page.next) if page.next else None,
    }
    return render(request, "buyer/shop_front.html", shown)


def _front_url(wanted: ProductFilter, **changed: str) -> str:
    asked = {"q": wanted.text, "kind": wanted.kind, "shop": wanted.shop, **changed}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/?{query}" if query else "/"


def _kinds(wanted: ProductFilter) -> list[Shown]:
    counted = catalog.kinds()
    every = {"label": gettext("All"), "count": sum(kind.count for kind in counted), "url": _front_url(wanted, kind="")}
    each = [
        {"label": words.kind(kind.kind), "count": kind.count, "url": _front_url(wanted, kind=kind.kind), "code": kind.kind}
        for kind in counted
    ]
    return [{**entry, "selected": entry.get("code", "") == wanted.kind} for entry in (every, *each)]


def product_card(product: Product) -> Shown:
    """Return a product in the shape of the pages."""
    return {
        "number": product.number,
        "title": pick(product.title_zh, product.title_en),
        "kind": product.kind,
        "face_value": product.face_value,
        "region": product.region,
        "price_minor": product.price_minor,
        "currency": product.currency,
        "available": product.available if product.on_sale else 0,
        "buyable": product.on_sale and (by_hand(product) or product.available > 0),
        "delivery": product.delivery,
        "shop": {"code": product.shop.code, "name": pick(product.shop.name_zh, product.shop.name_en)},
        "url": f"/products/{product.number}",
        "description": pick(product.description_zh, product.description_en),
        "promise_minutes": product.terms.promise_minutes,
        "refund_rule": refund_rule(product),
        "notice": pick(product.terms.notice_zh, product.terms.notice_en),
        "max_quantity": product.terms.maximum_quantity,
    }


def by_hand(product: Product) -> bool:
    """Return whether the merchant gets the keys when they are ordered, so that no stock bounds what can be sold."""
    return product.delivery == "manual"


def refund_rule(product: Product) -> str:
    """Return in one sentence how one gets out of buying this."""
    window, warranty = (minutes // MINUTES_PER_DAY for minutes in (product.terms.refund_window_minutes, product.terms.warranty_minutes))
    sealed = ngettext(
        "Leave it sealed and you have %(count)s day to get everything back in one tap, no reason asked;",
        "Leave it sealed and you have %(count)s days to get everything back in one tap, no reason asked;",
        window,
    )
    opened = ngettext(
        "once opened, it goes back only if it is faulty, within %(count)s day.",
        "once opened, it goes back only if it is faulty, within %(count)s days.",
        warranty,
    )
    return words.sentences(sealed % {"count": window}, opened % {"count": warranty})


@require_safe
def product(request: PageRequest, number: str) -> HttpResponse:
    """Show one product."""
    return _product_page(request, catalog.product(number=number))


def _product_page(
    request: PageRequest, found: Product, *, quantity: str = "", errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    shown = {"product": product_card(found), "quantity": quantity, "errors": errors or {}}
    return render(request, "buyer/product.html", shown, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: PageRequest) -> HttpResponse:
    """Show everything once more before anything is ordered. Changes nothing."""
    asked = request.POST if request.method == "POST" else request.GET
    found = catalog.product(number=asked.get("product", ""))
    buyer_of(request)
    wrong = _quantity_fault(found, asked.get("quantity", ""))
    if wrong:
        return _product_page(request, found, quantity=asked.get("quantity", "")[:4], errors={"quantity": wrong}, status=422)
    return _review_page(request, found, int(asked["quantity"]))


def _quantity_fault(found: Product, text: str) -> str:
    most = found.terms.maximum_quantity
    try:
        quantity = whole_number(text, field="quantity")
    except BadInput:
        quantity = 0
    if not 1 <= quantity <= most:
        return gettext("Choose a whole number from 1 to %(most)s.") % {"most": most}
    if quantity > found.available and not by_hand(found):
        return str(OutOfStock())
    return ""


def _review_page(
    request: PageRequest, found: Product, quantity: int, *, errors: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    earlier = recent_order(buyer_id=buyer_of(request).person_id, product_number=found.number, at=request.at)
    shown = {
        "goods": {**product_card(found), "quantity": quantity, "total_minor": found.price_minor * quantity},
        "hold_minutes": found.terms.hold_minutes,
        "duplicate": {"number": earlier.number, "placed_at": earlier.placed_at, "url": f"/orders/{earlier.number}"} if earlier else None,
        "idempotency_key": new_key(),
        "errors": errors or {},
    }
    return render(request, "buyer/review.html", shown, status=status)


def place(request: PageRequest) -> HttpResponse:
    """Place the order that was reviewed, and go on to paying it."""
    buyer = buyer_of(request)
    found = catalog.product(number=request.POST.get("product", ""))
    text = request.POST.get("quantity", "")
    purchase = Purchase(
        product_number=found.number,
        quantity=whole_number(text, field="quantity"),
        accept_notice=request.POST.get("accept_notice") == "1",
        allow_duplicate=request.POST.get("allow_duplicate") == "1",
    )
    limit = rate_limits.budget("place_order")
    key = key_of(request, "product", "quantity", "accept_notice", "allow_duplicate")
    try:
        number = once(lambda: place_order(actor=buyer, purchase=purchase, request=key, budget=limit, at=request.at))
    except AlreadyDone as done:
        number = done.reference
    except (DuplicateOrder, NoticeNotConfirmed) as unconfirmed:
        return _review_page(request, found, purchase.quantity, errors=_to_confirm(unconfirmed), status=unconfirmed.status)
    except (OutOfStock, NotOnSale, BadInput) as refused:
        return _product_page(request, found, quantity=text[:4], errors={"quantity": str(refused)}, status=refused.status)
    return HttpResponseRedirect(f"/orders/{number}/pay")


def _to_confirm(refused: Refusal) -> dict[str, str]:
    if isinstance(refused, DuplicateOrder):
        return {"allow_duplicate": gettext("Nothing was ordered yet: tick this if you really want a second one.")}
    return {"accept_notice": gettext("Nothing was ordered yet: please read the notice and tick this.")}
