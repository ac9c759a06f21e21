"""The decision table written out a second time, as plain conditions from top to bottom, sharing nothing with the code it checks.

Slow and long on purpose: it is read beside the written policy, and compared with `decide` over many thousands of random facts.
"""
# ruff: noqa: C901, PLR0911, PLR0912, PLR0917  one straight chain of conditions, so that it can be read beside the table

from dataclasses import dataclass, field
from random import Random
from typing import Any

Json = dict[str, Any]

MIND = ["DUPLICATE", "WRONG_ITEM_PICKED", "WRONG_ACCOUNT_ENTERED", "PRICE_CHANGED", "NO_LONGER_NEEDED", "PAYMENT_MISTAKE", "OTHER"]
DELAY = ["LATE_DELIVERY", "SELLER_UNREACHABLE", "SELLER_ASKED", "OUT_OF_STOCK", "SERVICE_NOT_STARTED", "SERVICE_STALLED"]
QUALITY = [
    "KEY_INVALID",
    "KEY_ALREADY_USED",
    "KEY_EXPIRED",
    "KEY_REGION_LOCK",
    "KEY_SHORT_COUNT",
    "WRONG_GOODS_SENT",
    "TOPUP_NOT_ARRIVED",
    "TOPUP_PARTIAL",
    "ACCOUNT_LOGIN_FAIL",
    "ACCOUNT_RECLAIMED",
    "ACCOUNT_BANNED",
    "ACCOUNT_MISMATCH",
    "SERVICE_BELOW_TARGET",
    "RENT_UNUSABLE",
]
PROTECTED = ["UNAUTHORISED_PAYMENT", "MINOR_PURCHASE"]
SPECIAL = ["FAKE_OR_ILLICIT", "NOT_DISCLOSED"]
ALL_REASONS = MIND + DELAY + QUALITY + PROTECTED + SPECIAL
STAGES = {
    "card_key": ["reserved", "queued", "accepted", "working", "sealed", "revealed", "used"],
    "top_up": ["reserved", "queued", "accepted", "working", "delivered"],
    "account": ["reserved", "queued", "accepted", "working", "sealed", "revealed", "delivered", "used"],
    "boosting": ["reserved", "queued", "accepted", "working", "delivered"],
    "rental": ["reserved", "queued", "accepted", "sealed", "working", "delivered"],
}


def reason_fits(goods: str, reason: str) -> bool:
    if reason.startswith("KEY_"):
        return goods == "card_key"
    if reason.startswith("TOPUP_"):
        return goods == "top_up"
    if reason.startswith("ACCOUNT_"):
        return goods in ("account", "rental")
    if reason.startswith("SERVICE_"):
        return goods == "boosting"
    if reason == "RENT_UNUSABLE":
        return goods == "rental"
    if reason == "WRONG_ACCOUNT_ENTERED":
        return goods in ("top_up", "boosting")
    return True


