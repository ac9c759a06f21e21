"""“I have paid”: the button of the buyer, and the page on which finance staff take a payment by hand."""

from __future__ import annotations

import pytest
from tests.builders import a_buyer, a_placed_order
from tests.faults.by_hand import Ground, entered, ground
from tests.web.browser import Browser, browser
from tests.web.test_money import staff

from anka.core.actors import Actor, ActorKind
from anka.jobs.channels import channels

PAGE = "/platform/payments"


def desk(made: Ground, actor: Actor | None = None) -> tuple[Browser, str]:
    """Somebody of the finance staff who has found the payment."""
    clerk = browser(Actor(kind=ActorKind.BUYER, person_id=actor.person_id) if actor else staff())
    return clerk, f"{PAGE}?number={made.paid.payment_number}"


def test_nobody_else_sees_it() -> None:
    made = ground()
    for stranger in (a_buyer(), staff("arbiter"), staff("agent"), made.order.buyer):
        assert browser(stranger).get(PAGE).status_code == 404
    clerk, address = desk(made)
    form = clerk.form(clerk.get(address), f"{PAGE}/{made.paid.payment_number}/take")
    intruder = browser(made.order.buyer)
    token = intruder.form(intruder.get("/orders"), "/language").value("csrfmiddlewaretoken")
    assert intruder.send(form, csrfmiddlewaretoken=token, transaction_number="T-1", amount="100.00", proof="x").status_code == 404
    assert browser().get(PAGE).status_code == 302


@pytest.mark.parametrize("by_order", [False, True])
def test_one_person_takes_what_is_little(by_order: bool) -> None:
    made = ground()
    clerk, address = desk(made)
    page = clerk.get(f"{PAGE}?number={made.order.number.lower()}" if by_order else address)
    form = clerk.form(page, f"{PAGE}/{made.paid.payment_number}/take")
    wrong = clerk.send(form, transaction_number="T-1", amount="99.99", proof="账单第七行")
    assert (wrong.status_code, made.order.escrow) == (409, 0)
    assert clerk.send(form, transaction_number="", amount="100.00", proof="账单第七行").status_code == 422
    told = clerk.send(form, follow=True, transaction_number=made.said.transaction_number, amount="100.00", proof="账单第七行")
    assert "钱已到账，订单已支付。" in told.content.decode()
    assert made.order.stages == ["queued"]


def test_much_waits_for_somebody_else_who_approves_what_they_saw() -> None:
    made = entered()
    first, address = desk(made, made.first)
    mine = first.get(address).content.decode()
    assert "须由他人批准" in mine
    assert "/approve" not in mine
    second, _address = desk(made, made.second)
    page = second.get(PAGE)
    assert made.said.transaction_number in page.content.decode()
    told = second.send(second.form(page, f"{PAGE}/{made.paid.payment_number}/approve"), follow=True).content.decode()
    assert "钱已到账，订单已支付。" in told
    assert set(made.order.stages) == {"queued"}
    history = browser(staff("agent")).get(f"/platform/orders/{made.order.number}").content.decode()
    assert "批准" in history
    assert made.said.transaction_number in history


def test_the_second_person_may_say_no() -> None:
    made = entered()
    second, address = desk(made, made.second)
    told = second.send(second.form(second.get(address), f"{PAGE}/{made.paid.payment_number}/refuse"), follow=True).content.decode()
    assert "未确认，已记录。" in told
    assert (made.status, made.order.escrow) == ("refused", 0)


def test_its_buyer_and_agents_have_the_channel_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    # No channel is switched on here, whatever other tests have switched on.
    for code in list(channels):
        monkeypatch.delitem(channels, code)
    made = ground()
    buyer = browser(made.order.buyer)
    form = buyer.form(buyer.get(f"/orders/{made.order.number}"), f"/orders/{made.order.number}/look")
    assert "平台财务可以人工核查" in buyer.send(form, follow=True).content.decode()
    agent = browser(staff("agent"))
    form = agent.form(agent.get(f"/platform/orders/{made.order.number}"), f"/platform/orders/{made.order.number}/look")
    assert "这个渠道已停用" in agent.send(form, follow=True).content.decode()
    assert browser(a_buyer()).send(form).status_code in (403, 404)


def test_no_button_where_nobody_can_be_asked() -> None:
    order = a_placed_order()
    assert f"/orders/{order.number}/look" not in browser(order.buyer).get(f"/orders/{order.number}").content.decode()
