"""The key check and the sandbox issuer over the API: who gets which answer, what a repeat costs, and what stays unsaid."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anka.adapters.channels.sandbox_keys import Mode
from anka.config.settings import ENVIRONMENT
from anka.config.wiring import wire
from anka.core import database as door
from anka.core.idempotency import request_key
from anka.jobs.channels import channels
from anka.sandbox.gateway import Gateway, GatewaySettings
from anka.sandbox.server import RunningGateway
from tests.api.client import Client, Response
from tests.api.people import Person, a_client, a_sealed_order
from tests.builders import Product, a_product
from tests.builders.goods import lend_keyring
from tests.databases import Database


@pytest.fixture
def _sandbox(database: Database, tmp_path: Path) -> Iterator[None]:
    settings = GatewaySettings(mode=Mode.SANDBOX, home=tmp_path, database_url=database.owner, base_url="http://sandbox.test")
    running = RunningGateway(gateway=Gateway(settings=settings), host="127.0.0.1", port=0)
    lend_keyring(tmp_path)
    wire(replace(ENVIRONMENT, home=tmp_path, gateway_url=f"http://127.0.0.1:{running.port}"))
    yield
    channels["sandbox"].close_connections()
    running.stop()
    wire(ENVIRONMENT)


def opened(issuer: str | None = None) -> tuple[Person, str, Product]:
    buyer, product = a_client(), a_product(stock=2, issuer=issuer)
    number = a_sealed_order(buyer, quantity=2, product=product)
    assert buyer.post(f"/orders/{number}/units/1/reveal").status == 200
    return buyer, number, product


def check(who: Client, number: str, prefix: str, unit: str = "1", **headers: str) -> Response:
    return who.post(f"/orders/{number}/units/{unit}/key-check", {"prefix": prefix}, headers=headers)


def test_the_answer_says_possession_and_tries_left_and_nothing_else() -> None:
    buyer, number, product = opened()
    assert check(buyer, number, "ZZZZ").json == {"possession": "no_match", "tries_left": 4}
    full_width = product.secrets[0].translate({code: code + 0xFEE0 for code in range(0x30, 0x5B)})
    assert check(buyer, number, full_width, f"{number}-1").json == {"possession": "match", "tries_left": 3}


def test_a_sixth_try_is_refused() -> None:
    buyer, number, product = opened()
    assert [check(buyer, number, "ZZZZ").status for _ in range(5)] == [200] * 5
    answer = check(buyer, number, product.secrets[0])
    assert (answer.status, answer.code) == (429, "too_many_key_checks")


def test_a_repeat_costs_no_try_and_another_prefix_needs_another_key() -> None:
    buyer, number, product = opened()
    first = check(buyer, number, product.secrets[0], **{"Idempotency-Key": "check-1"})
    again = check(buyer, number, product.secrets[0], **{"Idempotency-Key": "check-1"})
    assert (first.status, first.json) == (again.status, again.json) == (200, {"possession": "match", "tries_left": 4})
    assert again.headers["Idempotency-Replayed"] == "true"
    other = check(buyer, number, "ZZZZ", **{"Idempotency-Key": "check-1"})
    assert (other.status, other.code) == (422, "idempotency_conflict")


def test_the_idempotency_row_does_not_give_the_prefix_away() -> None:
    buyer, number, _ = opened()
    key = {"Idempotency-Key": "check-2"}
    check(buyer, number, "ZZZZ", **key)
    caller = f"person:{buyer.person_id}"
    fingerprint = door.value(
        "SELECT encode(fingerprint, 'hex') FROM core_request WHERE caller = %s AND idempotency_key = 'check-2'", (caller,)
    )
    path = f"/api/v1/orders/{number}/units/1/key-check"
    # What somebody who reads the row would try.
    guessed = request_key(caller=caller, key="check-2", method="POST", path=path, body=b'{"prefix":"ZZZZ"}')
    assert fingerprint
    assert fingerprint != guessed.fingerprint.hex()


def test_what_is_not_opened_or_too_short_is_refused() -> None:
    buyer, number, _ = opened()
    assert (check(buyer, number, "ZZZZ", "2").status, check(buyer, number, "ZZZZ", "2").code) == (409, "key_not_opened")
    for short in ("", "ABC", "A-B-C", "－－－－－"):
        answer = check(buyer, number, short)
        assert (answer.status, list(answer.json["fields"])) == (422, ["prefix"])


def test_a_missing_unit_another_order_and_a_missing_order_look_alike() -> None:
    buyer, number, _ = opened()
    _, theirs, product = opened()
    answers = [
        check(buyer, number, "ZZZZ", "9"),
        check(buyer, theirs, product.secrets[0]),
        check(buyer, "QM-0000000000000", "ZZZZ"),
        check(Client(token=a_client().token), number, "ZZZZ"),
    ]
    assert len({(answer.status, answer.body) for answer in answers}) == 1
    assert answers[0].status == 404


def play(unit: str, **word: Any) -> Response:
    return Client().post(f"/sandbox/issuer/{unit}", word)


@pytest.mark.usefixtures("_sandbox")
@pytest.mark.parametrize("issuer", [None, "sandbox"])
def test_the_issuer_is_played_over_the_api(issuer: str | None) -> None:
    _, number, _ = opened(issuer)
    unit = f"{number}-1"
    told = play(unit, use_check="used_after_reveal", used_by="other", delivered_percent=60)
    assert (told.status, told.json) == (
        200,
        {
            "unit": unit,
            "use_check": "used_after_reveal",
            "used_by": "other",
            "voidable": False,
            "matches_order": "unknown",
            "delivered_percent": 60,
        },
    )
    assert play(unit, use_check="unused", silent=True).json["use_check"] == "used_after_reveal"
    assert play(f"{number}-9", use_check="unused").status == 404


@pytest.mark.usefixtures("_sandbox")
def test_a_reveal_asks_the_issuer_and_a_silent_one_does_not_hinder_it() -> None:
    buyer, product = a_client(), a_product(stock=2, issuer="sandbox")
    number = a_sealed_order(buyer, quantity=2, product=product)
    assert play(f"{number}-2", silent=True).status == 200
    for position in (1, 2):
        answer = buyer.post(f"/orders/{number}/units/{position}/reveal")
        assert (answer.status, answer.json["secret"]) == (200, product.secrets[position - 1])
    asked = "SELECT occasion, position, reason FROM vault_issuer_answer WHERE shop_id = %s ORDER BY id"
    assert door.rows(asked, (product.shop.id,)) == [("reveal", 1, ""), ("reveal", 2, "no_answer")]