@dataclass
class Case:
    goods: str
    stage: str
    reason: str
    asker: str = "buyer"
    delivered_minutes_ago: int | None = None
    promise_overdue: bool = False
    merchant_answer: str = "none"
    use_check: str = "unknown"
    used_by: str = "unknown"
    voidable: bool = False
    matches_order: str = "unknown"
    delivered_percent: int | None = None
    notice: str = "none"
    progress_percent: int = 0
    login_seen: str = "unknown"
    upstream: str = "none"
    upstream_minutes: int = 0
    dispute: str = "none"
    evidence: list[str] = field(default_factory=list)
    refund_window_minutes: int = 10080
    warranty_minutes: int = 10080

    def __post_init__(self) -> None:
        self.real_stage = self.stage
        self.ago = -1 if self.delivered_minutes_ago is None else self.delivered_minutes_ago
        if self.stage == "working" and self.upstream == "done":
            self.stage = "delivered" if self.goods == "top_up" else "sealed"
            self.ago = 0
        self.overdue = self.promise_overdue
        self.bad = self.use_check in ("invalid", "used_before_reveal")
        self.wrong = self.matches_order == "no"
        self.short = self.goods in ("card_key", "top_up") and self.delivered_percent is not None and self.delivered_percent < 100
        self.quality = self.reason in QUALITY
        self.spoiled = {"account": "rotate", "rental": "rotate", "top_up": "keep", "boosting": "keep", "card_key": "void"}[self.goods]
        if self.bad or self.wrong or self.use_check == "used_after_reveal" or self.login_seen == "yes":
            self.unopened = self.spoiled
        elif self.quality or self.reason == "FAKE_OR_ILLICIT":
            self.unopened = "hold"
        else:
            self.unopened = "restock"
        if self.stage in ("queued", "accepted", "working"):
            self.returned = "rotate" if self.goods == "rental" and self.stage == "working" else "release"
        elif self.stage == "sealed":
            self.returned = self.unopened
        elif self.goods in ("account", "rental"):
            self.returned = "rotate"
        elif self.goods == "card_key" and self.voidable:
            self.returned = "void"
        else:
            self.returned = "keep"
        self.consumed = (
            self.goods in ("top_up", "boosting")
            or (self.goods == "card_key" and self.stage == "used")
            or self.use_check == "used_after_reveal"
            or (self.goods == "account" and self.login_seen == "yes" and self.ago > 1440)
        )
        self.extra_evidence: list[str] = []

    def percent(self, refund: str) -> int | None:
        shares = {
            "none": 0,
            "full": 100,
            "unused_share": 100 - self.progress_percent,
            "missing_share": None if self.delivered_percent is None else 100 - self.delivered_percent,
            "negotiable": None,
            "agreed": None,
        }
        return shares[refund]

    def needed(self) -> list[str]:
        if self.real_stage in ("queued", "accepted"):
            return []
        reason = self.reason
        needed = list(self.extra_evidence)
        if reason in ("KEY_INVALID", "KEY_ALREADY_USED", "KEY_EXPIRED", "KEY_REGION_LOCK", "ACCOUNT_LOGIN_FAIL", "RENT_UNUSABLE"):
            needed += ["ERROR_SCREENSHOT"]
        elif reason == "KEY_SHORT_COUNT":
            needed += ["BALANCE_SCREENSHOT"]
        elif reason in ("TOPUP_NOT_ARRIVED", "TOPUP_PARTIAL"):
            needed += ["BALANCE_SCREENSHOT", "ISSUER_STATEMENT"]
        elif reason in ("ACCOUNT_RECLAIMED", "ACCOUNT_BANNED"):
            needed += ["ERROR_SCREENSHOT", "ISSUER_STATEMENT"]
        elif reason in (
            "ACCOUNT_MISMATCH",
            "WRONG_GOODS_SENT",
            "SERVICE_BELOW_TARGET",
            "SERVICE_NOT_STARTED",
            "SERVICE_STALLED",
            "FAKE_OR_ILLICIT",
        ):
            needed += ["SCREENSHOT"]
        elif reason in PROTECTED:
            needed += ["ID_CHECK"]
        elif reason in MIND and self.stage == "revealed" and self.use_check in ("unknown", "unused"):
            needed += ["SCREEN_RECORDING"]
            if self.goods == "card_key" and self.use_check == "unknown":
                needed += ["KEY_PREFIX"]
        return sorted(set(needed) - set(self.evidence))

    def make(
        self,
        rule: str,
        route: str,
        refund: str,
        fault: str,
        goods: str,
        clock: int | None = None,
        silence: str | None = None,
        replacement: bool = False,
    ) -> Json:
        if clock is not None and self.dispute == "complaint":
            clock = min(clock, 1200)
        return {
            "rule": rule,
            "route": route,
            "refund": refund,
            "refund_percent": self.percent(refund),
            "fault": fault,
            "goods_after": goods,
            "answer_within_minutes": clock,
            "on_silence": silence,
            "replacement_first": replacement,
            "evidence_needed": self.needed() if route in ("merchant", "platform") else [],
        }

    def turn(self, rule: str, refund: str, fault: str, goods: str, clock: int, silence: str) -> Json:
        answer = self.merchant_answer
        if answer == "none":
            return self.make(rule, "merchant", refund, fault, goods, clock, silence)
        if answer == "agreed":
            return self.make(rule + ".agreed", "instant", "agreed", fault, goods)
        if answer == "refused":
            return self.make(rule + ".refused", "platform", refund, "undecided", "hold")
        if silence == "refund":
            return self.make(rule + ".silent", "instant", refund, fault, goods)
        return self.make(rule + ".silent", "platform", refund, "undecided", "hold")

    def platform(self, rule: str, refund: str) -> Json:
        if self.merchant_answer == "agreed":
            return self.make(rule + ".agreed", "instant", "agreed", "none", self.returned)
        return self.platform_always(rule, refund)

    def platform_always(self, rule: str, refund: str) -> Json:
        return self.make(rule, "platform", refund, "undecided", "hold")


