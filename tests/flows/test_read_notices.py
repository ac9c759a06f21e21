"""Reading notices: whose they are, how they are counted, and that nobody reads for another."""

from __future__ import annotations

import pytest

from anka.accounts import writes as accounts
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import NotPermitted
from anka.flows.read_notices import read_notices
from anka.messaging.queries import Before, notices_of, unread_count
from tests.builders import Order, a_buyer, a_person, a_placed_order, at

DETAILS = '{"amount_minor": 100}'


def tell(order: Order, audience: str, kind: str = "case_opened") -> None:
    """Tell one audience of an order something."""
    said = (order.shop.id, order.state.id, None, audience, kind, DETAILS, at(6).now)
    database.rows("SELECT tell(%s, %s, %s, %s, %s, %s::jsonb, %s)", said)


def told(person_id: int) -> list[tuple[str, str | None]]:
    """What somebody was told: as whom, about which order; newest first."""
    return [(notice.audience, notice.order_number) for notice in notices_of(person_id=person_id, before=None, limit=100)]


def a_staff_member(role: str = "agent") -> int:
    """Somebody who works for the platform."""
    person_id = a_person()
    with database.transaction():
        accounts.add_staff_role(person_id=person_id, role=role)
    return person_id


def as_person(person_id: int) -> Actor:
    """Somebody, as they read."""
    return Actor(kind=ActorKind.BUYER, person_id=person_id)


def test_everybody_sees_what_was_told_to_them_and_nothing_else() -> None:
    mine, others = a_placed_order(), a_placed_order()
    for order in (mine, others):
        for audience in ("buyer", "shop", "platform"):
            tell(order, audience)
    assert told(mine.buyer.person_id) == [("buyer", mine.number)]
    assert told(mine.shop.owner.person_id) == [("shop", mine.number)]
    assert told(a_staff_member())[:2] == [("platform", others.number), ("platform", mine.number)]
    assert told(a_buyer().person_id) == []


@pytest.mark.parametrize("role", ["agent", "arbiter", "finance", "admin"])
def test_all_staff_see_what_the_platform_is_told(role: str) -> None:
    tell(a_placed_order(), "platform")
    assert told(a_staff_member(role))[0][0] == "platform"


def test_who_left_a_shop_sees_nothing_of_it_any_more() -> None:
    order = a_placed_order()
    tell(order, "shop")
    owner = order.shop.owner.person_id
    assert unread_count(person_id=owner) == 1
    database.rows("DELETE FROM accounts_membership WHERE person_id = %s", (owner,))
    assert (told(owner), unread_count(person_id=owner)) == ([], 0)
    assert read_notices(actor=as_person(owner), up_to=2**62, at=at(7)) == 0


def test_a_list_goes_on_where_it_stopped() -> None:
    order = a_placed_order()
    for kind in ("order_paid", "order_delivered", "case_opened"):
        tell(order, "buyer", kind)
    person = order.buyer.person_id
    first = notices_of(person_id=person, before=None, limit=2)
    rest = notices_of(person_id=person, before=Before(first[-1].id), limit=2)
    assert [notice.kind for notice in (*first, *rest)] == ["case_opened", "order_delivered", "order_paid"]


def test_reading_goes_up_to_a_notice_and_does_nothing_twice() -> None:
    order = a_placed_order()
    for _ in range(3):
        tell(order, "buyer")
    person = order.buyer.person_id
    second = notices_of(person_id=person, before=None, limit=9)[1]
    assert unread_count(person_id=person) == 3
    assert [read_notices(actor=order.buyer, up_to=second.id, at=at(7)) for _ in range(2)] == [2, 0]
    assert unread_count(person_id=person) == 1
    assert [notice.read_at for notice in notices_of(person_id=person, before=None, limit=9)] == [None, at(7).now, at(7).now]


def test_nobody_reads_for_another() -> None:
    order = a_placed_order()
    for audience in ("buyer", "shop"):
        tell(order, audience)
    assert read_notices(actor=a_buyer(), up_to=2**62, at=at(7)) == 0
    assert read_notices(actor=order.buyer, up_to=2**62, at=at(7)) == 1
    assert unread_count(person_id=order.shop.owner.person_id) == 1


def test_what_one_of_a_shop_has_read_is_read_for_all_of_it() -> None:
    order, colleague = a_placed_order(), a_person()
    database.rows("INSERT INTO accounts_membership (shop_id, person_id, role) VALUES (%s, %s, 'staff')", (order.shop.id, colleague))
    tell(order, "shop")
    read_notices(actor=as_person(colleague), up_to=2**62, at=at(7))
    assert unread_count(person_id=order.shop.owner.person_id) == 0


def test_a_notice_is_not_read_before_it_was_made() -> None:
    order = a_placed_order()
    tell(order, "buyer")
    assert read_notices(actor=order.buyer, up_to=2**62, at=at(0)) == 1
    assert notices_of(person_id=order.buyer.person_id, before=None, limit=1)[0].read_at == at(6).now


def test_an_account_that_was_closed_marks_nothing() -> None:
    order = a_placed_order()
    tell(order, "buyer")
    database.rows("UPDATE accounts_person SET is_active = false WHERE id = %s", (order.buyer.person_id,))
    with pytest.raises(NotPermitted):
        read_notices(actor=order.buyer, up_to=2**62, at=at(7))
    assert unread_count(person_id=order.buyer.person_id) == 1


def test_the_count_stops_at_a_hundred() -> None:
    order = a_placed_order()
    for _ in range(103):
        tell(order, "buyer")
    assert unread_count(person_id=order.buyer.person_id) == 100
