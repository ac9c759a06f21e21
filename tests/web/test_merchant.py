"""The merchants' pages: what waits is shown with what happens when nobody moves, every step works without script, and only for the shop."""

from __future__ import annotations

import re

import pytest
from tests.builders import Order, a_buyer, a_paid_order, a_product, a_revealed_order, a_sealed_order, a_shop, at, serial
from tests.builders.cases import Case, a_case
from tests.web.browser import Answer, Browser, browser
from tests.web.conftest import SetClock

from anka.catalog.models import Terms
from anka.core import database
from anka.core.actors import Actor

HOSTILE = "<script>alert(1)</script>"


def a_manual_order(*, quantity: int = 1, promise_minutes: int = 120) -> Order:
    product = a_product(stock=0, delivery="manual", terms=Terms(promise_minutes=promise_minutes))
    return a_paid_order(product=product, quantity=quantity)


def at_the_shop(order: Order) -> Browser:
    return browser(order.shop.owner)


def text_of(answer: Answer) -> str:
    page = re.sub(r"<svg.*?</svg>", "", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def keys(count: int) -> tuple[str, ...]:
    return tuple(f"HAND-{serial():08d}" for _each in range(count))


def looked_over(visitor: Browser, order: Order, secrets: tuple[str, ...]) -> Answer:
    page = visitor.get(f"/shop/orders/{order.number}/deliver")
    form = visitor.form(page, f"/shop/orders/{order.number}/deliver")
    return visitor.send(form, keys="\r\n".join(secrets))


def test_the_workbench_says_what_happens_when_nobody_moves() -> None:
    order = a_manual_order()
    page = text_of(at_the_shop(order).get("/shop"))
    assert "3月2日 12:02 后计违约一次，买家可随时撤单并全额退款" in page
    assert "3月4日 10:02 自动退款 ¥100.00" in page


def test_the_most_urgent_comes_first_whatever_it_is() -> None:
    later = a_manual_order(promise_minutes=240)
    case = a_case(a_revealed_order(product=a_product(shop=later.shop)))
    sooner = a_paid_order(product=a_product(shop=later.shop, stock=0, delivery="manual", terms=Terms(promise_minutes=30)))
    page = at_the_shop(later).get("/shop").content.decode()
    places = [page.index(f"/shop/{what}") for what in (f"orders/{sooner.number}", f"orders/{later.number}", f"cases/{case.number}")]
    assert places == sorted(places)


def test_a_shop_with_nothing_to_do_says_so() -> None:
    assert "没有等你处理的事" in text_of(browser(a_shop().owner).get("/shop"))


def test_a_late_order_says_so(set_clock: SetClock) -> None:
    order = a_manual_order(promise_minutes=30)
    set_clock(at(40))
    page = text_of(at_the_shop(order).get("/shop"))
    assert "已超时未发货" in page
    assert "计违约一次，买家可随时撤单" in page


def test_an_automatic_order_waits_for_nobody() -> None:
    order = a_paid_order()
    assert order.number not in at_the_shop(order).get("/shop").content.decode()


def test_somebody_of_several_shops_chooses() -> None:
    mine, other = a_manual_order(), a_shop()
    add_member(mine.shop.id, other.owner)
    visitor = browser(other.owner)
    assert mine.number in visitor.get(f"/shop?shop={mine.shop.code}").content.decode()
    assert mine.number not in visitor.get(f"/shop?shop={other.code}").content.decode()
    assert f"shop={mine.shop.code}" in visitor.get("/shop").content.decode()


def add_member(shop_id: int, actor: Actor) -> None:
    database.rows("INSERT INTO accounts_membership (shop_id, person_id, role) VALUES (%s, %s, 'staff')", (shop_id, actor.person_id))


@pytest.mark.parametrize("tab", ["waiting", "deliver", "cases", "closed", "orders"])
def test_every_list_can_be_looked_at(tab: str) -> None:
    case = a_case()
    assert at_the_shop(case.order).get(f"/shop?tab={tab}").status_code == 200


@pytest.mark.parametrize("query", ["tab=x", "after=x", "after=2026-01-01T00:00:00~QM-0000000000000", "after=~"])
def test_nonsense_in_the_address_is_refused(query: str) -> None:
    assert browser(a_shop().owner).get(f"/shop?{query}").status_code == 422


def test_a_long_list_goes_on_where_it_stopped() -> None:
    shop = a_shop()
    product = a_product(shop=shop, stock=0, delivery="manual", terms=Terms(promise_minutes=120))
    orders = {a_paid_order(product=product).number for _each in range(23)}
    visitor = browser(shop.owner)
    first = visitor.get("/shop").content.decode()
    onward = re.search(r'href="(/shop\?[^"]*after=[^"]*)"', first)
    assert onward
    second = visitor.get(onward.group(1).replace("&amp;", "&")).content.decode()
    seen = [{number for number in orders if f"/shop/orders/{number}" in page} for page in (first, second)]
    assert seen[0] | seen[1] == orders
    assert seen[0] & seen[1] == set()


def test_an_order_is_accepted_with_one_click_from_the_workbench() -> None:
    order = a_manual_order()
    visitor = at_the_shop(order)
    form = visitor.form(visitor.get("/shop"), f"/shop/orders/{order.number}/accept")
    answer = visitor.send(form)
    assert answer["Location"] == "/shop?done=accept"
    assert order.stages == ["accepted"]
    assert visitor.send(form)["Location"] == "/shop?done=accept"


def test_accepting_what_was_accepted_is_told_on_the_page() -> None:
    order = a_manual_order()
    visitor = at_the_shop(order)
    stale = visitor.get(f"/shop/orders/{order.number}")
    visitor.send(visitor.form(visitor.get("/shop"), f"/shop/orders/{order.number}/accept"))
    answer = visitor.send(visitor.form(stale, f"/shop/orders/{order.number}/accept"))
    assert answer.status_code == 409
    assert "没有可接的单" in text_of(answer)


def test_keys_are_looked_over_and_handed_over_and_no_page_shows_them() -> None:
    order = a_manual_order(quantity=2)
    visitor, secrets = at_the_shop(order), keys(2)
    review = looked_over(visitor, order, ("", *secrets, "  "))
    assert review.status_code == 200
    assert "发出 2 张卡密" in text_of(review)
    assert not any(secret in review.content.decode() for secret in secrets)
    assert order.stages == ["queued", "queued"]
    form = visitor.form(review, f"/shop/orders/{order.number}/deliver")
    assert visitor.send(form)["Location"] == f"/shop/orders/{order.number}?done=deliver"
    assert order.stages == ["sealed", "sealed"]
    assert visitor.send(form)["Location"] == f"/shop/orders/{order.number}?done=deliver"
    page = visitor.get(f"/shop/orders/{order.number}").content.decode()
    assert "发出后不可撤回" in page
    assert not any(secret in page for secret in secrets)
    assert order.reveal(1) == secrets[0]


def test_some_of_the_keys_may_come_first() -> None:
    order = a_manual_order(quantity=3)
    visitor = at_the_shop(order)
    review = looked_over(visitor, order, keys(1))
    assert "还有 2 张待发" in text_of(review)
    visitor.send(visitor.form(review, f"/shop/orders/{order.number}/deliver"))
    assert order.stages == ["sealed", "queued", "queued"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "没有填卡密"),
        (("ONE-1", "TWO-2", "THREE-3"), "但填了 3 行"),
        (("SAME-1", "same1"), "第 2 行与第 1 行相同"),
        (("GOOD-1", "- - -"), "第 2 行：只有空格和连字符"),
        (("GOOD-1", "BAD\x07KEY"), "第 2 行：含有卡密不会有的字符"),
        (("GOOD-1", "X" * 600), "第 2 行：超过卡密允许的长度"),
    ],
)
def test_wrong_lines_are_told_by_line_and_not_repeated(lines: tuple[str, ...], said: str) -> None:
    order = a_manual_order(quantity=2)
    answer = looked_over(at_the_shop(order), order, lines)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not any(line in answer.content.decode() for line in lines if line)
    assert order.stages == ["queued", "queued"]


