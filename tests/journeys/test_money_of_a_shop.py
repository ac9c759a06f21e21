"""A shop's money from a sale to the bank: confirmed, settled, withdrawn, approved and paid by finance, told and on the statement."""

from __future__ import annotations

from playwright.sync_api import expect

from anka.flows.confirm_order import confirm_order
from anka.funds.queries import withdrawals_of
from tests.builders import a_key, a_product, a_sealed_order
from tests.journeys.people import Troupe

QUEUE, MONEY = "/platform/withdrawals", "/shop/money"
DAY = 24 * 60


def test_a_sale_becomes_money_at_the_bank(troupe: Troupe) -> None:
    shop, owner = troupe.shop()
    finance, market = troupe.administrator(), troupe.market
    order = a_sealed_order(product=a_product(shop=shop, stock=1), when=market.moment())
    order.reveal(when=market.moment())
    buyer = order.buyer
    confirm_order(actor=buyer, order_number=order.number, positions=None, request=a_key(buyer), at=market.moment())

    owner.open(MONEY)
    owner.see("待结算", "¥95.00", "平台佣金", "¥5.00")
    market.advance(minutes=2 * DAY + 1)
    owner.open(MONEY)
    owner.wait_for("已结算")

    owner.send(f"{MONEY}/withdraw", amount="50.00", account="6222 0000 1234 5678")
    owner.see("提交之前", "¥49.00", "•••• 5678")
    owner.send(f"{MONEY}/withdraw", button="1")
    owner.see("已提交申请", "¥45.00")
    number = withdrawals_of(shop_id=shop.id)[0].number

    finance.open(QUEUE)
    finance.see(shop.code, "¥49.00")
    # Withdrawals of other shops may stand above this one, so its link is not the first.
    finance.open(f"/platform/shops/{shop.code}/funds")
    finance.send(f"/platform/shops/{shop.code}/funds", required="20", floor="10", reason="卖得稳")
    finance.see("已设定", "卖得稳", "不能接新订单")
    for step in ("approve", "begin"):
        finance.open(QUEUE)
        finance.send(f"{QUEUE}/{number}/{step}")
    finance.open(QUEUE)
    finance.send(f"{QUEUE}/{number}/paid", text="ICBC-2026-1")

    if finance.script:
        finance.page.set_viewport_size({"width": 360, "height": 800})
        finance.open("/platform/disputes")
        expect(finance.page.locator(".platform-nav .tabs [aria-current]")).to_be_in_viewport(ratio=1)

    owner.inbox("提现已打入你的银行账户", "¥50.00")
    owner.open(MONEY)
    owner.see("ICBC-2026-1", "提现手续费", "¥45.00")
    file = owner.page.request.get(f"{market.address}/api/v1/funds/statement.csv?place=withdrawing")
    assert file.ok
    text = file.text()
    assert "withdrawal_asked" in text
    assert text.rstrip().splitlines()[-1].endswith("0.00,CNY")
