"""Made-up situations: every kind of goods with the stages and reasons that fit it, records mostly unknown. Always the same ones."""

from collections.abc import Iterator, Mapping
from random import Random

from anka.domain.delivery_states import STAGES_OF
from anka.domain.facts import VALUES, Facts
from anka.domain.goods import Goods
from anka.domain.policy.reasons import reasons_for
from anka.domain.policy.table import RuleSet, default_texts, parse_rules

SEED = 20260323
# How much longer ago than the usual refund window a claim may come, in minutes.
LONGEST_AGO = 20_000
_SOLD = (Goods.CARD_KEY,) * 6 + (Goods.TOP_UP,) * 2 + (Goods.ACCOUNT, Goods.BOOSTING, Goods.RENTAL)
_DELIVERED = frozenset({"sealed", "revealed", "delivered", "used"})
_MOSTLY_DEFAULT = ("use_check", "used_by", "matches_order", "notice", "login_seen", "dispute")
_KEPT_IN_TEN = 7


def made_facts(*, count: int) -> Iterator[Facts]:
    """Yield so many situations, the same ones on every call."""
    chance = Random(SEED)  # noqa: S311  no secret: the same every time is what makes two measurements comparable
    reasons = {goods: tuple(reason.code for reason in reasons_for(goods=goods)) for goods in Goods}
    stages = {goods: tuple(str(stage) for stage in VALUES["stage"] if stage in set(map(str, STAGES_OF[goods]))) for goods in Goods}
    for _ in range(count):
        goods = chance.choice(_SOLD)
        yield Facts.from_json(_situation(chance, str(goods), chance.choice(stages[goods]), chance.choice(reasons[goods])))


def _situation(chance: Random, goods: str, stage: str, reason: str) -> Mapping[str, object]:
    found: dict[str, object] = {"goods": goods, "stage": stage, "reason": reason, "promise_overdue": chance.random() < 0.2}
    working = stage == "working"
    if stage in _DELIVERED or (working and goods == Goods.RENTAL):
        found["delivered_minutes_ago"] = chance.randrange(LONGEST_AGO)
    if working and goods in {Goods.BOOSTING, Goods.RENTAL}:
        found["progress_percent"] = chance.randrange(101)
    elif working:
        found |= {"upstream": chance.choice(VALUES["upstream"]), "upstream_minutes": chance.randrange(300)}
    for name in _MOSTLY_DEFAULT:
        if chance.randrange(10) >= _KEPT_IN_TEN:
            found[name] = chance.choice(VALUES[name])
    return found


def stricter_rules() -> RuleSet:
    """Return the default rules with one change: what was not opened goes back at once only on the first day, not in the whole window."""
    name, old = "common.toml", 'id = "sealed"\nwhen = { stage = ["sealed"], ago = "<= refund_window" }'
    new = old.replace("refund_window", "1440")
    texts = dict(default_texts())
    texts[name] = texts[name].replace(old, new)
    return parse_rules(texts=texts)
