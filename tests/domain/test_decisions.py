"""What a decision is as data, how good it is for the buyer, and what its sentences say."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.compiled import pick
from anka.domain.policy.decide import NoRuleMatches, decide
from anka.domain.policy.decision import Decision, is_worse, rank
from anka.domain.policy.table import RuleSet, parse_rules

FULL = Decision("mine", "instant", "full", 100, "none", "keep", None, None, False, ("SCREENSHOT",), "因为", "because")
CONTRACT: dict[str, Any] = {
    "rule": "mine",
    "route": "instant",
    "refund": "full",
    "refund_percent": 100,
    "fault": "none",
    "goods_after": "keep",
    "answer_within_minutes": None,
    "on_silence": None,
    "replacement_first": False,
    "evidence_needed": ["SCREENSHOT"],
}


def test_the_contract_and_no_more() -> None:
    assert FULL.to_json() == CONTRACT
    assert list(FULL.to_json()) == list(CONTRACT)
    assert FULL.to_receipt() == {**CONTRACT, "because": {"zh": "因为", "en": "because"}}


def test_without_words_there_are_none() -> None:
    assert Decision("mine", "instant", "full", 100, "none", "keep", None, None, False, ()).to_receipt()["because"] == {"zh": "", "en": ""}


@pytest.mark.parametrize("more", [{"compensation_minor": 0}, {"keep_minor": 300}, {"fee_percent": 5}])
def test_what_a_rule_adds_is_told_and_read_back(more: dict[str, int]) -> None:
    decision = replace(FULL, **more)  # type: ignore[arg-type]  # all of them are numbers
    assert decision.to_json() == CONTRACT | more
    assert Decision.from_receipt(decision.to_receipt()) == decision


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"because": "because"}, TypeError, "says why"),
        ({"evidence_needed": "SCREENSHOT"}, TypeError, "evidence needed"),
        ({"because": {"zh": "因为"}}, KeyError, "en"),
    ],
)
def test_what_is_no_receipt_is_not_read(wrong: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        Decision.from_receipt({**FULL.to_receipt(), **wrong})
    with pytest.raises(KeyError, match="because"):
        Decision.from_receipt(FULL.to_json())


def test_the_kind_of_refund_counts_before_its_share_and_its_way() -> None:
    ways = ["instant", "upstream", "merchant", "platform", "external", "refuse"]
    best_first = [
        *(replace(FULL, route=route) for route in ways),
        replace(FULL, refund="unused_share", refund_percent=100),
        replace(FULL, refund="unused_share", refund_percent=60),
        replace(FULL, refund="missing_share", refund_percent=40),
        replace(FULL, refund="missing_share", refund_percent=0),
        replace(FULL, refund="missing_share", refund_percent=None),
        *(replace(FULL, refund="agreed", refund_percent=None, route=route) for route in ways),
        *(replace(FULL, refund="none", refund_percent=0, route=route) for route in ways),
    ]
    for better, worse in pairwise(best_first):
        assert is_worse(new=worse, old=better)
        assert not is_worse(new=better, old=worse)
    assert not is_worse(new=FULL, old=FULL)
    assert rank(replace(FULL, refund="negotiable")) == rank(replace(FULL, refund="agreed"))
    assert rank(replace(FULL, route="close")) == rank(FULL)


def rules(lines: str, *, en: str = "because") -> RuleSet:
    return parse_rules(texts={"mine.toml": f'[[rule]]\nposition = 1\nid = "mine"\nzh = "因为"\nen = "{en}"\n{lines}\n'})


def judged(table: RuleSet, **facts: Any) -> Decision:
    return decide(Facts.from_json({"goods": "boosting", "stage": "working", "reason": "OTHER", **facts}), table)


PLACES = "{percent} {window_days} {warranty_days}"
HOURS = '\n[words.turn_refund]\nzh = "{hours}"\nen = "{hours}"\n'
TURN = 'pattern = "turn"\nrefund = "unused_share"\nfault = "none"\ngoods = "keep"\nsilence = "refund"\nclock = '


@pytest.mark.parametrize(
    ("clock", "facts", "told"),
    [
        (60, {"progress_percent": 30}, "70 7 7 1"),
        (90, {}, "100 7 7 1.5"),
        (1, {}, "100 7 7 0"),
        (6, {}, "100 7 7 0.1"),
        (65, {}, "100 7 7 1"),
        (119, {"refund_window_minutes": 10_080 + 144, "warranty_minutes": 30 * 1440}, "100 7.1 30 1.9"),
        (1440, {"refund_window_minutes": 20_159, "dispute": "complaint"}, "100 13.9 7 20"),
    ],
)
def test_the_places_of_a_sentence(clock: int, facts: dict[str, Any], told: str) -> None:
    assert judged(rules(TURN + str(clock) + HOURS, en=PLACES), **facts).because_en == told


def test_a_share_nobody_knows_is_not_made_up() -> None:
    table = rules('route = "instant"\nrefund = "missing_share"\nfault = "none"\ngoods = "keep"', en="{percent} per cent")
    top_up = {"goods": "top_up", "stage": "delivered", "delivered_minutes_ago": 5}
    assert judged(table, **top_up).refund_percent is None
    assert judged(table, **top_up).because_en == "0 per cent"
    assert judged(table, **top_up, delivered_percent=40).because_en == "60 per cent"
    assert judged(table, **top_up, delivered_percent=0).refund_percent == 100


@pytest.mark.parametrize(("dispute", "clock", "minutes"), [("none", 1440, 1440), ("complaint", 1440, 1200), ("complaint", 600, 600)])
def test_a_complaint_never_makes_a_clock_longer(dispute: str, clock: int, minutes: int) -> None:
    assert judged(rules(TURN + str(clock)), dispute=dispute).answer_within_minutes == minutes


def test_no_rule_says_for_what() -> None:
    table = rules('when = { goods = ["rental"] }\nroute = "instant"\nrefund = "full"\nfault = "none"\ngoods = "keep"')
    with pytest.raises(NoRuleMatches, match="no rule for a boosting that is working, reason OTHER"):
        judged(table)


@pytest.mark.parametrize(
    ("term", "facts", "after"),
    [
        ("spoiled", {"goods": "card_key", "stage": "sealed"}, "void"),
        ("spoiled", {"goods": "boosting", "stage": "queued"}, "keep"),
        ("unopened", {"goods": "card_key", "stage": "sealed"}, "restock"),
        ("unopened", {"goods": "card_key", "stage": "sealed", "reason": "KEY_INVALID"}, "hold"),
        ("unopened", {"goods": "rental", "stage": "sealed", "login_seen": "yes"}, "rotate"),
        ("returned", {"goods": "boosting", "stage": "queued"}, "release"),
        ("returned", {"goods": "boosting", "stage": "accepted"}, "release"),
        ("returned", {"goods": "boosting", "stage": "working"}, "release"),
        ("returned", {"goods": "rental", "stage": "accepted"}, "release"),
        ("returned", {"goods": "rental", "stage": "working"}, "rotate"),
        ("returned", {"goods": "rental", "stage": "delivered"}, "rotate"),
        ("returned", {"goods": "account", "stage": "used"}, "rotate"),
        ("returned", {"goods": "card_key", "stage": "sealed"}, "restock"),
        ("returned", {"goods": "card_key", "stage": "used", "voidable": True}, "void"),
        ("returned", {"goods": "card_key", "stage": "used"}, "keep"),
        ("returned", {"goods": "top_up", "stage": "delivered", "voidable": True}, "keep"),
    ],
)
def test_a_rule_may_leave_the_goods_to_what_is_known_of_them(term: str, facts: dict[str, Any], after: str) -> None:
    table = rules(f'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "{term}"')
    assert judged(table, delivered_minutes_ago=5, **facts).goods_after == after


FEE = 'pattern = "turn"\nrefund = "full"\nfault = "none"\ngoods = "keep"\nsilence = "refund"\nclock = 60\nkeep_minor = 300\nfee_percent = 5'


@pytest.mark.parametrize(("answer", "kept"), [("none", (300, 5)), ("silent", (300, 5)), ("refused", (300, 5)), ("agreed", (None, None))])
def test_a_fee_is_no_part_of_what_a_merchant_agrees_to(answer: str, kept: tuple[int | None, int | None]) -> None:
    decision = judged(rules(FEE.replace('"refund"', '"escalate"') if answer == "refused" else FEE), merchant_answer=answer)
    assert (decision.keep_minor, decision.fee_percent) == kept


def test_a_fee_is_told() -> None:
    assert judged(rules(FEE + HOURS, en="{percent} less {fee_percent},")).because_en == "100 less 5, 1"


EVIDENCE = """pattern = "platform"
refund = "full"
evidence = ["TRADE_VIDEO", "SCREENSHOT", "POLICE_REPORT", "OTHER", "KEY_PREFIX", "ID_CHECK"]

