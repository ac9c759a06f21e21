"""Faults planted one by one in rules that break nothing: each is found, with the property it breaks and facts that show it."""

from dataclasses import replace

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.check import PROPERTIES, Finding, check
from anka.domain.policy.table import RuleSet, parse_rules
from tests.domain.check.independent import confirms
from tests.domain.check.made import added, changed, repaired_texts, without

FULL = 'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "hold"'
BACK_TO_STOCK = FULL.replace("hold", "restock")
LESS = FULL + "\nfee_percent = 5"
REFUSED = 'route = "refuse"\nrefund = "none"\nfault = "none"\ngoods = "keep"'
TALK = 'pattern = "platform!"\nrefund = "negotiable"'
TURN = 'pattern = "turn"\nrefund = "full"\nfault = "none"\ngoods = "hold"\nclock = 60\nsilence = "refund"'
Planted = tuple[str, RuleSet, int, str]


def when(text: str, outcome: str) -> str:
    return f"when = {{ {text} }}\n{outcome}"


def no_time() -> RuleSet:
    """A clock that leaves no time cannot be written in a file; a set made otherwise could have one."""
    return replace(parse_rules(texts=repaired_texts()), complaint_cap_minutes=0)


GAPS: list[Planted] = [
    ("no last rule", without("disclosed"), 1, ""),
    ("the last rule leaves staff out", changed("disclosed", 'zh = "', 'when = { asker = ["buyer"] }\nzh = "'), 1, ""),
    ("nothing after so many minutes", changed("disclosed", 'zh = "', 'when = { ago = "<= 90000" }\nzh = "'), 1, ""),
]
NEVER: list[Planted] = [
    ("behind a wider rule", added(165, when('stage = ["sealed"], ago = "<= 1440"', FULL)), 2, "planted"),
    ("behind two narrower rules", added(265, when('reason = ["FAKE_OR_ILLICIT", "MINOR_PURCHASE"]', FULL)), 2, "planted"),
    ("fits nothing", added(265, when('goods = ["boosting"], stage = ["sealed"]', FULL)), 2, "planted"),
    ("fits no number", added(265, when('stage = ["queued"], progress = "> 0"', FULL)), 2, "planted"),
    ("alternative behind a rule", changed("accepted", "when = [", 'when = [\n    { stage = ["queued"], overdue = false },'), 2, "accepted"),
    (
        "alternative behind another",
        changed("on-record", "{ short = true },", '{ short = true }, { short = true, notice = ["none"] },'),
        2,
        "on-record",
    ),
]
MONEY: list[Planted] = [
    ("before payment", added(15, when('stage = ["reserved"], overdue = true', FULL.replace("instant", "close"))), 3, "planted"),
    ("before payment, by staff", added(15, when('stage = ["reserved"], asker = ["platform"]', TALK)), 3, "planted"),
    ("during a chargeback", added(5, when('dispute = ["chargeback"], stage = ["queued"]', FULL)), 3, "planted"),
    (
        "during a chargeback, by the merchant",
        changed("chargeback", 'dispute = ["chargeback"]', 'dispute = ["chargeback"], asker = ["buyer"]'),
        3,
        "merchant-cancels",
    ),
    ("while unknown", added(75, when('upstream = ["unknown"], overdue = true', FULL)), 3, "planted"),
    ("while unknown, by a cancellation", changed("upstream-ask", '["cancellable"]', '["cancellable", "unknown"]'), 3, "upstream-ask"),
    ("while unknown, by silence", added(75, when('upstream = ["unknown"], asker = ["buyer"]', TURN)), 3, "planted"),
    ("while unknown, forgotten", changed("upstream-wait", '["unknown", "locked"]', '["locked"]'), 3, "accepted-overdue"),
]
SILENCE: list[Planted] = [
    (
        "silence refuses",
        added(125, when('stage = ["accepted"], merchant_answer = ["silent"], notice = ["confirmed"]', REFUSED)),
        4,
        "planted",
    ),
    ("silence pays less", added(125, when('stage = ["accepted"], merchant_answer = ["silent"]', TALK)), 4, "planted"),
    ("silence pays a little less", added(125, when('stage = ["accepted"], merchant_answer = ["silent"]', LESS)), 4, "planted"),
    ("no time to answer", no_time(), 4, "accepted"),
]
REFUSALS: list[Planted] = [
    ("without consent", changed("not-disclosed", '["none", "shown"]', '["none"]'), 5, "disclosed"),
    ("without asking for consent", without("not-disclosed"), 5, "disclosed"),
    ("of staff", added(425, when('asker = ["platform"], notice = ["shown"]', REFUSED)), 5, "planted"),
]
AGREEMENT: list[Planted] = [
    (
        "agreement makes it a matter of asking",
        changed("queued", 'stage = ["queued"]', 'stage = ["queued"], merchant_answer = ["none"]'),
        6,
        "not-disclosed",
    ),
    ("agreement with a fee", added(105, when('stage = ["queued"], merchant_answer = ["agreed"]', LESS)), 6, "planted"),
    (
        "agreement keeps a cent",
        added(135, when('stage = ["sealed"], merchant_answer = ["agreed"]', FULL + "\nkeep_minor = 1")),
        6,
        "planted",
    ),
]
GOODS: list[Planted] = [
    ("bad goods sold again", added(135, when('stage = ["sealed"], use_check = ["invalid"]', BACK_TO_STOCK)), 7, "planted"),
    ("wrong goods sold again", added(135, when('stage = ["sealed"], wrong = true', BACK_TO_STOCK)), 7, "planted"),
    ("goods under a claim sold again", changed("sealed", 'goods = "unopened"', 'goods = "restock"'), 7, "sealed"),
    ("credentials of an account stay", changed("account-untouched", 'goods = "rotate"', 'goods = "keep"'), 7, "account-untouched"),
    ("credentials of a rental stay", changed("rental-untouched", 'goods = "rotate"', 'goods = "release"'), 7, "rental-untouched"),
    (
        "sealed, but logged into",
        changed("sealed", 'goods = "unopened"', 'goods = [{ when = { login_seen = ["yes"] }, is = "release" }, { is = "unopened" }]'),
        7,
        "sealed",
    ),
]
WAITING: list[Planted] = [
    ("revealed better than sealed", changed("sealed-late", 'refund = "full"', 'refund = "negotiable"'), 8, "key-unused"),
    ("used better than revealed", added(185, when('goods = ["card_key"], stage = ["used"]', FULL)), 8, "planted"),
    ("accepted better than queued", changed("queued", 'refund = "full"', 'refund = "full"\nkeep_minor = 100'), 8, "accepted-overdue"),
    ("sealed better than working", changed("accepted", 'refund = "full"', 'refund = "full"\nfee_percent = 5'), 8, "sealed"),
    ("delivered better than working", added(185, when('goods = ["rental"], stage = ["delivered"]', FULL)), 8, "planted"),
]
REASONS: list[Planted] = [
    ("quality worse", added(145, when('stage = ["sealed"], group = ["quality"], bad = false, wrong = false', TALK)), 9, "planted"),
    ("one delay reason worse", added(105, when('stage = ["queued"], reason = ["LATE_DELIVERY"]', LESS)), 9, "planted"),
    ("delay refused", added(345, when('goods = ["account"], group = ["delay"], notice = ["confirmed"]', REFUSED)), 9, "planted"),
]
SHARES: list[Planted] = [
    (
        "a share of what nobody knows",
        added(185, when('goods = ["card_key"], stage = ["used"]', FULL.replace("full", "missing_share"))),
        10,
        "planted",
    ),
]
WAYS: list[Planted] = [
    ("an opened key sold again", changed("key-unused", 'goods = "void"', 'goods = "restock"'), 11, "key-unused"),
    ("kept before it came", changed("queued", 'goods = "release"', 'goods = "keep"'), 11, "queued"),
    ("released after it came", changed("quality", 'goods = "spoiled"', 'goods = "release"'), 11, "quality"),
]
PLANTED = [*GAPS, *NEVER, *MONEY, *SILENCE, *REFUSALS, *AGREEMENT, *GOODS, *WAITING, *REASONS, *SHARES, *WAYS]