def judge(given: Json) -> Json:
    """Return the decision the written policy gives for these facts, as JSON."""
    c = Case(**given)
    goods, stage, reason, ago, make = c.goods, c.stage, c.reason, c.ago, c.make
    window, warranty = c.refund_window_minutes, c.warranty_minutes
    key = goods == "card_key"
    if c.dispute == "chargeback":  # 1
        return make("chargeback", "external", "none", "undecided", "hold")
    if stage == "reserved":  # 2
        return make("unpaid", "close", "none", "none", "release")
    if c.asker == "merchant":
        if stage in ("queued", "accepted", "working"):  # 3
            if c.upstream in ("unknown", "locked", "cancellable"):
                after = "hold"
            elif stage == "working" and goods == "rental":
                after = "rotate"
            else:
                after = "release"
            return make("merchant-cancels", "instant", "full", "merchant", after)
        if stage == "sealed":  # 4, 4a
            if c.bad or c.wrong:
                return make("merchant-recalls", "instant", "full", "merchant", c.spoiled)
            return make("merchant-may-not-recall", "refuse", "none", "none", "keep")
        return make("merchant-refunds", "instant", "full", "merchant" if c.bad or c.wrong or c.overdue else "none", "keep")  # 5
    late = "merchant" if c.overdue else "none"
    if stage == "working":
        if c.upstream == "failed":  # 6
            return make("upstream-failed", "instant", "full", "merchant", "release")
        if c.upstream == "cancelled":  # 7
            return make("upstream-cancelled", "instant", "full", late, "release")
        waiting = c.upstream in ("cancellable", "unknown", "locked")
        if (waiting and c.upstream_minutes > 120) or (c.upstream == "locked" and c.overdue):  # 8
            return c.platform_always("upstream-stuck", "full")
        if c.upstream == "cancellable":  # 9
            return make("upstream-ask", "upstream", "full", "none", "hold")
        if waiting:  # 10
            return make("upstream-wait", "upstream", "none", "undecided", "hold")
    if stage == "queued":  # 11
        return make("queued", "instant", "full", late, "release")
    working = stage == "working"
    if (
        stage == "accepted"
        or (working and goods in ("card_key", "account"))
        or (working and goods == "boosting" and c.progress_percent == 0)
    ):
        if c.overdue:  # 12
            return make("accepted-overdue", "instant", "full", "merchant", "release")
        return c.turn("accepted", "full", "none", "release", 120, "refund")  # 13
    if stage == "sealed":
        if c.bad or c.wrong:  # 14
            return make("sealed-bad", "instant", "full", "merchant", c.spoiled, replacement=key)
        if reason == "FAKE_OR_ILLICIT" and ago <= window:  # 15
            return make("sealed-illicit", "instant", "full", "undecided", "hold")
        if ago <= window:  # 16
            return make("sealed", "instant", "full", "none", c.unopened)
        if reason == "FAKE_OR_ILLICIT":  # 17
            return c.platform_always("sealed-illicit-late", "full")
        return c.turn("sealed-late", "full", "none", c.unopened, 1440, "escalate")  # 18
    return judge_opened(c, key, working, window, warranty)


