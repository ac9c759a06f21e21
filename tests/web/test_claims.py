"""The way out of an opened key: what is asked for, what shows it, and the verdict before submitting."""

from __future__ import annotations

import pytest
from tests.builders import Order, a_product, a_revealed_order, a_sealed_order, at
from tests.builders.cases import a_case
from tests.web.browser import Answer, Browser, browser
from tests.web.conftest import SetClock

from anka.cases.models import CaseState
from anka.cases.queries import dossier
from anka.catalog.models import Terms
from anka.core import database


@pytest.fixture(autouse=True)
def _later(set_clock: SetClock) -> None:
    set_clock(at(6))


def asked(order: Order, query: str = "reason=KEY_INVALID") -> tuple[Browser, Answer]:
    visitor = browser(order.buyer)
    return visitor, visitor.get(f"/orders/{order.number}/cancel?{query}")


def sent(order: Order, query: str = "reason=KEY_INVALID", **typed: str) -> Answer:
    visitor, page = asked(order, query)
    return visitor.send(visitor.form(page, f"/orders/{order.number}/cancel"), typed=typed)


def case_of(order: Order) -> CaseState:
    return dossier(state=order.state).cases[-1]


def test_an_opened_key_asks_how_much_and_says_whose_turn_it_would_be() -> None:
    order = a_revealed_order()
    _visitor, page = asked(order)
    assert page.status_code == 200
    verdict = page.context["quote"]["verdicts"][0]
    assert verdict["clock"]
    assert (verdict["most_minor"], verdict["frozen_minor"], verdict["amount_minor"]) == (10000, 10000, None)
    assert page.context["quote"]["total_minor"] == 0
    assert page.context["quote"]["ask"]["required"]
    assert [field["code"] for field in page.context["quote"]["evidence"]] == ["ERROR_SCREENSHOT"]
    assert "没有提交" not in page.content.decode()


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ({"want": "all"}, 10000),
        ({"want": "half"}, 5000),
        ({"want": "amount", "amount": "33.4"}, 3340),
        ({"amount": "¥ 0.01"}, 1),
        ({"want": "amount", "amount": "100"}, 10000),
    ],
)
def test_the_amount_asked_for_is_what_was_chosen(typed: dict[str, str], minor: int) -> None:
    order = a_revealed_order()
    answer = sent(order, **typed)
    case = case_of(order)
    assert answer["Location"] == f"/cases/{case.number}"
    assert (case.status, case.ask_minor, case.ask_replacement) == ("merchant_turn", minor, False)


@pytest.mark.parametrize("amount", ["", "abc", "１２", "十元", "-5", "0", "100.01", "1,0", "1e2", "12.345", "9" * 60])
def test_a_bad_amount_is_told_beside_the_field_and_submits_nothing(amount: str) -> None:
    order = a_revealed_order()
    answer = sent(order, want="amount", amount=amount, evidence_ERROR_SCREENSHOT="kept words")
    assert answer.status_code == 422
    assert answer.context["errors"]["amount"]
    assert "kept words" in answer.content.decode()
    assert dossier(state=order.state).cases == ()


def test_nothing_chosen_is_asked_again() -> None:
    order = a_revealed_order()
    answer = sent(order)
    assert answer.status_code == 422
    assert answer.context["errors"]["want"]
    assert dossier(state=order.state).cases == ()


def test_evidence_comes_with_the_claim() -> None:
    order = a_revealed_order()
    sent(order, want="all", evidence_ERROR_SCREENSHOT=" It says: invalid. ")
    assert [(item.kind, item.text) for item in case_of(order).evidence] == [("ERROR_SCREENSHOT", "It says: invalid.")]
    other = a_revealed_order()
    answer = sent(other, want="all", evidence_ERROR_SCREENSHOT="x" * 4001)
    assert answer.status_code == 422
    assert answer.context["errors"]["evidence_ERROR_SCREENSHOT"]


def test_a_new_key_can_be_asked_for_where_there_is_one() -> None:
    order = a_sealed_order(product=a_product(stock=2))
    order.reveal()
    answer = sent(order, want="replacement")
    assert answer.status_code == 302
    assert case_of(order).ask_replacement
    none_left = a_revealed_order()
    assert not asked(none_left)[1].context["quote"]["ask"]["replacement"]


def a_bad_key(*, stock: int) -> Order:
    order = a_sealed_order(product=a_product(stock=stock))
    order.reveal()
    database.rows("UPDATE orders_unit SET use_check = 'invalid', issuer_asked_at = %s WHERE order_id = %s", (at(5).now, order.state.id))
    return order


