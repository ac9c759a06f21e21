"""The rules for card keys as the policy's reference tells them, written a second time and on their own. Imports nothing of the market."""

from dataclasses import dataclass, replace

WINDOW = 10_080
QUALITY = frozenset({"KEY_INVALID", "KEY_ALREADY_USED", "KEY_SHORT_COUNT", "WRONG_GOODS_SENT"})
DELAY = frozenset({"LATE_DELIVERY", "OUT_OF_STOCK"})
PROTECTED = frozenset({"MINOR_PURCHASE"})
ILLICIT = "FAKE_OR_ILLICIT"


@dataclass(frozen=True)
class Facts:
    """What a unit is judged on."""

    stage: str
    reason: str
    asker: str
    ago: int
    overdue: bool
    use: str
    used_by: str
    voidable: bool
    wrong: bool
    percent: int | None
    notice: str

    @property
    def bad(self) -> bool:
        """Whether a record says that the key was no good before the buyer saw it."""
        return self.use in ("invalid", "used_before_reveal")


@dataclass(frozen=True)
class Verdict:
    """What a rule says. `percent` None: the parties settle it. `kind`: plain, turn, platform, always (the platform), refusal."""

    rule: str
    kind: str
    percent: int | None
    goods: str
    fault: str = "none"
    clock: int = 1440
    silence: str = "escalate"
    replacement_first: bool = False

    def route(self, asker: str) -> str:
        """Return where a new claim goes."""
        if self.kind == "refusal":
            return "platform" if asker == "platform" else "refuse"
        return {"plain": "instant", "turn": "merchant", "platform": "platform", "always": "platform"}.get(self.kind, self.kind)

    def percent_for(self, asker: str) -> int | None:
        """Return the share that is fixed; a refusal fixes nothing to pay, and leaves the amount open where the platform is asked."""
        return None if self.kind == "refusal" and asker == "platform" else self.percent


def unopened(facts: Facts) -> str:
    """Where sealed goods go."""
    if facts.bad or facts.wrong or facts.use == "used_after_reveal":
        return "void"
    return "hold" if facts.reason == ILLICIT or facts.reason in QUALITY else "restock"


def goods_if_agreed(facts: Facts, verdict: Verdict) -> str:
    """Where goods go when the merchant agrees."""
    if verdict.kind == "turn":
        return verdict.goods
    if facts.stage in ("queued", "accepted"):
        return "release"
    if facts.stage == "sealed":
        return unopened(facts)
    return "void" if facts.voidable else "keep"


def goods_if_ruled(facts: Facts, *, whole: bool) -> str:
    """Where goods go when the platform rules for the buyer."""
    if facts.stage in ("queued", "accepted"):
        return "release"
    if facts.stage == "sealed":
        return "void" if facts.bad or facts.wrong else "hold"
    return "void" if whole else "keep"


def decide(facts: Facts) -> Verdict:
    """Return what the rules say about a unit, before anybody has answered."""
    if facts.stage == "reserved":
        return Verdict("unpaid", "close", 0, "release")
    if facts.asker == "merchant":
        return _merchant(facts)
    if facts.stage in ("queued", "accepted"):
        return _waiting(facts)
    return _sealed(facts) if facts.stage == "sealed" else _opened(facts)


def _merchant(facts: Facts) -> Verdict:
    if facts.stage in ("queued", "accepted"):
        return Verdict("merchant-cancels", "plain", 100, "release", "merchant")
    if facts.stage != "sealed":
        fault = "merchant" if facts.bad or facts.wrong or facts.overdue else "none"
        return Verdict("merchant-refunds", "plain", 100, "keep", fault)
    if facts.bad or facts.wrong:
        return Verdict("merchant-recalls", "plain", 100, "void", "merchant")
    return Verdict("merchant-may-not-recall", "refuse", 0, "keep")


def _waiting(facts: Facts) -> Verdict:
    if facts.stage == "queued":
        return Verdict("queued", "plain", 100, "release", "merchant" if facts.overdue else "none")
    if facts.overdue:
        return Verdict("accepted-overdue", "plain", 100, "release", "merchant")
    return Verdict("accepted", "turn", 100, "release", clock=120, silence="refund")


def _sealed(facts: Facts) -> Verdict:
    if facts.bad or facts.wrong:
        return Verdict("sealed-bad", "plain", 100, "void", "merchant", replacement_first=True)
    if facts.ago <= WINDOW:
        if facts.reason == ILLICIT:
            return Verdict("sealed-illicit", "plain", 100, "hold", "undecided")
        return Verdict("sealed", "plain", 100, unopened(facts))
    if facts.reason == ILLICIT:
        return Verdict("sealed-illicit-late", "always", 100, "hold")
    return Verdict("sealed-late", "turn", 100, unopened(facts))


def _opened(facts: Facts) -> Verdict:
    return _by_record(facts) or _by_reason(facts) or _by_answer(facts) or _at_last(facts)


def _by_record(facts: Facts) -> Verdict | None:
    """The issuer's word decides by itself."""
    in_time, short = facts.ago <= WINDOW, facts.percent is not None and facts.percent < 100
    consumed = facts.use == "used_after_reveal" or facts.stage == "used"
    if facts.bad and in_time:
        return Verdict("goods-bad", "plain", 100, "void", "merchant", replacement_first=True)
    if facts.wrong and not consumed and in_time:
        return Verdict("mismatch", "plain", 100, "void", "merchant", replacement_first=True)
    if short and facts.percent is not None and facts.stage == "used" and not facts.wrong and in_time:
        return Verdict("short", "plain", 100 - facts.percent, "keep", "merchant")
    if facts.stage == "revealed" and facts.use == "unused" and facts.voidable and in_time:
        return Verdict("key-unused-voidable", "plain", 100, "void")
    return None


def _by_reason(facts: Facts) -> Verdict | None:
    if facts.reason in PROTECTED:
        return Verdict("protected", "always", None, "hold")
    if facts.reason == ILLICIT:
        return Verdict("illicit", "always", 100, "hold")
    if facts.use == "used_after_reveal" and facts.reason in ("KEY_INVALID", "KEY_ALREADY_USED") and facts.used_by != "buyer":
        return Verdict("key-taken", "platform", None, "hold")
    return None


def _by_answer(facts: Facts) -> Verdict | None:
    """The merchant is asked."""
    if facts.stage == "revealed" and facts.use == "unused":
        return Verdict("key-unused", "turn", 100, "void")
    if facts.stage == "revealed" and facts.use == "unknown" and facts.reason not in QUALITY:
        return Verdict("key-unknown", "turn", None, "void")
    if facts.wrong:
        return Verdict("mismatch-used", "turn", None, "void", "merchant")
    if facts.reason in QUALITY and (facts.use != "used_after_reveal" or facts.reason == "KEY_SHORT_COUNT"):
        return Verdict("quality", "turn", None, "void")
    if facts.reason in DELAY and facts.overdue:
        return Verdict("late", "turn", None, "keep", "merchant")
    return None


def _at_last(facts: Facts) -> Verdict:
    if facts.bad or (facts.percent is not None and facts.percent < 100) or facts.used_by == "other":
        return Verdict("on-record", "platform", None, "hold")
    if facts.notice != "confirmed":
        return Verdict("not-disclosed", "platform", None, "hold")
    return Verdict("disclosed", "refusal", 0, "keep")


def not_voidable(facts: Facts) -> Facts:
    """The same facts after an issuer gave no receipt."""
    return replace(facts, voidable=False)
