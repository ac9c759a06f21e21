"""The decision: facts and rules in, one verdict out. Pure and quick; the rules are data, this only carries out their patterns."""

from collections.abc import Callable
from types import MappingProxyType

from anka.domain.facts import Facts
from anka.domain.policy import vocabulary
from anka.domain.policy.compiled import CompiledRule, bits_of, pick
from anka.domain.policy.decision import Decision
from anka.domain.policy.table import RuleSet

_TERMS: MappingProxyType[str, Callable[[Facts], str]] = MappingProxyType(
    {"spoiled": vocabulary.spoiled, "unopened": vocabulary.unopened, "returned": vocabulary.returned}
)
_DAY = 1440
_NO_EVIDENCE_YET = frozenset({"queued", "accepted"})
_ASKS_FOR_EVIDENCE = frozenset({"merchant", "platform"})


class NoRuleMatches(Exception):
    """The table is incomplete: none of its rules speaks of this situation. No table is published before it is proved complete."""

    code, status = "no_rule_matches", 500


def decide(facts: Facts, rules: RuleSet) -> Decision:
    """Return the verdict of the first rule that matches, as its pattern has it for what the merchant has answered.

    Raises:
        NoRuleMatches: the table is not complete.
    """
    stage = facts.judged_stage
    scope = rules.scopes[facts.goods, stage, facts.asker]
    bits = bits_of(facts, stage, facts.ago, scope.tests)
    for mask, rule in scope.rules:
        if not bits & mask:
            return _PATTERNS[rule.rule.pattern](facts, rules, rule, bits)
    raise NoRuleMatches(f"no rule for a {facts.goods} that is {facts.stage}, reason {facts.reason}")


def _percent(refund: str, facts: Facts) -> int | None:
    if refund == "full":
        return 100
    if refund == "none":
        return 0
    if refund == "unused_share":
        return 100 - facts.progress_percent
    if refund == "missing_share" and facts.delivered_percent is not None:
        return 100 - facts.delivered_percent
    return None


def _goods(rule: CompiledRule, facts: Facts, bits: int) -> str:
    after = pick(rule.goods, bits)
    term = _TERMS.get(after)
    return after if term is None else term(facts)


def _evidence(facts: Facts, rules: RuleSet, rule: CompiledRule, bits: int) -> tuple[str, ...]:
    if facts.stage in _NO_EVIDENCE_YET:
        return ()
    needed = rule.rule.evidence
    for mask, kinds in rules.evidence:
        if not bits & mask:
            needed += kinds
            break
    if not needed:
        return ()
    return tuple(sorted(set(needed).difference(facts.evidence)))


def _decision(facts: Facts, rules: RuleSet, rule: CompiledRule, bits: int, variant: str, outcome: tuple[str, str, str, str]) -> Decision:
    """Put a decision together from (route, refund, fault, goods); the clock runs where the merchant has to answer."""
    route, refund, fault, goods = outcome
    clock: int | None = None
    if route == "merchant":
        clock = pick(rule.clock, bits)
        if facts.dispute == "complaint":
            clock = min(clock, rules.complaint_cap_minutes)
    wording, own = rule.wordings[variant], rule.rule
    # An amount agreed on is what is paid: nothing is taken off it.
    keep, fee = (None, None) if refund == "agreed" else (own.keep_minor, own.fee_percent)
    zh, en = wording.zh, wording.en
    if wording.open:
        places = _places(facts, rule, clock)
        zh, en = zh.format_map(places), en.format_map(places)
    return Decision(
        wording.rule,
        route,
        refund,
        _percent(refund, facts),
        fault,
        goods,
        clock,
        own.silence if clock is not None else None,
        pick(rule.replacement_first, bits) if rule.replacement_first else False,
        _evidence(facts, rules, rule, bits) if route in _ASKS_FOR_EVIDENCE else (),
        zh,
        en,
        own.compensation_minor,
        keep,
        fee,
    )


def _places(facts: Facts, rule: CompiledRule, clock: int | None) -> dict[str, object]:
    percent = _percent(rule.rule.refund or "none", facts)
    return {
        "percent": 0 if percent is None else percent,
        "fee_percent": rule.rule.fee_percent or 0,
        "hours": _whole(clock or 0, 60),
        "window_days": _whole(facts.refund_window_minutes, _DAY),
        "warranty_days": _whole(facts.warranty_minutes, _DAY),
    }


def _whole(minutes: int, unit: int) -> str:
    """Write minutes in hours or days, with one decimal only where it is not a whole number."""
    whole, rest = divmod(minutes, unit)
    tenth = rest * 10 // unit
    return f"{whole}.{tenth}" if tenth else str(whole)


def _as_it_stands(facts: Facts, rules: RuleSet, rule: CompiledRule, bits: int) -> Decision:
    own = rule.rule
    outcome = (own.route or "refuse", own.refund or "none", pick(rule.fault, bits), _goods(rule, facts, bits))
    return _decision(facts, rules, rule, bits, "", outcome)


def _turn(facts: Facts, rules: RuleSet, rule: CompiledRule, bits: int) -> Decision:
    """The merchant answers first. Agreement pays what was asked; silence what was offered; a refusal goes to the platform by itself."""
    refund, answer = rule.rule.refund or "none", facts.merchant_answer
    if answer == "refused" or (answer == "silent" and rule.rule.silence == "escalate"):
        return _decision(facts, rules, rule, bits, answer, ("platform", refund, "undecided", "hold"))
    fault, goods = pick(rule.fault, bits), _goods(rule, facts, bits)
    if answer == "agreed":
        return _decision(facts, rules, rule, bits, answer, ("instant", "agreed", fault, goods))
    if answer == "silent":
        return _decision(facts, rules, rule, bits, answer, ("instant", refund, fault, goods))
    return _decision(facts, rules, rule, bits, "", ("merchant", refund, fault, goods))


def _platform(facts: Facts, rules: RuleSet, rule: CompiledRule, bits: int) -> Decision:
    if facts.merchant_answer == "agreed":
        return _decision(facts, rules, rule, bits, "agreed", ("instant", "agreed", "none", vocabulary.returned(facts)))
    return _platform_always(facts, rules, rule, bits)


def _platform_always(facts: Facts, rules: RuleSet, rule: CompiledRule, bits: int) -> Decision:
    return _decision(facts, rules, rule, bits, "", ("platform", rule.rule.refund or "none", "undecided", "hold"))


def _refusal(facts: Facts, rules: RuleSet, rule: CompiledRule, bits: int) -> Decision:
    if facts.merchant_answer == "agreed":
        return _decision(facts, rules, rule, bits, "agreed", ("instant", "agreed", "none", vocabulary.returned(facts)))
    if facts.asker == "platform":
        return _decision(facts, rules, rule, bits, "platform", ("platform", "negotiable", "undecided", "hold"))
    return _decision(facts, rules, rule, bits, "", ("refuse", "none", "buyer", "keep"))


_PATTERNS: MappingProxyType[str | None, Callable[[Facts, RuleSet, CompiledRule, int], Decision]] = MappingProxyType(
    {None: _as_it_stands, "turn": _turn, "platform": _platform, "platform!": _platform_always, "refusal": _refusal}
)
