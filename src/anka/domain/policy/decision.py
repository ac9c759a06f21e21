"""What a decision says, and which of two decisions is worse for the buyer."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

CONTRACT = (
    "rule",
    "route",
    "refund",
    "refund_percent",
    "fault",
    "goods_after",
    "answer_within_minutes",
    "on_silence",
    "replacement_first",
    "evidence_needed",
)
"""The fields that have to be equal for two decisions to be equal, in the order they are written."""
OPTIONAL = ("compensation_minor", "keep_minor", "fee_percent")
"""Fields a rule may add; the default table has none of them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One verdict. `refund_percent` is of the amount paid, None where parties settle it; `because_*` say why, in words."""

    rule: str
    route: str
    refund: str
    refund_percent: int | None
    fault: str
    goods_after: str
    answer_within_minutes: int | None
    on_silence: str | None
    replacement_first: bool
    evidence_needed: tuple[str, ...]
    because_zh: str = ""
    because_en: str = ""
    compensation_minor: int | None = None
    keep_minor: int | None = None
    fee_percent: int | None = None

    def to_json(self) -> dict[str, object]:
        """Return the fields of the contract, and the optional ones that are set."""
        result: dict[str, object] = {key: getattr(self, key) for key in CONTRACT}
        result["evidence_needed"] = list(self.evidence_needed)
        result.update((key, getattr(self, key)) for key in OPTIONAL if getattr(self, key) is not None)
        return result

    def to_receipt(self) -> dict[str, object]:
        """Return everything, words included, as it is stored with the facts."""
        return {**self.to_json(), "because": {"zh": self.because_zh, "en": self.because_en}}

    @classmethod
    def from_receipt(cls, value: Mapping[str, object], /) -> "Decision":
        """Read back what `to_receipt` wrote.

        Raises:
            KeyError, TypeError: it is not such a receipt.
        """
        because = value["because"]
        if not isinstance(because, Mapping):
            raise TypeError("a receipt says why in zh and en")
        named = {field.name: value[field.name] for field in fields(cls) if field.name in value}
        evidence = named.pop("evidence_needed")
        if not isinstance(evidence, list | tuple):
            raise TypeError("a receipt lists the evidence needed")
        return cls(**named, evidence_needed=tuple(evidence), because_zh=because["zh"], because_en=because["en"])  # type: ignore[arg-type]


_BY_REFUND = MappingProxyType({"full": 3, "unused_share": 2, "missing_share": 2, "negotiable": 1, "agreed": 1, "none": 0})
_BY_ROUTE = MappingProxyType({"instant": 6, "close": 6, "upstream": 5, "merchant": 4, "platform": 3, "external": 2, "refuse": 1})
_NOT_FIXED = -1


def rank(decision: Decision) -> tuple[int, int, int]:
    """Return how good a decision is for the buyer, higher is better: the kind of refund, then its share, then how directly it comes."""
    percent = _NOT_FIXED if decision.refund_percent is None else decision.refund_percent
    return _BY_REFUND[decision.refund], percent, _BY_ROUTE[decision.route]


def is_worse(*, new: Decision, old: Decision) -> bool:
    """Tell whether the new decision is worse for the buyer than the one shown before, so that it has to be shown again."""
    return rank(new) < rank(old)