def test_a_key_that_was_sold_before_is_not_sold_again() -> None:
    order = a_manual_order()
    visitor, secrets = at_the_shop(order), keys(1)
    visitor.send(visitor.form(looked_over(visitor, order, secrets), f"/shop/orders/{order.number}/deliver"))
    again = a_paid_order(product=order.product)
    answer = visitor.send(visitor.form(looked_over(visitor, again, secrets), f"/shop/orders/{again.number}/deliver"))
    assert answer.status_code == 422
    assert "同一卡密不能卖两次" in text_of(answer)
    assert again.stages == ["queued"]


@pytest.mark.parametrize("change", ["cut", "other order", "other person"])
def test_a_draft_opens_only_where_it_was_made(change: str) -> None:
    order = a_manual_order()
    visitor = at_the_shop(order)
    form = visitor.form(looked_over(visitor, order, keys(1)), f"/shop/orders/{order.number}/deliver")
    draft, where = form.value("draft"), order
    if change == "cut":
        draft = draft[:-8]
    elif change == "other order":
        where = a_paid_order(product=order.product)
        form.action = f"/shop/orders/{where.number}/deliver"
    else:
        colleague = a_buyer()
        add_member(order.shop.id, colleague)
        visitor = browser(colleague)
        token = visitor.form(visitor.get(f"/shop/orders/{order.number}/deliver"), f"/shop/orders/{order.number}/deliver")
        form.fields = [(n, token.value(n) if n == "csrfmiddlewaretoken" else v) for n, v in form.fields]
    assert visitor.send(form, draft=draft).status_code == 422
    assert where.stages == ["queued"]


