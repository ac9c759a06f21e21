"""A stuck refund over the API: its buyer sees what comes next and may choose the wallet, finance staff take it further."""

from __future__ import annotations

from tests.api.people import Person, a_client, a_staff_member
from tests.builders import Order
from tests.flows.ladder import PRICE, refund, states, stuck, unknown_for_good


def in_queue(who: Person, order: Order) -> dict[str, object] | None:
    answer = who.get("/stuck-refunds")
    assert answer.status == 200, answer.body
    return next((line for line in answer.json["items"] if line["refund"] == refund(order)), None)


def test_the_buyer_sees_what_comes_next_and_may_choose_the_wallet_once() -> None:
    order = stuck()
    buyer, number = a_client(person_id=order.buyer.person_id), refund(order)
    (leg,) = buyer.get(f"/refunds/{number}").json["legs"]
    assert (leg["status"], leg["next_step"], leg["actions"]) == ("stuck", "buyer_may_choose", ["choose_wallet"])
    merchant = a_client(person_id=order.shop.owner.person_id)
    assert merchant.get(f"/refunds/{number}").json["legs"][0]["actions"] == []
    for _ in range(2):
        answer = buyer.post(f"/refunds/{number}/legs/1/wallet")
        assert answer.status == 200, answer.body
        assert [attempt["channel"] for attempt in answer.json["legs"][0]["attempts"]] == ["sandbox", "wallet"]
        assert answer.json["legs"][0]["next_step"] == "to_wallet"
    assert buyer.post(f"/refunds/{number}/legs/2/wallet").status == 404
    assert buyer.post(f"/refunds/{number}/legs/x/wallet").status == 422


def test_finance_staff_take_it_further_and_another_one_approves() -> None:
    order, first, second = stuck(), a_staff_member("finance"), a_staff_member("finance")
    address = f"/stuck-refunds/{refund(order)}/legs/1"
    line = in_queue(first, order)
    assert line is not None
    assert (line["reason"], line["actions"]) == ("failed", ["take", "note", "retry", "begin_transfer"])
    assert first.post(address, {"step": "begin_transfer"}).json["refund"]["actions"] == ["note", "transfer", "abandon_transfer"]
    made = {"step": "transfer", "payee": "Zhang San", "bank": "1", "reference": f"A-{refund(order)}", "amount_minor": PRICE}
    assert first.post(address, {**made, "amount_minor": 1}).status == 422
    assert first.post(address, made).json["refund"]["actions"] == ["note"]
    seen = in_queue(second, order)
    assert seen is not None
    assert seen["actions"] == ["approve", "refuse", "note"]
    approval = {"step": "approve", "reference": made["reference"]}
    assert first.post(address, approval).status == 409
    assert second.post(address, approval).json == {"refund": None}
    assert (states(order), in_queue(first, order)) == (["sandbox failed", "hand succeeded"], None)
    sent = next(line for line in first.get("/stuck-refunds?view=by_hand").json["items"] if line["refund"] == refund(order))
    assert (sent["reason"], sent["actions"]) == (None, ["returned"])
    came_back = {"step": "returned", "reference": f"B-{refund(order)}"}
    assert first.post(address, {**came_back, "reference": " "}).status == 422
    assert first.post(address, came_back).json["refund"]["actions"] == ["note"]
    assert first.post(address, {**came_back, "step": "approve"}).code == "second_person_needed"
    assert second.post(address, {**came_back, "step": "approve"}).json["refund"]["reason"] == "reversed"
    assert states(order) == ["sandbox failed", "hand reversed"]


def test_an_outcome_nobody_knows_offers_the_console_and_nothing_else() -> None:
    order, first, second = unknown_for_good(), a_staff_member("finance"), a_staff_member("finance")
    address = f"/stuck-refunds/{refund(order)}/legs/1"
    line = in_queue(first, order)
    assert line is not None
    assert (line["reason"], line["actions"]) == ("outcome_unknown", ["take", "note", "console"])
    assert first.post(address, {"step": "retry"}).code == "outcome_still_open"
    assert first.post(address, {"step": "console", "says": "", "reference": "C"}).status == 422
    assert first.post(address, {"step": "console", "says": "succeeded", "reference": "C"}).status == 200
    assert second.post(address, {"step": "approve", "reference": "C"}).status == 200
    assert states(order) == ["sandbox succeeded"]
