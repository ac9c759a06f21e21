"""The same request again, with its key: the same answer, one effect; also when it comes several times at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import msgspec
import pytest

from anka.core import database
from anka.core.idempotency import request_key
from tests import databases
from tests.api.client import Client, Response
from tests.api.people import (
    OUT,
    REFUSAL,
    RULING,
    Person,
    a_case,
    a_case_the_rules_refuse,
    a_client,
    a_decided_case,
    a_manual_product,
    a_paid_order,
    a_refused_case,
    a_sealed_order,
    a_staff_member,
    an_opened_order,
    merchant_of,
)
from tests.builders import a_product, fill_wallet

TWINS = 6


Request = tuple[Person, str, Any]


def an_order() -> Request:
    return a_client(), "/orders", {"product_id": a_product().number, "quantity": 1}


def a_channel_payment() -> Request:
    buyer = a_client()
    return buyer, f"/orders/{buyer.order(a_product())}/payments", {"channel": "sandbox"}


def a_wallet_payment() -> Request:
    buyer = a_client()
    number = buyer.order(a_product())
    fill_wallet(buyer.buyer, 50_000)
    return buyer, f"/orders/{number}/payments", {"channel": "wallet"}


def a_cancel() -> Request:
    buyer = a_client()
    return buyer, f"/orders/{a_sealed_order(buyer)}/cases", {"reason": OUT}


def a_claim() -> Request:
    buyer = a_client()
    body = {"reason": "KEY_INVALID", "ask": {"refund_minor": 4000}, "evidence": [{"kind": "OTHER", "text": "It says: invalid."}]}
    return buyer, f"/orders/{an_opened_order(buyer)}/cases", body


def a_merchants_recall() -> Request:
    buyer, product = a_client(), a_product()
    return merchant_of(product), f"/orders/{an_opened_order(buyer, product=product)}/cases", {"reason": "KEY_INVALID"}


def a_confirmation() -> Request:
    buyer = a_client()
    return buyer, f"/orders/{an_opened_order(buyer)}/confirm", {}


def an_acceptance() -> Request:
    product = a_manual_product()
    return merchant_of(product), f"/orders/{a_paid_order(a_client(), product)}/accept", {}


def a_delivery() -> Request:
    product = a_manual_product()
    return merchant_of(product), f"/orders/{a_paid_order(a_client(), product)}/deliver", {"secrets": ["HANDED-OVER-1"]}


def of_the_merchant(ending: str, body: dict[str, Any]) -> Callable[[], Request]:
    def request() -> Request:
        product = a_product()
        return merchant_of(product), f"/cases/{a_case(a_client(), product=product)}/{ending}", body

    return request


def of_the_buyer(ending: str, body: dict[str, Any]) -> Callable[[], Request]:
    def request() -> Request:
        buyer = a_client()
        return buyer, f"/cases/{a_case(buyer)}/{ending}", body

    return request


def of_the_arbiter(ending: str, body: dict[str, Any]) -> Callable[[], Request]:
    def request() -> Request:
        return a_staff_member("arbiter"), f"/cases/{a_refused_case(a_client(), a_product())}/{ending}", body

    return request


def to_an_offer(ending: str) -> Callable[[], Request]:
    def request() -> Request:
        buyer, product = a_client(), a_product()
        case = a_case(buyer, product=product)
        offered = merchant_of(product).post(f"/cases/{case}/offers", {"refund_minor": 3000})
        return buyer, f"/cases/{case}/offers/{offered.json['offers'][0]['id']}/{ending}", {}

    return request


def an_appeal() -> Request:
    buyer = a_client()
    case = a_decided_case(buyer, a_product(), a_staff_member("arbiter"))
    return buyer, f"/cases/{case}/appeal", {"text": "There is something new."}


def an_escalation() -> Request:
    buyer = a_client()
    return buyer, f"/cases/{a_case_the_rules_refuse(buyer)}/escalate", {"text": "Please look at it."}


def an_approval() -> Request:
    case = a_refused_case(a_client(), a_product(price_minor=90_000))
    proposed = a_staff_member("arbiter").post(f"/cases/{case}/ruling", {**RULING, "refund_percent": 100})
    assert proposed.json["ruling"] is None
    return a_staff_member("arbiter"), f"/cases/{case}/approve", {}


REQUESTS: dict[str, Callable[[], Request]] = {
    "order": an_order,
    "channel payment": a_channel_payment,
    "wallet payment": a_wallet_payment,
    "cancel": a_cancel,
    "claim": a_claim,
    "recall": a_merchants_recall,
    "confirm": a_confirmation,
    "accept": an_acceptance,
    "deliver": a_delivery,
    "agree": of_the_merchant("agree", {}),
    "refuse": of_the_merchant("refuse", REFUSAL),
    "offer": of_the_merchant("offers", {"refund_minor": 3000}),
    "offer a replacement": of_the_merchant("offers", {"replacement": True}),
    "accept an offer": to_an_offer("accept"),
    "decline an offer": to_an_offer("decline"),
    "evidence": of_the_buyer("evidence", {"kind": "OTHER", "text": "It says: invalid."}),
    "escalate": an_escalation,
    "withdraw": of_the_buyer("withdraw", {}),
    "appeal": an_appeal,
    "ask for evidence": of_the_arbiter("evidence-requests", {"side": "both", "text": "Show us."}),
    "rule": of_the_arbiter("ruling", RULING),
    "approve": an_approval,
}
# What else the same key could be misused for; a request without a body has nothing to change.
OTHERWISE: dict[str, dict[str, Any]] = {
    "order": {"quantity": 2},
    "channel payment": {"channel": "wallet"},
    "wallet payment": {"channel": "sandbox"},
    "cancel": {"reason": "OTHER"},
    "claim": {"ask": {"refund_minor": 4001}},
    "recall": {"reason": "OTHER"},
    "confirm": {"units": [1]},
    "accept": {"units": [1]},
    "deliver": {"secrets": ["HANDED-OVER-2"]},
    "refuse": {"text": "It works."},
    "offer": {"refund_minor": 3001},
    "offer a replacement": {"text": "A new one."},
    "evidence": {"text": "It says something else."},
    "escalate": {"text": "Or not."},
    "appeal": {"text": "Something else."},
    "ask for evidence": {"side": "buyer"},
    "rule": {"refund_percent": 51},
}
MADE = (
    "orders_order",
    "payments_payment",
    "cases_case",
    "cases_answer",
    "cases_offer",
    "cases_evidence",
    "cases_ruling",
    "cases_receipt",
    "payments_refund",
    "ledger_journal",
    "core_event",
    "core_request",
    "core_clock",
    "messaging_notice",
    "vault_key",
)


def lasting(answer: Response) -> Any:
    """What an answer says but for the cashier's address, which is signed anew each time it is asked for."""
    found = answer.json
    signed_anew = ("cashier_url", "qr")
    return {name: value for name, value in found.items() if name not in signed_anew}


