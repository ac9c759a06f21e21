"""Keys and the people who trade them: what is not delivered, what was opened, what is settled between the two."""

from __future__ import annotations

from anka.catalog.models import Terms
from anka.flows.pay_from_wallet import pay_from_wallet
from tests.builders import Shop, a_placed_order, a_product, fill_wallet
from tests.builders.people import a_key
from tests.journeys.keys import DAYS, HOURS, ask_out, buy, case_number, let_time_pass, open_key
from tests.journeys.people import Troupe


def test_undelivered_and_the_shop_stays_silent(troupe: Troupe) -> None:
    buyer, (shop, seller) = troupe.buyer(), troupe.shop()
    product = a_product(stock=0, shop=shop, delivery="manual", terms=Terms(promise_minutes=2 * DAYS))
    number = buy(buyer, product)
    buyer.see("已付款")
    seller.open("/shop")
    seller.see("测试卡密", "接单", "¥100.00")
    seller.send(f"/orders/{number}/accept")
    seller.see("已接单")
    ask_out(buyer, number)
    buyer.see("2 小时", "¥100.00", "自动退款")
    buyer.send("/cancel")
    case = case_number(buyer)
    buyer.see_what_is_next("等商家答复", "自动退 ¥100.00，并计商家违约")
    assert 7_000 < buyer.seconds_left() <= 7_200
    buyer.tab_through()
    seller.open(f"/shop/cases/{case}")
    seller.see_what_is_next("买家要求¥100.00", "自动退")
    assert 7_000 < seller.seconds_left() <= 7_200
    let_time_pass(troupe, minutes=61)
    seller.inbox("时间已过半", "答复买家")
    let_time_pass(troupe, minutes=36)
    seller.inbox("时间只剩五分之一")
    seller.open("/shop")
    seller.see("自动退")
    let_time_pass(troupe, minutes=25)
    buyer.open(f"/cases/{case}")
    buyer.wait_for("¥100.00 已退给你")
    buyer.see("¥100.00 已退给你", "商家逾期未答复")
    buyer.open(f"/orders/{number}")
    buyer.see("商家逾期未答复，¥100.00 自动退还买家")
    buyer.inbox("退款已到账")
    seller.open(f"/shop/cases/{case}")
    seller.see("已结束", "你逾期未答复")
    seller.inbox("这张售后单已结束")


def test_opened_checked_and_half_refunded_by_agreement(troupe: Troupe) -> None:
    buyer, (shop, seller) = troupe.buyer(), troupe.shop()
    product = a_product(stock=1, shop=shop)
    number = buy(buyer, product)
    key = open_key(buyer, number)
    assert key == product.secrets[0]
    buyer.see("只有你能看到")
    buyer.send("/units/1/check", prefix="ZZZZ")
    buyer.see("与记录不符", "4 次")
    buyer.send("/units/1/check", prefix=key[:6])
    buyer.see("与记录相符", "3 次")
    ask_out(buyer, number)
    buyer.see("24 小时", "最多")
    buyer.send("/cancel", want="half", evidence_SCREEN_RECORDING="核验相符，录屏里看得到还没兑换")
    case = case_number(buyer)
    buyer.see_what_is_next("你申请退 ¥50.00", "核验相符")
    _something_due(troupe, shop, minutes=30)
    _something_due(troupe, shop, minutes=3 * DAYS)
    seller.open("/shop")
    seller.see("¥50.00")
    due = [line.get_attribute("datetime") or "" for line in seller.page.locator(".queue .toned time[data-due]").all()]
    assert len(due) == 3
    assert due == sorted(due, key=lambda text: int(text[2:-1]))
    assert "¥50.00" in seller.page.locator(".queue").nth(1).inner_text()
    seller.open(f"/shop/cases/{case}")
    seller.see_what_is_next("¥50.00", "系统证明的事", "核验", "同意")
    seller.open("/shop")
    seller.send(f"/cases/{case}/agree")
    seller.see("已同意")
    buyer.open(f"/cases/{case}")
    buyer.wait_for("¥50.00 已退给你")
    buyer.see("你的退款到哪了", "到账")
    buyer.open(f"/orders/{number}")
    buyer.see("¥50.00")
    seller.open("/shop/money")
    seller.see("¥47.50")


