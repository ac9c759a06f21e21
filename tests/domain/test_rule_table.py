"""The language of the rules: what is refused and how, and that other people's published rules can be written in it."""

from typing import Any

import pytest

from anka.domain.facts import Facts
from anka.domain.policy.decide import NoRuleMatches, decide
from anka.domain.policy.decision import Decision, is_worse
from anka.domain.policy.grammar import RuleTableError
from anka.domain.policy.table import RuleSet, default_rules, default_texts, parse_rules
from anka.domain.policy.vocabulary import FEATURES

REFUSE = '[[rule]]\nposition = 900\nid = "rest"\npattern = "refusal"\nzh = "不退"\nen = "no"\n'


def rule(lines: str, *, identifier: str = "mine", position: int = 1) -> str:
    return f'[[rule]]\nposition = {position}\nid = "{identifier}"\nzh = "因为"\nen = "because"\n{lines}\n'


INSTANT = 'route = "instant"\nrefund = "full"\nfault = "none"\ngoods = "keep"'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule = 3", ["mine.toml", "rule", "3"]),
        ("[[rule", ["mine.toml", "TOML"]),
        ("surprise = 1\n" + REFUSE, ["surprise", "evidence"]),
        (REFUSE + REFUSE, ["rest", "position"]),
        (REFUSE + REFUSE.replace("900", "901"), ["rest", "id"]),
        ("complaint_cap_minutes = 1200", ["0 rules"]),
        (rule(INSTANT.replace("instant", "soon")), ["mine", "route", "soon", "instant"]),
        (rule(INSTANT.replace("instant", "merchant")), ["mine", "route", "merchant"]),
        (rule(INSTANT.replace("full", "half")), ["mine", "refund", "half", "unused_share"]),
        (rule(INSTANT.replace("keep", "burn")), ["mine", "goods", "burn", "restock"]),
        (rule(INSTANT + '\nsilence = "refund"'), ["mine", "silence"]),
        (rule('pattern = "turn"\nrefund = "full"\nfault = "none"\ngoods = "keep"\nsilence = "refund"'), ["mine", "clock", "required"]),
        (rule('pattern = "turn!"'), ["mine", "pattern", "turn!"]),
        (rule(INSTANT + "\nwhen = {}"), ["mine", "when"]),
        (rule(INSTANT + "\nwhen = []"), ["mine", "when"]),
        (rule(INSTANT + '\nwhen = { weather = ["rain"] }'), ["mine", "weather", "login_seen"]),
        (rule(INSTANT + '\nwhen = { stage = ["sold"] }'), ["mine", "stage", "sold", "sealed"]),
        (rule(INSTANT + "\nwhen = { bad = 1 }"), ["mine", "bad", "true or false"]),
        (rule(INSTANT + '\nwhen = { ago = "< tomorrow" }'), ["mine", "ago", "tomorrow"]),
        (rule(INSTANT + "\nwhen = { ago = 30 }"), ["mine", "ago", "30"]),
        (rule(INSTANT + "\nfee_percent = 101"), ["mine", "fee_percent", "101"]),
        (rule(INSTANT + "\nkeep_minor = -1"), ["mine", "keep_minor", "-1"]),
        (rule(INSTANT.replace('"none"', '[{ when = { bad = true }, is = "merchant" }]')), ["mine", "fault", "without when"]),
        (rule(INSTANT + "\ncolour = 1"), ["mine", "colour"]),
        (rule(INSTANT).replace('"because"', '"{weather}"'), ["mine", "en", "weather", "{percent}"]),
        (rule(INSTANT).replace('"because"', '" "'), ["mine", "en"]),
        (rule(INSTANT).replace('"mine"', '"Mine!"'), ["id", "Mine!"]),
        (REFUSE + "[words.hello]\nzh = '你'\nen = 'hi'", ["hello", "agreed"]),
        (REFUSE + "[[evidence]]\nkinds = ['SELFIE']", ["SELFIE", "SCREENSHOT"]),
    ],
)
def test_refused_with_place_and_reason(text: str, told: list[str]) -> None:
    with pytest.raises(RuleTableError) as refused:
        parse_rules(texts={"mine.toml": text})
    for word in told:
        assert word in str(refused.value)


def test_a_table_that_is_not_complete_says_so() -> None:
    rules = parse_rules(texts={"mine.toml": rule(INSTANT + '\nwhen = { stage = ["sealed"] }')})
    with pytest.raises(NoRuleMatches):
        decide(Facts(goods="card_key", stage="queued", reason="OTHER"), rules)


def test_the_version_names_the_contents() -> None:
    assert default_rules() is default_rules()
    assert parse_rules(texts=default_texts()).version == default_rules().version
    changed = dict(default_texts())
    changed["card_key.toml"] += "\n# one more remark\n"
    assert parse_rules(texts=changed).version != default_rules().version


def judged(rules: RuleSet, **facts: Any) -> Decision:
    return decide(Facts.from_json({"reason": "OTHER", **facts}), rules)


def with_rest(*rules: str) -> RuleSet:
    return parse_rules(texts={"theirs.toml": "".join(rules) + REFUSE})


