"""Cases over the API, as each side lives through them: answers, offers, evidence, rulings, appeals, queues."""

from typing import Any

import pytest

from tests.api.arguments import Argument
from tests.api.people import (
    REFUSAL,
    RULING,
    a_case,
    a_case_the_rules_refuse,
    a_client,
    a_decided_case,
    a_refused_case,
    a_staff_member,
    an_opened_order,
)
from tests.api.test_sessions import PROOF, with_session

STEPS = {
    "agree": {},
    "refuse": REFUSAL,
    "offer": {"refund_minor": 3000},
    "accept_offer": {},
    "decline_offer": {},
    "escalate": {},
    "withdraw": {},
    "add_evidence": {"kind": "OTHER", "text": "It says: invalid."},
    "appeal": {"text": "There is something new."},
    "ask_for_evidence": {"side": "both", "text": "Show us."},
    "rule": RULING,
    "approve": {},
}


@pytest.mark.parametrize("place", ["merchant_turn", "buyer_turn", "evidence", "proposed", "decided"])
def test_a_case_offers_each_side_what_it_may_do_and_refuses_the_rest(place: str) -> None:
    scene = Argument(price_minor=90_000)
    number = scene.at(place)
    names = [[action["name"] for action in side.get(f"/cases/{number}").json["actions"]] for side in scene.sides]
    for side, offered in zip(scene.sides, names, strict=True):
        for name in offered:
            # Doing one thing changes what can be done next, so each is tried in a case of its own.
            number = scene.at(place)
            action = next(action for action in side.get(f"/cases/{number}").json["actions"] if action["name"] == name)
            answer = side.post(action["path"].removeprefix("/api/v1"), STEPS[name])
            assert (answer.status == 200) == action["allowed"], (place, action, answer.body)
            assert action["allowed"] == (action["why_not"] is None)
            if answer.status != 200:
                assert answer.status in (404, 409), answer.body


def test_a_claim_waits_for_the_merchant_who_agrees() -> None:
    scene = Argument()
    number = a_case(scene.buyer, product=scene.product)
    case = scene.merchant.get(f"/cases/{number}").json
    assert (case["turn"], case["if_silent"], case["ask_minor"]) == ("merchant", "escalate", 4000)
    assert case["due_at"] is not None
    unit = scene.buyer.get(f"/orders/{case['order']}").json["units"][0]
    assert unit["frozen_minor"] == 4000
    done = scene.merchant.post(f"/cases/{number}/agree")
    assert (done.status, done.json["status"], done.json["outcome"], done.json["refund_minor"]) == (200, "closed", "partial", 4000)
    assert len(done.json["refunds"]) == 1
    assert scene.buyer.get(f"/cases/{number}").json["turn"] == "none"


def test_offers_go_to_and_fro_until_one_is_accepted() -> None:
    scene = Argument()
    number = scene.offered()
    case = scene.buyer.get(f"/cases/{number}").json
    assert (case["status"], case["turn"]) == ("buyer_turn", "buyer")
    assert [(offer["by"], offer["refund_minor"], offer["status"]) for offer in case["offers"]] == [("merchant", 3000, "open")]
    countered = scene.buyer.post(f"/cases/{number}/offers", {"refund_minor": 3500})
    assert (countered.status, countered.json["turn"]) == (200, "merchant")
    first, second = countered.json["offers"]
    assert (first["status"], second["by"]) == ("superseded", "buyer")
    gone = scene.buyer.post(f"/cases/{number}/offers/{first['id']}/accept")
    assert (gone.status, gone.code) == (409, "offer_not_open")
    accepted = scene.merchant.post(f"/cases/{number}/offers/{second['id']}/accept")
    assert (accepted.status, accepted.json["outcome"], accepted.json["refund_minor"]) == (200, "partial", 3500)


