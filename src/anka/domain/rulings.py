"""What a ruling means for the goods, and whether one person may give it. The amount is the arbiter's; these consequences are not."""

from anka.domain.case_turns import FOUR_EYES_ABOVE_MINOR
from anka.domain.facts import Facts
from anka.domain.policy.vocabulary import is_bad, is_wrong, spoiled


def goods_after_ruling(*, facts: Facts, remedy: str) -> str:
    """Return where the goods of a unit go for which a ruling gives money back: all of it (`full`) or a part (`partial`).

    Nothing that is bad or was seen is sold again; what nobody has opened is put aside for somebody to check; what is paid in part stays
    with the buyer.
    """
    if facts.judged_stage in ("queued", "accepted", "working"):
        return "rotate" if facts.goods == "rental" and facts.judged_stage == "working" else "release"
    if facts.judged_stage == "sealed":
        return spoiled(facts) if is_bad(facts) or is_wrong(facts) else "hold"
    return spoiled(facts) if remedy == "full" else "keep"


def needs_second_person(*, refund_minor: int) -> bool:
    """Tell whether a ruling that gives back so much needs somebody else's approval before it counts."""
    return refund_minor > FOUR_EYES_ABOVE_MINOR


def remedy_of(*, refund_minor: int, left_minor: int) -> str:
    """Return the remedy an amount is: nothing, partial or full."""
    if refund_minor == 0:
        return "nothing"
    return "full" if refund_minor >= left_minor else "partial"
