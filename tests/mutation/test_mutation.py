"""The tests of the tests: changes are made where they should be, and whoever lets one pass is named."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.mutation.mutate import mutants_of
from tests.mutation.run import Bench, Result, as_toml, explained, judge, modules, names_in
from tests.mutation.sessions import KILLED, ROOT, SURVIVED, path_of


def changes(source: str, *, only_text: bool = False) -> list[str]:
    return [mutant.change for mutant in mutants_of(module="m", source=source, only_text=only_text)[1]]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a < b -> a <= b", "a < b -> a >= b"]),
        ("a == b", ["a == b -> a != b"]),
        ("a in b", ["a in b -> a not in b"]),
        ("x = 3", ["3 -> 4", "3 -> 2"]),
        ("x = True", ["True -> False"]),
        ("x = 'code_1'", ["'code_1' -> 'code_1X'"]),
        ("x = f'order:{n}'", ["f'order:{n}' -> f'order:X{n}'"]),
        ("x = not a", ["not a -> a"]),
        ("x = a + b", ["a + b -> a - b"]),
        ("x = a and b", ["a and b -> a or b", "a and b -> a", "a and b -> b"]),
        ("x = a or b or c", ["a or b or c -> a and b and c", "a -> nothing", "b -> nothing", "c -> nothing"]),
        ("x = min(a)", ["min -> max"]),
        ("a.all = b.all(c)", ["b.all -> b.any"]),
        ("x = (S.ONE, S.TWO)", ["S.ONE -> nothing", "S.TWO -> nothing", "S.ONE -> S.TWO", "S.TWO -> S.ONE"]),
        ("x = {S: T}", ["{S: T} -> nothing"]),
        ("x = a if b else c", ["b -> not b"]),
        ("x = [a for a in b if a]", ["a -> nothing"]),
        ("x = a if b == c else d", ["a if b == c else d -> a", "a if b == c else d -> d", "b == c -> b != c"]),
    ],
)
def test_changes(source: str, expected: list[str]) -> None:
    assert [change for change in changes(source) if "-> pass" not in change] == expected


def test_a_function_can_return_nothing_and_do_nothing() -> None:
    found = changes("def f(a: int = 1) -> int:\n    a.b = c\n    raise D\n    return a\n")
    assert found == ["1 -> 2", "1 -> 0", "a.b = c -> pass", "raise D -> pass", "return a -> return"]


def test_a_condition_can_be_turned_round_or_never_hold() -> None:
    assert changes("if a:\n    b()") == ["a -> not a", "b() -> pass"]
    assert changes("if a < b:\n    c()")[:3] == ["if a < b:     c() -> if False:     c()", "a < b -> a <= b", "a < b -> a >= b"]


@pytest.mark.parametrize(
    "source",
    [
        '"""Sentences are for people."""',
        "x = 'two words'",
        "x = '安卡'",
        "x: Literal['a'] = y",
        "Legs = tuple[tuple[str, int], ...]",
        "T = TypeVar('T', bound='Other')",
        "from a import b",
        "def f(a: 'int') -> 'int':\n    'says so'\n",
    ],
)
def test_what_is_not_run_is_left_alone(source: str) -> None:
    assert changes(source) == []


def test_in_a_module_of_words_only_the_keys_are_looked_at() -> None:
    assert changes("x = {'a': 'b'}", only_text=True) == ["'a' -> 'aX'"]


def test_the_same_change_of_the_same_line_is_told_apart() -> None:
    assert changes("x = a[0] + a[0]") == ["a[0] + a[0] -> a[0] - a[0]", "0 -> 1", "0 -> -1", "0 -> 1 (#2)", "0 -> -1 (#2)"]


def test_a_change_knows_whether_it_runs_at_import() -> None:
    source = "A = 1\n\nclass B:\n    c = 2\n\n    def d(self, e=3):\n        return [4 for _ in (lambda: 5)()]\n"
    functions = {mutant.change: mutant.function for mutant in mutants_of(module="m", source=source)[1]}
    assert [functions[f"{number} -> {number + 1}"] for number in (1, 2, 3, 4, 5)] == [None, None, None, "B.d", "B.d"]


@pytest.mark.parametrize("module", ["money", "chart", "policy/decide"])
def test_every_change_is_one_that_can_be_made_once(module: str) -> None:
    source = path_of(module=module).read_text(encoding="utf-8")
    names = Counter(mutant.name for mutant in mutants_of(module=module, source=source)[1])
    assert len(names) > 50
    assert max(names.values()) == 1


def test_survivors_need_an_explanation_and_explanations_a_survivor() -> None:
    first, second = ("m", "a < b", "a < b -> a <= b"), ("m", "return a", "return a -> return")
    result = Result("m", {first: SURVIVED, second: KILLED})
    assert judge(result=result, known=frozenset({first}), whole=True) == []
    assert judge(result=result, known=frozenset(), whole=True) == ["not noticed: m | a < b | a < b -> a <= b"]
    assert judge(result=result, known=frozenset({first, second}), whole=True) == [
        "explained, but noticed or gone: m | return a | return a -> return"
    ]
    assert judge(result=result, known=frozenset({first, ("other", "x", "y")}), whole=True) == []


def test_every_explained_line_is_still_there() -> None:
    lines = {module: path_of(module=module).read_text(encoding="utf-8").splitlines() for module in modules()}
    for module, line, _ in explained().names:
        assert line in map(str.strip, lines[module]), (module, line)


LIMIT = ("return amount_minor >= FOUR_EYES_FROM_MINOR", "amount_minor >= FOUR_EYES_FROM_MINOR -> amount_minor > FOUR_EYES_FROM_MINOR")


def run(names: list[tuple[str, str, str]], *, tests: str, folder: Path) -> tuple[int, list[str], frozenset[tuple[str, str, str]]]:
    """Try some mutants of oddities with one file of tests, and return the exit code, what was told, and what was left."""
    chosen, left = folder / "chosen.toml", folder / "left.toml"
    chosen.write_text(as_toml(names), encoding="utf-8")
    command = [sys.executable, "-m", "tests.mutation.run", "unidentified", "--tests", tests, "--only", str(chosen), "--left", str(left)]
    environment = {**os.environ, "PYTHONPATH": "src:."}
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert not told.stderr.startswith("Traceback"), told.stderr
    return told.returncode, told.stdout.splitlines(), names_in(left)


def test_a_missing_test_is_noticed(tmp_path: Path) -> None:
    """With the tests of oddities alone, their limits are guarded, and the words that are stored are not."""
    word = ('OPEN = "open"', "'open' -> 'openX'")
    names = [("unidentified", *LIMIT), ("unidentified", *word)]
    code, told, left = run(names, tests="tests/domain/test_unidentified.py", folder=tmp_path)
    assert code == 1
    assert told == [
        "unidentified: 2 mutants, 1 killed (0 ran too long), 0 explained, 1 left",
        f"    not noticed: unidentified | {word[0]} | {word[1]}",
    ]
    assert left == {("unidentified", *word)}


def test_a_test_that_runs_out_of_stack_hides_no_other(tmp_path: Path) -> None:
    """Python stops watching calls when the stack ends; the tests after such a one have to be seen all the same."""
    source = """
import pytest
from anka.domain import unidentified

def down():
    down()

def test_down():
    with pytest.raises(RecursionError):
        down()

def test_limit():
    assert unidentified.needs_two(amount_minor=unidentified.FOUR_EYES_FROM_MINOR)
"""
    (tmp_path / "test_deep.py").write_text(source, encoding="utf-8")
    assert run([("unidentified", *LIMIT)], tests=str(tmp_path / "test_deep.py"), folder=tmp_path)[:2] == (
        0,
        ["unidentified: 1 mutants, 1 killed (0 ran too long), 0 explained, 0 left"],
    )


def test_a_module_is_reached_through_a_package() -> None:
    file = "tests/domain/check/test_planted_faults.py"
    assert Bench([file]).importing(module="policy/check/breaches") == ([], [file])
    assert Bench([file]).importing(module="refund_plan") == ([], [])


def test_the_tests_of_the_domain_ask_nothing_of_the_others() -> None:
    """They are tried without what other tests share: a mark or a fixture from there would end a run before it begins."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--noconftest",
        "--setup-only",
        "-q",
        "-p",
        "no:xdist",
        "-p",
        "no:schemathesis",
        "tests/domain",
    ]
    told = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "src:."}, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-2000:]
