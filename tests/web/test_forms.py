"""Every form that moves money: without script, once however often it is sent, and only for whom it is."""

from __future__ import annotations

import re

import pytest
from tests.builders import (
    Order,
    a_buyer,
    a_cancelled_order,
    a_placed_order,
    a_product,
    a_revealed_order,
    a_sealed_order,
    at,
    fill_wallet,
)
from tests.web.browser import Answer, Browser, browser
from tests.web.conftest import SetClock

from anka.cases.queries import dossier
from anka.catalog.models import Terms


def refunds(order: Order) -> list[str]:
    return [refund.number for refund in dossier(state=order.state).refunds]


def placed(answer: Answer) -> str:
    found = re.fullmatch(r"/orders/([A-Z0-9-]+)/pay", answer["Location"])
    assert found
    return found.group(1)


def reviewed(visitor: Browser, product: str, quantity: str = "1") -> Answer:
    page = visitor.get(f"/products/{product}")
    return visitor.send(visitor.form(page, "/review"), quantity=quantity)


def test_buy_without_script_and_twice_is_one_order() -> None:
    product = a_product(stock=3)
    visitor = browser(a_buyer())
    form = visitor.form(reviewed(visitor, product.number, "2"), "/orders")
    first, second = visitor.send(form), visitor.send(form)
    assert first.status_code == second.status_code == 302
    assert placed(first) == placed(second)
    assert product.available == 1


def test_the_key_of_one_form_does_not_serve_another() -> None:
    product = a_product(stock=5)
    visitor = browser(a_buyer())
    form = visitor.form(reviewed(visitor, product.number), "/orders")
    visitor.send(form)
    answer = visitor.send(form, quantity="2")
    assert answer.status_code == 422
    assert product.available == 4


def test_a_form_without_its_key_is_refused() -> None:
    product = a_product(stock=1)
    visitor = browser(a_buyer())
    form = visitor.form(reviewed(visitor, product.number), "/orders")
    assert visitor.send(form, leaving_out=["idempotency_key"]).status_code == 422
    assert product.available == 1


def test_a_second_order_of_the_same_asks_first() -> None:
    product = a_product(stock=3)
    visitor = browser(a_buyer())
    first = placed(visitor.send(visitor.form(reviewed(visitor, product.number), "/orders")))
    page = reviewed(visitor, product.number)
    assert first in page.content.decode()
    refused = visitor.send(visitor.form(page, "/orders"))
    assert refused.status_code == 409
    assert product.available == 2
    again = visitor.send(visitor.form(refused, "/orders"), allow_duplicate="1")
    assert placed(again) != first


def test_a_notice_has_to_be_ticked() -> None:
    product = a_product(stock=1, terms=Terms(notice_zh="只限国服", notice_en="China only"))
    visitor = browser(a_buyer())
    page = reviewed(visitor, product.number)
    assert "只限国服" in page.content.decode()
    refused = visitor.send(visitor.form(page, "/orders"))
    assert refused.status_code == 422
    assert visitor.send(visitor.form(refused, "/orders"), accept_notice="1").status_code == 302


@pytest.mark.parametrize("quantity", ["0", "-1", "１", "1.5", "", "99999", "abc", "4"])
def test_a_quantity_that_cannot_be_is_told_and_orders_nothing(quantity: str) -> None:
    product = a_product(stock=3)
    visitor = browser(a_buyer())
    assert reviewed(visitor, product.number, quantity).status_code == 422
    assert product.available == 3


def test_pay_from_the_wallet_twice_is_one_payment() -> None:
    order = a_placed_order(when=at(4))
    fill_wallet(order.buyer, order.product.price_minor * 3)
    visitor = browser(order.buyer)
    path = f"/orders/{order.number}/pay"
    form = visitor.form(visitor.get(path), path)
    for _press in range(2):
        assert visitor.send(form, channel="wallet")["Location"] == f"/orders/{order.number}"
    assert order.stages == ["queued"]
    assert order.state.paid_minor == order.product.price_minor


def test_an_empty_wallet_cannot_pay() -> None:
    order = a_placed_order(when=at(4))
    visitor = browser(order.buyer)
    path = f"/orders/{order.number}/pay"
    form = visitor.form(visitor.get(path), path)
    assert visitor.send(form, channel="wallet").status_code == 409
    assert order.stages == ["reserved"]


def test_an_unknown_channel_is_refused() -> None:
    order = a_placed_order(when=at(4))
    visitor = browser(order.buyer)
    path = f"/orders/{order.number}/pay"
    form = visitor.form(visitor.get(path), path)
    assert visitor.send(form, channel="gold").status_code == 422