def test_the_rules_they_are_planted_in_break_nothing() -> None:
    assert check(rules=parse_rules(texts=repaired_texts())).clean


def test_there_are_enough_of_every_kind() -> None:
    assert len({name for name, *_ in PLANTED}) == len(PLANTED) >= 24
    assert {number for _, _, number, _ in PLANTED} == set(PROPERTIES)


@pytest.mark.parametrize(("rules", "number", "rule"), [entry[1:] for entry in PLANTED], ids=[entry[0] for entry in PLANTED])
def test_it_is_found(rules: RuleSet, number: int, rule: str) -> None:
    found = {finding.key: finding for finding in check(rules=rules).findings}
    assert (number, rule) in found
    for finding in found.values():
        assert_is_shown(finding, rules)


def assert_is_shown(finding: Finding, rules: RuleSet) -> None:
    """The counter-example is possible, is decided as it is told, and breaks the property by its second writing."""
    told = finding.to_json()
    assert finding.zh.endswith("。")
    assert finding.en.endswith(".")
    if finding.facts is None:
        assert (finding.property, finding.decision) == (2, None)
        return
    assert Facts.from_json(told["facts"]) == finding.facts  # type: ignore[arg-type]  # a JSON object
    assert confirms(told, rules)


def test_the_second_writing_can_say_no() -> None:
    """The negative control: facts that break nothing are not confirmed."""
    _, rules, number, rule = MONEY[0]
    (finding,) = [finding for finding in check(rules=rules).findings if finding.key == (number, rule)]
    told = finding.to_json()
    assert confirms(told, rules)
    assert not confirms({**told, "facts": {"goods": "card_key", "stage": "queued", "reason": "OTHER"}}, rules)
    assert not confirms({**told, "property": 5}, rules)
    assert not confirms(told, parse_rules(texts=repaired_texts()))