def judge_opened(c: Case, key: bool, working: bool, window: int, warranty: int) -> Json:
    goods, stage, reason, ago, make = c.goods, c.stage, c.reason, c.ago, c.make
    if not working and goods in ("card_key", "account") and c.bad and ago <= warranty:  # 19
        return make("goods-bad", "instant", "full", "merchant", c.spoiled, replacement=key)
    if not working and goods != "rental" and c.wrong and not c.consumed and ago <= warranty:  # 20
        return make("mismatch", "instant", "full", "merchant", c.spoiled, replacement=key)
    arrived = (key and stage == "used") or (goods == "top_up" and ago >= 60)
    if not working and c.short and not c.wrong and ago <= warranty and arrived:  # 21
        return make("short", "instant", "missing_share", "merchant", "keep")
    if goods == "rental" and c.wrong and (c.login_seen == "no" or ago <= 30):  # 22
        return make("rental-mismatch", "instant", "full", "merchant", "rotate")
    if goods == "rental" and working and c.login_seen == "no" and ago <= 30:  # 23
        return make("rental-untouched", "instant", "full", "none", "rotate")
    if key and stage == "revealed" and c.use_check == "unused" and c.voidable and ago <= window:  # 24
        return make("key-unused-voidable", "instant", "full", "none", "void")
    if reason in PROTECTED:  # 25
        return c.platform_always("protected", "negotiable")
    if reason == "FAKE_OR_ILLICIT":  # 26
        return c.platform_always("illicit", "full")
    if goods == "rental" and c.quality and c.login_seen == "no" and ago <= warranty:  # 27
        return c.turn("rental-never-usable", "full", "undecided", "rotate", 120, "refund")
    if goods == "rental" and working and (c.quality or c.wrong):  # 28
        return c.turn("rental-unusable", "unused_share", "merchant" if c.wrong else "none", "rotate", 120, "refund")
    if goods == "rental" and working:  # 29
        return c.turn("rental-working", "unused_share", "none", "rotate", 360, "refund")
    late = "merchant" if c.overdue else "none"
    if goods == "top_up" and working:  # 30
        return c.turn("top-up-working", "full", late, "release", 360, "refund")
    if goods == "boosting" and working:  # 31
        return c.turn("boosting-working", "unused_share", late, "release", 360, "refund")
    return judge_the_rest(c, key, warranty)


def judge_the_rest(c: Case, key: bool, warranty: int) -> Json:
    goods, stage, reason, ago, make = c.goods, c.stage, c.reason, c.ago, c.make
    used_after = c.use_check == "used_after_reveal"
    if key and used_after and reason in ("KEY_INVALID", "KEY_ALREADY_USED") and c.used_by != "buyer":  # 32
        c.extra_evidence = ["ISSUER_STATEMENT"]
        return c.platform("key-taken", "negotiable")
    if key and stage == "revealed" and c.use_check == "unused":  # 33
        return c.turn("key-unused", "full", "none", "void", 1440, "escalate")
    if key and stage == "revealed" and c.use_check == "unknown" and not c.quality:  # 34
        return c.turn("key-unknown", "negotiable", "none", "void", 1440, "escalate")
    account = goods == "account"
    if account and stage in ("revealed", "delivered") and c.login_seen == "no" and ago <= 4320:  # 35
        return c.turn("account-untouched", "full", "none", "rotate", 720, "refund")
    if account and reason in ("ACCOUNT_RECLAIMED", "ACCOUNT_BANNED") and ago <= warranty:  # 36
        return c.turn("account-warranty", "full", "undecided", "rotate", 720, "escalate")
    if c.wrong:  # 37
        return c.turn("mismatch-used", "negotiable", "merchant", c.spoiled, 1440, "escalate")
    if account and c.quality:  # 38
        return c.turn("account-quality", "negotiable", "none", "rotate", 720 if ago <= 4320 else 1440, "escalate")
    if account and stage == "revealed" and c.login_seen == "unknown":  # 39
        return c.turn("account-unknown", "negotiable", "none", "rotate", 1440, "escalate")
    if c.quality and (not (key and used_after) or reason == "KEY_SHORT_COUNT"):  # 40
        return c.turn("quality", "negotiable", "none", c.spoiled, 1440, "escalate")
    if reason in DELAY and c.overdue:  # 41
        return c.turn("late", "negotiable", "merchant", "keep", 1440, "escalate")
    if c.bad or c.short or c.used_by == "other":  # 42
        return c.platform("on-record", "negotiable")
    if c.notice != "confirmed":  # 43
        return c.platform("not-disclosed", "negotiable")
    if c.merchant_answer == "agreed":  # 44
        return make("disclosed.agreed", "instant", "agreed", "none", c.returned)
    if c.asker == "platform":
        return make("disclosed.platform", "platform", "negotiable", "undecided", "hold")
    return make("disclosed", "refuse", "none", "buyer", "keep")


