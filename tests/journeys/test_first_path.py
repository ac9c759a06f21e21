"""Buy a card key, change your mind, have the money back: each way out, as a person walks it."""

from __future__ import annotations

from tests.builders import a_placed_order, a_product
from tests.journeys.walk import Walk


def test_cancel_before_paying(walk: Walk) -> None:
    product = a_product(stock=1)
    walk.become_a_customer()
    number = walk.order(product)
    walk.open(f"/orders/{number}")
    walk.see("等你付款", "分")
    walk.press("取消订单")
    walk.see("订单已关闭，没有扣款", "你在付款前取消了")
    assert product.available == 1
    walk.open("/orders")
    walk.see("已关闭", "没有扣款")


def test_close_by_itself_when_nobody_pays(walk: Walk) -> None:
    product = a_product(stock=1)
    walk.become_a_customer()
    number = walk.order(product)
    walk.market.advance(minutes=16)
    walk.open(f"/orders/{number}")
    walk.see("订单已关闭，没有扣款", "没有在时限内付款", "安卡自动")
    assert product.available == 1


def test_sealed_refund_in_one_click(walk: Walk) -> None:
    product = a_product(stock=2)
    walk.become_a_customer()
    number = walk.order(product, quantity=2)
    walk.pay()
    walk.wait_for("2 件已封存在你的订单里")
    walk.see("安卡保管", "封存中")
    walk.press("不要了，立即退款")
    walk.see("¥100.00", "不能再打开")
    walk.page.locator("details[open] form button").click()
    walk.page.wait_for_load_state()
    walk.wait_for("钱已到账")
    walk.see("¥100.00", "到账")
    assert product.available == 1
    walk.open(f"/orders/{number}")
    walk.see("已退给你", "还没打开，等于没用")


def test_open_the_key(walk: Walk) -> None:
    product = a_product(stock=1)
    walk.become_a_customer()
    number = walk.order(product)
    walk.pay()
    walk.wait_for("1 件已封存在你的订单里")
    walk.press("查看卡密")
    walk.see("打开以后，就不能无理由退了")
    walk.page.locator("details[open] form button").click()
    walk.page.wait_for_load_state()
    walk.see(product.secrets[0], "只有你能看到")
    walk.open(f"/orders/{number}")
    assert product.secrets[0] not in walk.page.content()
    walk.see("已打开，能用吗？")
    walk.open(f"/orders/{number}/cancel?reason=KEY_INVALID")
    walk.see("先由商家答复", "什么会改变结果", "你希望怎么处理？")
    walk.open(f"/orders/{number}")
    walk.page.locator("summary:has-text('确认收货')").click()
    walk.see("确认后不能撤回")
    walk.page.locator("details[open] form button").click()
    walk.page.wait_for_load_state()
    walk.see("已完成，货款已付给商家")


def test_a_late_payment_goes_back_by_itself(walk: Walk) -> None:
    product = a_product(stock=1)
    walk.become_a_customer()
    number = walk.order(product)
    payment = walk.go_to_cashier()
    walk.market.advance(minutes=16)
    # Somebody else takes the last one meanwhile.
    a_placed_order(product=product, when=walk.market.moment())
    walk.market.pay_late(payment=payment)
    walk.open(f"/orders/{number}")
    walk.wait_for("已退给你")
    walk.see("迟到的 ¥100.00 已退给你")
    walk.press("看退款进度")
    walk.see("钱已到账")


def test_a_late_payment_is_served_where_there_is_stock(walk: Walk) -> None:
    product = a_product(stock=1)
    walk.become_a_customer()
    number = walk.order(product)
    payment = walk.go_to_cashier()
    walk.market.advance(minutes=16)
    walk.market.pay_late(payment=payment)
    walk.open(f"/orders/{number}")
    walk.wait_for("1 件已封存在你的订单里")
    walk.see("为迟到的款项重新留货")


def test_refund_to_the_wallet(walk: Walk) -> None:
    product = a_product(stock=1)
    walk.become_a_customer()
    number = walk.order(product)
    walk.pay()
    walk.wait_for("1 件已封存在你的订单里")
    walk.open("/orders")
    walk.press("申请撤单")
    walk.see("哪几件")
    walk.page.locator("label:has-text('不想要了')").click()
    walk.press("看看会怎样")
    walk.see("全额退款，立即执行", "钱退到哪")
    walk.page.locator("label:has-text('安卡余额')").click()
    walk.press("确认，立即退款")
    walk.wait_for("钱已到账")
    walk.open("/wallet")
    walk.see("¥100.00", "退款")
    second = walk.order(a_product(stock=1))
    walk.press_channel("安卡余额")
    walk.wait_for("1 件已封存在你的订单里")
    assert second != number
    walk.open("/wallet")
    walk.see("¥0.00", "支付订单")
