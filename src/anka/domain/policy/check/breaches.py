"""The properties, each looked for in every box: whatever is yielded here breaks one of them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from anka.domain.delivery_states import IllegalMove, Stage, move_for
from anka.domain.goods import Goods
from anka.domain.policy.check.regions import Judged, Verdict, Worth, is_less, is_lower
from anka.domain.policy.check.space import Scene

_AUTOMATIC = frozenset({"instant", "close", "upstream"})
_CREDENTIALS_SAFE = frozenset({"rotate", "hold"})
_SEEN = {Goods.ACCOUNT: frozenset({"revealed", "delivered", "used"}), Goods.RENTAL: frozenset({"working", "delivered"})}


class Breach(NamedTuple):
    """A box of facts that break a property, and the box of those they are compared with. `kind` is one of report.SENTENCES."""

    kind: str
    rule: str
    scene: Scene
    box: int
    other: tuple[Scene, int] | None = None


def alone(*, judged: Judged) -> Iterator[Breach]:
    """Yield what is wrong with decisions looked at one by one: properties 1, 3, 4 (clocks), 5, 7, 10 and 11."""
    for box in judged.gaps:
        yield Breach("gap", "", judged.scene, box)
    for verdict in judged.verdicts:
        for kind, boxes in (*_money(judged, verdict), *_manners(judged, verdict), *_goods(judged, verdict)):
            for box in boxes:
                if box and not judged.space.is_empty(box):
                    yield Breach(kind, verdict.rule.id, judged.scene, box)


def _pays(verdict: Verdict) -> bool:
    return verdict.refund != "none" or verdict.worth.compensation_minor > 0


def _money(judged: Judged, verdict: Verdict) -> Iterator[tuple[str, Iterable[int]]]:
    if not _pays(verdict):
        return
    space, box = judged.space, verdict.box
    if judged.scene.stage == "reserved":
        yield "reserved", [box]
    yield "chargeback", [space.where(box, "dispute", "chargeback")]
    by_itself = verdict.route in _AUTOMATIC or (verdict.route == "merchant" and verdict.rule.silence == "refund")
    if by_itself and judged.scene.stage == "working":
        blind = space.where(space.where(box, "upstream", "unknown"), "asker", "buyer", "platform")
        yield "unknown", [space.where(blind, "merchant_answer", "none", "refused", "silent")]
    if verdict.refund == "missing_share":
        yield "share", [space.kept(box, "delivered_percent", space.unknown("delivered_percent"))]


def _manners(judged: Judged, verdict: Verdict) -> Iterator[tuple[str, Iterable[int]]]:
    space, box = judged.space, verdict.box
    if verdict.route == "merchant":
        yield "clock", [part for part, clock in judged.looking.chosen(verdict.rule.clock, box) if clock < 1]
        if judged.cap_minutes < 1:
            yield "clock", [space.where(box, "dispute", "complaint")]
    if verdict.route == "refuse":
        yield "consent", [space.where(space.where(box, "asker", "buyer", "platform"), "notice", "none", "shown")]


def _goods(judged: Judged, verdict: Verdict) -> Iterator[tuple[str, Iterable[int]]]:
    seen = _seen(judged, verdict) if verdict.refund == "full" and verdict.route in _AUTOMATIC else 0
    carried_out = _pays(verdict) and (verdict.route in _AUTOMATIC or verdict.route == "merchant")
    for box, after in judged.goods_after(verdict):
        if carried_out and not _can_be_done(judged, after):
            yield "goods", [box]
        if after == "restock":
            yield "restock", _faulty(judged, box)
        if seen and after not in _CREDENTIALS_SAFE:
            yield "credentials", [box & seen]


def _can_be_done(judged: Judged, after: str) -> bool:
    """Tell whether there is a move that brings goods of this kind from this stage to where a decision wants them."""
    try:
        move_for(goods=Goods(judged.scene.goods), stage=Stage(judged.scene.judged), goods_after=after)
    except IllegalMove:
        return False
    return True


def _faulty(judged: Judged, box: int) -> Iterator[int]:
    looking, space = judged.looking, judged.space
    for name, bits in (("use_check", looking.bad), ("matches_order", looking.wrong), ("reason", looking.reasons("quality"))):
        yield space.kept(box, name, bits)


def _seen(judged: Judged, verdict: Verdict) -> int:
    """Return the part of a verdict's box where somebody has seen credentials: opened, in use, or sealed but logged into."""
    goods, stage = Goods(judged.scene.goods), judged.scene.judged
    if goods not in _SEEN:
        return 0
    if stage == "sealed":
        return judged.space.kept(verdict.box, "login_seen", judged.looking.logged_in)
    return verdict.box if stage in _SEEN[goods] else 0


