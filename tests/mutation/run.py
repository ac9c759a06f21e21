"""Try every small change of the domain against its tests: `python -m tests.mutation.run [module ...]`.

A change that no test notices is a survivor. Each must have an explanation in survivors.toml, and each explanation a survivor.
"""

import argparse
import ast
import json
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import CodeType

import hypothesis

from tests.mutation import sessions
from tests.mutation.mutate import Mutant, mutants_of
from tests.mutation.sessions import KILLED, ROOT, SOURCES, SURVIVED, TOO_LONG, Fresh, Quick, Tests

SURVIVORS = Path(__file__).with_name("survivors.toml")
TESTS = ROOT / "tests" / "domain"
EVERYTHING = f"{sessions.PACKAGE}.*"
"""What `import anka.domain` is taken to mean: such a test walks through all of it."""
Name = tuple[str, str, str]
REASONS = frozenset({"equivalent", "text", "performance", "types"})


@dataclass(frozen=True, slots=True)
class Explained:
    """What survivors.toml says: the survivors nobody need worry about, and the modules whose strings are only words."""

    names: frozenset[Name]
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the mutants of one module."""

    module: str
    outcomes: dict[Name, str]

    def count(self, *outcomes: str) -> int:
        """How many ended in one of these ways."""
        return sum(outcome in outcomes for outcome in self.outcomes.values())

    @property
    def survivors(self) -> set[Name]:
        """What no test noticed."""
        return {name for name, outcome in self.outcomes.items() if outcome == SURVIVED}


class Bench:
    """The tests there are, and what they import."""

    def __init__(self, files: Iterable[str]) -> None:
        self.files = sorted(files)

    @cached_property
    def tests(self) -> Tests:
        """What the tests do when nothing is changed."""
        raw = json.loads("".join(_answer_of(lambda answer: sessions.observe(files=self.files, answer=answer))) or "{}")
        if "functions" not in raw:
            raise SystemExit(
                f"Without any change {raw.get('failing', 'something')} fails already; mend that first: python -m pytest tests/domain"
            )
        return Tests(
            functions={test: frozenset(map(tuple, called)) for test, called in raw["functions"].items()},
            seconds=raw["seconds"],
            at_import=frozenset(map(tuple, raw["at_import"])),
        )

    def seconds(self, file: str, /) -> float:
        """How much processor time a file's tests take."""
        return sum(seconds for test, seconds in self.tests.seconds.items() if test.startswith(f"{file}::"))

    def importing(self, *, module: str) -> tuple[list[str], list[str]]:
        """Return the test files that import the module themselves, and those that reach it through others."""
        name = sessions.import_name(module=module)
        direct = [file for file in self.files if {name, EVERYTHING} & imports_of(ROOT / file)]
        return direct, [file for file in self.files if file not in direct and name in _reached(ROOT / file)]


def imports_of(path: Path) -> set[str]:
    """Return the modules of the domain and of the tests that a file names in its imports, at least; with what may be a name in one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {EVERYTHING if alias.name == sessions.PACKAGE else alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith((sessions.PACKAGE, "tests."))}


def _file_of(name: str) -> Path:
    path = ROOT / ("" if name.startswith("tests.") else "src") / name.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _reached(path: Path) -> set[str]:
    reached: set[str] = set()
    left = imports_of(path)
    while left:
        name = left.pop()
        reached.add(name)
        if _file_of(name).is_file():
            left |= imports_of(_file_of(name)) - reached
    return reached


def _answer_of(work: Callable[..., int]) -> Iterator[str]:
    """Run something in a process of its own and yield the lines it writes into the file it is given, as they come."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        result = sessions.BROKEN
        try:
            with os.fdopen(writing, "w", encoding="utf-8") as answer:
                result = work(answer)
        finally:
            os._exit(result)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer:
        yield from answer
    os.waitpid(child, 0)


def all_tests() -> list[str]:
    """Return every test file of the domain."""
    return [path.relative_to(ROOT).as_posix() for path in TESTS.rglob("test_*.py")]


def modules() -> list[str]:
    """Return every module of the domain."""
    return [
        path.relative_to(SOURCES).as_posix().removesuffix(".py") for path in sorted(SOURCES.rglob("*.py")) if path.name != "__init__.py"
    ]


def explained() -> Explained:
    """Read survivors.toml.

    Raises:
        ValueError: an entry does not say why, or says it twice.
    """
    raw = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))
    names = [(entry["module"], entry["line"], change) for entry in raw["survivor"] for change in entry["changes"]]
    for entry in raw["survivor"]:
        if entry["because"] not in REASONS or not entry["why"]:
            raise ValueError(f"{entry['module']}: {entry['line']}: because is one of {', '.join(sorted(REASONS))}, and why a sentence")
    if len(set(names)) < len(names):
        raise ValueError("a survivor is explained twice")
    return Explained(frozenset(names), frozenset(raw["texts"]))


