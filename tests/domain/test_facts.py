"""Facts that cannot be judged are refused, each with the key, the value and what is allowed."""

import math
from functools import partial
from typing import Any

import pytest

from anka.domain.delivery_states import Stage
from anka.domain.facts import EVIDENCE, VALUES, Facts, FactsError
from anka.domain.goods import Goods
from tests.domain.oracle import ALL_REASONS, reason_fits

KEY: dict[str, Any] = {"goods": "card_key", "stage": "revealed", "reason": "OTHER", "delivered_minutes_ago": 5}
SCREENS = "SCREENSHOT ERROR_SCREENSHOT BALANCE_SCREENSHOT SCREEN_RECORDING"
QUEUED: dict[str, Any] = {"goods": "boosting", "stage": "queued", "reason": "OTHER"}


@pytest.mark.parametrize(
    ("facts", "key"),
    [
        ({**KEY, "colour": "red"}, "colour"),
        ({**KEY, "goods": "lottery"}, "goods"),
        ({**KEY, "goods": None}, "goods"),
        ({**KEY, "goods": ["card_key"]}, "goods"),
        ({**KEY, "stage": "delivered"}, "stage"),
        ({**KEY, "stage": "released"}, "stage"),
        ({**KEY, "reason": "TOPUP_PARTIAL"}, "reason"),
        ({**KEY, "reason": "no_longer_needed"}, "reason"),
        ({**KEY, "reason": "WRONG_ACCOUNT_ENTERED"}, "reason"),
        ({**KEY, "asker": "police"}, "asker"),
        ({**KEY, "delivered_minutes_ago": None}, "delivered_minutes_ago"),
        ({**KEY, "delivered_minutes_ago": -1}, "delivered_minutes_ago"),
        ({**KEY, "delivered_minutes_ago": 5.0}, "delivered_minutes_ago"),
        ({**KEY, "delivered_minutes_ago": math.nan}, "delivered_minutes_ago"),
        ({**KEY, "delivered_minutes_ago": "5"}, "delivered_minutes_ago"),
        ({**KEY, "delivered_minutes_ago": True}, "delivered_minutes_ago"),
        ({**KEY, "promise_overdue": 1}, "promise_overdue"),
        ({**KEY, "promise_overdue": None}, "promise_overdue"),
        ({**KEY, "voidable": "yes"}, "voidable"),
        ({**KEY, "delivered_percent": 101}, "delivered_percent"),
        ({**KEY, "delivered_percent": 40.0}, "delivered_percent"),
        ({**KEY, "progress_percent": 1}, "progress_percent"),
        ({**QUEUED, "progress_percent": 50}, "progress_percent"),
        ({**QUEUED, "progress_percent": None}, "progress_percent"),
        ({**QUEUED, "upstream": "done"}, "upstream"),
        ({"goods": "card_key", "stage": "queued", "reason": "OTHER", "upstream": "done"}, "upstream"),
        ({"goods": "top_up", "stage": "working", "reason": "OTHER", "progress_percent": 1}, "progress_percent"),
        ({"goods": "boosting", "stage": "working", "reason": "OTHER", "upstream": "locked"}, "upstream"),
        ({**KEY, "upstream_minutes": -1}, "upstream_minutes"),
        ({**KEY, "dispute": "lawsuit"}, "dispute"),
        ({**KEY, "evidence": "SCREENSHOT"}, "evidence"),
        ({**KEY, "evidence": ["SELFIE"]}, "evidence"),
        ({**KEY, "evidence": [["SCREENSHOT"]]}, "evidence"),
        ({**KEY, "evidence": None}, "evidence"),
        ({**KEY, "refund_window_minutes": 10079}, "refund_window_minutes"),
        ({**KEY, "warranty_minutes": 0}, "warranty_minutes"),
        ({"goods": "rental", "stage": "working", "reason": "OTHER"}, "delivered_minutes_ago"),
        ({"goods": "rental", "stage": "revealed", "reason": "OTHER", "delivered_minutes_ago": 1}, "stage"),
        ({"stage": "queued", "reason": "OTHER"}, "goods"),
        ({"goods": "card_key", "reason": "OTHER"}, "stage"),
        ({"goods": "card_key", "stage": "queued"}, "reason"),
        ({}, "goods"),
        ([], "facts"),
        (None, "facts"),
    ],
)
def test_refused(facts: Any, key: str) -> None:
    with pytest.raises(FactsError) as refused:
        Facts.from_json(facts)
    assert refused.value.key == key
    assert key in str(refused.value)
    assert refused.value.allowed in str(refused.value)
    assert refused.value.to_json()["code"] == "bad_facts"


