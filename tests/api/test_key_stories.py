"""The stories of a key over the API alone: whoever follows `actions` as they are given, method and path, gets to every end."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from anka.accounts.passwords import hash_password
from anka.adapters.channels.sandbox_keys import Mode
from anka.catalog.models import Terms
from anka.config.settings import ENVIRONMENT
from anka.config.wiring import wire
from anka.core.clock import moment
from anka.flows.sign_up import sign_up
from anka.jobs.channels import channels
from anka.sandbox.gateway import Gateway, GatewaySettings
from anka.sandbox.server import RunningGateway
from tests.api.client import Client
from tests.api.people import OUT, Person, a_staff_member, every_page, merchant_of
from tests.builders import Product, a_product, serial
from tests.builders.goods import lend_keyring
from tests.databases import Database

HOUR, DAY = 3600, 86_400
PASSWORD = "a short sentence"
NOTICE = Terms(notice_zh="使用后不可退换", notice_en="No refund once used")


@pytest.fixture(autouse=True)
def _outside_world(database: Database, tmp_path: Path) -> Iterator[None]:
    """A gateway, an issuer and a clock of this test's own."""
    settings = GatewaySettings(mode=Mode.SANDBOX, home=tmp_path, database_url=database.owner, base_url="http://sandbox.test")
    running = RunningGateway(gateway=Gateway(settings=settings), host="127.0.0.1", port=0)
    lend_keyring(tmp_path)
    wire(replace(ENVIRONMENT, home=tmp_path, gateway_url=f"http://127.0.0.1:{running.port}"))
    yield
    channels["sandbox"].close_connections()
    running.stop()
    wire(ENVIRONMENT)


@dataclass
class Story:
    """A new buyer, a shop, and one order of one piece between them. Every step goes through a route."""

    product: Product
    buyer: Client
    seller: Person
    order: str = ""

    def buy(self) -> None:
        """Find the product, order it, pay it."""
        shelf = Client().get(f"/products?shop={self.product.shop.code}").json["items"]
        found = Client().get(f"/products/{shelf[0]['id']}").json
        placed = self.buyer.post("/orders", {"product_id": found["id"], "quantity": 1, "accept_notice": True})
        assert placed.status == 201, placed.body
        self.order = placed.json["number"]
        payment = self.follow(self.buyer, f"/orders/{self.order}", "pay", {"channel": "sandbox"})
        assert Client().post(f"/sandbox/payments/{payment['number']}", {"outcome": "paid"}).status == 200

    def open(self, position: int = 1) -> str:
        """Open a piece and return its key."""
        return str(self.follow(self.buyer, f"/orders/{self.order}", "reveal", {}, unit=position)["secret"])

    def claim(self, **more: Any) -> dict[str, Any]:
        """Look what would happen, and submit it as it was shown; return the case."""
        reason = more.setdefault("reason", OUT)
        quote = self.follow(self.buyer, f"/orders/{self.order}", "quote", None, query=f"?reason={reason}")
        body = {**more, "quote": quote["id"]}
        made = self.follow(self.buyer, f"/orders/{self.order}", "cancel", body)
        return dict(made["cases"][0])

    def follow(self, who: Client, thing: str, name: str, body: Any, *, unit: int | None = None, query: str = "") -> Any:
        """Do what is offered on a thing: its method, its path."""
        offered = who.get(thing).json["actions"]
        whole = None if unit is None else f"{self.order}-{unit}"
        action = next(action for action in offered if action["name"] == name and action["unit"] == whole)
        assert action["allowed"], action["why_not"]
        assert action["why_not"] is None
        path = f"{action['path'].removeprefix('/api/v1')}{query}"
        answer = who.get(path) if action["method"] == "GET" else who.post(path, body)
        assert answer.status in (200, 201), answer.body
        return answer.json

    def case(self, who: Client, number: str, name: str, body: Any = None) -> Any:
        """Do what is offered in a case."""
        return self.follow(who, f"/cases/{number}", name, body or {})

    def issuer_says(self, position: int = 1, **word: Any) -> None:
        """Play the issuer."""
        played = Client().post(f"/sandbox/issuer/{self.order}-{position}", word)
        assert played.status == 200, played.body

    def money_arrives(self) -> int:
        """Let the gateway carry out what is on its way back; return how much the buyer has back by then."""
        for refund in self.buyer.get(f"/orders/{self.order}").json["refunds"]:
            if refund["status"] != "succeeded":
                assert Client().post(f"/sandbox/refunds/{refund['number']}", {"outcome": "succeeded"}).status == 200
        wait(60)
        refunds = self.buyer.get(f"/orders/{self.order}").json["refunds"]
        assert {refund["status"] for refund in refunds} <= {"succeeded"}
        return sum(refund["amount_minor"] for refund in refunds)

    @property
    def shop_has(self) -> int:
        """What the shop may dispose of, by the books: no route tells that yet."""
        return self.product.shop.balance(f"merchant:{self.product.shop.id}:available")

    @property
    def happened(self) -> list[str]:
        """What the order's timeline tells."""
        return [event["what"] for event in self.buyer.get(f"/orders/{self.order}").json["timeline"]]

    @property
    def units(self) -> list[tuple[str, str]]:
        """The stage and the money of each piece."""
        return [(unit["stage"], unit["money"]) for unit in self.buyer.get(f"/orders/{self.order}").json["units"]]