def test_a_replacement_is_offered_and_taken() -> None:
    scene = Argument()
    number = a_case(scene.buyer, product=scene.product)
    offered = scene.merchant.post(f"/cases/{number}/offers", {"replacement": True, "text": "Another one?"})
    assert offered.json["offers"][0]["replacement"] is True
    taken = scene.buyer.post(f"/cases/{number}/offers/{offered.json['offers'][0]['id']}/accept")
    assert (taken.status, taken.json["outcome"]) == (200, "replaced")
    old, new = scene.buyer.get(f"/orders/{taken.json['order']}").json["units"]
    assert (old["stage"], new["stage"], new["replaces"]) == ("replaced", "sealed", old["id"])
    assert old["replaces"] is None


@pytest.mark.parametrize("body", [{}, {"refund_minor": 3000, "replacement": True}, {"replacement": False}, {"refund_minor": 10_001}])
def test_an_offer_is_one_thing_and_no_more_than_there_is(body: dict[str, Any]) -> None:
    scene = Argument()
    number = a_case(scene.buyer, product=scene.product)
    answer = scene.merchant.post(f"/cases/{number}/offers", body)
    assert (answer.status, answer.code, list(answer.json["fields"])) == (422, "bad_input", ["refund_minor"])
    assert scene.merchant.get(f"/cases/{number}").json["offers"] == []


@pytest.mark.parametrize("offer", ["0", "-1", "１", "01", "x", "9223372036854775808", "1" * 40, "1"])
def test_an_offer_that_is_not_of_this_case_looks_like_a_missing_one(offer: str) -> None:
    scene, other = Argument(), Argument()
    number = scene.offered()
    theirs = other.offered()
    foreign = str(other.buyer.get(f"/cases/{theirs}").json["offers"][0]["id"]) if offer == "1" else offer
    path = f"/cases/{number}/offers/{foreign}/accept".encode().decode("latin-1")
    answer = scene.buyer.post(path)
    assert (answer.status, answer.code) == (404, "not_found")
    assert scene.buyer.get(f"/cases/{number}").json["status"] == "buyer_turn"


def test_a_ruling_is_given_appealed_against_and_decided_by_somebody_else() -> None:
    scene = Argument()
    number = a_decided_case(scene.buyer, scene.product, scene.arbiter)
    ruled = scene.buyer.get(f"/cases/{number}").json
    assert (ruled["ruling"]["fault"], ruled["ruling"]["remedy"], ruled["ruling"]["refund_minor"]) == ("both", "partial", 5000)
    appealed = scene.merchant.post(f"/cases/{number}/appeal", {"text": "The buyer used it: here is the log."})
    assert (appealed.json["status"], appealed.json["turn"]) == ("appeal", "platform")
    again = scene.arbiter.post(f"/cases/{number}/ruling", RULING)
    assert (again.status, again.code) == (409, "same_person")
    final = a_staff_member("arbiter").post(f"/cases/{number}/ruling", {**RULING, "refund_percent": None, "refund_minor": 0})
    assert (final.status, final.json["status"], final.json["outcome"]) == (200, "closed", "rejected")


def test_a_large_ruling_needs_a_second_arbiter_and_only_staff_see_the_proposal() -> None:
    scene = Argument(price_minor=90_000)
    number = scene.proposed()
    assert scene.buyer.get(f"/cases/{number}").json["proposed_ruling"] is None
    assert scene.arbiter.get(f"/cases/{number}").json["proposed_ruling"]["refund_minor"] == 90_000
    approved = scene.arbiter.post(f"/cases/{number}/approve")
    assert (approved.status, approved.json["status"], approved.json["ruling"]["refund_minor"]) == (200, "decided", 90_000)


def test_a_remedy_of_later_versions_is_refused_by_name() -> None:
    scene = Argument()
    number = a_refused_case(scene.buyer, scene.product)
    answer = scene.arbiter.post(f"/cases/{number}/ruling", {**RULING, "replacement": True})
    assert (answer.status, answer.code, list(answer.json["fields"])) == (422, "remedy_not_available", ["replacement"])
    nothing = {"replacement": False, "compensation_minor": 0, "penalty_minor": 0}
    assert scene.arbiter.post(f"/cases/{number}/ruling", {**RULING, **nothing}).status == 200