def test_made_directly_they_are_checked_as_well() -> None:
    with pytest.raises(FactsError):
        Facts(goods="card_key", stage="revealed", reason="OTHER")


def test_defaults() -> None:
    facts = Facts.from_json(QUEUED)
    assert facts == Facts(goods="boosting", stage="queued", reason="OTHER")
    assert facts.to_json()["refund_window_minutes"] == 10080
    assert len(facts.to_json()) == 21


def test_evidence_given_twice_is_one_piece() -> None:
    facts = Facts.from_json({**KEY, "evidence": ["SCREENSHOT", "OTHER", "SCREENSHOT"]})
    assert facts.evidence == ("OTHER", "SCREENSHOT")


def test_facts_that_cannot_matter_are_accepted() -> None:
    Facts.from_json({**QUEUED, "delivered_percent": 10, "upstream": "none", "progress_percent": 0, "login_seen": "yes"})


@pytest.mark.parametrize(
    ("facts", "allowed"),
    [
        ({**KEY, "colour": "red"}, "only the keys goods, stage, reason, asker, delivered_minutes_ago, "),
        (
            {"goods": "card_key", "reason": "OTHER"},
            "required: one of reserved, queued, accepted, working, sealed, revealed, delivered, used",
        ),
        ({**KEY, "goods": "lottery"}, "one of card_key, top_up, account, boosting, rental"),
        ({**KEY, "stage": "delivered"}, "for card_key one of reserved, queued, accepted, working, sealed, revealed, used"),
        ({**QUEUED, "reason": "RENT_UNUSABLE"}, f"for boosting one of {', '.join(filter(partial(reason_fits, 'boosting'), ALL_REASONS))}"),
        ({**KEY, "asker": "police"}, "one of buyer, merchant, platform"),
        ({**KEY, "voidable": "yes"}, "true or false"),
        ({**KEY, "delivered_minutes_ago": -1}, "a whole number, 0 or more, or null"),
        ({**KEY, "delivered_percent": 101}, "a whole number from 0 to 100, or null"),
        ({**KEY, "upstream_minutes": -1}, "a whole number, 0 or more"),
        ({**QUEUED, "progress_percent": 101}, "a whole number from 0 to 100"),
        ({**KEY, "warranty_minutes": 10_079}, "a whole number, 10080 or more"),
        ({**KEY, "delivered_minutes_ago": None}, "a whole number, 0 or more; required for a card_key that is revealed"),
        ({**QUEUED, "upstream": "done"}, "none, except for a card_key, top_up or account that is working"),
        ({**KEY, "progress_percent": 1}, "0, except for a boosting or rental that is working"),
        ({**KEY, "evidence": None}, "a list of SCREENSHOT, ERROR_SCREENSHOT, "),
        ({**KEY, "evidence": ["SELFIE"]}, "a list of SCREENSHOT, ERROR_SCREENSHOT, "),
        (3, "a JSON object"),
    ],
)
def test_a_refusal_says_what_is_allowed(facts: Any, allowed: str) -> None:
    with pytest.raises(FactsError) as refused:
        Facts.from_json(facts)
    assert refused.value.allowed.startswith(allowed)
    assert refused.value.allowed == allowed or allowed.endswith(", ")


def test_what_is_given_is_told_up_to_eighty_characters() -> None:
    for length, told in ((78, "'" + "x" * 78 + "'"), (79, "'" + "x" * 79 + "…")):
        with pytest.raises(FactsError) as refused:
            Facts.from_json({**KEY, "asker": "x" * length})
        assert str(refused.value) == f"fact 'asker' is {told}; allowed: one of buyer, merchant, platform"
        assert refused.value.to_json() == {
            "code": "bad_facts",
            "key": "asker",
            "value": told.removesuffix("…"),
            "allowed": "one of buyer, merchant, platform",
            "detail": str(refused.value),
        }