def a_story(product: Product) -> Story:
    name = f"newcomer{serial()}"
    sign_up(username=name, display_name=name, language="en", password_hash=hash_password(password=PASSWORD), at=moment())
    token = Client().post("/auth/token", {"username": name, "password": PASSWORD}).json["token"]
    story = Story(product=product, buyer=Client(token=token), seller=merchant_of(product))
    story.buy()
    return story


def wait(seconds: int) -> None:
    moved = Client().post("/sandbox/clock", {"advance_seconds": seconds})
    assert moved.status == 200, moved.body


def warned(who: Client) -> list[tuple[str, Any]]:
    notices = who.get("/notices").json["items"]
    return [(notice["details"].get("clock"), notice["details"].get("percent")) for notice in notices if notice["kind"] == "clock_warning"]


def test_undelivered_and_the_shop_stays_silent() -> None:
    story = a_story(a_product(stock=0, delivery="manual", terms=Terms(promise_minutes=2880)))
    story.follow(story.seller, f"/orders/{story.order}", "accept", {})
    case = story.claim()
    assert (case["turn"], case["if_silent"], case["ask_minor"]) == ("merchant", "refund", 10_000)
    waiting = story.seller.get("/cases?queue=merchant").json["items"]
    assert [(line["number"], line["due_at"]) for line in waiting] == [(case["number"], case["due_at"])]
    wait(61 * 60)
    assert ("answer", 50) in warned(story.seller)
    wait(36 * 60)
    assert ("answer", 80) in warned(story.seller)
    wait(24 * 60)
    closed = story.buyer.get(f"/cases/{case['number']}").json
    assert (closed["outcome"], closed["fault"], closed["actions"][-1]["allowed"]) == ("refunded", "none", False)
    assert "case_silent" in story.happened
    assert (story.money_arrives(), story.units) == (10_000, [("released", "refunded")])


def test_opened_checked_and_half_refunded_by_agreement() -> None:
    story = a_story(a_product(stock=1))
    key = story.open()
    check = f"/orders/{story.order}/units/{story.order}-1/key-check"
    assert story.buyer.post(check, {"prefix": "ZZZZ"}).json == {"possession": "no_match", "tries_left": 4}
    assert story.buyer.post(check, {"prefix": key[:5]}).json == {"possession": "match", "tries_left": 3}
    case = story.claim(ask={"refund_minor": 5000}, evidence=[{"kind": "KEY_PREFIX", "text": "It matched."}])
    assert case["if_silent"] == "escalate"
    seen = story.seller.get(f"/cases/{case['number']}").json
    assert (seen["ask_minor"], seen["evidence"][0]["kind"]) == (5000, "KEY_PREFIX")
    done = story.case(story.seller, case["number"], "agree")
    assert (done["outcome"], done["refund_minor"]) == ("partial", 5000)
    assert story.money_arrives() == 5000
    wait(2 * DAY + HOUR)
    assert story.shop_has == 4750


def test_an_invalid_key_is_replaced_then_refunded() -> None:
    story = a_story(a_product(stock=2, issuer="sandbox"))
    assert story.open() == story.product.secrets[0]
    story.issuer_says(use_check="invalid")
    replaced = story.claim(reason="KEY_INVALID", ask={"replacement": True})
    assert (replaced["outcome"], replaced["refunds"]) == ("replaced", [])
    assert story.units == [("replaced", "none"), ("sealed", "held")]
    assert story.open(2) == story.product.secrets[1]
    story.issuer_says(2, use_check="invalid")
    refunded = story.claim(reason="KEY_INVALID")
    assert (refunded["outcome"], refunded["refund_minor"], refunded["fault"]) == ("refunded", 10_000, "merchant")
    assert story.money_arrives() == 10_000


