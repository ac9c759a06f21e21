"""Where a rule's lines begin and end in its file, to the byte, and what is between them after a change."""

import tomllib

import pytest

from anka.domain.policy.edit import (
    RuleNotFound,
    blocks_of,
    delete_rule,
    file_of,
    insert_rule,
    items_of,
    renumber_rule,
    replace_rule,
    rule_text,
)


@pytest.mark.parametrize(
    "items",
    [
        ["a = 1\n", "b = 2"],
        ["X = 1\n", "b = 2\n"],
        ["a = 1 # a ] comment\n", "b = 2\n"],
        ["a = [ # ]\n  1,\n]\n", "b = 2\n"],
        ["a = [ # '\n  { x = [1] }, # }\n] # [\n", "b = 2\n"],
        ['a = "]\\""\n', "b = 2\n"],
        ["a = ']\\'\n", "b = 2\n"],
        ['a = ["#", "["]\n', "b = 2\n"],
        ['a = """\n\\"""x" ""\n"""\n', "b = 2\n"],
        ['a = """x"""""\n', "b = 2\n"],
        ['a = """x""""\n', "b = 2\n"],
        ['a = """x""y\n"""\n', "b = 2\n"],
        ["a = '''x'''''\n", "b = 2\n"],
        ["a = '''\\'''\n", "b = 2\n"],
        ['a = ""\n', "b = 2\n"],
        ["a = ''\n", "b = 2\n"],
        ['a = "\\\\"\n', "b = 2\n"],
        ["a = { b = [1, 2], c = '}' }\n", "d = [[1], [2]]\n"],
        ["[[rule]] # one\n", "x = 1\n", "[words.agreed]\n", "y = 2\n"],
        ["a = 1\r\n", "b = [\r\n]\r\n", "c = 3"],
        ["a = 1 # the end"],
        ["'#' = 1\n", '"[" = 2\n', "c = 3\n"],
    ],
)
@pytest.mark.parametrize("between", ["", "\n", "  \n\t\n", "# a comment [[rule]]\n", '# \'\n\n# """\n'])
def test_items_are_headers_and_keys_with_their_values(items: list[str], between: str) -> None:
    text = between + between.join(items)
    assert [text[start:end] for start, end in items_of(text)] == items


@pytest.mark.parametrize("text", ["", "\n \n", "# only\n# this", "#"])
def test_what_is_no_item(text: str) -> None:
    assert list(items_of(text)) == []


def rule(name: str, position: int, more: str = "") -> str:
    return f'[[rule]]\nid = "{name}"\nposition = {position}\n{more}'


HEADERS = ["[[rule]]", "[[ rule ]]", '[["rule"]]', "[['rule']]", "[[\t'rule' ]] # x"]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("below", ["", "[rule.when]\nbad = true\n", "[[rule.fault]]\nis = 'none'\n", "[ 'rule' . when ]\nbad = true\n"])
@pytest.mark.parametrize("after", ["", "[words]\n", "[[evidence]]\nrule = 1\n", "[ruler]\nid = 'x'\n", "[words.rule]\nid = 'x'\n"])
def test_a_rule_is_its_header_its_keys_and_the_tables_below_it(header: str, below: str, after: str) -> None:
    own = f'{header}\nid = "one" # 1\n# inside\nposition = 5\n{below}'
    text = f"# before\n{own}# behind\n\n{after}"
    (found,) = blocks_of(text=text)
    assert (found.id, found.position) == ("one", 5)
    assert text[found.start : found.end] == own
    assert rule_text(texts={"a.toml": text}, rule="one") == own


def test_tables_of_another_name_are_no_part_of_a_rule() -> None:
    text = "[words.rule]\nid = 'x'\n" + rule("one", 1) + "\n[[evidence]]\nkinds = []\n" + rule("two", 2)
    assert [rule_text(texts={"a.toml": text}, rule=name) for name in ("one", "two")] == [rule("one", 1), rule("two", 2)]


def test_every_file_is_looked_into() -> None:
    texts = {"b.toml": rule("two", 2), "a.toml": rule("one", 1), "c.toml": ""}
    assert (file_of(texts=texts, rule="one"), file_of(texts=texts, rule="two")) == ("a.toml", "b.toml")
    assert rule_text(texts=texts, rule="two") == rule("two", 2)
    with pytest.raises(RuleNotFound, match=r"^a\.toml, b\.toml, c\.toml: no rule 'three' written as a table \[\[rule\]\]$"):
        file_of(texts=texts, rule="three")


ONE, TWO, NEW = rule("one", 10), rule("two", 20), rule("new", 15)