def test_a_bad_key_offers_a_new_one_first_with_the_money_beside_it() -> None:
    order = a_bad_key(stock=2)
    visitor, page = asked(order)
    form = visitor.form(page, f"/orders/{order.number}/cancel")
    assert form.buttons == [("want", "replacement")]
    assert page.context["quote"]["total_minor"] == 10000
    assert visitor.send(form, want="replacement")["Location"] == f"/orders/{order.number}"
    assert order.stages == ["replaced", "sealed"]
    paid = a_bad_key(stock=2)
    assert sent(paid)["Location"].startswith("/refunds/")
    assert paid.moneys == ["refunding"]


def test_a_bad_key_without_stock_offers_the_money_alone() -> None:
    order = a_bad_key(stock=1)
    visitor, page = asked(order)
    assert visitor.form(page, f"/orders/{order.number}/cancel").buttons == []


def test_a_refusal_says_so_and_can_be_put_on_record() -> None:
    order = a_sealed_order(product=a_product(stock=1, terms=Terms(notice_zh="用后不退", notice_en="No refund once used")))
    order.reveal()
    database.rows("UPDATE orders_unit SET use_check = 'used_after_reveal' WHERE order_id = %s", (order.state.id,))
    visitor, page = asked(order, "reason=NO_LONGER_NEEDED")
    assert page.context["quote"]["verdicts"][0]["refused"]
    assert "7 天" in page.content.decode()
    answer = visitor.send(visitor.form(page, f"/orders/{order.number}/cancel"))
    assert answer["Location"] == f"/cases/{case_of(order).number}"
    assert case_of(order).status == "refused"


def test_the_order_links_to_its_cases() -> None:
    case = a_case()
    visitor = browser(case.order.buyer)
    page = visitor.get(f"/orders/{case.order.number}")
    assert page.context["headline"]["primary"]["href"] == f"/cases/{case.number}"
    assert f'href="/cases/{case.number}"' in page.content.decode()
    case.agree()
    after = visitor.get(f"/orders/{case.order.number}")
    assert [line["url"] for line in after.context["cases"]] == [f"/cases/{case.number}"]


def test_a_bad_key_is_told_on_the_order_with_the_way_out_beside_it() -> None:
    order = a_bad_key(stock=2)
    visitor = browser(order.buyer)
    page = visitor.get(f"/orders/{order.number}")
    form = visitor.form(page, f"/orders/{order.number}/cancel", reason="KEY_INVALID")
    assert form.buttons == [("want", "replacement")]
    assert visitor.send(form)["Location"].startswith("/refunds/")
    assert order.moneys == ["refunding"]


def test_a_replaced_piece_says_what_replaced_it() -> None:
    order = a_bad_key(stock=2)
    sent(order, want="replacement")
    units = browser(order.buyer).get(f"/orders/{order.number}").context["units"]
    assert [(unit["position"], unit["replaced_by"], unit["replaces"]) for unit in units] == [(1, 2, None), (2, None, 1)]


def check(order: Order, prefix: str) -> Answer:
    visitor = browser(order.buyer)
    page = visitor.get(f"/orders/{order.number}")
    return visitor.send(visitor.form(page, f"/orders/{order.number}/units/1/check"), prefix=prefix)


def test_the_beginning_of_a_key_is_checked_with_tries_counted() -> None:
    order = a_revealed_order()
    secret = order.product.secrets[0]
    answer = check(order, secret[:6].lower())
    assert answer.status_code == 200
    assert answer.context["check"]["matches"]
    assert answer.context["check"]["tries_left"] == 4
    assert secret not in answer.content.decode()
    assert secret[:6].lower() not in answer.content.decode()
    wrong = check(order, "nonsense")
    assert not wrong.context["check"]["matches"]
    assert wrong.context["check"]["tries_left"] == 3
    for short in ("", "abc", "\0"):
        assert check(order, short).status_code == 422
    for _try in range(3):
        check(order, "nonsense")
    assert check(order, secret).status_code == 429


def test_a_sealed_key_has_nothing_to_check_and_anothers_is_missing() -> None:
    sealed, opened, stranger = a_sealed_order(), a_revealed_order(), a_revealed_order()
    assert "/check" not in browser(sealed.buyer).get(f"/orders/{sealed.number}").content.decode()
    visitor = browser(stranger.buyer)
    form = visitor.form(visitor.get(f"/orders/{stranger.number}"), f"/orders/{stranger.number}/units/1/check")
    form.action = f"/orders/{opened.number}/units/1/check"
    assert visitor.send(form, prefix="KEY0").status_code == 404
    assert visitor.send(form, leaving_out=["csrfmiddlewaretoken"], prefix="KEY0").status_code == 403


def test_one_key_of_a_form_is_one_try() -> None:
    order = a_revealed_order()
    visitor = browser(order.buyer)
    form = visitor.form(visitor.get(f"/orders/{order.number}"), f"/orders/{order.number}/units/1/check")
    assert [visitor.send(form, prefix="nonsense").context["check"]["tries_left"] for _send in range(2)] == [4, 4]