def test_activated_without_notice_and_ruled_on() -> None:
    story, arbiter = a_story(a_product(stock=1)), a_staff_member("arbiter")
    story.open()
    story.issuer_says(use_check="used_after_reveal", used_by="buyer")
    case = story.claim(ask={"refund_minor": 10_000})
    assert case["turn"] == "platform"
    assert case["number"] in [line["number"] for line in every_page(arbiter, "/cases?queue=platform&limit=100")]
    ruling = {"fault": "both", "reasons": ["NOT_DISCLOSED"], "text": "Nothing was said about it.", "refund_minor": 3000}
    ruled = story.case(arbiter, case["number"], "rule", ruling)
    assert (ruled["status"], ruled["if_silent"], ruled["ruling"]["refund_minor"]) == ("decided", "execute", 3000)
    assert story.buyer.get(f"/orders/{story.order}").json["refunds"] == []
    wait(72 * HOUR + 1)
    assert story.buyer.get(f"/cases/{case['number']}").json["outcome"] == "partial"
    assert story.money_arrives() == 3000
    wait(2 * DAY + HOUR)
    assert story.shop_has == 6650


def test_activated_with_consent_is_upheld_twice() -> None:
    story, first, second = a_story(a_product(stock=1, terms=NOTICE)), a_staff_member("arbiter"), a_staff_member("arbiter")
    story.open()
    story.issuer_says(use_check="used_after_reveal", used_by="buyer")
    case = story.claim()
    assert (case["status"], case["facts"] is None) == ("refused", False)
    assert "'notice': 'confirmed'" in str(case["facts"])
    number = case["number"]
    assert story.case(story.buyer, number, "escalate", {"text": "I did not see it."})["turn"] == "platform"
    nothing = {"fault": "none", "reasons": ["CONSENT_ON_RECORD"], "text": "It is on record.", "refund_minor": 0}
    assert story.case(first, number, "rule", nothing)["status"] == "decided"
    assert story.case(story.buyer, number, "appeal", {"text": "Look at the video."})["status"] == "appeal"
    mine = {action["name"]: action for action in first.get(f"/cases/{number}").json["actions"]}
    assert not mine["rule"]["allowed"]
    assert first.post(f"/cases/{number}/ruling", nothing).code == "same_person"
    final = story.case(second, number, "rule", {**nothing, "text": "The video shows the tick."})
    assert (final["outcome"], final["ruling"]["instance"], final["refunds"]) == ("rejected", 2, [])
    wait(6 * DAY)
    assert story.units == [("used", "settled")]
    assert story.shop_has == 9500


def test_a_large_ruling_needs_a_second_person() -> None:
    story, first, second = a_story(a_product(stock=1, price_minor=90_000)), a_staff_member("arbiter"), a_staff_member("arbiter")
    story.open()
    story.issuer_says(use_check="used_after_reveal", used_by="buyer")
    number = story.claim(ask={"refund_minor": 90_000})["number"]
    all_of_it = {"fault": "merchant", "reasons": ["NOT_DISCLOSED"], "text": "All of it.", "refund_percent": 100}
    assert story.case(first, number, "rule", all_of_it)["ruling"] is None
    assert story.buyer.get(f"/cases/{number}").json["proposed_ruling"] is None
    own = next(action for action in first.get(f"/cases/{number}").json["actions"] if action["name"] == "approve")
    assert not own["allowed"]
    assert story.case(second, number, "approve")["status"] == "decided"
    wait(72 * HOUR + 1)
    assert story.money_arrives() == 90_000


def test_offer_counter_offer_and_accept() -> None:
    story = a_story(a_product(stock=1))
    story.open()
    number = story.claim(reason="KEY_INVALID", ask={"refund_minor": 10_000})["number"]
    story.case(story.seller, number, "offer", {"refund_minor": 2000})
    story.case(story.buyer, number, "offer", {"refund_minor": 6000})
    done = story.case(story.seller, number, "accept_offer")
    assert (done["outcome"], done["refund_minor"]) == ("partial", 6000)
    assert story.money_arrives() == 6000


def test_a_claim_is_taken_back() -> None:
    story = a_story(a_product(stock=1))
    story.open()
    number = story.claim(reason="KEY_INVALID", ask={"refund_minor": 1234})["number"]
    assert story.case(story.buyer, number, "withdraw")["outcome"] == "withdrawn"
    assert story.units == [("revealed", "held")]


def test_handed_over_by_hand_and_opened() -> None:
    story, key = a_story(a_product(stock=0, delivery="manual", terms=Terms(promise_minutes=180))), f"HAND{serial():08d}"
    story.follow(story.seller, f"/orders/{story.order}", "deliver", {"secrets": [key]})
    assert "order_delivered" in [notice["kind"] for notice in story.buyer.get("/notices").json["items"]]
    assert story.open() == key
