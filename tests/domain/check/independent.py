"""The properties written down a second time, over single facts and `decide` alone, sharing nothing with the checker."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from anka.domain.facts import VALUES, Facts
from anka.domain.policy.decide import NoRuleMatches, decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.table import RuleSet
from tests.domain.oracle import DELAY, MIND, QUALITY, STAGES

Json = dict[str, Any]
Key = tuple[int, str]
Shown = tuple[Json, Json | None]
WORD_FACTS = (
    "goods",
    "stage",
    "reason",
    "asker",
    "promise_overdue",
    "merchant_answer",
    "use_check",
    "used_by",
    "voidable",
    "matches_order",
    "notice",
    "login_seen",
    "upstream",
    "dispute",
)
NUMBER_FACTS = (
    "delivered_minutes_ago",
    "delivered_percent",
    "progress_percent",
    "upstream_minutes",
    "refund_window_minutes",
    "warranty_minutes",
)
USUAL = Facts(goods="card_key", stage="queued", reason="OTHER").to_json()
RANK = {"full": 3, "unused_share": 2, "missing_share": 2, "negotiable": 1, "agreed": 1, "none": 0}


def size(facts: Json) -> tuple[int, list[int], list[int]]:
    """Return how small facts are: how many are not as usual, then each word by its place, then each number, unknown first."""
    whole = Facts.from_json(facts).to_json()
    away = sum(whole[key] != USUAL[key] for key in (*WORD_FACTS[3:], *NUMBER_FACTS))
    words = [int(bool(whole[key])) if isinstance(whole[key], bool) else VALUES[key].index(str(whole[key])) for key in WORD_FACTS]
    numbers: list[Any] = [-1 if whole[key] is None else whole[key] for key in NUMBER_FACTS]
    return away, words, numbers


def rule_of(decision: Decision) -> str:
    return decision.rule.partition(".")[0]


def answer(facts: Json, rules: RuleSet) -> Decision | None:
    try:
        return decide(Facts.from_json(facts), rules)
    except NoRuleMatches:
        return None


def value(decision: Decision) -> tuple[int, str, int, int]:
    kind = RANK[decision.refund]
    off = (decision.fee_percent or 0, decision.keep_minor or 0)
    if decision.fee_percent == 100:
        kind = 0
    elif kind == 3 and any(off):
        kind = 2
    return (kind, decision.refund, *off)


def lower(new: Decision, old: Decision) -> bool:
    mine, theirs = value(new), value(old)
    if mine[0] != theirs[0]:
        return mine[0] < theirs[0]
    return mine[1] == theirs[1] and (mine[2] > theirs[2] or mine[3] > theirs[3])


def less(new: Decision, old: Decision) -> bool:
    return lower(new, old) or ((new.compensation_minor or 0) < (old.compensation_minor or 0) and not lower(old, new))


def judged_stage(facts: Json) -> str:
    if facts.get("upstream") == "done":
        return "delivered" if facts["goods"] == "top_up" else "sealed"
    return str(facts["stage"])


def broken_alone(facts: Json, decision: Decision | None) -> Iterator[int]:
    """Yield the properties that one decision breaks by itself."""
    if decision is None:
        yield 1
        return
    get = {**USUAL, **facts}.__getitem__
    if wrong_money(get, decision):
        yield 3
    if decision.route == "merchant" and not decision.answer_within_minutes:
        yield 4
    if decision.route == "refuse" and get("asker") != "merchant" and get("notice") != "confirmed":
        yield 5
    bad = get("use_check") in ("invalid", "used_before_reveal") or get("matches_order") == "no" or get("reason") in QUALITY
    automatic = decision.route in ("instant", "close", "upstream")
    open_door = decision.refund == "full" and automatic and decision.goods_after not in ("rotate", "hold") and credentials_seen(facts)
    if (decision.goods_after == "restock" and bad) or open_door:
        yield 7
    if decision.refund == "missing_share" and get("delivered_percent") is None:
        yield 10
    if stuck(facts, decision):
        yield 11


def stuck(facts: Json, decision: Decision) -> bool:
    """Whether money goes back, now or by an answer, while the goods cannot go where the decision wants them."""
    pays = decision.refund != "none" or bool(decision.compensation_minor)
    return pays and decision.route in ("instant", "close", "upstream", "merchant") and decision.goods_after not in ways(facts)


def ways(facts: Json) -> tuple[str, ...]:
    """Where goods can go from where they are; what nobody has given out yet is simply released."""
    stage = judged_stage(facts)
    if stage == "sealed":
        return ("restock", "hold", "void", "rotate", "keep")
    if stage in ("revealed", "delivered", "used") or (stage == "working" and facts["goods"] == "rental"):
        return ("hold", "void", "rotate", "keep")
    return ("hold", "release")


def wrong_money(get: Callable[[str], Any], decision: Decision) -> bool:
    if decision.refund == "none" and not decision.compensation_minor:
        return False
    if get("stage") == "reserved" or get("dispute") == "chargeback":
        return True
    blind = get("upstream") == "unknown" and get("asker") != "merchant" and get("merchant_answer") != "agreed"
    by_silence = decision.route == "merchant" and decision.on_silence == "refund"
    return blind and (decision.route in ("instant", "close", "upstream") or by_silence)


def credentials_seen(facts: Json) -> bool:
    stage, goods = judged_stage(facts), facts["goods"]
    if stage == "sealed" and facts.get("login_seen") == "yes":
        return goods in ("account", "rental")
    return (goods == "account" and stage in ("revealed", "delivered", "used")) or (goods == "rental" and stage in ("working", "delivered"))


def broken_pair(facts: Json, now: Decision, other: Json, then: Decision) -> Iterator[int]:
    """Yield the properties that facts break when they are compared with facts that differ in one."""
    differ = {key for key in USUAL if {**USUAL, **facts}[key] != {**USUAL, **other}[key]}
    if differ == {"merchant_answer"} and other.get("merchant_answer", "none") == "none":
        if facts["merchant_answer"] == "silent" and then.route == "merchant" and (now.route == "refuse" or less(now, then)):
            yield 4
        given = then.route in ("instant", "close", "upstream") and then.refund == "full"
        if facts["merchant_answer"] == "agreed" and given and less(now, then):
            yield 6
    if differ == {"reason"} and facts["reason"] in DELAY + QUALITY and other["reason"] in MIND and lower(now, then):
        yield 9
    if differ == {"stage"} and (other["stage"], facts["stage"]) in steps(facts["goods"]) and waits(facts) and lower(then, now):
        yield 8


def steps(goods: str) -> list[tuple[str, str]]:
    return list(pairwise(STAGES[goods][1:]))


def waits(facts: Json) -> bool:
    whole = {**USUAL, **facts}
    own = whole["asker"] == "buyer" and whole["merchant_answer"] == "none" and whole["upstream"] == "none"
    return own and whole["reason"] in MIND


def confirms(finding: Json, rules: RuleSet) -> bool:
    """Tell whether `decide` really gives what a finding tells, and whether that breaks the property."""
    facts, told = finding["facts"], finding["decision"]
    decision = answer(facts, rules)
    if (None if decision is None else decision.to_json()) != told:
        return False
    if decision is not None and finding["property"] != 2 and rule_of(decision) != finding["rule"]:
        return False
    if finding["property"] == 2:
        return decision is not None and rule_of(decision) != finding["rule"]
    if finding["other"] is None:
        return finding["property"] in set(broken_alone(facts, decision))
    other, compared = finding["other"]["facts"], answer(finding["other"]["facts"], rules)
    if decision is None or compared is None or compared.to_json() != finding["other"]["decision"]:
        return False
    return finding["property"] in set(broken_pair(facts, decision, other, compared))


def smallest_by_force(space: Iterable[Json], rules: RuleSet) -> dict[Key, Shown]:
    """Return the smallest counter-example of each property and rule, by looking at all of these facts one by one."""
    ordered = sorted(space, key=size)
    decisions = [(facts, answer(facts, rules)) for facts in ordered]
    known = {frozenset(facts.items()): decision for facts, decision in decisions}
    found: dict[Key, Shown] = {}
    for facts, decision in decisions:
        rule = "" if decision is None else rule_of(decision)
        for broken in broken_alone(facts, decision):
            found.setdefault((broken, rule), (facts, None))
        if decision is None:
            continue
        for other in relatives(facts):
            then = known.get(frozenset(other.items()))
            if then is not None:
                for broken in broken_pair(facts, decision, other, then):
                    keep_smaller(found, (broken, rule), (facts, other))
    return found


def keep_smaller(found: dict[Key, Shown], key: Key, shown: Shown) -> None:
    """Facts come in their order, so that only what they are compared with can still be smaller."""
    before = found.get(key)
    if before is None or (before[0] == shown[0] and before[1] is not None and shown[1] is not None and size(shown[1]) < size(before[1])):
        found[key] = shown


def relatives(facts: Json) -> Iterator[Json]:
    if facts["merchant_answer"] in ("agreed", "silent"):
        yield {**facts, "merchant_answer": "none"}
    if facts["reason"] in DELAY + QUALITY:
        for reason in MIND:
            yield {**facts, "reason": reason}
    for before, after in steps(facts["goods"]):
        if after == facts["stage"]:
            yield {**facts, "stage": before}
