"""Which facts are possible in a scene, what a bound says there, and how small the smallest facts of a box are."""

from __future__ import annotations

import pytest

from anka.domain.facts import VALUES
from anka.domain.goods import Goods
from anka.domain.policy.check.space import Scene, Space
from anka.domain.policy.vocabulary import Bound

BEGUN = Bound("progress", ">=", "10")
SUPPLIERS = {value for value in VALUES["upstream"] if value not in ("none", "done")}


def possible(space: Space, scene: Scene, name: str) -> set[object]:
    fact = space.facts[name]
    return {value for value in fact.values if space.of_scene(scene) & fact.only((value,))}


def scene(goods: Goods, stage: str) -> Scene:
    return Scene(goods=goods, stage=stage)


@pytest.mark.parametrize("stage", ["queued", "accepted", "delivered"])
def test_a_supplier_speaks_only_while_it_works(stage: str) -> None:
    space = Space(goods=Goods.TOP_UP, bounds=())
    assert possible(space, scene(Goods.TOP_UP, stage), "upstream") == {"none"}


def test_a_supplier_that_works_may_say_anything_but_that_it_is_done() -> None:
    space = Space(goods=Goods.TOP_UP, bounds=())
    assert possible(space, scene(Goods.TOP_UP, "working"), "upstream") == SUPPLIERS | {"none"}
    assert possible(space, Scene(goods=Goods.TOP_UP, stage="working", done=True), "upstream") == {"done"}
    assert possible(Space(goods=Goods.BOOSTING, bounds=()), scene(Goods.BOOSTING, "working"), "upstream") == {"none"}


@pytest.mark.parametrize(
    ("goods", "stage", "kinds"),
    [(Goods.BOOSTING, "working", 2), (Goods.BOOSTING, "queued", 1), (Goods.BOOSTING, "delivered", 1), (Goods.TOP_UP, "working", 1)],
)
def test_only_work_that_goes_on_has_progress(goods: Goods, stage: str, kinds: int) -> None:
    assert len(possible(Space(goods=goods, bounds=[BEGUN]), scene(goods, stage), "progress")) == kinds


@pytest.mark.parametrize(("operator", "limit", "holds"), [("=", "0", True), ("<", "1", True), (">", "0", False), (">=", "1", False)])
def test_what_a_supplier_has_just_done_was_delivered_no_minute_ago(operator: str, limit: str, holds: bool) -> None:
    bound = Bound("ago", operator, limit)
    space = Space(goods=Goods.TOP_UP, bounds=[bound])
    name, bits = space.within(bound, Scene(goods=Goods.TOP_UP, stage="working", done=True))
    assert bits == (space.facts[name].mask if holds else 0)


def test_small_is_what_is_usual_then_word_by_word_then_number_by_number() -> None:
    late = Bound("ago", ">", "5")
    space, place = Space(goods=Goods.ACCOUNT, bounds=[late]), scene(Goods.ACCOUNT, "revealed")
    box = space.of_scene(place)
    away, words, numbers = space.rank(box, place)
    assert away == 1  # minutes since delivery are known, which is not usual
    assert words == (VALUES["goods"].index("account"), VALUES["stage"].index("revealed"), *[0] * 12)
    assert numbers == (0, -1, 0, 0, 10_080, 10_080)
    assert space.rank(space.where(box, "asker", "merchant"), place) == (2, (*words[:3], 1, *words[4:]), numbers)
    assert space.rank(space.kept(box, *space.within(late, place)), place) == (1, words, (6, *numbers[1:]))


def test_no_reason_is_more_usual_than_another() -> None:
    space, place = Space(goods=Goods.ACCOUNT, bounds=()), scene(Goods.ACCOUNT, "revealed")
    box = space.of_scene(place)
    away, words, numbers = space.rank(space.where(box, "reason", "WRONG_ITEM_PICKED"), place)
    first = space.rank(box, place)
    assert (away, numbers) == (first[0], first[2])
    assert words[2] == 1


def test_boxes_that_share_nothing_stay_whole() -> None:
    space, place = Space(goods=Goods.ACCOUNT, bounds=()), scene(Goods.ACCOUNT, "revealed")
    box = space.of_scene(place)
    one, other = space.where(box, "asker", "buyer"), space.where(box, "asker", "merchant")
    assert space.without([one], other) == [one]
    assert space.without([box], one) == [space.where(box, "asker", *VALUES["asker"][1:])]
