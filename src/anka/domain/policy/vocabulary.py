"""The words a rule can be written in, and every situation as a row of bits.

Each (feature, value) pair has one bit. A situation sets one bit per feature; a condition is the mask of the bits it does not allow. It
holds when the two share no bit, so that testing a condition is one operation, however many facts it speaks of.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType

from anka.domain.facts import VALUES, Facts
from anka.domain.policy.reasons import REASONS, ReasonGroup

YES_NO = ("true", "false")
FEATURES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        **VALUES,
        "group": tuple(str(group) for group in ReasonGroup),
        **dict.fromkeys(("voidable", "overdue", "bad", "wrong", "short", "consumed"), YES_NO),
    }
)
"""What a condition can speak of, and the values of each. What follows from the merchant's answer is best left to the patterns."""
TRUTHS = frozenset(name for name, values in FEATURES.items() if values == YES_NO)
NUMBERS = ("ago", "upstream_minutes", "progress", "delivered_percent")
"""What a bound can be put on."""
LIMITS = ("refund_window", "warranty")
"""The product's own terms, which a bound can name instead of a number."""
BOUND = re.compile(r"(<=|>=|<|>|=) (0|[1-9][0-9]{0,8}|refund_window|warranty)", re.ASCII)

ROUTES = ("close", "instant", "merchant", "upstream", "platform", "external", "refuse")
REFUNDS = ("none", "full", "unused_share", "missing_share", "negotiable", "agreed")
FAULTS = ("none", "buyer", "merchant", "platform", "undecided")
GOODS_AFTER = ("release", "restock", "void", "rotate", "keep", "hold")
GOODS_TERMS = ("spoiled", "unopened", "returned")
SILENCES = ("refund", "escalate")
PATTERNS = ("turn", "platform", "platform!", "refusal")
PLACEHOLDERS = ("percent", "fee_percent", "hours", "window_days", "warranty_days")
LOGIN_KNOWN_AFTER = 1440
"""Minutes after which an account somebody has logged into counts as consumed."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A test of a number, such as ago <= refund_window."""

    subject: str
    operator: str
    limit: str


@dataclass(frozen=True, slots=True)
class Condition:
    """All of these: each feature has one of the values, each number is within its bound."""

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    bounds: tuple[Bound, ...] = ()


When = tuple[Condition, ...]
"""One of these conditions."""
ALWAYS: When = (Condition(),)

BIT: MappingProxyType[tuple[str, str], int] = MappingProxyType(
    {pair: 1 << index for index, pair in enumerate((name, value) for name, values in FEATURES.items() for value in values)}
)
FIRST_FREE_BIT = len(BIT)
"""From here on a rule table numbers its own bounds."""


def _bits(name: str) -> dict[str, int]:
    return {value: BIT[name, value] for value in FEATURES[name]}


def _truth(name: str) -> tuple[int, int]:
    return BIT[name, "false"], BIT[name, "true"]


_BAD, _WRONG, _OVERDUE, _VOIDABLE, _SHORT, _CONSUMED = map(_truth, ("bad", "wrong", "overdue", "voidable", "short", "consumed"))
BAD_CHECKS = frozenset({"invalid", "used_before_reveal"})
_GOODS, _STAGE, _ASKER, _USED_BY = _bits("goods"), _bits("stage"), _bits("asker"), _bits("used_by")
_NOTICE, _LOGIN, _UPSTREAM, _DISPUTE = _bits("notice"), _bits("login_seen"), _bits("upstream"), _bits("dispute")
_ANSWER = _bits("merchant_answer")
_REASON = {code: BIT["reason", code] | BIT["group", reason.group] for code, reason in REASONS.items()}
_USE = {value: bit | _BAD[value in BAD_CHECKS] for value, bit in _bits("use_check").items()}
_MATCHES = {value: bit | _WRONG[value == "no"] for value, bit in _bits("matches_order").items()}


def is_bad(facts: Facts) -> bool:
    """Tell whether a record says the goods were invalid or used before the buyer saw them."""
    return facts.use_check in BAD_CHECKS


def is_wrong(facts: Facts) -> bool:
    """Tell whether what was delivered differs from the order."""
    return facts.matches_order == "no"


def is_short(facts: Facts) -> bool:
    """Tell whether a key or top-up is known to be worth less than ordered."""
    return facts.delivered_percent is not None and facts.delivered_percent < 100 and facts.goods in ("card_key", "top_up")


def is_consumed(facts: Facts) -> bool:
    """Tell whether the goods have been used in a way that cannot be undone."""
    goods = facts.goods
    if goods in ("top_up", "boosting") or facts.use_check == "used_after_reveal":
        return True
    if goods == "card_key":
        return facts.judged_stage == "used"
    return goods == "account" and facts.login_seen == "yes" and (facts.ago or 0) > LOGIN_KNOWN_AFTER


def situation(facts: Facts, stage: str) -> int:
    """Return the bits of a situation at the stage that is judged, without those for a table's own bounds."""
    return (
        _GOODS[facts.goods]
        | _STAGE[stage]
        | _REASON[facts.reason]
        | _ASKER[facts.asker]
        | _ANSWER[facts.merchant_answer]
        | _USE[facts.use_check]
        | _USED_BY[facts.used_by]
        | _MATCHES[facts.matches_order]
        | _NOTICE[facts.notice]
        | _LOGIN[facts.login_seen]
        | _UPSTREAM[facts.upstream]
        | _DISPUTE[facts.dispute]
        | _VOIDABLE[facts.voidable]
        | _OVERDUE[facts.promise_overdue]
        | _SHORT[is_short(facts)]
        | _CONSUMED[is_consumed(facts)]
    )


_SPOILED = {"account": "rotate", "rental": "rotate", "top_up": "keep", "boosting": "keep", "card_key": "void"}


def spoiled(facts: Facts) -> str:
    """Return where goods go that must never be sold again."""
    return _SPOILED[facts.goods]


def unopened(facts: Facts) -> str:
    """Return where sealed goods go: away if a record speaks against them, aside if somebody should check, else back into stock."""
    if is_bad(facts) or is_wrong(facts) or facts.use_check == "used_after_reveal" or facts.login_seen == "yes":
        return spoiled(facts)
    if facts.reason == "FAKE_OR_ILLICIT" or REASONS[facts.reason].group == ReasonGroup.QUALITY:
        return "hold"
    return "restock"


def returned(facts: Facts) -> str:
    """Return where goods go when a merchant agrees to take them back, by stage."""
    stage = facts.judged_stage
    if stage in ("queued", "accepted", "working"):
        return "rotate" if facts.goods == "rental" and stage == "working" else "release"
    if stage == "sealed":
        return unopened(facts)
    if facts.goods in ("account", "rental"):
        return "rotate"
    return "void" if facts.goods == "card_key" and facts.voidable else "keep"
