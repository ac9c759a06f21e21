"""Delivering by hand over the API: taking up, handing over keys, what is refused, and that no key is ever shown or logged again."""

import logging
from typing import Any

import pytest

from anka.core import database
from tests.api.people import Person, a_client, a_manual_product, a_paid_order, a_sealed_order, merchant_of
from tests.builders import a_product, serial


class Bench:
    """A buyer, a merchant, and a paid order of three keys to deliver by hand."""

    def __init__(self, quantity: int = 3) -> None:
        self.product = a_manual_product()
        self.buyer, self.merchant = a_client(), merchant_of(self.product)
        self.number = a_paid_order(self.buyer, self.product, quantity)

    def post(self, step: str, body: dict[str, Any], who: Person | None = None) -> Any:
        """Take a step as the merchant."""
        return (who or self.merchant).post(f"/orders/{self.number}/{step}", body)

    @property
    def stages(self) -> list[str]:
        """The stage of each unit."""
        return [unit["stage"] for unit in self.buyer.get(f"/orders/{self.number}").json["units"]]


def some_keys(count: int) -> list[str]:
    return [f"HAND{serial():08d}" for _ in range(count)]


def test_an_order_is_taken_up_and_delivered_unit_by_unit() -> None:
    bench = Bench()
    taken = bench.post("accept", {"units": [1, 2]})
    assert (taken.status, [unit["stage"] for unit in taken.json["units"]]) == (200, ["accepted", "accepted", "queued"])
    first, second, third = some_keys(3)
    # The keys go to the units as they are named, not as they are counted.
    some = bench.post("deliver", {"units": [3, f"{bench.number}-1"], "secrets": [third, first]})
    assert (some.status, bench.stages) == (200, ["sealed", "accepted", "sealed"])
    assert bench.post("deliver", {"secrets": [second]}).status == 200
    shown = [bench.buyer.post(f"/orders/{bench.number}/units/{position}/reveal").json["secret"] for position in (1, 2, 3)]
    assert shown == [first, second, third]
    again = bench.post("deliver", {"secrets": some_keys(1)})
    assert (again.status, again.code) == (409, "nothing_to_deliver")
    assert bench.post("accept", {}).code == "nothing_to_accept"


def test_a_handed_key_is_neither_echoed_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(quantity=1)
    (key,) = some_keys(1)
    with caplog.at_level(logging.DEBUG):
        answers = [
            bench.post("deliver", {"secrets": [key, key]}),
            bench.post("deliver", {"secrets": [key], "units": [1, 2]}),
            bench.post("deliver", {"secrets": [key, 7]}),
            bench.post("deliver", {"secrets": [key + " " * 600]}),
            bench.post("deliver", {"secrets": [key], "units": ["x"]}),
            bench.post("deliver", {"secrets": [key], key: 1}),
            bench.post("deliver", {"secrets": [key]}, a_client()),
            bench.post("deliver", {"secrets": [key]}),
            bench.post("deliver", {"secrets": [key]}),
        ]
    assert [answer.status for answer in answers] == [422] * 6 + [404, 200, 409]
    for answer in answers[:5] + answers[6:]:
        assert key not in answer.body.decode()
    assert key not in caplog.text
    seen = bench.merchant.get(f"/orders/{bench.number}").body.decode()
    assert key not in seen
    assert key not in str(database.rows("SELECT convert_from(body, 'UTF8') FROM core_event"))


def test_no_key_is_sold_twice() -> None:
    bench, keys = Bench(quantity=1), some_keys(1)
    assert bench.post("deliver", {"secrets": keys}).status == 200
    number = a_paid_order(bench.buyer, bench.product)
    again = bench.merchant.post(f"/orders/{number}/deliver", {"secrets": keys})
    assert (again.status, again.code) == (409, "key_delivered_before")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"secrets": ["ONE"]}, "secrets"),
        ({"secrets": ["ONE", "TWO"], "units": [1]}, "secrets"),
        ({"secrets": ["ONE", "TWO"], "units": [1, 1]}, "units"),
        ({"secrets": ["ONE"], "units": [4]}, "units"),
        ({"secrets": []}, "secrets"),
        ({"secrets": ["A\tB", "C", "D"]}, "secrets[0]"),
    ],
)
def test_keys_and_units_have_to_fit(body: dict[str, Any], field: str) -> None:
    bench = Bench()
    answer = bench.post("deliver", body)
    assert (answer.status, answer.code, list(answer.json["fields"])) == (422, "bad_input", [field])
    assert bench.stages == ["queued"] * 3


