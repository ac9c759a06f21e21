"""Telling people: to whom a notice goes, what it may carry, and that nobody can change what was told."""

from typing import Any

import psycopg
import pytest

from anka.core import database as door
from tests.builders import Order, a_placed_order, at

TOLD = "SELECT audience, person_id, order_number, case_number, kind, details, made_at, read_at FROM messaging_notice WHERE shop_id = %s"


def tell(order: Order, audience: str, *, kind: str = "case_opened", details: str | None = '{"n": 1}', order_id: int | None = None) -> None:
    """Tell one audience of an order something."""
    about = order.state.id if order_id is None else order_id
    door.rows("SELECT tell(%s, %s, %s, %s, %s, %s::jsonb, %s)", (order.shop.id, about, "CASE-1", audience, kind, details, at(7).now))


def told(order: Order) -> list[tuple[Any, ...]]:
    """Everything told in the shop of an order."""
    return door.rows(TOLD, (order.shop.id,))


@pytest.mark.parametrize("audience", ["buyer", "shop", "platform"])
def test_whoever_is_meant_is_told(audience: str) -> None:
    order = a_placed_order()
    tell(order, audience)
    person = order.buyer.person_id if audience == "buyer" else 0
    assert told(order) == [(audience, person, order.number, "CASE-1", "case_opened", '{"n": 1}', at(7).now, None)]


def test_details_may_be_left_out() -> None:
    order = a_placed_order()
    tell(order, "buyer", details=None)
    assert told(order)[0][5] == "{}"


def test_nobody_is_told_of_an_order_that_does_not_exist() -> None:
    order = a_placed_order()
    tell(order, "buyer", order_id=10**12)
    assert told(order) == []


@pytest.mark.parametrize(
    ("audience", "kind", "details"),
    [("everybody", "case_opened", "{}"), ("buyer", "Case opened!", "{}"), ("buyer", "case_opened", '{"text": "' + "字" * 1500 + '"}')],
)
def test_a_notice_has_a_form(audience: str, kind: str, details: str) -> None:
    order = a_placed_order()
    with pytest.raises(psycopg.errors.CheckViolation):
        tell(order, audience, kind=kind, details=details)


@pytest.mark.parametrize("change", ["details = '{}'", "made_at = now()", "person_id = 1", "kind = 'x'"])
def test_the_application_cannot_change_what_was_told(change: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        door.rows(f"UPDATE messaging_notice SET {change}")


def test_the_application_may_note_that_it_was_read() -> None:
    """The control: reading is the one change there is."""
    order = a_placed_order()
    tell(order, "buyer")
    door.rows("UPDATE messaging_notice SET read_at = made_at WHERE shop_id = %s", (order.shop.id,))
    assert told(order)[0][7] == at(7).now
