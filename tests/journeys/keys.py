"""What the journeys of keys have in common: a key is bought, opened, argued about; the platform rules."""

from __future__ import annotations

import re

from tests.builders import Product
from tests.journeys.people import Person, Troupe

HOURS = 60
DAYS = 24 * HOURS


MOST_LOOKS = 50


def buy(buyer: Person, product: Product) -> str:
    """Buy one piece, pay at the sandbox's cashier, and return the order's number; the order's page is open then."""
    buyer.open(f"/products/{product.number}")
    buyer.press("核对订单")
    agreed = buyer.page.locator("#accept_notice")
    if agreed.count():
        agreed.check()
    buyer.press("提交订单")
    found = re.search(r"/orders/([^/]+)/pay", buyer.page.url)
    assert found, buyer.page.url
    buyer.pay()
    # The gateway's notice travels by itself; the page says so until it is there.
    for _look in range(MOST_LOOKS):
        buyer.open(f"/orders/{found.group(1)}")
        if "等你付款" not in buyer.page.inner_text("body"):
            break
    return found.group(1)


def open_key(buyer: Person, number: str, position: int = 1) -> str:
    """Open a piece of an order and return the key that stands there."""
    buyer.open(f"/orders/{number}")
    buyer.wait_for("封存在你的订单里" if position == 1 else "封存中")
    buyer.send(f"/units/{position}/reveal")
    return buyer.page.locator(f"#key-{position}").inner_text()


def ask_out(buyer: Person, number: str, *, reason: str = "不想要了") -> None:
    """Go through the first page of the way out; the verdict is shown then, and nothing has happened."""
    buyer.open(f"/orders/{number}/cancel")
    buyer.page.locator(f".chips label:has-text('{reason}')").first.click()
    buyer.see("哪件不要了？", reason)
    buyer.press("看看会怎样")


def case_number(person: Person) -> str:
    """The number of the case whose page is open."""
    found = re.search(r"/cases/([^/?#]+)", person.page.url)
    assert found, person.page.url
    return found.group(1)


def rule(arbiter: Person, number: str, **ruling: str) -> None:
    """Rule on a case as an arbiter does: fill in, look at what would move, give it."""
    arbiter.open(f"/platform/cases/{number}")
    arbiter.see("事实", "系统证明的事")
    arbiter.send(f"/cases/{number}/ruling", **ruling)
    arbiter.see("提交之前，先看会动多少钱", ruling["text"])
    arbiter.send(f"/cases/{number}/ruling", button="1")


def let_time_pass(troupe: Troupe, *, minutes: int) -> None:
    """Move the market's clock; what falls due on the way is done then."""
    troupe.market.advance(minutes=minutes)
