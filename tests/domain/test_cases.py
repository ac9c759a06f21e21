"""What a case may still do, when its clocks fall, and what a ruling means for the goods."""

from datetime import UTC, datetime, timedelta

import pytest

from anka.domain.case_states import CASE_CHANGES, CaseStatus
from anka.domain.case_turns import (
    BARGAINING,
    FOUR_EYES_ABOVE_MINOR,
    MOST_ROUNDS,
    SETTLEABLE,
    bargaining_ends,
    evidence_clock,
    rule_due,
    turn_of,
)
from anka.domain.deadlines import CLOCKS
from anka.domain.facts import Facts
from anka.domain.goods import Goods
from anka.domain.rulings import goods_after_ruling, needs_second_person, remedy_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_the_parties_bargain_in_turns_and_may_settle_until_the_platform_has_decided() -> None:
    assert {str(status) for status in BARGAINING} == {"merchant_turn", "buyer_turn"}
    assert {str(status) for status in SETTLEABLE} == {"merchant_turn", "buyer_turn", "refused", "evidence", "review"}
    for status in SETTLEABLE:
        assert CASE_CHANGES.allows(before=status, after=CaseStatus.CLOSED)
        assert CASE_CHANGES.allows(before=status, after=CaseStatus.EXECUTING)
        assert not CASE_CHANGES.allows(before=CaseStatus.CLOSED, after=status)
    assert MOST_ROUNDS == 3


@pytest.mark.parametrize(("on_silence", "then"), [("refund", "refund"), ("escalate", "escalate"), (None, "escalate")])
def test_what_a_silent_merchant_means_is_in_the_decision(on_silence: str | None, then: str) -> None:
    assert turn_of(status=CaseStatus.MERCHANT_TURN, on_silence=on_silence) == ("merchant", "answer", then)
    assert turn_of(status=CaseStatus.BUYER_TURN, on_silence=on_silence) == ("buyer", "offer", "escalate")


def test_an_account_gives_more_time_for_evidence() -> None:
    clocks = {str(goods): evidence_clock(goods=goods) for goods in Goods}
    assert clocks == dict.fromkeys(["card_key", "top_up", "boosting", "rental"], "evidence") | {"account": "evidence_account"}
    assert set(clocks.values()) <= set(CLOCKS)


def test_bargaining_and_ruling_end_in_time() -> None:
    assert bargaining_ends(began_at=NOW) == NOW + 72 * HOUR
    assert rule_due(platform_since=NOW, now=NOW) == NOW + 48 * HOUR
    assert rule_due(platform_since=NOW, now=NOW + 47 * HOUR) == NOW + 48 * HOUR
    assert rule_due(platform_since=NOW, now=NOW + 50 * HOUR) == NOW + 51 * HOUR


def test_two_persons_above_the_limit() -> None:
    assert FOUR_EYES_ABOVE_MINOR == 50_000
    assert (needs_second_person(refund_minor=50_000), needs_second_person(refund_minor=50_001)) == (False, True)


@pytest.mark.parametrize(("refund", "remedy"), [(0, "nothing"), (1, "partial"), (99, "partial"), (100, "full"), (101, "full")])
def test_an_amount_is_a_remedy(refund: int, remedy: str) -> None:
    assert remedy_of(refund_minor=refund, left_minor=100) == remedy


@pytest.mark.parametrize(
    ("goods", "stage", "records", "remedy", "after"),
    [
        ("card_key", "queued", {}, "full", "release"),
        ("card_key", "accepted", {}, "partial", "release"),
        ("boosting", "working", {}, "partial", "release"),
        ("rental", "accepted", {}, "full", "release"),
        ("rental", "working", {}, "full", "rotate"),
        ("card_key", "sealed", {}, "full", "hold"),
        ("card_key", "sealed", {}, "partial", "hold"),
        ("card_key", "sealed", {"use_check": "invalid"}, "partial", "void"),
        ("account", "sealed", {"matches_order": "no"}, "full", "rotate"),
        ("card_key", "revealed", {}, "full", "void"),
        ("card_key", "revealed", {"use_check": "invalid"}, "partial", "keep"),
        ("account", "delivered", {}, "full", "rotate"),
        ("account", "delivered", {}, "partial", "keep"),
        ("top_up", "delivered", {}, "full", "keep"),
        ("rental", "delivered", {}, "full", "rotate"),
        ("top_up", "working", {"upstream": "done"}, "full", "keep"),
        ("card_key", "working", {"upstream": "done"}, "full", "hold"),
    ],
)
def test_goods_after_a_ruling(goods: str, stage: str, records: dict[str, object], remedy: str, after: str) -> None:
    facts = Facts.from_json({"goods": goods, "stage": stage, "reason": "OTHER", "delivered_minutes_ago": 5, **records})
    assert goods_after_ruling(facts=facts, remedy=remedy) == after