def _something_due(troupe: Troupe, shop: Shop, *, minutes: int) -> None:
    """Another order of the shop that is to be delivered within so many minutes."""
    product = a_product(stock=0, shop=shop, delivery="manual", terms=Terms(promise_minutes=minutes))
    when = troupe.market.moment()
    order = a_placed_order(product=product, when=when)
    fill_wallet(order.buyer, product.price_minor)
    pay_from_wallet(actor=order.buyer, order_number=order.number, request=a_key(order.buyer), at=when)


def test_offer_counter_offer_and_accept(troupe: Troupe) -> None:
    buyer, (shop, seller) = troupe.buyer(), troupe.shop()
    number = buy(buyer, a_product(stock=1, shop=shop))
    open_key(buyer, number)
    ask_out(buyer, number, reason="无效")
    buyer.send("/cancel", want="all")
    case = case_number(buyer)
    seller.open(f"/shop/cases/{case}")
    seller.send(f"/cases/{case}/offer", amount="20", text="这张卡密我们试过，可以用。")
    seller.see_what_is_next("¥20.00")
    buyer.inbox("方案")
    buyer.open(f"/cases/{case}")
    buyer.see_what_is_next("商家提出退 ¥20.00", "¥80.00")
    buyer.send(f"/cases/{case}/offer", amount="60", text="那就折中。")
    buyer.see_what_is_next("你提出退 ¥60.00")
    seller.open(f"/shop/cases/{case}")
    seller.see_what_is_next("买家", "¥60.00")
    seller.send(f"/cases/{case}/accept")
    seller.see("¥60.00", "其余归你")
    buyer.open(f"/cases/{case}")
    buyer.wait_for("¥60.00 已退给你")
    buyer.see("¥60.00 已退给你", "那就折中。")


def test_a_claim_is_taken_back(troupe: Troupe) -> None:
    buyer, (shop, seller) = troupe.buyer(), troupe.shop()
    number = buy(buyer, a_product(stock=1, shop=shop))
    open_key(buyer, number)
    ask_out(buyer, number, reason="无效")
    buyer.send("/cancel", want="amount", amount="12.34")
    case = case_number(buyer)
    buyer.see_what_is_next("你申请退 ¥12.34")
    buyer.send(f"/cases/{case}/withdraw")
    buyer.see("你撤回了申请", "已撤回")
    seller.open(f"/shop/cases/{case}")
    seller.see("已结束")
    buyer.open(f"/orders/{number}")
    buyer.see("已打开")


def test_handed_over_by_hand_and_opened(troupe: Troupe) -> None:
    buyer, (shop, seller) = troupe.buyer(), troupe.shop()
    number = buy(buyer, a_product(stock=0, shop=shop, delivery="manual", terms=Terms(promise_minutes=3 * HOURS)))
    buyer.see("已付款")
    seller.inbox("请按时发货")
    seller.open(f"/shop/orders/{number}")
    seller.see("发货", "¥100.00")
    seller.open(f"/shop/orders/{number}/deliver")
    seller.see("卡密，每行一张")
    key = f"HANDED-{number}"
    seller.page.fill("#keys", key)
    seller.press("核对")
    seller.see("发出 1 张卡密", "发出后不可撤回", "¥100.00")
    assert key not in seller.page.content()
    seller.page.locator("main form button.primary").click()
    seller.page.wait_for_load_state()
    seller.see("已封存发出")
    assert key not in seller.page.content()
    buyer.inbox("已发货")
    assert open_key(buyer, number) == key
    buyer.see("只有你能看到")