Compared = list[tuple[Worth, str, str, list[int]]]
"""What verdicts are worth, by which rule and route, with their boxes."""


def _compared(judged: Judged, **only: tuple[str, ...]) -> Compared:
    """Return the boxes of verdicts with these values of facts, gathered by worth, rule and route; what was asked for is left open."""
    space = judged.space
    found: dict[tuple[Worth, str, str], list[int]] = {}
    within = space.all
    for name, values in only.items():
        within = space.where(within, name, *values)
    for verdict in judged.verdicts:
        box = verdict.box & within
        if not space.is_empty(box):
            found.setdefault((verdict.worth, verdict.rule.id, verdict.route), []).append(box)
    return [(*key, boxes) for key, boxes in found.items()]


def by_answer(*, judged: Judged) -> Iterator[Breach]:
    """Yield what silence or agreement make worse: properties 4 and 6."""
    unanswered = _compared(judged, merchant_answer=("none",))
    offered = [entry for entry in unanswered if entry[2] == "merchant"]
    automatic = [entry for entry in unanswered if entry[2] in _AUTOMATIC and entry[0].refund == "full"]
    for worth, rule, route, boxes in _compared(judged, merchant_answer=("silent",)):
        for was, _, _, before in offered:
            if route == "refuse" or is_less(worth, was):
                kind = "silence_refuses" if route == "refuse" else "silence_less"
                yield from _shared(judged, "merchant_answer", Breach(kind, rule, judged.scene, 0), (boxes, before))
    for worth, rule, _, boxes in _compared(judged, merchant_answer=("agreed",)):
        for was, _, _, before in automatic:
            if is_less(worth, was):
                yield from _shared(judged, "merchant_answer", Breach("agreement", rule, judged.scene, 0), (boxes, before))


def by_reason(*, judged: Judged) -> Iterator[Breach]:
    """Yield where a better reason gets less: property 9."""
    reasons = judged.space.facts["reason"]
    fault = tuple(str(code) for code in reasons.values if reasons.only((code,)) & judged.looking.reasons("delay", "quality"))
    mind = tuple(str(code) for code in reasons.values if reasons.only((code,)) & judged.looking.reasons("change_of_mind"))
    at_ease = _compared(judged, reason=mind)
    for worth, rule, _, boxes in _compared(judged, reason=fault):
        for was, _, _, before in at_ease:
            if is_lower(worth, was):
                yield from _shared(judged, "reason", Breach("reason", rule, judged.scene, 0), (boxes, before))


def _shared(judged: Judged, name: str, breach: Breach, boxes: tuple[list[int], list[int]]) -> Iterator[Breach]:
    """Yield the breach for every pair of boxes that share all facts but one."""
    mask, space = judged.space.facts[name].mask, judged.space
    reach = mask
    for old in boxes[1]:
        reach |= old
    for new in (new for new in boxes[0] if not space.is_empty((new | mask) & reach)):
        for old in boxes[1]:
            shared = (new | mask) & (old | mask)
            if not space.is_empty(shared):
                yield breach._replace(box=shared & ~mask | new & mask, other=(judged.scene, shared & ~mask | old & mask))


def by_stage(*, earlier: Judged, later: Judged) -> Iterator[Breach]:
    """Yield where a buyer who changes their mind gets more at the later of two stages: property 8. Both are of the same space."""
    reasons = later.space.facts["reason"]
    mind = tuple(str(code) for code in reasons.values if reasons.only((code,)) & later.looking.reasons("change_of_mind"))
    only = {"asker": ("buyer",), "merchant_answer": ("none",), "reason": mind, "upstream": ("none",)}
    before = _compared(earlier, **only)
    for worth, rule, _, boxes in _compared(later, **only):
        for was, _, _, others in before:
            if is_lower(was, worth):
                for shared in (new & old for new in boxes for old in others):
                    if not later.space.is_empty(shared):
                        yield Breach("later", rule, later.scene, shared, (earlier.scene, shared))