def test_cancel_unpaid_with_one_press() -> None:
    order = a_placed_order(when=at(4))
    visitor = browser(order.buyer)
    path = f"/orders/{order.number}/cancel"
    form = visitor.form(visitor.get(f"/orders/{order.number}"), path)
    assert [visitor.send(form)["Location"] for _press in range(2)] == [f"/orders/{order.number}"] * 2
    assert order.stages == ["released"]
    assert refunds(order) == []


def test_refund_a_sealed_unit_with_one_form_and_twice_is_one_refund() -> None:
    order = a_sealed_order(quantity=2)
    visitor = browser(order.buyer)
    form = visitor.form(visitor.get(f"/orders/{order.number}"), f"/orders/{order.number}/cancel", unit="2")
    assert form.value("reason") == "NO_LONGER_NEEDED"
    first, second = visitor.send(form), visitor.send(form)
    assert first["Location"] == second["Location"] == f"/refunds/{refunds(order)[0]}"
    assert order.stages == ["sealed", "recalled"]
    assert visitor.get(first["Location"]).status_code == 200


def test_the_wizard_shows_the_verdict_and_sends_the_money_where_it_was_asked_to() -> None:
    order = a_sealed_order(quantity=2)
    visitor = browser(order.buyer)
    path = f"/orders/{order.number}/cancel"
    page = visitor.get(f"{path}?step=2&unit=1&reason=WRONG_ITEM_PICKED&statement=买错")
    assert "¥" in page.content.decode()
    form = visitor.form(page, path)
    answer = visitor.send(form, destination="wallet")
    assert answer.status_code == 302
    refund = dossier(state=order.state).refunds[0]
    assert (refund.positions, refund.legs[0].channel) == ((1,), "wallet")


def test_a_verdict_that_got_worse_is_shown_again_and_does_nothing() -> None:
    order = a_sealed_order()
    visitor = browser(order.buyer)
    path = f"/orders/{order.number}/cancel"
    form = visitor.form(visitor.get(f"{path}?reason=NO_LONGER_NEEDED"), path)
    order.reveal()
    answer = visitor.send(form)
    assert answer.status_code == 409
    assert "什么都没有提交" in answer.content.decode() or "没有提交" in answer.content.decode()
    assert order.stages == ["revealed"]
    assert refunds(order) == []


@pytest.mark.parametrize(
    "query", ["unit=9&reason=OTHER", "step=2&reason=OTHER", "reason=NONSENSE", "unit=x&reason=OTHER", "reason=OTHER&unit=1&statement=%00"]
)
def test_nonsense_in_the_wizard_is_told(query: str) -> None:
    order = a_sealed_order()
    assert browser(order.buyer).get(f"/orders/{order.number}/cancel?{query}").status_code == 422


def test_open_a_key_shows_it_once_in_the_answer_and_nowhere_else() -> None:
    order = a_sealed_order()
    visitor = browser(order.buyer)
    page = visitor.get(f"/orders/{order.number}")
    assert order.product.secrets[0] not in page.content.decode()
    path = f"/orders/{order.number}/units/1/reveal"
    answer = visitor.send(visitor.form(page, path))
    assert answer.status_code == 200
    assert order.product.secrets[0] in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert order.product.secrets[0] not in visitor.get(f"/orders/{order.number}").content.decode()
    assert visitor.client.get(path).status_code == 405


def test_a_key_asks_for_a_recent_sign_in() -> None:
    order = a_sealed_order()
    visitor = browser(order.buyer)
    form = visitor.form(visitor.get(f"/orders/{order.number}"), f"/orders/{order.number}/units/1/reveal")
    store = visitor.client.session
    store["signed_in_at"] -= 13 * 3600
    store.save()
    answer = visitor.send(form)
    assert answer["Location"] == f"/sign-in?next=%2Forders%2F{order.number}"
    assert order.stages == ["sealed"]


def test_confirm_pays_the_shop_once(set_clock: SetClock) -> None:
    order = a_revealed_order()
    visitor = browser(order.buyer)
    form = visitor.form(visitor.get(f"/orders/{order.number}"), f"/orders/{order.number}/confirm")
    for _press in range(2):
        assert visitor.send(form).status_code == 302
    assert order.moneys == ["released"]
    assert "confirm" not in visitor.get(f"/orders/{order.number}").content.decode()


def test_nothing_left_to_cancel_is_told() -> None:
    order = a_cancelled_order()
    answer = browser(order.buyer).get(f"/orders/{order.number}/cancel?reason=OTHER")
    assert answer.status_code == 409
    assert f"/orders/{order.number}" in answer.content.decode()