class Trial:
    """All mutants of one module, tried one after the other."""

    def __init__(self, bench: Bench, module: str, texts: frozenset[str]) -> None:
        self.bench, self.module, self.texts = bench, module, texts
        self.source = sessions.path_of(module=module).read_text(encoding="utf-8")
        self.direct, self.indirect = bench.importing(module=module)

    def mutants(self) -> tuple[ast.Module, list[Mutant]]:
        """Return a tree of its own, and the changes that can be made in it."""
        return mutants_of(module=self.module, source=self.source, only_text=self.module in self.texts)

    def code(self, *, number: int) -> CodeType:
        """Return the module's code with one change."""
        tree, found = self.mutants()
        found[number].apply()
        return compile(ast.fix_missing_locations(tree), str(sessions.path_of(module=self.module)), "exec", dont_inherit=True)

    def is_quick(self, mutant: Mutant) -> bool:
        """Tell whether the changed line only runs inside of tests."""
        return mutant.function is not None and (self.module, mutant.function) not in self.bench.tests.at_import

    def run(self, *, only: frozenset[Name] | None) -> Result:
        """Try all of them, or only some.

        Raises:
            CannotTry: of one of them nothing can be said.
        """
        chosen = {number: mutant for number, mutant in enumerate(self.mutants()[1]) if only is None or mutant.name in only}
        fresh = [self._fresh(number) for number, mutant in chosen.items() if not self.is_quick(mutant)]
        quick = [self._quick(number, mutant) for number, mutant in chosen.items() if self.is_quick(mutant)]
        called = [trial for trial in quick if trial.tests]
        outcomes = {trial.number: SURVIVED for trial in quick if not trial.tests}
        for line in _answer_of(lambda answer: sessions.try_all(fresh=fresh, quick=called, files=self.bench.files, answer=answer)):
            told, outcome = line.rstrip("\n").split(" ", 1)
            outcomes[int(told)] = outcome
            if outcome == SURVIVED:
                sys.stderr.write(f"... {len(outcomes)} of {len(chosen)}: {' | '.join(chosen[int(told)].name)}\n")
        for number, mutant in chosen.items():
            if number not in outcomes:
                raise sessions.CannotTry(" | ".join(mutant.name))
        return Result(self.module, {mutant.name: outcomes[number] for number, mutant in chosen.items()})

    def _fresh(self, number: int) -> Fresh:
        files = [*sorted(self.direct, key=self.bench.seconds), *sorted(self.indirect, key=self.bench.seconds)]
        return Fresh(number, self.module, lambda: self.code(number=number), files, 3 * sum(map(self.bench.seconds, files)))

    def _quick(self, number: int, mutant: Mutant) -> Quick:
        tests = self.bench.tests.of(module=self.module, function=mutant.function or "", first=self.direct)
        return Quick(number, self._changing(number, mutant), tests, 3 * sum(self.bench.tests.seconds[test] for test in tests))

    def _changing(self, number: int, mutant: Mutant) -> Callable[[], None]:
        return lambda: sessions.put_code(module=self.module, function=mutant.function or "", code=self.code(number=number))


def as_toml(names: Iterable[Name]) -> str:
    """Write mutants down as survivors.toml has them, without the explanations."""
    entries = (
        f"[[survivor]]\nmodule = {json.dumps(module)}\nline = {_quoted(line)}\nchanges = [{_quoted(change)}]\n"
        for module, line, change in names
    )
    return "\n".join(entries)


def _quoted(text: str) -> str:
    return f"'{text}'" if "'" not in text else json.dumps(text, ensure_ascii=False)


def judge(*, result: Result, known: frozenset[Name], whole: bool) -> list[str]:
    """Return what is wrong: survivors without an explanation, and explanations (of this module) without a survivor."""
    told = {name for name in known if name[0] == result.module}
    left = sorted(result.survivors - told)
    gone = sorted(told - result.survivors) if whole else []
    return [f"not noticed: {' | '.join(name)}" for name in left] + [f"explained, but noticed or gone: {' | '.join(name)}" for name in gone]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 1 if a survivor is not explained, or an explanation is out of date."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run", description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as money or policy/decide; all of them if none is named")
    parser.add_argument("--left", type=Path, help="write the survivors that nobody has explained into this file, to be explained")
    parser.add_argument("--only", type=Path, help="try only the mutants that such a file names")
    parser.add_argument("--tests", action="append", help="a test file to run, in place of all of tests/domain; may be given more than once")
    given = parser.parse_args(arguments)
    _same_order_of_sets(arguments)
    os.chdir(ROOT)
    # Thousands of processes import the same files; compiled once, they are read in half the time.
    sys.dont_write_bytecode = False
    hypothesis.settings.register_profile(
        "mutation", derandomize=True, database=None, deadline=None, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
    )
    known, bench, wrong, left = explained(), Bench(given.tests or all_tests()), 0, []
    only = None if given.only is None else names_in(given.only)
    for module in given.modules or modules():
        result = Trial(bench, module, known.texts).run(only=only)
        problems = judge(result=result, known=known.names, whole=only is None)
        sys.stdout.write(_line(result, known.names) + "".join(f"    {problem}\n" for problem in problems))
        sys.stdout.flush()
        wrong += len(problems)
        left += sorted(result.survivors - known.names)
    if given.left is not None:
        given.left.write_text(as_toml(left), encoding="utf-8")
    return 1 if wrong else 0


def _same_order_of_sets(arguments: Sequence[str] | None) -> None:
    """Start anew with a fixed seed of hashes, without which the order of a set would decide differently each time what is noticed."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        program = [sys.executable, "-m", "tests.mutation.run", *(sys.argv[1:] if arguments is None else arguments)]
        os.execve(sys.executable, program, {**os.environ, "PYTHONHASHSEED": "0"})


def names_in(path: Path) -> frozenset[Name]:
    """Read what `as_toml` wrote."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])
    return frozenset((entry["module"], entry["line"], change) for entry in entries for change in entry["changes"])


def _line(result: Result, known: frozenset[Name]) -> str:
    explained_here = len(result.survivors & known)
    killed = f"{result.count(KILLED, TOO_LONG)} killed ({result.count(TOO_LONG)} ran too long)"
    left = len(result.survivors) - explained_here
    return f"{result.module}: {len(result.outcomes)} mutants, {killed}, {explained_here} explained, {left} left\n"


if __name__ == "__main__":
    sys.exit(main())
