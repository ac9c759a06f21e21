"""Budgets: how often somebody may do something, with budgets of their own for paying, cancelling and signing in."""

from collections.abc import Iterator

import pytest

from anka.api.routes import ROUTES
from anka.config.wsgi import tell_who_asks
from anka.core import rate_limits
from anka.core.clock import moment
from anka.core.rate_limits import TooManyRequests
from tests.api.client import Client
from tests.api.people import a_client
from tests.builders import a_product, serial


@pytest.fixture
def as_in_production() -> Iterator[None]:
    """Budgets as they are outside of a sandbox."""
    before, rate_limits.factor = rate_limits.factor, 1
    yield
    rate_limits.factor = before


def test_a_sandbox_has_fifty_times_the_budgets() -> None:
    assert rate_limits.factor == rate_limits.SANDBOX_FACTOR == 50


def test_every_budget_of_the_table_exists() -> None:
    assert {route.budget for route in ROUTES if route.budget} <= rate_limits.NAMES


def test_a_budget_runs_out_says_when_and_fills_again(as_in_production: None) -> None:
    caller, at = f"test:{serial()}", moment()
    for _ in range(int(rate_limits.budget("key_check").capacity)):
        rate_limits.spend(name="key_check", caller=caller, at=at)
    with pytest.raises(TooManyRequests) as refused:
        rate_limits.spend(name="key_check", caller=caller, at=at)
    assert refused.value.facts["seconds"] > 0
    rate_limits.spend(name="key_check", caller=f"{caller}-other", at=at)
    rate_limits.spend(name="pay", caller=caller, at=at)


def test_guessing_a_password_is_slowed_down_by_name_and_says_so(as_in_production: None) -> None:
    name = f"guessed{serial()}"
    allowed = int(rate_limits.budget("sign_in_name").capacity)
    answers = [Client().post("/auth/token", {"username": name, "password": f"wrong-{n}"}) for n in range(allowed + 1)]
    assert [answer.status for answer in answers] == [401] * allowed + [429]
    assert answers[-1].code == "too_many_requests"
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_who_has_ordered_too_much_can_still_cancel_and_pay(as_in_production: None) -> None:
    buyer, product = a_client(), a_product(stock=40)
    allowed = int(rate_limits.budget("place_order").capacity)
    numbers = [buyer.order(product) for _ in range(allowed)]
    refused = buyer.post("/orders", {"product_id": product.number, "quantity": 1, "allow_duplicate": True})
    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert buyer.post(f"/orders/{numbers[0]}/cases", {"reason": "NO_LONGER_NEEDED"}).status == 201
    assert buyer.post(f"/orders/{numbers[1]}/payments", {"channel": "sandbox"}).status == 201


@pytest.mark.no_database
def test_behind_a_proxy_the_address_is_the_one_the_proxy_saw() -> None:
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9"}
    tell_who_asks(environ)
    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    direct = {"REMOTE_ADDR": "203.0.113.9"}
    tell_who_asks(direct)
    assert direct["REMOTE_ADDR"] == "203.0.113.9"
