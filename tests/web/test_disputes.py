"""What people see of a chargeback: until when to answer, what to do, and that nothing is refunded beside it."""

from __future__ import annotations

import pytest
from tests import builders
from tests.builders import OPERATOR, Order
from tests.web.browser import browser

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.clock import moment as now
from anka.domain.dispute_states import DisputeState
from anka.flows.appoint_staff import appoint_staff
from anka.flows.record_dispute import record_dispute
from anka.flows.steps.dispute_notice import DisputeNotice

PAGE = "/platform/disputes"


def staff(role: str) -> Actor:
    person = builders.a_buyer()
    appoint_staff(actor=OPERATOR, person_id=person.person_id, role=role)
    return person


def told(order: Order, said: DisputeState, at: Moment | None = None) -> str:
    payment = order.state.payments[0].number
    notice = DisputeNotice(said=said, channel="sandbox", payment_number=payment, channel_number=f"dp_{order.number}", reason="fraudulent")
    return record_dispute(notice=notice, at=at or now()).number


def test_finance_staff_see_what_is_open_and_what_to_do() -> None:
    order = builders.a_sealed_order()
    number = told(order, DisputeState.OPEN)
    page = browser(staff("finance")).get(PAGE).content.decode()
    section = page[page.index(f"d-{number}") :]
    for words in ("拒付", "答辩截止", order.number, "fraudulent"):
        assert words in section
    assert "请在期限前到渠道后台答辩" in section
    told(order, DisputeState.LOST)
    page = browser(staff("finance")).get(PAGE).content.decode()
    assert "裁定支持付款人" in page[page.rindex("<section", 0, page.index(f"d-{number}")) :]


def test_the_order_says_so_to_staff_and_to_the_shop() -> None:
    order = builders.a_sealed_order()
    told(order, DisputeState.OPEN)
    for person, address in ((staff("agent"), f"/platform/orders/{order.number}"), (order.shop.owner, f"/shop/orders/{order.number}")):
        page = browser(person).get(address).content.decode()
        assert "付款人已发起拒付，由银行或支付渠道裁定" in page
        assert "我方答辩截止" in page
    assert "裁定之前不另行退款" in browser(order.buyer).get(f"/orders/{order.number}").content.decode()


@pytest.mark.parametrize("role", ["agent", "arbiter", "buyer"])
def test_the_list_is_for_finance_staff(role: str) -> None:
    person = builders.a_buyer() if role == "buyer" else staff(role)
    assert browser(person).get(PAGE).status_code == 404
