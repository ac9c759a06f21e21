"""Texts of every party on every party's page are text; and a page asks the database a bounded number of things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.builders import Order, a_key, a_product, a_sealed_order, at
from tests.builders.cases import Case, a_case, an_arbiter
from tests.web.browser import browser
from tests.web.conftest import SetClock

from anka.core import database
from anka.core.actors import Actor
from anka.flows.add_evidence import add_evidence, request_evidence
from anka.flows.answer_case import refuse_case
from anka.flows.appeal_case import appeal_case
from anka.flows.make_offer import make_offer
from anka.flows.rule_on_case import Finding
from anka.flows.steps.judge import Claim

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture(autouse=True)
def _later(set_clock: SetClock) -> None:
    set_clock(at(30))


def a_case_full_of_evil() -> Case:
    order = a_sealed_order(product=a_product(stock=1))
    order.reveal(when=at(4))
    case = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=4000, statement=EVIL, evidence=(("OTHER", EVIL),)))
    buyer, shop, arbiter = order.buyer, case.merchant, an_arbiter()
    database.rows("UPDATE accounts_person SET display_name = %s WHERE id = ANY (%s)", (EVIL[:40], [buyer.person_id, arbiter.person_id]))
    database.rows("UPDATE accounts_shop SET name_zh = %s, name_en = %s WHERE id = %s", (EVIL[:40], EVIL[:40], order.shop.id))
    make_offer(actor=shop, case_number=case.number, refund_minor=100, text=EVIL, request=a_key(shop), at=at(11))
    make_offer(actor=buyer, case_number=case.number, refund_minor=3900, text=EVIL, request=a_key(buyer), at=at(12))
    refuse_case(actor=shop, case_number=case.number, code="KEY_WORKED", text=EVIL, request=a_key(shop), at=at(13))
    for actor in (buyer, shop, arbiter):
        add_evidence(actor=actor, case_number=case.number, kind="OTHER", text=EVIL, request=a_key(actor), at=at(14))
    request_evidence(actor=arbiter, case_number=case.number, side="both", text=EVIL, request=a_key(arbiter), at=at(15))
    case.rule(Finding(fault="both", reasons=("OTHER",), text=EVIL, refund_percent=50), actor=arbiter, when=at(16))
    appeal_case(actor=buyer, case_number=case.number, text=EVIL, request=a_key(buyer), at=at(17))
    return case


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_what_anybody_wrote_is_text_on_everybodys_page(language: str) -> None:
    case = a_case_full_of_evil()
    order, staff = case.order.number, an_arbiter()
    pages = (
        (case.order.buyer, (f"/cases/{case.number}", f"/orders/{order}")),
        (staff, (f"/platform/cases/{case.number}", f"/platform/orders/{order}", "/platform?tab=all", f"/platform/find?number={EVIL[:30]}")),
    )
    for who, paths in pages:
        visitor = browser(who)
        for path in paths:
            answer = visitor.get(path, accept_language=language)
            page = answer.content.decode()
            assert answer.status_code in (200, 302)
            assert "<script>alert" not in page
            assert "<img src=x" not in page
    room = browser(case.order.buyer).get(f"/cases/{case.number}").content.decode()
    assert room.count("&lt;script&gt;alert(1)") >= 9


def test_what_was_typed_wrongly_comes_back_as_text() -> None:
    case = a_case_full_of_evil()
    visitor = browser(case.order.buyer)
    form = visitor.form(visitor.get(f"/cases/{case.number}"), f"/cases/{case.number}/evidence")
    answer = visitor.send(form, kind=EVIL, text=EVIL)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.content.decode()
    arbiter = browser(an_arbiter())
    page = arbiter.get(f"/platform/cases/{case.number}")
    ruling = arbiter.form(page, f"/platform/cases/{case.number}/ruling")
    wrong = arbiter.send(ruling, fault=EVIL, share="amount", amount=EVIL[:30], reasons=EVIL, text=EVIL)
    assert wrong.status_code == 422
    assert "<script>alert" not in wrong.content.decode()
    preview = arbiter.send(ruling, fault="both", share="half", reasons="OTHER", text=EVIL)
    assert preview.status_code == 200
    assert "<script>alert" not in preview.content.decode()
    assert "&lt;script&gt;" in preview.content.decode()


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what is asked of the database meanwhile."""
    found: list[str] = []

    def watch(moment: str, sql: str) -> None:
        if moment == "statement":
            found.append(sql)

    database.watchers.append(watch)
    try:
        yield found
    finally:
        database.watchers.remove(watch)


def asked_by(who: Actor, path: str) -> int:
    visitor = browser(who)
    visitor.get(path)
    with statements() as found:
        assert visitor.get(path).status_code == 200
    return len(found)


def a_wide_case(quantity: int) -> Case:
    order: Order = a_sealed_order(quantity=quantity, product=a_product(stock=quantity))
    for position in range(1, quantity + 1):
        order.reveal(position, when=at(4))
    case = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=1000))
    case.refuse(when=at(12))
    return case


def test_pages_ask_as_little_for_many_pieces_as_for_one() -> None:
    one, many, staff = a_wide_case(1), a_wide_case(6), an_arbiter()
    for path in ("/cases/{case}", "/orders/{order}"):
        asked = [asked_by(case.order.buyer, path.format(case=case.number, order=case.order.number)) for case in (one, many)]
        assert asked[0] == asked[1] <= 9, (path, asked)
    for path in ("/platform/cases/{case}", "/platform/orders/{order}"):
        asked = [asked_by(staff, path.format(case=case.number, order=case.order.number)) for case in (one, many)]
        assert asked[0] == asked[1] <= 9, (path, asked)
    assert asked_by(staff, "/platform?tab=all") <= 9
    assert asked_by(staff, "/platform/alerts") <= 9
