"""What a decision is made from. Facts are gathered once, from records, judged once, and stored as judged.

Facts that break a rule of this module cannot exist: an unknown key or value, a stage or reason that does not fit the goods, a missing
fact. Every refusal names the key, what was given, and what is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from anka.domain.delivery_states import STAGES_OF, Stage
from anka.domain.goods import Goods
from anka.domain.policy.reasons import REASONS, reasons_for

VALUES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "goods": tuple(str(goods) for goods in Goods),
        "stage": ("reserved", "queued", "accepted", "working", "sealed", "revealed", "delivered", "used"),
        "reason": tuple(REASONS),
        "asker": ("buyer", "merchant", "platform"),
        "merchant_answer": ("none", "agreed", "refused", "silent"),
        "use_check": ("unknown", "unused", "used_before_reveal", "used_after_reveal", "invalid"),
        "used_by": ("unknown", "buyer", "other"),
        "matches_order": ("unknown", "yes", "no"),
        "notice": ("none", "shown", "confirmed"),
        "login_seen": ("unknown", "no", "yes"),
        "upstream": ("none", "cancellable", "cancelled", "failed", "locked", "done", "unknown"),
        "dispute": ("none", "complaint", "chargeback"),
    }
)
"""Every fact that is one of a few words."""
EVIDENCE: tuple[str, ...] = (
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
)
LEAST_TERM = 10_080
"""Seven days in minutes: a merchant may lengthen the refund window and the warranty, never shorten them."""
_WHOLE_NUMBERS: MappingProxyType[str, tuple[int, int | None]] = MappingProxyType(
    {
        "delivered_minutes_ago": (0, None),
        "delivered_percent": (0, 100),
        "progress_percent": (0, 100),
        "upstream_minutes": (0, None),
        "refund_window_minutes": (LEAST_TERM, None),
        "warranty_minutes": (LEAST_TERM, None),
    }
)
_MAY_BE_NULL = frozenset({"delivered_minutes_ago", "delivered_percent"})
_TRUTHS = ("promise_overdue", "voidable")
_REQUIRED = ("goods", "stage", "reason")
_AFTER_DELIVERY = frozenset({"sealed", "revealed", "delivered", "used"})
_WITH_SUPPLIER = frozenset({"card_key", "top_up", "account"})
_WITH_PROGRESS = frozenset({"boosting", "rental"})
_KNOWN_EVIDENCE = frozenset(EVIDENCE)
_KNOWN = MappingProxyType({key: frozenset(values) for key, values in VALUES.items()})
_FITTING_STAGES = MappingProxyType({str(goods): frozenset(map(str, stages)) for goods, stages in STAGES_OF.items()})
_FITTING_REASONS = MappingProxyType({str(goods): frozenset(reason.code for reason in reasons_for(goods=goods)) for goods in Goods})


class FactsError(Exception):
    """The facts cannot be judged. Names the key, the value given, and what is allowed."""

    code, status = "bad_facts", 422

    def __init__(self, *, key: str, value: object, allowed: str) -> None:
        given = repr(value)
        super().__init__(f"fact {key!r} is {given if len(given) <= 80 else given[:80] + '…'}; allowed: {allowed}")
        self.key, self.value, self.allowed = key, value, allowed

    def to_json(self) -> dict[str, str]:
        """Return the error as data, for an answer on the line of the facts it is about."""
        return {"code": self.code, "key": self.key, "value": repr(self.value)[:80], "allowed": self.allowed, "detail": str(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a decision may depend on. Minutes and per cent are whole numbers; see the policy's reference for the meaning of each.

    Raises:
        FactsError: when made from anything that is not exactly a set of facts.
    """

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
    evidence: tuple[str, ...] = ()
    refund_window_minutes: int = LEAST_TERM
    warranty_minutes: int = LEAST_TERM

    def __post_init__(self) -> None:
        _check_words(self)
        _check_numbers(self)
        _check_fit(self)
        object.__setattr__(self, "evidence", _checked_evidence(self.evidence))

    @classmethod
    def from_json(cls, value: Mapping[str, object], /) -> "Facts":
        """Read facts from a JSON object; what is absent has its default.

        Raises:
            FactsError: a key or value is not one of the policy's, does not fit the goods, or is missing.
        """
        if not isinstance(value, Mapping):
            raise FactsError(key="facts", value=value, allowed="a JSON object")
        for key in value:
            if key not in _FIELDS:
                raise FactsError(key=str(key), value=value[key], allowed=f"only the keys {', '.join(_FIELDS)}")
        for key in _REQUIRED:
            if key not in value:
                raise FactsError(key=key, value=None, allowed=f"required: one of {', '.join(VALUES[key])}")
        return cls(**value)  # type: ignore[arg-type]  # every value is checked in __post_init__

    def to_json(self) -> dict[str, object]:
        """Return every fact, defaults included, so that it can be stored, hashed and judged again."""
        result: dict[str, object] = {key: getattr(self, key) for key in _FIELDS}
        result["evidence"] = list(self.evidence)
        return result

    @property
    def judged_stage(self) -> str:
        """The stage the rules judge: what a supplier reports as done counts as delivered (top-up) or sealed (key, account)."""
        if self.upstream == "done":
            return "delivered" if self.goods == "top_up" else "sealed"
        return self.stage

    @property
    def ago(self) -> int | None:
        """Minutes since sealed, handed over, or the rental's start; none have passed if only the supplier is done."""
        return 0 if self.upstream == "done" else self.delivered_minutes_ago


