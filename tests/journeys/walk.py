"""A person with a browser: looks, types, presses, waits, and keeps a picture of every page."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from playwright.sync_api import Page, Response

from tests.builders import Product, serial
from tests.journeys.market import ENOUGH_FOR_ANYTHING_SECONDS, Market

PASSWORD = "a short sentence"
LOOK_AGAIN_SECONDS = 0.3


@dataclass
class Walk:
    """One walk through the market."""

    page: Page
    market: Market
    pictures: Path
    name: str
    script: bool
    steps: Iterator[int] = field(default_factory=lambda: count(1))
    role: str = ""
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen for whatever a strict policy refuses and for scripts that fail."""
        self.page.on("console", lambda message: self.trouble.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))

    def open(self, path: str) -> Response | None:
        """Type an address."""
        return self.page.goto(f"{self.market.address}{path}")

    def see(self, *texts: str) -> None:
        """Keep a picture, and be sure that these texts stand there and nothing sticks out sideways."""
        picture = "-".join(part for part in (self.name, f"{next(self.steps):02d}", self.role) if part)
        self.page.screenshot(path=self.pictures / f"{picture}.png", full_page=True)
        found = self.page.inner_text("body")
        for text in texts:
            assert text in found, f"{text!r} is not on {self.page.url}: {found[:1500]}"
        too_wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{self.page.url} is {too_wide} px too wide"
        assert self.trouble == []

    def press(self, text: str) -> None:
        """Press a button, or follow a link, by what stands on it."""
        self.page.locator(f"main :is(button, a, summary):visible:has-text('{text}')").first.click()
        self.page.wait_for_load_state()

    def send(self, action: str, *, button: str = "", **fields: str) -> None:
        """Fill in the form that posts to an address ending like this, and send it; what is folded is unfolded first.

        `button` names a value where the form has several. A choice is named by its field and value.
        """
        form = self.page.locator(f"main form[action$='{action}']").first
        pressed = form.locator(f"button[value='{button}']" if button else "button:not([name])").first
        folded = form.locator("xpath=ancestor::details[not(@open)]")
        for _ in range(folded.count()):
            folded.first.locator("> summary").click()
        for name, text in fields.items():
            choice = form.locator(f"input:is([type=radio], [type=checkbox])[name='{name}'][value='{text}']")
            if choice.count():
                choice.first.check(force=True)
            else:
                form.locator(f"[name='{name}']:not([type=hidden])").first.fill(text)
        pressed.click()
        self.page.wait_for_load_state()

    def wait_for(self, text: str) -> None:
        """Wait until a text stands on the page: script looks by itself, without script somebody reloads."""
        deadline = time.monotonic() + ENOUGH_FOR_ANYTHING_SECONDS
        pause = threading.Event()
        while time.monotonic() < deadline:
            if text in self.page.inner_text("main"):
                return
            if self.script:
                self.page.wait_for_timeout(LOOK_AGAIN_SECONDS * 1000)
            else:
                pause.wait(LOOK_AGAIN_SECONDS)
                self.page.reload()
        raise AssertionError(f"{text!r} did not come on {self.page.url}: {self.page.inner_text('main')[:1500]}")

    def become_a_customer(self) -> None:
        """Make an account."""
        self.open("/register")
        self.page.fill("#username", f"walker-{time.time_ns():x}-{serial()}"[:40])
        self.page.fill("#password", PASSWORD)
        self.press("注册账号")

    def order(self, product: Product, *, quantity: int = 1) -> str:
        """Order a product and return the order's number; the cashier is open then."""
        self.open(f"/products/{product.number}")
        self.see("退款", "¥100.00")
        self.page.fill("#quantity", str(quantity))
        self.press("核对订单")
        self.see("合计")
        self.press("提交订单")
        self.see("待付款")
        found = re.search(r"/orders/([^/]+)/pay", self.page.url)
        assert found, self.page.url
        return found.group(1)

    def pay(self) -> None:
        """Pay at the sandbox's own cashier and come back."""
        self.go_to_cashier()
        self.page.locator("button[value=paid]").first.click()
        self.page.wait_for_load_state()

    def go_to_cashier(self) -> str:
        """Choose the sandbox and open its cashier; return the payment's number."""
        self.press_channel("沙箱支付")
        self.see("沙箱支付")
        self.press("去沙箱支付付款")
        return self.page.locator("dd code").first.inner_text()

    def press_channel(self, name: str) -> None:
        """Choose a way to pay."""
        self.page.locator(f".choices li:has-text('{name}') input").check()
        self.page.locator("form:has(.choices) button").click()
        self.page.wait_for_load_state()
