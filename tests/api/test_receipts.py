"""A case over the API shows its receipts: what was known, decided and shown, and what would have changed it."""

import hashlib
import json

from anka.domain.evidence import canonical_json
from anka.domain.facts import Facts
from anka.domain.policy.decide import decide
from anka.domain.policy.table import default_rules
from tests.api.arguments import Argument
from tests.api.people import a_case, a_case_the_rules_refuse, a_client, a_sealed_order


def test_every_judgement_has_a_receipt_that_everybody_concerned_may_read() -> None:
    scene = Argument()
    number = scene.at("evidence")
    seen = [side.get(f"/cases/{number}").json["receipts"] for side in scene.sides]
    assert all(receipts == seen[0] for receipts in seen)
    first, second = seen[0]
    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert (first["rule"], second["rule"]) == ("quality", "quality.refused")
    assert second["rule_url"] == f"/rules?version={second['policy_version']}#quality"
    assert first["units"][0]["facts"]["merchant_answer"] == "none"
    assert second["units"][0]["facts"]["merchant_answer"] == "refused"
    assert set(first["because"]) == {"zh", "en"}


def test_a_receipt_replays_and_its_hash_can_be_computed_again() -> None:
    scene = Argument()
    case = scene.buyer.get(f"/cases/{a_case(scene.buyer, product=scene.product)}").json
    receipt = case["receipts"][0]
    (unit,) = receipt["units"]
    decision = decide(Facts.from_json(unit["facts"]), default_rules())
    assert decision.to_json() == unit["decision"]
    assert {"zh": decision.because_zh, "en": decision.because_en} == receipt["because"]
    judged = canonical_json([{"position": unit["position"], "facts": unit["facts"]}])
    said = canonical_json({**unit["decision"], "because": receipt["because"]})
    assert receipt["hash"] == hashlib.sha256(judged + said).hexdigest()


def test_what_would_change_names_the_facts_that_matter() -> None:
    buyer = a_client()
    receipt = buyer.get(f"/cases/{a_case_the_rules_refuse(buyer)}").json["receipts"][0]
    told = {(change["fact"], change["value"]): change for change in receipt["what_would_change"]}
    unopened = told["stage", "sealed"]
    assert (unopened["now"], unopened["still_possible"], unopened["positions"]) == ("revealed", False, [1])
    assert unopened["en"] == "If the key had not been opened: a full refund, done at once."
    assert unopened["zh"] == "如果卡密没有被查看：全额退款，立即执行。"
    assert unopened["decision"]["rule"] == "sealed"
    assert told["notice", "shown"]["en"].startswith("If the notice of no refund once used had not been confirmed at purchase")
    assert told["merchant_answer", "agreed"]["still_possible"]


def test_nothing_is_possible_any_more_once_a_case_is_over() -> None:
    buyer = a_client()
    number = a_sealed_order(buyer)
    (case,) = buyer.post(f"/orders/{number}/cases", {"reason": "NO_LONGER_NEEDED"}).json["cases"]
    assert case["status"] == "closed"
    changes = case["receipts"][0]["what_would_change"]
    assert changes
    assert not any(change["still_possible"] for change in changes)


def test_a_receipt_holds_nothing_but_facts() -> None:
    buyer = a_client()
    case = buyer.get(f"/cases/{a_case_the_rules_refuse(buyer)}").json
    (unit,) = case["receipts"][0]["units"]
    assert set(unit["facts"]) == set(Facts.__slots__)
    assert case["statement"] == "" or case["statement"] not in json.dumps(case["receipts"])
