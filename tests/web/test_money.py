"""Money that does not fit, on the pages of those it concerns: the buyer is told, finance staff decide, nobody else sees a thing."""

from __future__ import annotations

import pytest
from tests.builders import OPERATOR, Order, a_buyer, a_payment, a_placed_order, a_product, at, serial
from tests.web.browser import browser

from anka.core.actors import Actor
from anka.domain.unidentified import FOUR_EYES_FROM_MINOR
from anka.flows.appoint_staff import appoint_staff
from anka.flows.take_payment import PaidNotice
from anka.flows.take_unidentified import take_unidentified
from anka.payments.unidentified import queue, unidentified

PAGE = "/platform/money"


def staff(role: str = "finance") -> Actor:
    person = a_buyer()
    appoint_staff(actor=OPERATOR, person_id=person.person_id, role=role)
    return person


def money(amount_minor: int) -> str:
    number = serial()
    take_unidentified(
        seen=PaidNotice(
            channel="sandbox",
            payment_number=f"WHO-{number}",
            transaction_number=f"WHO{number}",
            amount_minor=amount_minor,
            currency="CNY",
        ),
        at=at(2),
    )
    return next(found.number for found in queue(status=None, after=None, limit=100) if found.payment_number == f"WHO-{number}")


def came_instead(order: Order, amount_minor: int) -> None:
    paid = a_payment(order)
    seen = PaidNotice(
        channel=paid.channel,
        payment_number=paid.payment_number,
        transaction_number=paid.transaction_number,
        amount_minor=amount_minor,
        currency="CNY",
    )
    take_unidentified(seen=seen, at=at(2))


@pytest.mark.parametrize(("amount_minor", "said"), [(9_900, "¥99.00"), (10_100, "¥101.00")])
def test_the_buyer_is_told_in_plain_words(amount_minor: int, said: str) -> None:
    order = a_placed_order()
    before = browser(order.buyer).get(f"/orders/{order.number}").content.decode()
    came_instead(order, amount_minor)
    page = browser(order.buyer).get(f"/orders/{order.number}").content.decode()
    warning = f"应付 ¥100.00，实际到账 {said}，因此没有用于支付本订单。这笔钱会自动退回"
    assert (warning in before, warning in page) == (False, True)
    assert "金额不符，正在退回给你" in page
    # Nothing was paid, so it can still be paid, and nothing says that it came twice.
    assert f"/orders/{order.number}/pay" in page
    assert "多收到" not in page


def test_nobody_else_sees_the_queue() -> None:
    money(100)
    for stranger in (a_buyer(), staff("arbiter"), staff("agent")):
        assert browser(stranger).get(PAGE).status_code == 404
    assert browser().get(PAGE).status_code in (302, 401)
    for role in ("finance", "admin"):
        assert browser(staff(role)).get(PAGE).status_code == 200


def test_money_goes_back_by_one_button() -> None:
    number, desk = money(4_200), browser(staff())
    page = desk.get(PAGE)
    assert "没有对应的付款" in page.content.decode()
    told = desk.send(desk.form(page, f"{PAGE}/{number}/return"), follow=True).content.decode()
    assert "正在退回。" in told
    assert unidentified(number=number).status == "returning"
    assert desk.send(desk.form(page, f"{PAGE}/{number}/match"), order=a_placed_order().number).status_code == 409
    shown = desk.get(f"{PAGE}?tab=returning").content.decode()
    assert unidentified(number=number).payment_number in shown


def test_money_pays_the_order_it_was_for() -> None:
    number, desk, order = money(10_000), browser(staff()), a_placed_order()
    form = desk.form(desk.get(PAGE), f"{PAGE}/{number}/match")
    assert desk.send(form, order="nonsense").status_code == 404
    assert desk.send(form, order=a_placed_order(product=a_product(stock=1, price_minor=1)).number).status_code == 409
    told = desk.send(form, follow=True, order=f" {order.number.lower()} ").content.decode()
    assert "已用于支付该订单。" in told
    assert order.stages == ["queued"]


def test_much_money_is_proposed_by_one_and_approved_by_another() -> None:
    number, first, second = money(FOUR_EYES_FROM_MINOR), browser(staff()), browser(staff())
    order = a_placed_order(product=a_product(stock=1, price_minor=FOUR_EYES_FROM_MINOR))
    first.send(first.form(first.get(PAGE), f"{PAGE}/{number}/match"), order=order.number)
    assert order.stages == ["reserved"]
    assert f"{PAGE}/{number}/approve" not in first.get(PAGE).content.decode()
    second.send(second.form(second.get(PAGE), f"{PAGE}/{number}/approve"))
    assert order.stages == ["queued"]
