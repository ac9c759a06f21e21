"""The key check: possession of an opened key, at most five times a day, without an index and without a trace of what was typed."""

import hashlib

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anka.core import database as door
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone, IdempotencyConflict, RequestKey, unrepeated
from anka.core.refusals import BadInput, NotFound
from anka.flows.appoint_staff import appoint_staff
from anka.flows.check_key import KeyCheck, KeyNotOpened, TooManyKeyChecks, Typed, _begins_with, answer_of, check_key
from anka.vault.models import SealedKey
from anka.vault.queries import proved_positions
from anka.vault.sealing import normalised
from tests.builders import OPERATOR, Order, a_buyer, a_key, a_person, a_product, a_revealed_order, a_sealed_order, at, stock_up
from tests.databases import Database
from tests.faults.interleave import HOOKS, interleave


def check(
    order: Order,
    prefix: str,
    position: int = 1,
    *,
    actor: Actor | None = None,
    request: RequestKey | None = None,
    when: Moment | None = None,
) -> KeyCheck:
    who = actor or order.buyer
    return check_key(
        actor=who,
        order_number=order.number,
        typed=Typed(position=position, prefix=prefix),
        open_secret=order.product.opener(),
        request=request or unrepeated(str(who)),
        at=when or at(10),
    )


def staff(role: str) -> Actor:
    person_id = a_person()
    appoint_staff(actor=OPERATOR, person_id=person_id, role=role)
    return Actor(kind=ActorKind.PLATFORM, person_id=person_id)


def secret_of(order: Order) -> str:
    return order.product.secrets[0]


def proved(order: Order) -> bool:
    return 1 in proved_positions(shop_id=order.shop.id, order_id=order.state.id)


def written(order: Order) -> str:
    """Everything a check leaves behind."""
    tables = ("core_event", "vault_key_check", "core_request", "core_outbox")
    found = [door.rows(f"SELECT row::text FROM {table} AS row") for table in tables]
    bodies = door.rows("SELECT convert_from(body, 'UTF8') FROM core_event WHERE shop_id = %s", (order.shop.id,))
    return str(found) + str(bodies)


def test_the_beginning_of_the_key_proves_possession() -> None:
    order = a_revealed_order()
    assert not proved(order)
    assert check(order, "ZZZZ") == KeyCheck(possession="no_match", tries_left=4)
    assert not proved(order)
    assert check(order, secret_of(order)[:4]) == KeyCheck(possession="match", tries_left=3)
    assert proved(order)
    assert check(order, secret_of(order)) == KeyCheck(possession="match", tries_left=2)
    assert check(order, secret_of(order) + "X").possession == "no_match"


def test_spaces_dashes_capitals_and_full_width_do_not_matter() -> None:
    product = a_product(stock=0)
    stock_up(product, ("AB12-cd34-９",))
    order = a_revealed_order(product=product)
    for prefix in ("ab12", "ＡＢ１２－ｃ", " a b-1-2 ", "AB12CD349"):
        assert check(order, prefix).possession == "match"


@pytest.mark.parametrize("prefix", ["", "KEY", "K-E-Y-", "－－－－", "    ", "ＫＥＹ"])
def test_too_little_is_refused_and_not_counted(prefix: str) -> None:
    order = a_revealed_order()
    with pytest.raises(BadInput):
        check(order, prefix)
    assert check(order, "ZZZZ").tries_left == 4


def test_five_tries_a_day_and_then_tomorrow() -> None:
    order = a_revealed_order(quantity=2)
    assert [check(order, "ZZZZ").tries_left for _ in range(5)] == [4, 3, 2, 1, 0]
    with pytest.raises(TooManyKeyChecks) as refused:
        check(order, secret_of(order))
    assert refused.value.facts["seconds"] == (14 * 60 - 10) * 60
    # The day ends at midnight in China, 14 hours after the tests begin.
    with pytest.raises(TooManyKeyChecks):
        check(order, secret_of(order), when=at(hours=13.9))
    assert check(order, secret_of(order), 2).tries_left == 4
    assert check(order, secret_of(order), when=at(hours=14.1)) == KeyCheck(possession="match", tries_left=4)