EVIDENCE = [
    "SCREENSHOT",
    "ERROR_SCREENSHOT",
    "BALANCE_SCREENSHOT",
    "SCREEN_RECORDING",
    "KEY_PREFIX",
    "ISSUER_STATEMENT",
    "ISSUER_TICKET",
    "TRADE_VIDEO",
    "ID_CHECK",
    "POLICE_REPORT",
    "REFUND_PROOF_OUTSIDE",
    "OTHER",
]
CHOICES: dict[str, list[Any]] = {
    "asker": ["buyer", "buyer", "buyer", "merchant", "platform"],
    "promise_overdue": [False, True],
    "merchant_answer": ["none", "none", "agreed", "refused", "silent"],
    "use_check": ["unknown", "unused", "used_before_reveal", "used_after_reveal", "invalid"],
    "used_by": ["unknown", "buyer", "other"],
    "voidable": [False, True],
    "matches_order": ["unknown", "yes", "yes", "no"],
    "delivered_percent": [None, None, 0, 1, 40, 99, 100],
    "notice": ["none", "shown", "confirmed", "confirmed"],
    "login_seen": ["unknown", "no", "yes"],
    "upstream_minutes": [0, 119, 120, 121, 5000],
    "dispute": ["none", "none", "none", "complaint", "complaint", "chargeback"],
    "refund_window_minutes": [10080, 10081, 43200],
    "warranty_minutes": [10080, 10082, 43200],
}
UPSTREAM = ["none", "none", "cancellable", "cancelled", "failed", "locked", "done", "unknown"]
AGO = [0, 1, 29, 30, 31, 59, 60, 61, 1439, 1440, 1441, 4319, 4320, 4321, 10079, 10080, 10081, 10082, 10083, 43199, 43200, 43201, 90000]
PROGRESS = [0, 0, 1, 37, 50, 99, 100]


def random_facts(random: Random) -> Json:
    """Return valid facts in which every boundary of the policy comes up often."""
    goods = random.choice(list(STAGES))
    stage = random.choice(STAGES[goods])
    facts: Json = {"goods": goods, "stage": stage, "reason": random.choice([code for code in ALL_REASONS if reason_fits(goods, code)])}
    for key, values in CHOICES.items():
        if random.random() < 0.8:
            facts[key] = random.choice(values)
    timed = stage in ("sealed", "revealed", "delivered", "used") or (stage == "working" and goods == "rental")
    if timed:
        facts["delivered_minutes_ago"] = random.choice(AGO)
    if stage == "working" and goods in ("card_key", "top_up", "account"):
        facts["upstream"] = random.choice(UPSTREAM)
    if stage == "working" and goods in ("boosting", "rental"):
        facts["progress_percent"] = random.choice(PROGRESS)
    if random.random() < 0.5:
        facts["evidence"] = random.sample(EVIDENCE, random.randint(0, 5))
    return facts