def test_a_rental_platform_can_be_written_down() -> None:
    rules = with_rest(
        rule(
            'when = { goods = ["rental"], stage = ["working"], ago = "<= 30", wrong = true }\n'
            + INSTANT.replace("keep", "rotate").replace('"none"', '"merchant"')
            + "\ncompensation_minor = 800",
            identifier="not-as-described",
        ),
        rule(
            'when = { goods = ["rental"], stage = ["working"], reason = ["WRONG_ITEM_PICKED"] }\n'
            + INSTANT.replace("keep", "rotate")
            + "\nkeep_minor = 300",
            identifier="wrong-pick",
            position=2,
        ),
    )
    wrong = judged(rules, goods="rental", stage="working", delivered_minutes_ago=30, matches_order="no")
    assert (wrong.rule, wrong.compensation_minor, wrong.to_json()["compensation_minor"]) == ("not-as-described", 800, 800)
    picked = judged(rules, goods="rental", stage="working", delivered_minutes_ago=31, matches_order="no", reason="WRONG_ITEM_PICKED")
    assert (picked.rule, picked.keep_minor) == ("wrong-pick", 300)


def test_a_key_shop_can_be_written_down() -> None:
    rules = with_rest(rule('when = { goods = ["card_key"], stage = ["sealed"], ago = "<= 20160" }\n' + INSTANT))
    assert judged(rules, goods="card_key", stage="sealed", delivered_minutes_ago=20160).rule == "mine"
    assert judged(rules, goods="card_key", stage="sealed", delivered_minutes_ago=20161).rule == "rest"
    assert judged(rules, goods="card_key", stage="revealed", delivered_minutes_ago=1).rule == "rest"


def test_a_currency_seller_can_be_written_down() -> None:
    rules = with_rest(rule('when = { goods = ["top_up"], stage = ["queued", "accepted", "working"], overdue = true }\n' + INSTANT))
    assert judged(rules, goods="top_up", stage="working", promise_overdue=True).refund == "full"
    assert judged(rules, goods="top_up", stage="working").route == "refuse"


def test_a_boosting_platform_can_be_written_down() -> None:
    rules = with_rest(
        rule('when = { goods = ["boosting"], stage = ["working"], progress = "= 0" }\n' + INSTANT, identifier="not-started"),
        rule(
            'when = { goods = ["boosting"], stage = ["working"] }\n' + INSTANT.replace("full", "unused_share") + "\nfee_percent = 5",
            identifier="started",
            position=2,
        ),
    )
    assert judged(rules, goods="boosting", stage="working").refund_percent == 100
    started = judged(rules, goods="boosting", stage="working", progress_percent=40)
    assert (started.refund_percent, started.fee_percent) == (60, 5)


def test_bounds_of_every_form() -> None:
    rules = with_rest(
        rule('when = { goods = ["top_up"], delivered_percent = ["> 10", "< 20"], ago = [">= 5", "<= warranty"] }\n' + INSTANT)
    )
    for percent, ago, expected in (
        (11, 5, "mine"),
        (19, 10080, "mine"),
        (10, 5, "rest"),
        (20, 5, "rest"),
        (15, 4, "rest"),
        (15, 10081, "rest"),
    ):
        assert judged(rules, goods="top_up", stage="delivered", delivered_minutes_ago=ago, delivered_percent=percent).rule == expected
    assert judged(rules, goods="top_up", stage="delivered", delivered_minutes_ago=5).rule == "rest"


def test_worse_is_what_is_worse_for_the_buyer() -> None:
    full = judged(default_rules(), goods="card_key", stage="sealed", delivered_minutes_ago=1)
    share = judged(default_rules(), goods="boosting", stage="working", progress_percent=40)
    less = judged(default_rules(), goods="boosting", stage="working", progress_percent=60)
    talk = judged(default_rules(), goods="card_key", stage="revealed", delivered_minutes_ago=1)
    none = judged(default_rules(), goods="card_key", stage="used", delivered_minutes_ago=1, notice="confirmed")
    asked = judged(default_rules(), goods="card_key", stage="sealed", delivered_minutes_ago=20_000)
    order = [none, talk, less, share, asked, full]
    for position, old in enumerate(order):
        for new in order[:position]:
            assert is_worse(new=new, old=old)
            assert not is_worse(new=old, old=new)
        assert not is_worse(new=old, old=old)


def test_a_receipt_can_be_read_back() -> None:
    decision = judged(default_rules(), goods="card_key", stage="revealed", delivered_minutes_ago=1)
    assert Decision.from_receipt(decision.to_receipt()) == decision


def test_a_condition_can_speak_of_the_merchants_answer() -> None:
    rules = with_rest(rule('when = { goods = ["top_up"], merchant_answer = ["silent", "refused"] }\n' + INSTANT))
    answered = {
        answer: judged(rules, goods="top_up", stage="queued", merchant_answer=answer).rule for answer in FEATURES["merchant_answer"]
    }
    assert answered == {"none": "rest", "agreed": "rest.agreed", "refused": "mine", "silent": "mine"}