def made() -> list[int]:
    """How much of everything there is."""
    return [int(database.value(f"SELECT count(*) FROM {table}")) for table in MADE]


@pytest.mark.parametrize("what", sorted(REQUESTS))
def test_a_repeated_request_gets_the_same_answer_and_has_no_second_effect(what: str) -> None:
    caller, path, body = REQUESTS[what]()
    first = caller.post(path, body, key="again")
    assert first.status in (200, 201), first.body
    assert "Idempotency-Replayed" not in first.headers
    after = made()
    second = caller.post(path, body, key="again")
    assert (second.status, lasting(second)) == (first.status, lasting(first))
    assert second.headers["Idempotency-Replayed"] == "true"
    assert made() == after


@pytest.mark.parametrize("what", sorted(REQUESTS))
def test_a_key_is_good_for_one_request_of_one_caller(what: str) -> None:
    caller, path, body = REQUESTS[what]()
    elsewhere_body = {"product_id": a_product().number, "quantity": 3}
    assert caller.post(path, body, key="mine").status in (200, 201)
    after = made()
    if what in OTHERWISE:
        conflict = caller.post(path, {**body, **OTHERWISE[what]}, key="mine")
        assert (conflict.status, conflict.code) == (422, "idempotency_conflict")
    elsewhere = caller.post("/orders", elsewhere_body, key="mine")
    assert (elsewhere.status, elsewhere.code) == (422, "idempotency_conflict")
    assert made() == after
    thief = a_client().post(path, body, key="mine")
    assert "Idempotency-Replayed" not in thief.headers
    assert thief.status == (201 if what == "order" else 404)


