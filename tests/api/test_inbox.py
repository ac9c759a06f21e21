"""Notices over the API: a page at a time, in both languages, marked as read by whom they were told to."""

from __future__ import annotations

from anka.core import database
from tests.api.people import Person, a_client, a_sealed_order, merchant_of
from tests.builders import a_product

TELL = """
SELECT tell(shop_id, id, NULL, %s, %s, %s::jsonb, placed_at + interval '1 minute') FROM orders_order WHERE number = %s
"""
WARNING = '{"clock": "answer", "percent": 80, "due_at": "2026-03-02T04:00:00+00:00"}'


def tell(number: str, audience: str, kind: str, details: str = "{}") -> None:
    """Tell one audience of an order something."""
    database.rows(TELL, (audience, kind, details, number))


def a_told_buyer() -> tuple[Person, str]:
    """A buyer who was told three things about an order; what the order's own path told them is read."""
    buyer = a_client()
    number = a_sealed_order(buyer)
    items = buyer.get("/notices").json["items"]
    if items:
        buyer.post("/notices/read", {"up_to": items[0]["id"]})
    for kind in ("case_opened", "case_offer", "case_closed"):
        tell(number, "buyer", kind)
    return buyer, number


def test_notices_come_page_by_page_and_say_how_many_are_unread() -> None:
    buyer, number = a_told_buyer()
    first = buyer.get("/notices?limit=2").json
    second = buyer.get(f"/notices?limit=1&cursor={first['next']}").json
    assert [item["kind"] for page in (first, second) for item in page["items"]] == ["case_closed", "case_offer", "case_opened"]
    assert {item["order"] for item in first["items"]} == {number}
    assert first["unread"] == 3


def test_a_warning_is_said_in_the_language_asked_for() -> None:
    buyer, product = a_client(), a_product(stock=1)
    tell(a_sealed_order(buyer, product=product), "shop", "clock_warning", WARNING)
    merchant = merchant_of(product)
    chinese, english = (merchant.get("/notices?limit=1", **{"Accept-Language": tag}).json["items"][0] for tag in ("zh", "en"))
    assert (
        english["text"]
        == "Only a fifth of the time is left. Answer the buyer by Mar 2, 12:00; after that the case goes on without your answer."
    )
    assert "时间只剩五分之一。请在" in chinese["text"]
    assert (english["audience"], english["due_at"], english["details"]["clock"]) == ("shop", None, "answer")


def test_reading_marks_up_to_a_notice() -> None:
    buyer, _number = a_told_buyer()
    items = buyer.get("/notices").json["items"]
    answer = buyer.post("/notices/read", {"up_to": items[1]["id"]})
    assert (answer.status, answer.json) == (200, {"read": 2, "unread": 1})
    assert buyer.post("/notices/read", {"up_to": items[0]["id"]}).json == {"read": 1, "unread": 0}
    assert all(item["read_at"] for item in buyer.get("/notices").json["items"])


def test_anothers_notices_stay_as_they_are() -> None:
    buyer, _number = a_told_buyer()
    newest = buyer.get("/notices").json["items"][0]["id"]
    assert a_client().post("/notices/read", {"up_to": newest}).json == {"read": 0, "unread": 0}
    assert a_client().get("/notices").json == {"items": [], "unread": 0, "next": None}
    assert buyer.get("/notices").json["unread"] == 3