@pytest.mark.parametrize(
    "facts",
    [
        {"delivered_minutes_ago": 0},
        {"delivered_percent": 0},
        {"delivered_percent": 100},
        {"upstream_minutes": 0},
        {"upstream_minutes": 10**9},
        {"refund_window_minutes": 10_080, "warranty_minutes": 10**9},
    ],
)
def test_the_ends_of_what_is_allowed(facts: dict[str, Any]) -> None:
    read = Facts.from_json({**KEY, **facts})
    assert {key: read.to_json()[key] for key in facts} == facts


@pytest.mark.parametrize("goods", ["boosting", "rental"])
def test_progress_goes_from_none_to_all(goods: str) -> None:
    for progress in (0, 100):
        facts = {"goods": goods, "stage": "working", "reason": "OTHER", "progress_percent": progress, "delivered_minutes_ago": 0}
        assert Facts.from_json(facts).progress_percent == progress


@pytest.mark.parametrize("stage", ["sealed", "revealed", "delivered", "used"])
def test_after_delivery_it_is_known_how_long_ago(stage: str) -> None:
    facts = {"goods": "account", "stage": stage, "reason": "OTHER"}
    with pytest.raises(FactsError, match="delivered_minutes_ago"):
        Facts.from_json(facts)
    assert Facts.from_json({**facts, "delivered_minutes_ago": 3}).ago == 3


@pytest.mark.parametrize(
    ("goods", "upstream", "stage", "ago"),
    [
        ("card_key", "done", "sealed", 0),
        ("account", "done", "sealed", 0),
        ("top_up", "done", "delivered", 0),
        ("top_up", "locked", "working", 7),
    ],
)
def test_what_the_supplier_has_done_is_judged_as_just_delivered(goods: str, upstream: str, stage: str, ago: int) -> None:
    facts = Facts(goods=goods, stage="working", reason="OTHER", upstream=upstream, delivered_minutes_ago=7)
    assert (facts.judged_stage, facts.ago) == (stage, ago)


def test_words_are_kept_as_plain_text() -> None:
    facts = Facts(goods=Goods.CARD_KEY, stage=Stage.QUEUED, reason="OTHER")
    assert (type(facts.goods), type(facts.stage)) == (str, str)


def test_every_fact_has_its_default() -> None:
    assert Facts(goods="boosting", stage="queued", reason="OTHER").to_json() == {
        **QUEUED,
        "asker": "buyer",
        "delivered_minutes_ago": None,
        "promise_overdue": False,
        "merchant_answer": "none",
        "use_check": "unknown",
        "used_by": "unknown",
        "voidable": False,
        "matches_order": "unknown",
        "delivered_percent": None,
        "notice": "none",
        "progress_percent": 0,
        "login_seen": "unknown",
        "upstream": "none",
        "upstream_minutes": 0,
        "dispute": "none",
        "evidence": [],
        "refund_window_minutes": 10_080,
        "warranty_minutes": 10_080,
    }


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        ("asker", "buyer merchant platform"),
        ("merchant_answer", "none agreed refused silent"),
        ("use_check", "unknown unused used_before_reveal used_after_reveal invalid"),
        ("used_by", "unknown buyer other"),
        ("matches_order", "unknown yes no"),
        ("notice", "none shown confirmed"),
        ("login_seen", "unknown no yes"),
        ("upstream", "none cancellable cancelled failed locked done unknown"),
        ("dispute", "none complaint chargeback"),
        ("evidence", f"{SCREENS} KEY_PREFIX ISSUER_STATEMENT ISSUER_TICKET TRADE_VIDEO ID_CHECK POLICE_REPORT REFUND_PROOF_OUTSIDE OTHER"),
    ],
)
def test_the_words_of_a_fact(fact: str, words: str) -> None:
    assert (EVIDENCE if fact == "evidence" else VALUES[fact]) == tuple(words.split())
