"""Whatever was found, a refusal tells it shortly and on one line."""

import pytest

from anka.domain.policy.naming import one_line, one_of, shown, some


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "missing"),
        (True, "true"),
        (False, "false"),
        ("word", "'word'"),
        ("x" * 60, "'" + "x" * 60 + "'"),
        ("x" * 61, "'" + "x" * 60 + "'…"),
        (0, "0"),
        (-5, "-5"),
        (10**18 - 1, "999999999999999999"),
        (10**18, "a number of 60 bits"),
        (1 - 10**18, "-999999999999999999"),
        (-(10**18), "a number of 60 bits"),
        ({}, "an empty table"),
        ({"a": 1}, "a table with a"),
        ([], "an empty list"),
        ([1, 2], "a list of 2"),
        (1.5, "1.5"),
    ],
)
def test_shown(value: object, told: str) -> None:
    assert shown(value) == told


def test_a_few_words_of_many() -> None:
    assert some("abcde") == "a, b, c, d, e"
    assert some("abcdef") == "a, b, c, d, e, …"
    assert some(["a\nb", 1]) == "a?b, 1"


@pytest.mark.parametrize("character", ["\x00", "\n", "\x1f", "\x7f", "\x9f", "\u2028", "\u2029"])
def test_one_line_has_nothing_that_ends_or_hides_it(character: str) -> None:
    assert one_line(f"a{character}b") == "a?b"
    assert one_line("a b~\xa0安") == "a b~\xa0安"


def test_one_line_ends() -> None:
    assert one_line("x" * 120) == "x" * 120
    assert one_line("x" * 121) == "x" * 120 + "…"


def test_the_nearest_word_is_named() -> None:
    assert one_of(["sealed", "revealed", "used"], "seald") == "sealed, revealed, used; nearest: sealed"
    assert one_of(["sealed", "used"], "banana") == "sealed, used"
    assert one_of(["sealed", "used"], 3) == "sealed, used"
    assert one_of(["x" * 60], "x" * 60 + "y" * 600) == "x" * 60 + "; nearest: " + "x" * 60