@pytest.mark.parametrize(
    ("text", "position", "found"),
    [
        ("", 5, NEW),
        ("# only\n", 5, f"# only\n\n{NEW}"),
        ("# only", 5, f"# only\n\n{NEW}"),
        (f"{ONE}\n{TWO}", 5, f"{ONE}\n{TWO}\n{NEW}"),
        (f"{ONE}\n{TWO}", 10, f"{ONE}\n{TWO}\n{NEW}"),
        (f"{ONE}\n{TWO}", 11, f"{ONE}\n{NEW}\n{TWO}"),
        (f"{ONE}\n{TWO}", 20, f"{ONE}\n{NEW}\n{TWO}"),
        (f"{ONE}\n{TWO}", 21, f"{ONE}\n{TWO}\n{NEW}"),
        (f"{TWO}\n{ONE}# end\n", 21, f"{TWO}\n{NEW}\n{ONE}# end\n"),
        (f"{TWO}\n{ONE}# end\n", 20, f"{TWO}\n{ONE}\n{NEW}# end\n"),
        (f"{ONE}\n{ONE}", 15, f"{ONE}\n{ONE}\n{NEW}"),
        (ONE.strip(), 15, f"{ONE}\n{NEW}"),
        (ONE.replace("10", "'x'"), 15, f"{ONE.replace('10', chr(39) + 'x' + chr(39))}\n{NEW}"),
    ],
)
@pytest.mark.parametrize("lines", [NEW, f"\n\n{NEW.strip()}  \n\n", NEW.replace("\n", "\r\n")])
def test_a_new_rule_stands_behind_the_last_one_read_before_it(text: str, position: int, found: str, lines: str) -> None:
    for newline in ("\n", "\r\n") if "\n" in text else ("\n",):
        before = {"a.toml": text.replace("\n", newline), "b.toml": "# b\n"}
        after = insert_rule(texts=before, file="a.toml", position=position, lines=lines)
        assert after == {"a.toml": found.replace("\n", newline), "b.toml": "# b\n"}


def test_a_new_rule_in_a_new_file() -> None:
    assert insert_rule(texts={}, file="a.toml", position=1, lines=NEW) == {"a.toml": NEW}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (ONE, ""),
        (f"{ONE}\n{TWO}", TWO),
        (f"{ONE}{TWO}", TWO),
        (f"{ONE} \t\n\n{TWO}", f"\n{TWO}"),
        (f"# a\n{ONE}# b\n{TWO}", f"# a\n# b\n{TWO}"),
        (f"{TWO}\n{ONE}", f"{TWO}\n"),
        (f"{TWO}\n{ONE}   ", f"{TWO}\n"),
    ],
)
def test_a_rule_goes_with_one_blank_line_after_it(text: str, left: str) -> None:
    for newline in ("\n", "\r\n"):
        assert delete_rule(texts={"a.toml": text.replace("\n", newline)}, rule="one") == {"a.toml": left.replace("\n", newline)}


def test_a_rule_is_replaced_by_whole_lines() -> None:
    text = f"# a\n{ONE}\n# b\n{TWO.strip()}"
    assert replace_rule(texts={"a.toml": text}, rule="one", lines=f"\n{NEW.strip()}\n\n") == {"a.toml": text.replace(ONE, NEW)}
    assert replace_rule(texts={"a.toml": text}, rule="two", lines=NEW) == {"a.toml": text.replace(TWO.strip(), NEW)}
    windows = {name: lines.replace("\n", "\r\n") for name, lines in (("text", text), ("new", NEW), ("one", ONE))}
    changed = replace_rule(texts={"a.toml": windows["text"]}, rule="one", lines=NEW)
    assert changed == {"a.toml": windows["text"].replace(windows["one"], windows["new"])}


@pytest.mark.parametrize(
    ("lines", "changed"),
    [
        (ONE, ONE.replace("10", "777")),
        (ONE.replace(" = 10", "=10#"), ONE.replace(" = 10", "=777#")),
        (
            "[[rule]]\nid = 'one'\nzh = 'position = 10'\nposition\t=  10 # 10\n",
            "[[rule]]\nid = 'one'\nzh = 'position = 10'\nposition\t=  777 # 10\n",
        ),
        ("[[rule]]\nid = 'one'\nfirst_position = 10\nposition = 10\n", "[[rule]]\nid = 'one'\nfirst_position = 10\nposition = 777\n"),
    ],
)
def test_only_the_digits_of_a_position_change(lines: str, changed: str) -> None:
    text = f"# a\n{lines}\n{TWO}"
    assert renumber_rule(texts={"a.toml": text}, rule="one", position=777) == {"a.toml": text.replace(lines, changed)}


@pytest.mark.parametrize("position", ["0xa", "1_0", "'10'"])
def test_a_position_that_is_no_plain_digits_stays(position: str) -> None:
    with pytest.raises(RuleNotFound, match=r"^a\.toml, rule 'one': its position is not written as digits$"):
        renumber_rule(texts={"a.toml": ONE.replace("10", position)}, rule="one", position=777)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = 1\n[[rule]]\n", ["[[rule]]\n"]),
        ("[[rule]]\n[rule.when]\n[[rule]]\n[rule.when]\n# end\n", ["[[rule]]\n[rule.when]\n"] * 2),
        ("[[rule]]\n[rule.when]\n[ruleX]\n[Xrule]\n", ["[[rule]]\n[rule.when]\n"]),
        # No table of a list: there is nothing to take out.
        ("[rule.when]\nbad = true\n", []),
    ],
)
def test_tables_without_keys_are_tables_too(text: str, found: list[str]) -> None:
    assert [text[block.start : block.end] for block in blocks_of(text=text)] == found


def test_what_is_no_toml_has_no_rules() -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        blocks_of(text="a = ")


def test_of_two_rules_of_one_name_the_first_file_counts() -> None:
    assert file_of(texts={"b.toml": ONE, "a.toml": ONE}, rule="one") == "a.toml"
