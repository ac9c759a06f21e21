"""Numbers become a handful of kinds: which are looked at together, the least of each kind, and what counts as small."""

import pytest

from anka.domain.policy.check.numbers import Number, groups, kinds, order, within
from anka.domain.policy.vocabulary import Bound

AGO, SOON, LATER = Bound("ago", "<=", "refund_window"), Bound("upstream_minutes", ">", "5"), Bound("upstream_minutes", "<", "warranty")
SHARE, BEGUN = Bound("delivered_percent", ">=", "20"), Bound("progress", "=", "0")
THREE = ("ago", "refund_window", "warranty")
FOUR = ("ago", "upstream_minutes", "refund_window", "warranty")


def least(names: tuple[str, ...], *bounds: Bound) -> list[tuple[tuple[Number, ...], set[Bound]]]:
    return [(kind.least, set(kind.holds)) for kind in kinds(names=names, bounds=bounds)]


def test_numbers_that_are_never_compared_are_looked_at_apart() -> None:
    assert groups(bounds=[AGO, SOON, BEGUN, SHARE, AGO]) == {
        "ago": (THREE, (AGO,)),
        "delivered_percent": (("delivered_percent",), (SHARE,)),
        "progress": (("progress",), (BEGUN,)),
        "upstream_minutes": (("upstream_minutes",), (SOON,)),
    }


def test_two_numbers_compared_with_the_same_term_are_looked_at_together() -> None:
    assert groups(bounds=[AGO, SOON, LATER, SHARE]) == {
        "ago": (FOUR, (AGO, SOON, LATER)),
        "delivered_percent": (("delivered_percent",), (SHARE,)),
        "progress": (("progress",), ()),
    }
    assert groups(bounds=[LATER])["ago"] == (FOUR, (LATER,))


def test_a_term_alone_tells_three_kinds_of_age_apart() -> None:
    known = [((None, 10_080, 10_080), set()), ((0, 10_080, 10_080), {AGO}), ((10_081, 10_080, 10_080), set())]
    assert least(THREE, AGO) == known


def test_a_term_is_longer_where_another_bound_asks_for_it() -> None:
    old = Bound("ago", ">", "20000")
    assert ((20_001, 20_001, 10_080), {AGO, old}) in least(THREE, AGO, old)


def test_a_share_has_a_hundred_per_cent_and_no_more() -> None:
    whole, more = Bound("delivered_percent", ">=", "100"), Bound("delivered_percent", ">", "100")
    assert least(("delivered_percent",), whole, more) == [((None,), set()), ((0,), set()), ((100,), {whole})]
    done, over = Bound("progress", ">=", "100"), Bound("progress", ">", "100")
    assert least(("progress",), done, over) == [((0,), set()), ((100,), {done})]


def test_minutes_begin_anew_at_each_bound() -> None:
    early, exact = Bound("upstream_minutes", "<", "120"), Bound("upstream_minutes", "=", "121")
    assert least(("upstream_minutes",), early, exact) == [((0,), {early}), ((120,), set()), ((121,), {exact})]


def test_small_is_what_nobody_said_then_what_is_less() -> None:
    assert order(("ago", "progress", "upstream_minutes"), (None, 0, 0)) == (0, (-1, 0, 0))
    assert order(("ago", "delivered_percent"), (0, None)) == (1, (0, -1))
    assert order(THREE, (3, 10_081, 10_080)) == (2, (3, 10_081, 10_080))
    with pytest.raises(ValueError, match="shorter"):
        order(THREE, (3, 10_081))


def test_what_is_not_known_is_within_no_bound() -> None:
    assert not within(bound=AGO, numbers={"ago": None, "refund_window": 10_080})
    assert not within(bound=AGO, numbers={"ago": 1, "refund_window": None})
    assert within(bound=AGO, numbers={"ago": 1, "refund_window": 1})
