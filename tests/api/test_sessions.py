"""The same routes with a cookie session: through Django, which wants proof that a request comes from one of our pages."""

from importlib import import_module

import pytest
from django.conf import settings
from django.middleware.csrf import _get_new_csrf_string

from anka.accounts.passwords import hash_password
from anka.core import database
from anka.core.clock import moment
from anka.flows.sign_up import sign_up
from tests.api.client import Client
from tests.api.people import Person, a_client, a_sealed_order
from tests.builders import a_product, serial

PROOF = _get_new_csrf_string()


def with_session(person_id: int, headers: dict[str, str] | None = None, *, hours_ago: int = 0) -> Client:
    """Somebody signed in with a browser, who sends these headers too."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store["person_id"] = person_id
    store["signed_in_at"] = int(moment().real.timestamp()) - hours_ago * 3600
    store.save()
    cookies = f"{settings.SESSION_COOKIE_NAME}={store.session_key}; {settings.CSRF_COOKIE_NAME}={PROOF}"
    return Client(headers={"Cookie": cookies, **(headers or {})})


@pytest.fixture
def buyer() -> Person:
    return a_client()


def test_a_session_reads_and_acts_like_a_token(buyer: Person) -> None:
    product = a_product()
    browser = with_session(buyer.person_id, {"X-CSRFToken": PROOF})
    placed = browser.post("/orders", {"product_id": product.number, "quantity": 1}, key="from-a-page")
    assert placed.status == 201, placed.body
    assert placed.headers["Cache-Control"] == "no-store"
    number = placed.json["number"]
    assert browser.get(f"/orders/{number}").json == buyer.get(f"/orders/{number}").json
    again = buyer.post("/orders", {"product_id": product.number, "quantity": 1}, key="from-a-page")
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json["number"] == number
    head = browser.call("HEAD", f"/api/v1/orders/{number}")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-CSRFToken": "x" * 32}, {"X-CSRFToken": PROOF, "Origin": "https://evil.example"}, {"X-CSRFToken": PROOF, "Origin": "null"}],
)
def test_a_session_without_proof_changes_nothing(buyer: Person, headers: dict[str, str]) -> None:
    before = database.value("SELECT count(*) FROM orders_order")
    answer = with_session(buyer.person_id, headers).post("/orders", {"product_id": a_product().number, "quantity": 1})
    assert (answer.status, answer.code) == (403, "csrf_failed")
    assert database.value("SELECT count(*) FROM orders_order") == before


def test_a_cookie_that_is_no_session_is_nobody() -> None:
    stray = Client(headers={"Cookie": f"theme=dark; {settings.SESSION_COOKIE_NAME}=nonsense"})
    assert (stray.get("/wallet").status, stray.get("/wallet").code) == (401, "not_signed_in")
    assert stray.get("/products").status == 200
    # Signing in for a token needs no proof: nothing of the browser's is used for it.
    answer = stray.post("/auth/token", {"username": "nobody-at-all", "password": "wrong-password"})
    assert (answer.status, answer.code) == (401, "wrong_credentials")


def test_a_closed_account_is_nobody(buyer: Person) -> None:
    browser = with_session(buyer.person_id)
    assert browser.get("/wallet").status == 200
    database.rows("UPDATE accounts_person SET is_active = false WHERE id = %s", (buyer.person_id,))
    assert (browser.get("/wallet").status, browser.get("/wallet").code) == (401, "not_signed_in")
    assert (buyer.get("/wallet").status, buyer.get("/wallet").code) == (401, "not_signed_in")


def test_a_token_beside_a_cookie_counts_and_needs_no_proof(buyer: Person) -> None:
    somebody_else = a_client()
    browser = with_session(somebody_else.person_id, {"Authorization": f"Bearer {buyer.token}"})
    placed = browser.post("/orders", {"product_id": a_product().number, "quantity": 1})
    assert placed.status == 201
    assert buyer.get(f"/orders/{placed.json['number']}").status == 200


def test_refusals_read_the_same_through_django(buyer: Person) -> None:
    browser = with_session(buyer.person_id, {"X-CSRFToken": PROOF})
    json = {"Content-Type": "application/json"}
    requests: list[tuple[str, str, bytes, dict[str, str]]] = [
        ("GET", "/nothing-here", b"", {}),
        ("PUT", "/orders", b"", {}),
        ("GET", "/orders?limit=0", b"", {}),
        ("POST", "/orders", b'{"quantity": "1"}', json),
        ("POST", "/orders", b"{" * 9, json),
        ("POST", "/orders", b" " * 300_000, json),
        ("POST", "/orders", b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}),
    ]
    for method, path, body, headers in requests:
        by_session, by_token = (who.call(method, f"/api/v1{path}", body=body, headers=headers) for who in (browser, buyer))
        assert (by_session.status, by_session.code, by_session.body) == (by_token.status, by_token.code, by_token.body)


def test_a_session_of_yesterday_shows_no_key(buyer: Person) -> None:
    product = a_product(stock=1)
    number = a_sealed_order(buyer, product=product)
    old = with_session(buyer.person_id, {"X-CSRFToken": PROOF}, hours_ago=13)
    assert old.get(f"/orders/{number}").status == 200
    refused = old.post(f"/orders/{number}/units/1/reveal")
    assert (refused.status, refused.code) == (403, "step_up_required")
    assert buyer.get(f"/orders/{number}").json["units"][0]["stage"] == "sealed"
    assert old.post("/auth/step-up", {"password": "not-the-password"}).code == "wrong_credentials"
    assert old.post(f"/orders/{number}/units/1/reveal").code == "step_up_required"
    fresh = with_session(buyer.person_id, {"X-CSRFToken": PROOF}).post(f"/orders/{number}/units/1/reveal")
    assert fresh.json["secret"] == product.secrets[0]


def test_the_password_again_makes_a_session_fresh() -> None:
    name = f"stepper-{serial()}"
    person_id = sign_up(
        username=name, password_hash=hash_password(password="anka-demo-again"), display_name=name, language="zh-hans", at=moment()
    )
    somebody = a_client(person_id=person_id)
    number = a_sealed_order(somebody)
    old = with_session(person_id, {"X-CSRFToken": PROOF}, hours_ago=13)
    assert old.post("/auth/step-up", {"password": "not-the-password"}).code == "wrong_credentials"
    answer = old.post("/auth/step-up", {"password": "anka-demo-again"})
    assert answer.status == 200
    cookies = f"{answer.headers['Set-Cookie'].split(';')[0]}; {settings.CSRF_COOKIE_NAME}={PROOF}"
    renewed = Client(headers={"Cookie": cookies, "X-CSRFToken": PROOF})
    assert renewed.post(f"/orders/{number}/units/1/reveal").status == 200
    assert old.get("/wallet").code == "not_signed_in"
