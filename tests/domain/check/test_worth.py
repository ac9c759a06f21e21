"""What a decision is worth, and which of two is worth less."""

from dataclasses import replace

import pytest

from anka.domain.policy.check.regions import Worth, is_less, is_lower, worth
from anka.domain.policy.table import parse_rules
from tests.domain.check.made import FULL_AT_ONCE, written

(RULE,) = parse_rules(texts={"one.toml": written(1, FULL_AT_ONCE)}).rules


def of(refund: str, fee: int | None = None, keep: int | None = None, more: int | None = None) -> Worth:
    return worth(replace(RULE, fee_percent=fee, keep_minor=keep, compensation_minor=more), refund)


@pytest.mark.parametrize(
    ("given", "category"),
    [
        (of("full"), 3),
        (of("full", more=9), 3),
        (of("full", fee=1), 2),
        (of("full", keep=1), 2),
        (of("full", fee=99, keep=5), 2),
        (of("full", fee=100), 0),
        (of("unused_share"), 2),
        (of("missing_share", fee=1), 2),
        (of("unused_share", fee=100), 0),
        (of("negotiable"), 1),
        (of("agreed"), 1),
        (of("none"), 0),
    ],
)
def test_a_full_refund_with_something_taken_off_is_a_share_and_with_all_taken_off_nothing(given: Worth, category: int) -> None:
    assert given.category == category


def test_what_is_taken_off_or_added_is_kept() -> None:
    assert of("unused_share", fee=3, keep=4, more=5) == Worth(2, "unused_share", 3, 4, 5)
    assert of("full") == Worth(3, "full", 0, 0, 0)


ORDER = [
    ("of a lower kind", of("unused_share"), of("full"), True, True),
    ("nothing", of("none"), of("negotiable"), True, True),
    ("the same", of("full"), of("full"), False, False),
    ("two shares", of("unused_share"), of("missing_share"), False, False),
    ("a share with more taken off than from another", of("unused_share", fee=9), of("missing_share"), False, False),
    ("a higher fee", of("full", fee=6), of("full", fee=5), True, True),
    ("more is kept", of("full", keep=6), of("full", keep=5), True, True),
    ("a higher fee, less is kept", of("full", fee=6, keep=1), of("full", fee=5, keep=2), True, True),
    ("settled or agreed", of("agreed"), of("negotiable"), False, False),
    ("less beside it", of("full", more=4), of("full", more=5), False, True),
    ("less beside it, of a lower kind", of("unused_share", more=4), of("full", more=5), True, True),
    ("less beside it, of a higher kind", of("full", more=4), of("unused_share", more=5), False, False),
    ("less beside it, with a lower fee", of("full", fee=4, more=4), of("full", fee=5, more=5), False, False),
    ("more beside it, of a lower kind", of("unused_share", more=5), of("full", more=4), True, True),
]


@pytest.mark.parametrize(("new", "old", "lower", "less"), [entry[1:] for entry in ORDER], ids=[entry[0] for entry in ORDER])
def test_which_is_lower(new: Worth, old: Worth, lower: bool, less: bool) -> None:
    assert (is_lower(new, old), is_less(new, old)) == (lower, less)
