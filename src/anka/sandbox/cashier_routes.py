"""The addresses a buyer's browser visits. The token in the path is unguessable, so it is all the right anyone needs to decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from anka.core.clock import Moment
from anka.sandbox import payments, presets
from anka.sandbox.cashier import Language, View, render_cashier, render_message
from anka.sandbox.exchange import Refused, Reply, Request
from anka.sandbox.faults import Operation, read_faults
from anka.sandbox.notices import enqueue
from anka.sandbox.payments import PaymentNotFound, status_now
from anka.sandbox.protocols.own import OwnProtocol
from anka.sandbox.store import Payment, Store, find_payment_by_token


class MethodRefused(Refused):
    """The cashier can be looked at and decided on, nothing else."""

    code = "method_refused"
    status = 405


class ChoiceMalformed(Refused):
    """The form did not come from the cashier page."""

    code = "malformed"
    status = 422


class CashierRoutes:
    """Shows the cashier and takes decisions."""

    def __init__(self, *, store: Store, own: OwnProtocol, base_url: str, wake: Callable[[], None]) -> None:
        self._store = store
        self._own = own
        self._base_url = base_url.rstrip("/")
        self._wake = wake

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer a browser; refusals are pages too."""
        asked = parse_qs(request.query if request.method == "GET" else request.body.decode("ascii", "replace"), max_num_fields=32)
        language: Language = "en" if asked.get("lang") == ["en"] else "zh"
        try:
            if request.method == "GET":
                payment = self._visited(request=request, moment=moment)
                shown: Language = language if "lang" in asked else _language_of(payment)
                return self._page(payment=payment, moment=moment, language=shown)
            if request.method == "POST":
                return self._decided(request=request, asked=asked, moment=moment, language=language)
            raise MethodRefused("The cashier can be looked at and decided on, nothing else.")
        except Refused as refusal:
            return _html(status=refusal.status, body=render_message(language=language, detail=str(refusal)), leads_to="")

    def _visited(self, *, request: Request, moment: Moment) -> Payment:
        if request.path != "/cashier":
            return self._known(request.path)
        token = parse_qs(request.query).get("request", [""])[0]
        wanted = self._own.wanted(token=token)
        with self._store.transaction() as connection:
            return payments.register(connection=connection, wanted=wanted, protocol=self._own.code, moment=moment)

    def _known(self, path: str) -> Payment:
        with self._store.transaction() as connection:
            payment = find_payment_by_token(connection=connection, token=path.removeprefix("/cashier/"))
        if payment is None:
            raise PaymentNotFound("There is no such payment.")
        return payment

    def _decided(self, *, request: Request, asked: dict[str, list[str]], moment: Moment, language: Language) -> Reply:
        payment = self._known(request.path)
        outcome = _outcome(asked.get("outcome", [""])[0])
        faults = read_faults(wishes=list(asked.get("fault", [])))
        try:
            with self._store.transaction() as connection:
                payments.check_payable(connection=connection, number=payment.number, outcome=outcome, faults=faults, moment=moment)
                faults += presets.next_fault(connection=connection, operation=Operation.PAY, numbers=(payment.number,))
                _, drafts = payments.decide(connection=connection, number=payment.number, outcome=outcome, faults=faults, moment=moment)
                enqueue(connection=connection, drafts=drafts)
        except (payments.PaymentNotPayable, payments.PaymentAlreadyPaid) as refusal:
            return self._page(payment=self._known(request.path), moment=moment, language=language, refusal=refusal)
        self._wake()
        return _html(status=303, body=b"", leads_to=payment.return_url, location=payment.return_url)

    def _page(self, *, payment: Payment, moment: Moment, language: Language, refusal: Refused | None = None) -> Reply:
        view = View(
            payment=payment,
            status=status_now(payment=payment, moment=moment),
            address=f"{self._base_url}/cashier/{payment.token}",
            language=language,
        )
        return _html(status=refusal.status if refusal else 200, body=render_cashier(view=view), leads_to=payment.return_url)


def _language_of(payment: Payment) -> Language:
    return "en" if payment.language == "en" else "zh"


def _outcome(word: str) -> Literal["paid", "failed", "closed"]:
    for outcome in ("paid", "failed", "closed"):
        if word == outcome:
            return outcome
    raise ChoiceMalformed("Choose one of the three buttons.")


def _html(*, status: int, body: bytes, leads_to: str, location: str = "") -> Reply:
    # A browser applies form-action to the redirect after the form, too: the shop's origin must be named.
    shop = urlsplit(leads_to)
    origin = f" {shop.scheme}://{shop.netloc}" if leads_to else ""
    policy = f"default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'{origin}"
    headers = {"Content-Security-Policy": policy, **({"Location": location} if location else {})}
    return Reply(status=status, body=body, content_type="text/html; charset=utf-8", headers=headers)