[[evidence]]
when = { reason = ["KEY_INVALID"] }
kinds = ["ERROR_SCREENSHOT"]

[[evidence]]
when = { goods = ["card_key"] }
kinds = ["ISSUER_TICKET"]
"""
ALWAYS_NEEDED = ("ID_CHECK", "KEY_PREFIX", "OTHER", "POLICE_REPORT", "SCREENSHOT", "TRADE_VIDEO")


@pytest.mark.parametrize(
    ("facts", "needed"),
    [
        ({"stage": "queued"}, ()),
        ({"stage": "accepted"}, ()),
        ({"stage": "sealed"}, ("ID_CHECK", "ISSUER_TICKET", *ALWAYS_NEEDED[1:])),
        ({"stage": "used", "reason": "KEY_INVALID"}, ("ERROR_SCREENSHOT", *ALWAYS_NEEDED)),
        (
            {"stage": "used", "evidence": ["TRADE_VIDEO", "ISSUER_TICKET", "OTHER"]},
            ("ID_CHECK", "KEY_PREFIX", "POLICE_REPORT", "SCREENSHOT"),
        ),
        ({"goods": "boosting", "stage": "working"}, ALWAYS_NEEDED),
        ({"stage": "used", "merchant_answer": "agreed"}, ()),
    ],
)
def test_evidence_is_the_rules_and_the_first_that_fits_without_what_is_there(facts: dict[str, Any], needed: tuple[str, ...]) -> None:
    assert judged(rules(EVIDENCE), **{"goods": "card_key", "delivered_minutes_ago": 5, **facts}).evidence_needed == needed


def chosen(early: str, late: str) -> str:
    return f'[{{ when = {{ ago = "<= 30" }}, is = {early} }}, {{ is = {late} }}]'


@pytest.mark.parametrize(
    ("key", "early", "late", "field"),
    [
        ("fault", '"merchant"', '"none"', "fault"),
        ("goods", '"void"', '"keep"', "goods_after"),
        ("replacement_first", "true", "false", "replacement_first"),
    ],
)
def test_a_bound_may_stand_in_a_single_value(key: str, early: str, late: str, field: str) -> None:
    values = {"fault": '"none"', "goods": '"keep"', key: chosen(early, late)}
    table = rules("\n".join(['route = "instant"', 'refund = "full"', *(f"{name} = {value}" for name, value in values.items())]))
    told = [getattr(judged(table, goods="card_key", stage="used", delivered_minutes_ago=ago), field) for ago in (30, 31)]
    assert [{True: "true", False: "false"}.get(value, f'"{value}"') for value in told] == [early, late]


def test_a_choice_needs_a_last_resort() -> None:
    assert pick(((1, "first"), (0, "last")), 1) == "last"
    with pytest.raises(LookupError, match="last resort"):
        pick(((1, "first"),), 1)


def test_evidence_may_depend_on_a_bound_no_rule_has() -> None:
    table = rules('pattern = "platform"\nrefund = "full"\n\n[[evidence]]\nwhen = { ago = "<= 30" }\nkinds = ["ERROR_SCREENSHOT"]')
    needed = [judged(table, goods="card_key", stage="used", delivered_minutes_ago=ago).evidence_needed for ago in (30, 31)]
    assert needed == [("ERROR_SCREENSHOT",), ()]
