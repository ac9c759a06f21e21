"""Who walks through the journeys of keys: a buyer, whoever acts for a shop, arbiters; each with a browser and an eye for every page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, pairwise
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

from anka.accounts.passwords import hash_password
from anka.catalog.models import NewShop
from anka.core.actors import Actor, ActorKind
from anka.core.numbers import ALPHABET
from anka.flows.appoint_staff import appoint_staff
from anka.flows.open_shop import open_shop
from anka.flows.sign_up import sign_up
from tests.builders import OPERATOR, Shop, serial
from tests.journeys.market import Market
from tests.journeys.walk import PASSWORD, Walk

LETTERS = ALPHABET[10:]
# What a keyboard can reach, in the order of the document, with where it stands. Folded parts and hidden choices are left out.
REACHABLE = """() => {
  const shown = e => e.checkVisibility({checkVisibilityCSS: true, contentVisibilityAuto: true});
  const place = e => {
    const box = e.getBoundingClientRect();
    return {text: (e.innerText || e.name || "").slice(0, 40), top: box.top, bottom: box.bottom, index: e.tabIndex};
  };
  const all = document.querySelectorAll("main :is(a[href], button, input:not([type=hidden]), textarea, select, summary)");
  return [...all].filter(e => shown(e) && !e.disabled).map(place);
}"""
FOCUSED = "() => ({name: document.activeElement.className, inside: !!document.activeElement.closest('main')})"


@lru_cache(maxsize=1)
def _password_hash() -> str:
    return hash_password(password=PASSWORD)


@dataclass
class Person(Walk):
    """Somebody with a browser who looks at every page as the people it is made for would have to."""

    username: str = ""

    def see(self, *texts: str) -> None:
        """Keep a picture, be sure of these texts, that nothing sticks out, nothing is left untranslated, and a keyboard goes downwards."""
        super().see(*texts)
        found = self.page.inner_text("body")
        for left_over in ("Recorded:", "%(", "None", "{{", "_turn"):
            assert left_over not in found, f"{left_over!r} stands on {self.page.url}"
        self._keyboard_goes_down()

    def _keyboard_goes_down(self) -> None:
        places = self.page.evaluate(REACHABLE)
        assert all(place["index"] == 0 for place in places), places
        if self.page.viewport_size and self.page.viewport_size["width"] > 400:
            return
        for before, after in pairwise(places):
            assert after["bottom"] >= before["top"], f"on {self.page.url} a keyboard jumps up from {before} to {after}"

    def tab_through(self) -> None:
        """Press the tabulator: first comes the way past the navigation, which leads into the content."""
        self.page.reload()
        self.page.keyboard.press("Tab")
        assert self.page.evaluate(FOCUSED)["name"] == "skip-link"
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Tab")
        assert self.page.evaluate(FOCUSED)["inside"]

    def see_what_is_next(self, *texts: str) -> None:
        """The page says what is happening, who moves next, until when, and what follows if nobody does."""
        self.see(*texts)
        assert self.page.locator("#headline").inner_text().strip()
        steps = self.page.locator("section[aria-labelledby=next-steps] li")
        assert steps.count() >= 1
        assert self.page.locator(".clock time[data-due]").count() == 1, f"no clock on {self.page.url}"
        assert steps.last.locator("time").count() == 1, steps.last.inner_text()

    def seconds_left(self) -> int:
        """What the page's clock shows, as the server wrote it."""
        return int((self.page.locator(".clock time[data-due]").get_attribute("datetime") or "PT0S")[2:-1])

    def inbox(self, *texts: str) -> None:
        """Look at the notices and read these."""
        self.open("/notices")
        self.see(*texts)

    def sign_in(self) -> None:
        """Sign in, as everybody does."""
        self.open("/sign-in")
        self.page.fill("#username", self.username)
        self.page.fill("#password", PASSWORD)
        self.press("登录")


@dataclass
class Troupe:
    """Everybody in one journey; their pictures are numbered together, in the order of the story."""

    chromium: Browser
    market: Market
    pictures: Path
    name: str
    width: int
    script: bool
    steps: Iterator[int] = field(default_factory=lambda: count(1))
    contexts: list[BrowserContext] = field(default_factory=list)

    def buyer(self) -> Person:
        """Somebody who buys."""
        username, _person = self._somebody("buyer")
        return self._person("buyer", username)

    def shop(self) -> tuple[Shop, Person]:
        """A shop of its own, and who acts for it."""
        username, person_id = self._somebody("shop")
        number, letters = serial(), ""
        for _ in range(4):
            number, digit = divmod(number, len(LETTERS))
            letters = LETTERS[digit] + letters
        code = f"J{letters}"
        shop = NewShop(code=code, name_zh="测试小店", name_en="The test shop", owner_id=person_id, commission_basis_points=500)
        shop_id = open_shop(actor=OPERATOR, shop=shop, at=self.market.moment())
        owner = Actor(kind=ActorKind.MERCHANT, person_id=person_id)
        return Shop(id=shop_id, code=code, owner=owner), self._person("shop", username)

    def arbiter(self) -> Person:
        """Somebody who decides for the platform."""
        username, person_id = self._somebody("arbiter")
        appoint_staff(actor=OPERATOR, person_id=person_id, role="arbiter")
        return self._person("arbiter", username)

    def administrator(self) -> Person:
        """Somebody who looks after the rules."""
        username, person_id = self._somebody("admin")
        appoint_staff(actor=OPERATOR, person_id=person_id, role="admin")
        return self._person("admin", username)

    def go_home(self) -> None:
        """Close every browser."""
        for context in self.contexts:
            context.close()

    def _somebody(self, role: str) -> tuple[str, int]:
        username = f"{role}-{serial()}-{self.market.address.rpartition(':')[2]}"
        at = self.market.moment()
        shown = {"buyer": "小林", "shop": "店主阿青", "arbiter": "仲裁员", "admin": "规则管理员"}[role]
        number = sign_up(username=username, display_name=shown, language="zh-hans", password_hash=_password_hash(), at=at)
        return username, number

    def _person(self, role: str, username: str) -> Person:
        context = self.chromium.new_context(
            viewport={"width": self.width, "height": 800}, java_script_enabled=self.script, locale="zh-CN", reduced_motion="reduce"
        )
        context.set_default_timeout(60_000)
        self.contexts.append(context)
        person = Person(
            page=context.new_page(),
            market=self.market,
            pictures=self.pictures,
            name=self.name,
            script=self.script,
            steps=self.steps,
            role=role,
            username=username,
        )
        person.sign_in()
        return person