def test_the_shop_sees_what_giving_back_moves_and_gives_it_back() -> None:
    order = a_manual_order()
    visitor = at_the_shop(order)
    page = visitor.get(f"/shop/orders/{order.number}/refund?step=2&unit=1&reason=OUT_OF_STOCK")
    assert "全额退款，立即执行" in text_of(page)
    answer = visitor.send(visitor.form(page, f"/shop/orders/{order.number}/refund"))
    assert answer["Location"] == f"/shop/orders/{order.number}?done=refund"
    assert order.moneys == ["refunding"]


def test_a_sound_sealed_key_is_not_recalled_and_the_rule_is_named() -> None:
    order = a_sealed_order()
    visitor = at_the_shop(order)
    page = visitor.get(f"/shop/orders/{order.number}/refund?step=2&unit=1&reason=OTHER")
    assert "这里不能办理" in text_of(page)
    assert "merchant-may-not-recall" in page.content.decode()
    assert order.stages == ["sealed"]


@pytest.mark.parametrize("query", ["step=2", "step=2&unit=9&reason=OTHER", "step=2&unit=1&reason=NO_LONGER_NEEDED", "unit=x&reason=OTHER"])
def test_nonsense_in_giving_back_is_told(query: str) -> None:
    order = a_manual_order()
    assert at_the_shop(order).get(f"/shop/orders/{order.number}/refund?{query}").status_code == 422


def test_the_money_of_an_order_adds_up_in_words() -> None:
    page = text_of(at_the_shop(order := a_sealed_order()).get(f"/shop/orders/{order.number}"))
    rate = order.state.commission_basis_points
    commission = 10000 * rate // 10000
    assert f"¥ {(10000 - commission) // 100}" in page
    assert "安卡保管" in page


def act(case: Case, action: str, **typed: str) -> Answer:
    visitor = at_the_shop(case.order)
    page = visitor.get(f"/shop/cases/{case.number}")
    return visitor.send(visitor.form(page, f"/shop/cases/{case.number}/{action}"), typed=typed)


def test_agreeing_says_how_much_goes_where_and_moves_it_once() -> None:
    case = a_case()
    visitor = at_the_shop(case.order)
    page = visitor.get(f"/shop/cases/{case.number}")
    assert "¥ 40 .00" in text_of(page)
    form = visitor.form(page, f"/shop/cases/{case.number}/agree")
    assert visitor.send(form)["Location"] == f"/shop/cases/{case.number}?done=agree"
    assert visitor.send(form)["Location"] == f"/shop/cases/{case.number}?done=agree"
    assert case.state.outcome == "partial"
    assert case.state.refund_minor == 4000


