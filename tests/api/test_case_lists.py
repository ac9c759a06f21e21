"""Lists and queues of cases, what staff may read, and what an order warns of."""

from anka.core import database
from tests.api.arguments import Argument
from tests.api.people import (
    OUT,
    a_case,
    a_decided_case,
    a_manual_product,
    a_paid_order,
    a_refused_case,
    a_sealed_order,
    a_staff_member,
    an_opened_order,
    every_page,
    told_by_issuer,
)
from tests.builders import a_product


def test_lists_say_whose_turn_it_is_and_the_merchants_queue_is_by_due_time() -> None:
    scene = Argument()
    product = scene.product
    first, second = sorted(a_case(scene.buyer, product=product) for _ in range(2))
    third = a_refused_case(scene.buyer, a_product(shop=product.shop))
    # What comes later by its number is due sooner.
    make_due_in(second, "1 hour")
    lines = scene.merchant.get("/cases?queue=merchant").json["items"]
    assert [line["number"] for line in lines] == [second, first]
    assert [(line["turn"], line["if_silent"]) for line in lines] == [("merchant", "escalate")] * 2
    for line in lines:
        case = scene.merchant.get(f"/cases/{line['number']}").json
        assert (line["turn"], line["due_at"], line["if_silent"]) == (case["turn"], case["due_at"], case["if_silent"])
    mine = scene.merchant.get("/cases").json["items"]
    assert {line["number"] for line in mine} == {first, second, third}
    assert [line["number"] for line in scene.merchant.get("/cases?status=evidence").json["items"]] == [third]
    assert scene.buyer.get("/cases?queue=merchant").json == {"items": [], "next": None}
    page = scene.merchant.get("/cases?queue=merchant&limit=1").json
    rest = scene.merchant.get(f"/cases?queue=merchant&limit=1&cursor={page['next']}").json
    assert [line["number"] for line in page["items"] + rest["items"]] == [second, first]
    assert rest["next"] is None


def test_the_platforms_queue_is_for_its_staff_and_by_due_time() -> None:
    scene = Argument()
    waiting = [a_refused_case(scene.buyer, scene.product) for _ in range(2)]
    a_case(scene.buyer, product=scene.product)
    decided = a_decided_case(scene.buyer, a_product(shop=scene.product.shop), scene.arbiter)
    for role in ("agent", "arbiter", "finance", "admin"):
        staff = a_staff_member(role)
        found = every_page(staff, "/cases?limit=40")
        assert set(waiting) <= {line["number"] for line in found}
        assert {line["turn"] for line in found} == {"platform"}
        due = [line["due_at"] for line in found]
        assert due == sorted(due)
        assert every_page(staff, "/cases?queue=platform&limit=3") == found
        assert staff.get("/cases?queue=mine").json == {"items": [], "next": None}
    chosen = every_page(scene.arbiter, "/cases?status=decided&limit=100")
    assert decided in {line["number"] for line in chosen}
    assert {line["status"] for line in chosen} == {"decided"}
    for who in (scene.buyer, scene.merchant):
        refused = who.get("/cases?queue=platform")
        assert (refused.status, refused.code) == (403, "not_permitted")
    other = scene.arbiter.get("/cases?limit=1").json["next"]
    foreign = scene.buyer.get(f"/cases?cursor={other}")
    assert (foreign.status, list(foreign.json["fields"])) == (422, ["cursor"])


def test_an_order_warns_of_bad_keys_and_late_goods() -> None:
    scene = Argument()
    number = a_sealed_order(scene.buyer, quantity=2, product=scene.product)
    assert scene.buyer.get(f"/orders/{number}").json["warnings"] == []
    told_by_issuer(number, "used_before_reveal")
    order = scene.buyer.get(f"/orders/{number}").json
    assert [(warning["code"], warning["unit"]) for warning in order["warnings"]] == [
        ("issuer_says_bad", f"{number}-1"),
        ("issuer_says_bad", f"{number}-2"),
    ]
    assert {unit["use_check"] for unit in order["units"]} == {"used_before_reveal"}
    late = a_paid_order(scene.buyer, a_manual_product(shop=scene.product.shop))
    assert scene.buyer.get(f"/orders/{late}").json["warnings"] == []
    database.rows(
        "UPDATE orders_order SET paid_at = paid_at - interval '60 days', placed_at = placed_at - interval '60 days' WHERE number = %s",
        (late,),
    )
    assert [warning["code"] for warning in scene.merchant.get(f"/orders/{late}").json["warnings"]] == ["late_delivery"]


def test_reads_by_staff_show_the_order_and_no_secret() -> None:
    scene = Argument()
    number = an_opened_order(scene.buyer, product=scene.product)
    cancelled = a_sealed_order(scene.buyer, product=a_product(shop=scene.product.shop))
    refund = scene.buyer.post(f"/orders/{cancelled}/cases", {"reason": OUT}).json["cases"][0]["refunds"][0]
    for role in ("agent", "arbiter", "finance", "admin"):
        staff = a_staff_member(role)
        seen = staff.get(f"/orders/{number}")
        assert seen.status == 200
        assert not any(secret in seen.body.decode() for secret in scene.product.secrets)
        assert staff.get(f"/refunds/{refund}").json["number"] == refund
        may = {action["name"]: action["allowed"] for action in staff.get(f"/orders/{cancelled}").json["actions"]}
        assert set(may) == {"cancel"}
        live = {action["name"]: action["allowed"] for action in seen.json["actions"]}
        assert live["cancel"] == (role in ("agent", "admin"))


def make_due_in(case_number: str, interval: str) -> None:
    """Let the clock of a case's turn fall sooner."""
    database.rows(
        "UPDATE core_clock SET due_at = started_at + %s::interval WHERE kind = 'answer' AND state = 'running' AND order_id = "
        "(SELECT order_id FROM cases_case WHERE number = %s)",
        (interval, case_number),
    )
