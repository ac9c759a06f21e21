"""`actions` is the truth: what it allows can be done, what it does not allow is refused, at every stage of an order."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.people import OUT, Person, a_client, a_sealed_order
from tests.builders import a_product

BODIES: dict[str, Any] = {
    "key_check": {"prefix": "ABCD"},
    "pay": {"channel": "sandbox"},
    "cancel": {"reason": OUT, "ask": {"refund_minor": 1}},
    "reveal": {},
    "confirm": {},
    "quote": None,
}


def unpaid(buyer: Person) -> str:
    return buyer.order(a_product(), 2)


def paid(buyer: Person) -> str:
    number = unpaid(buyer)
    buyer.pay(number)
    return number


def sealed(buyer: Person) -> str:
    return a_sealed_order(buyer, quantity=2)


def half_opened(buyer: Person) -> str:
    number = sealed(buyer)
    assert buyer.post(f"/orders/{number}/units/1/reveal").status == 200
    return number


def half_refunded(buyer: Person) -> str:
    number = sealed(buyer)
    assert buyer.post(f"/orders/{number}/cases", {"reason": OUT, "units": [1]}).status == 201
    return number


def confirmed(buyer: Person) -> str:
    number = half_opened(buyer)
    assert buyer.post(f"/orders/{number}/confirm").status == 200
    return number


def closed(buyer: Person) -> str:
    number = unpaid(buyer)
    assert buyer.post(f"/orders/{number}/cases", {"reason": OUT}).status == 201
    return number


STAGES: tuple[Callable[[Person], str], ...] = (unpaid, paid, sealed, half_opened, half_refunded, confirmed, closed)


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_allowed_works_and_what_is_not_is_refused(stage: Callable[[Person], str]) -> None:
    buyer = a_client()
    actions = buyer.get(f"/orders/{stage(buyer)}").json["actions"]
    # A key can be checked once it was opened, so nothing is said of it before.
    assert {action["name"] for action in actions} | {"key_check"} == set(BODIES)
    for index in range(len(actions)):
        # Doing one thing changes what can be done next, so each is tried on an order of its own.
        number = stage(buyer)
        action = buyer.get(f"/orders/{number}").json["actions"][index]
        assert action["allowed"] == (action["why_not"] is None)
        assert action["label"]
        body = BODIES[action["name"]]
        if action["name"] == "cancel" and action["unit"]:
            body = {**body, "units": [action["unit"]]}
        path = action["path"].removeprefix("/api/v1")
        answer = buyer.get(path) if action["method"] == "GET" else buyer.post(path, body)
        assert (answer.status in (200, 201)) == action["allowed"], (action, answer.body)
        if not action["allowed"]:
            assert answer.status == 409
            assert answer.code