def test_agreeing_from_the_workbench_comes_back_to_it() -> None:
    case = a_case()
    visitor = at_the_shop(case.order)
    answer = visitor.send(visitor.form(visitor.get("/shop"), f"/shop/cases/{case.number}/agree"))
    assert answer["Location"] == "/shop?done=agree"
    assert case.status == "closed"


@pytest.mark.parametrize("onward", ["https://example.com/", "//example.com", "/orders", "/shopping"])
def test_nobody_is_led_elsewhere_afterwards(onward: str) -> None:
    case = a_case()
    visitor = at_the_shop(case.order)
    form = visitor.form(visitor.get("/shop"), f"/shop/cases/{case.number}/agree")
    assert visitor.send(form, next=onward)["Location"] == f"/shop/cases/{case.number}?done=agree"


def test_refusing_needs_a_code_and_words() -> None:
    case = a_case()
    assert act(case, "refuse", text="It worked.").status_code == 422
    answer = act(case, "refuse", code="KEY_WORKED", text="   ")
    assert answer.status_code == 422
    assert 'value="KEY_WORKED" required checked' in answer.content.decode()
    assert case.status == "merchant_turn"
    assert act(case, "refuse", code="KEY_WORKED", text="It worked.").status_code == 302
    assert case.status == "evidence"


def test_an_amount_is_offered_and_nonsense_is_told_with_what_was_typed() -> None:
    case = a_case()
    answer = act(case, "offer", amount="12.345", text=HOSTILE)
    assert answer.status_code == 422
    assert HOSTILE not in answer.content.decode()
    assert "12.345" in answer.content.decode()
    assert act(case, "offer", amount="30", text="").status_code == 302
    assert (case.status, case.state.offers[-1].refund_minor) == ("buyer_turn", 3000)


def test_a_replacement_is_offered_from_stock() -> None:
    case = a_case(a_revealed_order(product=a_product(stock=2)))
    assert act(case, "replace").status_code == 302
    assert case.state.offers[-1].replacement


def test_a_replacement_without_stock_is_refused_on_the_page() -> None:
    case = a_case(a_revealed_order(product=a_product(stock=1)))
    answer = act(case, "replace")
    assert answer.status_code == 409
    assert "没有库存可供补发" in text_of(answer)


def test_the_buyers_offer_is_answered() -> None:
    case = a_case()
    case.offer(3000)
    case.offer(3500, actor=case.order.buyer)
    answer = act(case, "accept", offer=str(case.state.offers[-1].id))
    assert answer.status_code == 302
    assert case.state.refund_minor == 3500


def test_evidence_is_added_and_shown_as_text() -> None:
    case = a_case()
    assert act(case, "evidence", kind="NONSENSE", text="x").status_code == 422
    assert act(case, "evidence", kind="OTHER", text=HOSTILE).status_code == 302
    page = at_the_shop(case.order).get(f"/shop/cases/{case.number}").content.decode()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_ruling_is_appealed_against_in_words() -> None:
    case = a_case()
    case.refuse()
    case.rule()
    assert act(case, "appeal", text="").status_code == 422
    assert act(case, "appeal", text="The record of use is from another key.").status_code == 302
    assert case.status == "appeal"


def test_a_stale_form_is_told_and_changes_nothing() -> None:
    case = a_case()
    visitor = at_the_shop(case.order)
    stale = visitor.get(f"/shop/cases/{case.number}")
    case.refuse()
    answer = visitor.send(visitor.form(stale, f"/shop/cases/{case.number}/refuse"), code="OTHER", text="Once more.")
    assert answer.status_code == 409
    assert len(case.state.answers) == 1


def test_money_is_shown_with_its_movements() -> None:
    case = a_case()
    page = text_of(at_the_shop(case.order).get("/shop/money"))
    assert "可提现" in page
    assert "待结算" in page
    assert browser(case.order.shop.owner).get("/shop/money?before=x").status_code == 422
