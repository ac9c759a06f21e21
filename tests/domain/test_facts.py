"""Facts that cannot be judged are refused, each with the key, the value and what is allowed."""

import math
from typing import Any

import pytest

from anka.domain.facts import Facts, FactsError

KEY: dict[str, Any] = {"goods": "card_key", "stage": "revealed", "reason": "OTHER", "delivered_minutes_ago": 5}
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
