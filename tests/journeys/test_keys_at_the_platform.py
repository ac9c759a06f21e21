"""Keys at the platform: somebody rules, somebody else looks again, and the money goes where the ruling says."""

from __future__ import annotations

from anka.catalog.models import Terms
from tests.builders import a_product
from tests.journeys.keys import DAYS, HOURS, ask_out, buy, case_number, let_time_pass, open_key, rule
from tests.journeys.people import Person, Troupe

NOTICE = Terms(notice_zh="使用后不可退换", notice_en="No refund once used")


def test_activated_without_notice_and_ruled_on(troupe: Troupe) -> None:
    buyer, (shop, seller), arbiter = troupe.buyer(), troupe.shop(), troupe.arbiter()
    number = buy(buyer, a_product(stock=1, shop=shop))
    open_key(buyer, number)
    troupe.market.issuer_says(f"{number}-1", use_check="used_after_reveal", used_by="buyer")
    ask_out(buyer, number)
    buyer.see("平台", "不能以此拒绝")
    buyer.send("/cancel", want="all")
    case = case_number(buyer)
    buyer.see_what_is_next("平台")
    seller.open(f"/shop/cases/{case}")
    seller.see_what_is_next("平台")
    _find_in_queue(arbiter, case)
    rule(arbiter, case, fault="both", share="amount", amount="30", reasons="NOT_DISCLOSED", text="购买页没有写明用后不退，但卡密确已使用。")
    arbiter.see("¥30.00")
    buyer.open(f"/cases/{case}")
    buyer.see_what_is_next("平台裁", "¥30.00", "购买页没有写明用后不退")
    seller.open(f"/shop/cases/{case}")
    seller.see_what_is_next("平台裁", "¥30.00")
    let_time_pass(troupe, minutes=72 * HOURS + 1)
    buyer.open(f"/cases/{case}")
    buyer.wait_for("¥30.00 已退给你")
    buyer.see("¥30.00 已退给你")
    let_time_pass(troupe, minutes=2 * DAYS + 1)
    seller.open("/shop/money")
    seller.see("¥66.50")
    seller.open(f"/shop/orders/{number}")
    seller.see("¥30.00")


def _find_in_queue(arbiter: Person, case: str) -> None:
    arbiter.open("/platform")
    arbiter.see("平台")
    arbiter.page.fill("#find-number", case)
    arbiter.page.locator(".search-form button").click()
    arbiter.page.wait_for_load_state()
    assert arbiter.page.url.endswith(f"/platform/cases/{case}")


def test_activated_with_consent_is_upheld_twice(troupe: Troupe) -> None:
    buyer, (shop, seller) = troupe.buyer(), troupe.shop()
    arbiter, other = troupe.arbiter(), troupe.arbiter()
    number = buy(buyer, a_product(stock=1, shop=shop, terms=NOTICE))
    open_key(buyer, number)
    troupe.market.issuer_says(f"{number}-1", use_check="used_after_reveal", used_by="buyer")
    ask_out(buyer, number)
    buyer.see("确认过", "规则")
    buyer.send("/cancel")
    case = case_number(buyer)
    buyer.see_what_is_next("确认过", "请平台介入")
    buyer.send(f"/cases/{case}/escalate", text="我没看清楚那句提示。")
    buyer.see_what_is_next("平台")
    arbiter.open(f"/platform/cases/{case}")
    arbiter.see("事实", "我没看清楚那句提示。")
    ruling = {"fault": "none", "share": "nothing", "reasons": "CONSENT_ON_RECORD"}
    rule(arbiter, case, **ruling, text="购买时的确认有记录，卡密在查看后被使用。")
    buyer.open(f"/cases/{case}")
    buyer.see_what_is_next("不退款", "确认有记录")
    buyer.send(f"/cases/{case}/appeal", text="请看付款前的录屏。")
    buyer.see_what_is_next("另一位")
    arbiter.open(f"/platform/cases/{case}")
    arbiter.see("申诉")
    assert arbiter.page.locator("#ruling").count() == 0
    other.open("/platform?tab=appeals")
    other.see("申诉")
    rule(other, case, **ruling, text="录屏里看得到已勾选的确认。")
    other.see("录屏里看得到")
    buyer.open(f"/cases/{case}")
    buyer.see("不退款", "录屏里看得到已勾选的确认。")
    let_time_pass(troupe, minutes=6 * DAYS)
    buyer.open(f"/orders/{number}")
    buyer.see("已完成")
    seller.open("/shop/money")
    seller.see("¥95.00")


def test_a_large_ruling_needs_a_second_person(troupe: Troupe) -> None:
    buyer, (shop, _seller) = troupe.buyer(), troupe.shop()
    arbiter, other = troupe.arbiter(), troupe.arbiter()
    number = buy(buyer, a_product(stock=1, shop=shop, price_minor=90_000))
    open_key(buyer, number)
    troupe.market.issuer_says(f"{number}-1", use_check="used_after_reveal", used_by="buyer")
    ask_out(buyer, number)
    buyer.send("/cancel", want="all")
    case = case_number(buyer)
    rule(arbiter, case, fault="merchant", share="all", reasons="NOT_DISCLOSED", text="没有提示，全额退还。")
    arbiter.see("¥900.00", "第二")
    assert arbiter.page.locator("form[action$='/approve']").count() == 0
    assert arbiter.page.locator("a[href='#approve']").count() == 0
    buyer.open(f"/cases/{case}")
    buyer.see_what_is_next("平台")
    assert "没有提示，全额退还。" not in buyer.page.inner_text("main")
    other.open("/platform?tab=approval")
    other.see("¥900.00")
    other.open(f"/platform/cases/{case}")
    other.see("没有提示，全额退还。")
    other.send(f"/cases/{case}/approve")
    other.see("¥900.00")
    let_time_pass(troupe, minutes=72 * HOURS + 1)
    buyer.open(f"/cases/{case}")
    buyer.wait_for("¥900.00 已退给你")
    buyer.see("¥900.00 已退给你", "没有提示，全额退还。")
