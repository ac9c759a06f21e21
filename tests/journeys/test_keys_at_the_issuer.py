"""Keys that their issuer calls bad: the way out stands beside them."""

from __future__ import annotations

from tests.builders import a_product
from tests.journeys.keys import buy, open_key
from tests.journeys.people import Troupe


def test_an_invalid_key_is_replaced_then_refunded(troupe: Troupe) -> None:
    buyer, (shop, seller) = troupe.buyer(), troupe.shop()
    product = a_product(stock=2, shop=shop, issuer="sandbox")
    number = buy(buyer, product)
    assert open_key(buyer, number) == product.secrets[0]
    troupe.market.issuer_says(f"{number}-1", use_check="invalid")
    buyer.open(f"/orders/{number}")
    buyer.see("发行方", "无效", "确认退款", "换一张新卡密")
    buyer.send("/cancel", button="replacement")
    buyer.see("封存")
    buyer.open(f"/orders/{number}")
    buyer.see("已换货", "封存中")
    assert open_key(buyer, number, 2) == product.secrets[1]
    troupe.market.issuer_says(f"{number}-2", use_check="invalid")
    buyer.open(f"/orders/{number}")
    buyer.see("无效", "¥100.00")
    assert buyer.page.locator("button[value=replacement]").count() == 0
    buyer.send("/cancel")
    buyer.wait_for("到账")
    buyer.see("¥100.00")
    buyer.open(f"/orders/{number}")
    buyer.wait_for("已退给你")
    buyer.see("已退给你", "¥100.00")
    seller.open(f"/shop/orders/{number}")
    seller.see("换", "¥100.00")