_FIELDS = tuple(field.name for field in fields(Facts))


def _check_words(facts: Facts) -> None:
    for key, known in _KNOWN.items():
        value = getattr(facts, key)
        if not isinstance(value, str) or value not in known:
            raise FactsError(key=key, value=value, allowed=f"one of {', '.join(VALUES[key])}")
        if type(value) is not str:
            object.__setattr__(facts, key, str(value))
    for key in _TRUTHS:
        value = getattr(facts, key)
        if value is not True and value is not False:
            raise FactsError(key=key, value=value, allowed="true or false")


def _check_numbers(facts: Facts) -> None:
    for key, (least, most) in _WHOLE_NUMBERS.items():
        value = getattr(facts, key)
        if value is None and key in _MAY_BE_NULL:
            continue
        if type(value) is not int or value < least or (most is not None and value > most):
            bounds = f"a whole number, {least} or more" if most is None else f"a whole number from {least} to {most}"
            raise FactsError(key=key, value=value, allowed=bounds + (", or null" if key in _MAY_BE_NULL else ""))


def _check_fit(facts: Facts) -> None:
    goods, stage = facts.goods, facts.stage
    if stage not in _FITTING_STAGES[goods]:
        stages = ", ".join(stage for stage in VALUES["stage"] if stage in _FITTING_STAGES[goods])
        raise FactsError(key="stage", value=stage, allowed=f"for {goods} one of {stages}")
    if facts.reason not in _FITTING_REASONS[goods]:
        reasons = ", ".join(code for code in REASONS if code in _FITTING_REASONS[goods])
        raise FactsError(key="reason", value=facts.reason, allowed=f"for {goods} one of {reasons}")
    working = stage == Stage.WORKING
    if facts.delivered_minutes_ago is None and (stage in _AFTER_DELIVERY or (working and goods == Goods.RENTAL)):
        raise FactsError(
            key="delivered_minutes_ago", value=None, allowed=f"a whole number, 0 or more; required for a {goods} that is {stage}"
        )
    if facts.upstream != "none" and not (working and goods in _WITH_SUPPLIER):
        raise FactsError(key="upstream", value=facts.upstream, allowed="none, except for a card_key, top_up or account that is working")
    if facts.progress_percent and not (working and goods in _WITH_PROGRESS):
        raise FactsError(key="progress_percent", value=facts.progress_percent, allowed="0, except for a boosting or rental that is working")


def _checked_evidence(evidence: object) -> tuple[str, ...]:
    if not isinstance(evidence, list | tuple):
        raise FactsError(key="evidence", value=evidence, allowed=f"a list of {', '.join(EVIDENCE)}")
    for kind in evidence:
        if not isinstance(kind, str) or kind not in _KNOWN_EVIDENCE:
            raise FactsError(key="evidence", value=kind, allowed=f"a list of {', '.join(EVIDENCE)}")
    return tuple(sorted({str(kind) for kind in evidence}))
