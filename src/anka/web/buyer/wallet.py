"""The wallet: what it holds, and what moved it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from anka.core.refusals import BadInput
from anka.core.signatures import NotSignedByUs, seal, unseal
from anka.ledger.queries import wallet_balance, wallet_statement
from anka.web import words
from anka.web.requests import PageRequest, buyer_of

CURRENCY = "CNY"
ON_A_PAGE = 30
PAGE_SECONDS = 86_400


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
    shown = {"balance_minor": balance, "currency": CURRENCY, "held_minor": 0, "lines": lines, "next_url": more}
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
