"""How many rule files, how large, what they may be called: exactly as much as is allowed, and not one more."""

import pytest

from anka.domain.policy import alternatives, backtest, grammar, sense, table
from anka.domain.policy.files import LONGEST_LINE, MOST_CHARACTERS, MOST_FILES, read_toml, require_texts, texts_of
from anka.domain.policy.grammar import RuleTableError


def test_limits_are_those_that_people_were_told() -> None:
    assert (MOST_FILES, MOST_CHARACTERS, LONGEST_LINE) == (20, 1_000_000, 2_000)
    assert (table.MOST_RULES, grammar.LONGEST_CLOCK, sense.LONGEST_TEXT, sense.MOST_ALTERNATIVES) == (1_000, 43_200, 600, 50)
    assert (alternatives.MOST_ALTERNATIVES, alternatives.MOST_OF_EACH, backtest.MOST_EXAMPLES) == (16, 8, 200)


def test_files_are_read_as_utf8() -> None:
    assert texts_of(contents={"a.toml": "安卡 = 1".encode(), "b.toml": b""}) == {"a.toml": "安卡 = 1", "b.toml": ""}
    with pytest.raises(RuleTableError, match=r"^a\.toml: byte 3 is not UTF-8; allowed: TOML in UTF-8$"):
        texts_of(contents={"a.toml": b"ab\xff"})


def test_a_file_may_be_as_large_as_all_characters_of_four_bytes() -> None:
    largest = b"x" * (4 * MOST_CHARACTERS)
    assert len(texts_of(contents={"a.toml": largest})["a.toml"]) == len(largest)
    with pytest.raises(RuleTableError, match="the file has 4000001 bytes; allowed: 1000000 characters in all files"):
        texts_of(contents={"a.toml": largest + b"x"})


def test_so_many_files_and_no_more() -> None:
    texts = {f"{number}.toml": "" for number in range(MOST_FILES)}
    require_texts(texts=texts)
    for wrong in ({}, {**texts, "one-more.toml": ""}):
        with pytest.raises(RuleTableError, match=f"{len(wrong)} files; allowed: from 1 to 20"):
            require_texts(texts=wrong)


def test_so_many_characters_in_all_and_no_more() -> None:
    texts = {"a.toml": "x" * (MOST_CHARACTERS - 1), "b.toml": "安"}
    require_texts(texts=texts)
    with pytest.raises(RuleTableError, match=r"a\.toml, b\.toml: 1000001 characters; allowed: 1000000 in all files"):
        require_texts(texts=texts | {"b.toml": "安卡"})


@pytest.mark.parametrize("name", ["a.toml", "My rules-1_b.2.toml", "9.toml", f"{'x' * 91}.toml"])
def test_names_that_are_fine(name: str) -> None:
    require_texts(texts={name: ""})


@pytest.mark.parametrize("name", ["", ".toml", "-a.toml", "a.tomlx", "a.toml\n", "a.txt", "../a.toml", "规则.toml", f"{'x' * 92}.toml"])
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(RuleTableError, match="file name"):
        require_texts(texts={name: ""})


def test_a_line_may_be_so_long_and_no_longer() -> None:
    line = f"#{'x' * (LONGEST_LINE - 1)}"
    assert read_toml(name="a.toml", text=f"{line}\na = 1\n{line}") == {"a": 1}
    with pytest.raises(RuleTableError, match=r"^a\.toml: line 2 has 2001 characters; allowed: 2000$"):
        read_toml(name="a.toml", text=f"a = 1\n{line}x")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\ufeffa = 1", "begins with a byte order mark"),
        ("a = ", "not TOML: "),
        (f"a = 1{'0' * 1900}\n" * 3, "not TOML: "),
        (f"a = {'9' * 1990}", None),
        (f"a = {'[' * 900}{']' * 900}", "nests too deep"),
    ],
)
def test_what_is_no_toml(text: str, told: str | None) -> None:
    if told is None:
        assert read_toml(name="a.toml", text=text) == {"a": int("9" * 1990)}
        return
    with pytest.raises(RuleTableError, match=told):
        read_toml(name="a.toml", text=text)
