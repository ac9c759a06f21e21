"""Argue about an opened key, as its buyer walks it: ask for half, take an offer, follow the money."""

from __future__ import annotations

from anka.flows.make_offer import make_offer
from tests.builders import Product, a_key, a_product
from tests.journeys.walk import Walk


def ask_for_half(walk: Walk, product: Product) -> str:
    """Buy a key, open it, ask for half of the money; return the case's number."""
    walk.become_a_customer()
    number = walk.order(product)
    walk.pay()
    walk.wait_for("1 件已封存在你的订单里")
    walk.press("查看卡密")
    walk.page.locator("details[open] form button").click()
    walk.page.wait_for_load_state()
    walk.open(f"/orders/{number}/cancel?reason=KEY_INVALID")
    walk.see("先由商家答复", "你希望怎么处理？")
    walk.page.locator("label:has-text('一半')").click()
    walk.page.fill("textarea", "页面提示卡密无效")
    walk.press("确认提交，请商家答复")
    walk.see("等商家答复：你申请退 ¥50.00", "页面提示卡密无效", "系统证明的事")
    return walk.page.url.rsplit("/", 1)[1].partition("?")[0]


def test_take_an_offer_and_follow_the_money(walk: Walk) -> None:
    product = a_product(stock=1)
    case = ask_for_half(walk, product)
    owner = product.shop.owner
    make_offer(actor=owner, case_number=case, refund_minor=3000, text="就退 30", request=a_key(owner), at=walk.market.moment())
    walk.open(f"/cases/{case}")
    walk.see("商家提出退 ¥30.00", "轮到你了", "¥70.00", "就退 30")
    walk.page.locator(f"form[action='/cases/{case}/accept'] button").click()
    walk.page.wait_for_load_state()
    walk.wait_for("¥30.00 已退给你")
    walk.see("你的退款到哪了", "已接受")


def test_take_the_request_back(walk: Walk) -> None:
    case = ask_for_half(walk, a_product(stock=1))
    walk.press("撤回申请")
    walk.see("不动钱")
    walk.page.locator("details[open] form button").click()
    walk.page.wait_for_load_state()
    walk.see("你撤回了申请")
    walk.open(f"/cases/{case}")
    walk.see("你撤回了申请", "本次售后")
