"""The same request again, with its key: the same answer, one effect; also when it comes several times at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from anka.core import database
from tests import databases
from tests.api.client import Client, Response
from tests.api.people import OUT, Person, a_client, a_sealed_order
from tests.builders import a_product, fill_wallet

TWINS = 6


def an_order(buyer: Person) -> tuple[str, Any]:
    return "/orders", {"product_id": a_product().number, "quantity": 1}


def a_channel_payment(buyer: Person) -> tuple[str, Any]:
    return f"/orders/{buyer.order(a_product())}/payments", {"channel": "sandbox"}


def a_wallet_payment(buyer: Person) -> tuple[str, Any]:
    number = buyer.order(a_product())
    fill_wallet(buyer.buyer, 50_000)
    return f"/orders/{number}/payments", {"channel": "wallet"}


def a_cancel(buyer: Person) -> tuple[str, Any]:
    return f"/orders/{a_sealed_order(buyer)}/cases", {"reason": OUT}


def a_confirmation(buyer: Person) -> tuple[str, Any]:
    number = a_sealed_order(buyer)
    assert buyer.post(f"/orders/{number}/units/1/reveal").status == 200
    return f"/orders/{number}/confirm", {}


REQUESTS: dict[str, Callable[[Person], tuple[str, Any]]] = {
    "order": an_order,
    "channel payment": a_channel_payment,
    "wallet payment": a_wallet_payment,
    "cancel": a_cancel,
    "confirm": a_confirmation,
}
OTHERWISE: dict[str, dict[str, Any]] = {
    "order": {"quantity": 2},
    "channel payment": {"channel": "wallet"},
    "wallet payment": {"channel": "sandbox"},
    "cancel": {"reason": "OTHER"},
    "confirm": {"units": [1]},
}
MADE = ("orders_order", "payments_payment", "cases_case", "payments_refund", "ledger_journal", "core_event", "core_request")


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
    buyer = a_client()
    path, body = REQUESTS[what](buyer)
    first = buyer.post(path, body, key="again")
    assert first.status in (200, 201), first.body
    assert "Idempotency-Replayed" not in first.headers
    after = made()
    second = buyer.post(path, body, key="again")
    assert (second.status, lasting(second)) == (first.status, lasting(first))
    assert second.headers["Idempotency-Replayed"] == "true"
    assert made() == after


@pytest.mark.parametrize("what", sorted(REQUESTS))
def test_a_key_is_good_for_one_request_of_one_caller(what: str) -> None:
    buyer = a_client()
    path, body = REQUESTS[what](buyer)
    assert buyer.post(path, body, key="mine").status in (200, 201)
    after = made()
    conflict = buyer.post(path, {**body, **OTHERWISE[what]}, key="mine")
    assert (conflict.status, conflict.code) == (422, "idempotency_conflict")
    elsewhere = buyer.post("/orders", {"product_id": a_product().number, "quantity": 3}, key="mine")
    assert (elsewhere.status, elsewhere.code) == (422, "idempotency_conflict")
    assert made() == after
    thief = a_client().post(path, body, key="mine")
    assert "Idempotency-Replayed" not in thief.headers
    assert thief.status == (201 if what == "order" else 404)


@pytest.mark.parametrize("what", sorted(REQUESTS))
def test_twins_at_once_get_one_effect_and_the_same_answer(what: str) -> None:
    buyer = a_client()
    path, body = REQUESTS[what](buyer)
    together = Barrier(TWINS)

    def send(_: int) -> Response:
        together.wait(timeout=10)
        try:
            return buyer.post(path, body, key="twins")
        finally:
            databases.close_connection()

    with ThreadPoolExecutor(TWINS) as pool:
        answers = list(pool.map(send, range(TWINS)))
    assert {answer.status for answer in answers} <= {200, 201}, [answer.body for answer in answers]
    assert len({repr(lasting(answer)) for answer in answers}) == 1
    replays = sum("Idempotency-Replayed" in answer.headers for answer in answers)
    assert replays == TWINS - 1
    remembered = database.value(
        "SELECT count(*) FROM core_request WHERE caller = %s AND idempotency_key = 'twins'", (f"person:{buyer.person_id}",)
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