def test_what_delivers_itself_is_not_delivered_by_hand() -> None:
    buyer, product = a_client(), a_product()
    merchant, number = merchant_of(product), a_paid_order(buyer, product)
    assert merchant.post(f"/orders/{number}/accept", {}).code == "nothing_to_accept"
    assert merchant.post(f"/orders/{number}/deliver", {"secrets": ["ONE"]}).code == "nothing_to_deliver"
    assert {action["name"] for action in merchant.get(f"/orders/{number}").json["actions"]} == {"quote", "cancel"}


def test_keys_have_no_progress() -> None:
    bench = Bench()
    refused = bench.post("progress", {"percent": 50, "milestone": "half"})
    assert (refused.status, refused.code) == (409, "progress_for_services_only")
    assert bench.post("progress", {"percent": 101}).status == 422
    assert bench.stages == ["queued"] * 3


def test_the_merchants_actions_are_what_can_be_done() -> None:
    bench = Bench()

    def may() -> dict[str, bool]:
        return {action["name"]: action["allowed"] for action in bench.merchant.get(f"/orders/{bench.number}").json["actions"]}

    assert (may()["accept"], may()["deliver"]) == (True, True)
    assert bench.post("accept", {}).status == 200
    assert (may()["accept"], may()["deliver"]) == (False, True)
    assert bench.post("deliver", {"secrets": some_keys(3)}).status == 200
    assert (may()["accept"], may()["deliver"]) == (False, False)


def test_what_is_to_be_delivered_is_listed_by_the_promise() -> None:
    bench = Bench()
    second = a_paid_order(bench.buyer, bench.product)
    unpaid = bench.buyer.order(bench.product)
    elsewhere = a_paid_order(bench.buyer, a_manual_product())
    path = "/orders?role=merchant&tab=to_deliver"
    lines = bench.merchant.get(path).json["items"]
    assert [line["number"] for line in lines] == [bench.number, second]
    assert all(line["due_at"] > line["paid_at"] for line in lines)
    # The later order is due sooner, and overdue.
    database.rows(
        "UPDATE core_clock SET started_at = started_at - interval '9 days', due_at = due_at - interval '9 days' WHERE kind = 'promise' "
        "AND order_id = (SELECT id FROM orders_order WHERE number = %s)",
        (second,),
    )
    assert [line["number"] for line in bench.merchant.get(path).json["items"]] == [second, bench.number]
    page = bench.merchant.get(f"{path}&limit=1").json
    rest = bench.merchant.get(f"{path}&limit=1&cursor={page['next']}").json
    assert [line["number"] for line in page["items"] + rest["items"]] == [second, bench.number]
    assert rest["next"] is None
    assert bench.post("deliver", {"secrets": some_keys(3)}).status == 200
    assert [line["number"] for line in bench.merchant.get(path).json["items"]] == [second]
    newest = bench.merchant.get("/orders?role=merchant").json["items"]
    assert [line["number"] for line in newest] == [unpaid, second, bench.number]
    assert [line["due_at"] is None for line in newest] == [True, False, True]
    assert elsewhere not in str(lines)
    assert bench.buyer.get(path).json["items"] == []


def test_a_sealed_delivery_can_be_cancelled_with_one_click() -> None:
    bench = Bench(quantity=1)
    assert bench.post("deliver", {"secrets": some_keys(1)}).status == 200
    done = bench.buyer.post(f"/orders/{bench.number}/cases", {"reason": "NO_LONGER_NEEDED"})
    assert (done.status, done.json["cases"][0]["outcome"]) == (201, "refunded")
    assert a_sealed_order(bench.buyer)


def test_a_stranger_makes_no_key_ready_for_a_shop() -> None:
    bench = Bench(quantity=1)
    shop = bench.product.shop.id
    assert bench.post("deliver", {"secrets": some_keys(1)}, a_client()).status == 404
    assert database.value("SELECT count(*) FROM vault_data_key WHERE shop_id = %s", (shop,)) == 0
    assert bench.post("deliver", {"secrets": some_keys(1)}).status == 200
    assert database.value("SELECT count(*) FROM vault_data_key WHERE shop_id = %s", (shop,)) == 1