@pytest.mark.parametrize("what", sorted(REQUESTS))
def test_twins_at_once_get_one_effect_and_the_same_answer(what: str) -> None:
    caller, path, body = REQUESTS[what]()
    together = Barrier(TWINS)

    def send(_: int) -> Response:
        together.wait(timeout=60)
        try:
            return caller.post(path, body, key="twins")
        finally:
            databases.close_connection()

    with ThreadPoolExecutor(TWINS) as pool:
        answers = list(pool.map(send, range(TWINS)))
    assert {answer.status for answer in answers} <= {200, 201}, [answer.body for answer in answers]
    assert len({repr(lasting(answer)) for answer in answers}) == 1
    replays = sum("Idempotency-Replayed" in answer.headers for answer in answers)
    assert replays == TWINS - 1
    remembered = database.value(
        "SELECT count(*) FROM core_request WHERE caller = %s AND idempotency_key = 'twins'", (f"person:{caller.person_id}",)
    )
    assert remembered == 1


def test_without_a_key_nothing_is_remembered() -> None:
    buyer, product = a_client(), a_product()
    sent = {"product_id": product.number, "quantity": 1}
    path = "/api/v1/orders"
    body = b'{"product_id":"%s","quantity":1}' % product.number.encode()
    first = buyer.call("POST", path, body=body, headers={"Content-Type": "application/json"})
    second = buyer.call("POST", path, body=body, headers={"Content-Type": "application/json"})
    assert first.status == 201
    assert (second.status, second.code) == (409, "duplicate_order")
    assert buyer.post("/orders", {**sent, "allow_duplicate": True}).status == 201


def test_what_is_remembered_of_a_delivery_does_not_let_its_key_be_guessed() -> None:
    product = a_manual_product()
    number = a_paid_order(a_client(), product)
    body = msgspec.json.encode({"secrets": ["1234"]})
    path, merchant = f"/orders/{number}/deliver", merchant_of(product)
    assert merchant.post(path, {"secrets": ["1234"]}, key="guess").status == 200
    kept = database.value("SELECT fingerprint FROM core_request WHERE caller = %s", (f"person:{merchant.person_id}",))
    guessed = request_key(caller="", key="guess", method="POST", path=f"/api/v1{path}", body=body).fingerprint
    assert bytes(kept) != guessed
    # Where nothing is secret the plain digest is kept, which shows that the guess above is the right one to make.
    reader = a_client()
    order = {"product_id": a_product().number, "quantity": 1}
    assert reader.post("/orders", order, key="plain").status == 201
    kept = database.value("SELECT fingerprint FROM core_request WHERE caller = %s", (f"person:{reader.person_id}",))
    assert (
        bytes(kept)
        == request_key(caller="", key="plain", method="POST", path="/api/v1/orders", body=msgspec.json.encode(order)).fingerprint
    )


def test_what_is_remembered_holds_no_secret() -> None:
    buyer, product = a_client(), a_product(stock=1)
    number = a_sealed_order(buyer, product=product)
    assert buyer.post(f"/orders/{number}/units/1/reveal", key="secret").json["secret"] == product.secrets[0]
    assert buyer.post(f"/orders/{number}/units/1/reveal", key="secret").json["secret"] == product.secrets[0]
    Client().post("/auth/token", {"username": "nobody-at-all", "password": "hunter2-hunter2"}, key="secret")
    kept = str(database.rows("SELECT caller, idempotency_key, fingerprint, reference FROM core_request"))
    assert product.secrets[0] not in kept
    assert "hunter2" not in kept


def test_a_quote_that_got_worse_is_answered_with_the_new_one() -> None:
    buyer = a_client()
    number = a_sealed_order(buyer)
    quote = buyer.get(f"/orders/{number}/cancellation").json
    assert buyer.post(f"/orders/{number}/units/1/reveal").status == 200
    changed = buyer.post(f"/orders/{number}/cases", {"reason": OUT, "quote": quote["id"]})
    assert (changed.status, changed.code) == (409, "verdict_changed")
    assert changed.json["quote"]["refund_minor"] < quote["refund_minor"]
    assert buyer.get(f"/orders/{number}").json["cases"] == []