def test_an_arbiter_shares_the_units_tries_and_nobody_else_may_check() -> None:
    order = a_revealed_order()
    assert check(order, secret_of(order), actor=staff("arbiter")) == KeyCheck(possession="match", tries_left=4)
    assert check(order, secret_of(order)).tries_left == 3
    owner = order.shop.owner
    as_platform = Actor(kind=ActorKind.PLATFORM, person_id=owner.person_id)
    for stranger in (a_buyer(), owner, as_platform, staff("agent"), staff("finance"), staff("admin")):
        with pytest.raises(NotFound):
            check(order, secret_of(order), actor=stranger)
    with pytest.raises(NotFound):
        check(order, secret_of(order), 2)


def test_what_was_never_opened_or_was_taken_back_is_not_compared() -> None:
    opened: list[SealedKey] = []

    def remember(sealed: SealedKey) -> str:
        opened.append(sealed)
        return "SECRET"

    order = a_sealed_order()
    for _ in range(2):
        with pytest.raises(KeyNotOpened):
            check_key(
                actor=order.buyer,
                order_number=order.number,
                typed=Typed(position=1, prefix=secret_of(order)),
                open_secret=remember,
                request=unrepeated("x"),
                at=at(10),
            )
        if order.stages == ["sealed"]:
            order.cancel()
    assert opened == []


def test_one_event_for_each_try_and_no_trace_of_what_was_typed() -> None:
    order = a_revealed_order()
    key = a_key(order.buyer)
    check(order, "WRONGBEGINNING", request=key)
    check(order, secret_of(order))
    events = door.rows(
        "SELECT actor, convert_from(body, 'UTF8')::jsonb ->> 'details' FROM core_event"
        " WHERE shop_id = %s AND order_id = %s AND what = 'key_checked' ORDER BY sequence",
        (order.shop.id, order.state.id),
    )
    assert [(actor, details) for actor, details in events] == [
        (str(order.buyer), '{"possession": "no_match", "tries_left": 4}'),
        (str(order.buyer), '{"possession": "match", "tries_left": 3}'),
    ]
    left = written(order)
    for typed in ("WRONGBEGINNING", secret_of(order)):
        assert typed not in left
        assert hashlib.sha256(typed.encode()).hexdigest() not in left
    assert "WRONG" not in repr(Typed(position=1, prefix="WRONG"))


def test_a_repeated_request_is_answered_as_before_and_costs_no_try() -> None:
    order = a_revealed_order()
    key = a_key(order.buyer)
    first = check(order, secret_of(order), request=key)
    with pytest.raises(AlreadyDone) as done:
        check(order, secret_of(order), request=key)
    assert answer_of(done.value) == first
    other = a_key(order.buyer, key.key, body=b"another prefix")
    with pytest.raises(IdempotencyConflict):
        check(order, "ZZZZ", request=other)
    assert check(order, "ZZZZ").tries_left == 3


@pytest.mark.parametrize("hook", HOOKS)
def test_two_at_once_are_two_tries(database: Database, hook: str) -> None:
    order = a_revealed_order()
    for _ in range(3):
        check(order, "ZZZZ")
    raced = interleave(place=database, first=lambda: check(order, "ZZZZ"), second=lambda: check(order, "ZZZZ"), hook=hook)
    left = [result.answer.tries_left for result in (raced.first, raced.second) if isinstance(result.answer, KeyCheck)]
    assert left == [1, 0]


def test_negative_control_postgresql_itself_refuses_a_sixth_try() -> None:
    order = a_revealed_order()
    add = "INSERT INTO vault_key_check VALUES (%s, %s, 1, '2026-03-02', %s, now(), 1, false)"
    for number in (6, 0):
        with pytest.raises(psycopg.errors.CheckViolation):
            door.rows(add, (order.shop.id, order.state.id, number))
    check(order, "ZZZZ")
    with pytest.raises(psycopg.errors.UniqueViolation):
        door.rows(add, (order.shop.id, order.state.id, 1))


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
@pytest.mark.no_database
def test_it_begins_with_it_or_not(secret: str, typed: str) -> None:
    held, beginning = normalised(secret), normalised(typed)
    assert _begins_with(held, beginning) == held.startswith(beginning)
    assert _begins_with(held, held)
