"""卡密核验: the buyer types the beginning of a key; the page says whether it matches. It proves possession, not that the key is unused."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from anka.core import rate_limits
from anka.core.idempotency import AlreadyDone, RequestKey, once, request_key
from anka.core.refusals import BadInput
from anka.flows.check_key import LEAST_CHARACTERS, KeyCheck, KeyNotOpened, TooManyKeyChecks, Typed, answer_of, check_key
from anka.jobs import keys
from anka.orders.models import OrderState
from anka.orders.queries import read_order
from anka.web.buyer.orders import seen_by
from anka.web.requests import FormIncomplete, PageRequest, buyer_of, caller_of, require_number
from anka.web.typed import TextTooLong
from anka.web.views_of_order import order_page

LONGEST_PREFIX = 200
Shown = dict[str, Any]


@sensitive_post_parameters("prefix")
@require_POST
def check(request: PageRequest, number: str, position: int) -> HttpResponse:
    """Compare what was typed with the beginning of a unit's key and show the order with the answer. What was typed is never shown."""
    buyer = buyer_of(request)
    state = read_order(number=require_number(number), actor=buyer, at=request.at)
    rate_limits.spend(name="key_check", caller=caller_of(request), at=request.at)
    typed = Typed(position=position, prefix=request.POST.get("prefix", "").strip())
    key = _key(request, typed)
    if len(typed.prefix) > LONGEST_PREFIX or "\0" in typed.prefix:
        return _page(request, state, {"position": position, "error": str(TextTooLong(most=LONGEST_PREFIX))}, 422)
    opener = keys.opener_for(shop_id=state.shop_id)
    try:
        found = once(lambda: check_key(actor=buyer, order_number=state.number, typed=typed, open_secret=opener, request=key, at=request.at))
    except AlreadyDone as done:
        found = answer_of(done)
    except BadInput:
        return _page(request, state, {"position": position, "least": LEAST_CHARACTERS}, 422)
    except (KeyNotOpened, TooManyKeyChecks) as refused:
        return _page(request, state, {"position": position, "error": str(refused)}, refused.status)
    fresh = read_order(number=state.number, actor=buyer, at=request.at)
    return _page(request, fresh, _shown(position, found), 200)


def _key(request: PageRequest, typed: Typed) -> RequestKey:
    """Return the form's key with a digest that needs our secret: what was typed cannot be guessed from what is kept of the request."""
    key = request.POST.get("idempotency_key", "")
    if not key:
        raise FormIncomplete
    body = salted_hmac("anka.key_check", typed.prefix.encode(errors="replace"), algorithm="sha256").digest()
    return request_key(caller=caller_of(request), key=key, method="POST", path=request.path, body=body)


def _shown(position: int, found: KeyCheck) -> Shown:
    return {"position": position, "done": True, "matches": found.possession == "match", "tries_left": found.tries_left}


def _page(request: PageRequest, state: OrderState, said: Shown, status: int) -> HttpResponse:
    shown = order_page(seen=seen_by(request, state, check=said))
    return render(request, "buyer/order.html", {**shown, "check": said, "refresh_seconds": None}, status=status)
