"""The wallet: what it holds, and what moved it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from anka.core.refusals import BadInput
from anka.core.signatures import NotSignedByUs, seal, unseal
from anka.domain.funds_mode import Doing
from anka.ledger import mode
from anka.ledger.queries import wallet_balance, wallet_statement
from anka.payments.top_ups import held_of
from anka.web import words
from anka.web.buyer.top_ups import returns_shown
from anka.web.requests import PageRequest, buyer_of

CURRENCY = "CNY"
ON_A_PAGE = 30
PAGE_SECONDS = 86_400
RETURNED = gettext_lazy("It has left the wallet and is on its way back. You see below how far it is.")


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show the balance and one page of the statement, newest first."""
    person_id = buyer_of(request).person_id
    balance = wallet_balance(person_id=person_id, currency=CURRENCY)
    before, running = _page_of(request.GET.get("page", ""), person_id, balance)
    found = wallet_statement(person_id=person_id, currency=CURRENCY, before=before, limit=ON_A_PAGE + 1)
    lines: list[dict[str, Any]] = []
    for line in found[:ON_A_PAGE]:
        lines.append({"at": line.at, "what": words.statement(line.kind), "amount_minor": line.amount_minor, "balance_minor": running})
        running -= line.amount_minor
    more = None
    if len(found) > ON_A_PAGE:
        page = seal(value={"person": person_id, "before": found[ON_A_PAGE - 1].id, "balance": running}, purpose="wallet-page")
        more = f"/wallet?{urlencode({'page': page})}"
    shown: dict[str, Any] = {"balance_minor": balance, "currency": CURRENCY, "lines": lines, "next_url": more}
    shown["held_minor"] = held_of(person_id=person_id, currency=CURRENCY)
    shown["can_top_up"] = mode.offered(doing=Doing.TOP_UP_WALLET)
    shown["returns"] = returns_shown(person_id=person_id)
    shown["notices"] = [{"tone": "ok", "text": RETURNED}] if request.GET.get("done") == "return" else []
    return render(request, "buyer/wallet.html", shown)


def _page_of(text: str, person_id: int, balance: int) -> tuple[int | None, int]:
    """Return before which line the page begins, and what the wallet held after its first line."""
    if not text:
        return None, balance
    try:
        page = unseal(text=text, purpose="wallet-page", seconds=PAGE_SECONDS)
    except NotSignedByUs:
        raise BadInput(fields={"page": gettext("the link to the next page")}) from None
    if page["person"] != person_id:
        raise BadInput(fields={"page": gettext("the link to the next page")})
    return int(page["before"]), int(page["balance"])