def test_a_compensation_is_told_to_everybody_and_a_penalty_needs_a_deposit() -> None:
    scene = Argument()
    number = a_refused_case(scene.buyer, scene.product)
    refused = scene.arbiter.post(f"/cases/{number}/ruling", {**RULING, "penalty_minor": 100})
    assert (refused.status, list(refused.json["fields"])) == (422, ["penalty_minor"])
    given = scene.arbiter.post(f"/cases/{number}/ruling", {**RULING, "compensation_minor": 700})
    assert (given.status, given.json["ruling"]["compensation_minor"], given.json["ruling"]["penalty_minor"]) == (200, 700, 0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"fault": "nobody"}, "fault"),
        ({"reasons": ["BECAUSE"]}, "reasons"),
        ({"refund_minor": 100}, "refund_minor"),
        ({"refund_percent": None}, "refund_minor"),
        ({"text": "  "}, "text"),
        ({"refund_percent": None, "refund_minor": 10_001}, "refund_minor"),
    ],
)
def test_a_ruling_that_says_too_little_or_too_much_is_refused(change: dict[str, Any], field: str) -> None:
    scene = Argument()
    number = a_refused_case(scene.buyer, scene.product)
    answer = scene.arbiter.post(f"/cases/{number}/ruling", {**RULING, **change})
    assert (answer.status, answer.code, list(answer.json["fields"])) == (422, "bad_input", [field])
    assert scene.arbiter.get(f"/cases/{number}").json["status"] == "evidence"


def test_nobody_rules_on_a_case_of_their_own() -> None:
    scene = Argument()
    mine = a_staff_member("arbiter")
    number = a_refused_case(mine, scene.product)
    answer = mine.post(f"/cases/{number}/ruling", RULING)
    assert (answer.status, answer.code) == (409, "party_to_the_case")


def test_evidence_is_added_by_everybody_asked_for_by_the_arbiter_and_never_uploaded_yet() -> None:
    scene = Argument()
    number = a_refused_case(scene.buyer, scene.product)
    asked = scene.arbiter.post(f"/cases/{number}/evidence-requests", {"side": "buyer", "text": "What did it say?"})
    assert asked.status == 200
    for side in scene.sides:
        assert side.post(f"/cases/{number}/evidence", {"kind": "SCREENSHOT", "text": "It says: invalid."}).status == 200
    found = scene.buyer.get(f"/cases/{number}").json["evidence"]
    assert [item["by"] for item in found] == ["buyer", "merchant", "platform"]
    assert len({item["sha256"] for item in found}) == 1
    form = b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\nSCREENSHOT\r\n--x--\r\n'
    browser = with_session(scene.buyer.person_id, {"X-CSRFToken": PROOF})
    for who in (scene.buyer, browser):
        upload = who.call(
            "POST", f"/api/v1/cases/{number}/evidence", body=form, headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert (upload.status, upload.code) == (415, "files_not_taken_yet")
        broken = who.call("POST", f"/api/v1/cases/{number}/evidence", body=b"x", headers={"Content-Type": "multipart/form-data"})
        assert (broken.status, broken.code) == (415, "files_not_taken_yet")
        elsewhere = who.call("POST", f"/api/v1/cases/{number}/withdraw", body=form, headers={"Content-Type": "multipart/form-data"})
        assert (elsewhere.status, elsewhere.code) == (415, "unsupported_media_type")
    assert len(scene.buyer.get(f"/cases/{number}").json["evidence"]) == 3


def test_what_the_rules_refuse_is_escalated() -> None:
    buyer = a_client()
    number = a_case_the_rules_refuse(buyer)
    case = buyer.get(f"/cases/{number}").json
    assert (case["turn"], case["if_silent"]) == ("buyer", "close")
    raised = buyer.post(f"/cases/{number}/escalate", {"text": "Somebody else used it."})
    assert (raised.status, raised.json["status"], raised.json["turn"]) == (200, "evidence", "platform")


def test_a_claim_is_taken_back_by_whoever_made_it() -> None:
    scene = Argument()
    number = a_case(scene.buyer, product=scene.product)
    refused = scene.merchant.post(f"/cases/{number}/withdraw")
    assert (refused.status, refused.code) == (403, "not_permitted")
    back = scene.buyer.post(f"/cases/{number}/withdraw")
    assert (back.status, back.json["outcome"]) == (200, "withdrawn")
    assert scene.buyer.get(f"/orders/{back.json['order']}").json["units"][0]["frozen_minor"] == 0


def test_the_verdict_is_the_askers_own() -> None:
    scene = Argument()
    number = an_opened_order(scene.buyer, product=scene.product)
    path = f"/orders/{number}/cancellation?reason=KEY_INVALID"
    buyer, merchant, agent = (who.get(path).json for who in (scene.buyer, scene.merchant, a_staff_member("agent")))
    assert (buyer["ask_required"], buyer["left_minor"], buyer["refund_minor"]) == (True, 10_000, 0)
    # The merchant may always give everything back at once.
    assert (merchant["ask_required"], merchant["refund_minor"], merchant["decisions"][0]["route"]) == (False, 10_000, "instant")
    assert agent["decisions"][0]["route"] == buyer["decisions"][0]["route"]
    done = scene.merchant.post(f"/orders/{number}/cases", {"reason": "KEY_INVALID", "quote": merchant["id"]})
    assert (done.status, done.json["cases"][0]["asker"], done.json["cases"][0]["refund_minor"]) == (201, "merchant", 10_000)


def test_an_agent_claims_for_a_buyer_who_may_take_it_back() -> None:
    scene = Argument()
    number = an_opened_order(scene.buyer, product=scene.product)
    body = {"reason": "KEY_INVALID", "ask": {"refund_minor": 4000}, "evidence": ["SCREENSHOT", {"kind": "OTHER", "text": "By telephone."}]}
    claimed = a_staff_member("agent").post(f"/orders/{number}/cases", body)
    assert (claimed.status, claimed.json["cases"][0]["asker"]) == (201, "platform"), claimed.body
    refused = a_staff_member("finance").post(f"/orders/{number}/cases", body)
    assert (refused.status, refused.code) == (403, "not_permitted")
    case = claimed.json["cases"][0]["number"]
    assert scene.buyer.post(f"/cases/{case}/withdraw").json["outcome"] == "withdrawn"


def test_where_the_amount_is_open_it_has_to_be_said() -> None:
    scene = Argument()
    number = an_opened_order(scene.buyer, product=scene.product)
    nothing: tuple[dict[str, Any], ...] = ({}, {"ask": {}}, {"ask": {"replacement": False}})
    for ask in nothing:
        refused = scene.buyer.post(f"/orders/{number}/cases", {"reason": "KEY_INVALID", **ask})
        assert (refused.status, refused.code, list(refused.json["fields"])) == (422, "ask_required", ["ask"])
    for amount in (0, 10_001):
        refused = scene.buyer.post(f"/orders/{number}/cases", {"reason": "KEY_INVALID", "ask": {"refund_minor": amount}})
        assert (refused.status, list(refused.json["fields"])) == (422, ["ask.refund_minor"])
    assert scene.buyer.get(f"/orders/{number}").json["cases"] == []
    asked = scene.buyer.post(f"/orders/{number}/cases", {"reason": "KEY_INVALID", "ask": {"replacement": True}})
    assert (asked.status, asked.json["cases"][0]["ask_replacement"]) == (201, True)


def test_a_session_needs_proof_for_every_step() -> None:
    scene = Argument()
    number = a_case(scene.buyer, product=scene.product)
    forged = with_session(scene.merchant.person_id).post(f"/cases/{number}/agree")
    assert (forged.status, forged.code) == (403, "csrf_failed")
    assert scene.buyer.get(f"/cases/{number}").json["status"] == "merchant_turn"
    proved = with_session(scene.merchant.person_id, {"X-CSRFToken": PROOF}).post(f"/cases/{number}/agree")
    assert (proved.status, proved.json["status"]) == (200, "closed")
