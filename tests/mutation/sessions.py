"""Tests, run inside a process that ends with them: on a changed module, or to see which tests run which functions.

Two ways lead to a changed module. A function that only tests call gets the changed code in a process that has everything imported and
collected. Whatever runs at import (tables, classes, constants, and the functions these call) is imported anew, in a process that has only
made pytest ready.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import IO

import pytest
from _pytest import runner

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "anka" / "domain"
PACKAGE = "anka.domain"
OPTIONS = (
    "-q",
    "-x",
    "-s",
    "--noconftest",
    "--hypothesis-profile=mutation",
    f"--rootdir={ROOT}",
    "-p",
    "no:xdist",
    "-p",
    "no:schemathesis",
)
SECONDS_AT_LEAST = 20
MOST_MEMORY = 4 << 30
KILLED, SURVIVED, TOO_LONG = "killed", "survived", "too long"
BROKEN = 70
"""What a process ends with that could not do its work: that the tests notice nothing or everything would be no news then."""


class CannotTry(Exception):
    """A change could not be tried; nothing can be said about it."""


@dataclass(frozen=True, slots=True)
class Tests:
    """What the tests do when nothing is changed: which functions each calls, how long it takes, and what runs already at import."""

    functions: Mapping[str, frozenset[tuple[str, str]]]
    seconds: Mapping[str, float]
    at_import: frozenset[tuple[str, str]]

    def of(self, *, module: str, function: str, first: Sequence[str]) -> list[str]:
        """Return the tests that call this function: those of the given files first, the quickest of them first."""
        calling = (test for test, called in self.functions.items() if (module, function) in called)
        return sorted(calling, key=lambda test: (test.split("::")[0] not in first, self.seconds[test]))


@dataclass(frozen=True, slots=True)
class Fresh:
    """A change of what runs at import: the module's code with it, and the test files to run, one after the other."""

    number: int
    module: str
    code: Callable[[], CodeType]
    files: Sequence[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Quick:
    """A change of a function: what puts it there, and the tests that call the function."""

    number: int
    change: Callable[[], None]
    tests: Sequence[str]
    seconds: float


def path_of(*, module: str) -> Path:
    """Return the file of a module, named as `money` or `policy/decide`."""
    return SOURCES / f"{module}.py"


def import_name(*, module: str) -> str:
    """Return the name a module is imported by."""
    return f"{PACKAGE}.{module.replace('/', '.')}"


def in_child(*, work: Callable[[], int], seconds: float) -> int | None:
    """Run something in a process of its own, with so much processor time, and return what it returns (0 to 60), None if it took longer.

    Processor time, not time on a clock: how busy the machine is must not decide.

    Raises:
        CannotTry: it ended with an exception.
    """
    child = os.fork()
    if child == 0:
        limit = int(seconds) + SECONDS_AT_LEAST
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        result = BROKEN
        try:
            result = work()
        finally:
            os._exit(result)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return None
    if os.WEXITSTATUS(status) == BROKEN:
        raise CannotTry
    return os.WEXITSTATUS(status)


def observe(*, files: Sequence[str], answer: IO[str]) -> int:
    """Run all tests unchanged and write, as one line of JSON, what `Tests` holds; or the first test that fails."""
    _be_quiet()
    watch = _Watch(answer)
    sys.setprofile(watch.called)
    return int(pytest.main([*OPTIONS, *files], plugins=[watch]))


def try_all(*, fresh: Sequence[Fresh], quick: Sequence[Quick], files: Sequence[str], answer: IO[str]) -> int:
    """Make pytest ready, try what has to be imported anew, collect all files, try the rest; write a line `number outcome` for each."""
    _be_quiet()
    return int(pytest.main([*OPTIONS, *files], plugins=[_Trials(fresh, quick, answer)]))


def put_code(*, module: str, function: str, code: CodeType) -> None:
    """Give a function of an imported module the code of the same function in a changed one.

    Raises:
        LookupError: there is no such function.
    """
    target: object = sys.modules[import_name(module=module)]
    for name in function.split("."):
        target = vars(target)[name] if isinstance(target, type | ModuleType) else None
    function_of(target).__code__ = _code_of(code, function)


def function_of(value: object) -> FunctionType:
    """Return the plain function inside a property, class method or cached function.

    Raises:
        TypeError: there is none.
    """
    for inner in ("fget", "__func__", "__wrapped__"):
        value = getattr(value, inner, None) or value
    if not isinstance(value, FunctionType):
        raise TypeError(f"{value!r} is not a function")
    return value


def _code_of(code: CodeType, function: str) -> CodeType:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == function:
                return constant
            if function.startswith(f"{constant.co_qualname}."):
                return _code_of(constant, function)
    raise LookupError(function)


def _be_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


class _Changed(importlib.abc.MetaPathFinder):
    """Finds one module, with other code than its file has."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self.name, self.path, self.code = name, path, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.name:
            return None
        loader = _Loader(fullname, str(self.path))
        loader.code = self.code
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:
        return self.code


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runner.runtestprotocol(item, log=False, nextitem=None))


def _passes_file(session: pytest.Session, file: str) -> bool:
    failed = session.testsfailed
    try:
        session.perform_collect([file])
    except pytest.Session.Failed:
        return False
    return session.testsfailed == failed and all(_passes(item) for item in session.items)


class _Trials:
    """Instead of running the tests once, runs some of them again and again, each time on another change."""

    def __init__(self, fresh: Iterable[Fresh], quick: Iterable[Quick], answer: IO[str]) -> None:
        self.fresh, self.quick, self.answer = fresh, quick, answer
        self.noticed: list[str] = []
        """Test files by how lately they noticed something: what noticed the last change will often notice the next."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        for trial in self.fresh:
            files = [file for file in self.noticed if file in trial.files]
            files += [file for file in trial.files if file not in files]

            def work(trial: Fresh = trial, files: Sequence[str] = files) -> int:
                name, path = import_name(module=trial.module), path_of(module=trial.module)
                sys.meta_path.insert(0, _Changed(name, path, trial.code()))
                return next((index for index, file in enumerate(files, 1) if not _passes_file(session, file)), 0)

            found = in_child(work=work, seconds=trial.seconds)
            self._tell(trial.number, found)
            if found:
                self.noticed = [files[found - 1], *(file for file in self.noticed if file != files[found - 1])]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        for trial in self.quick:

            def work(trial: Quick = trial) -> int:
                trial.change()
                return 0 if all(_passes(items[test]) for test in trial.tests) else 1

            self._tell(trial.number, in_child(work=work, seconds=trial.seconds))
        return True

    def _tell(self, number: int, found: int | None) -> None:
        outcome = TOO_LONG if found is None else KILLED if found else SURVIVED
        self.answer.write(f"{number} {outcome}\n")
        self.answer.flush()


@dataclass
class _Watch:
    """Sees which functions of the domain are called, by which test."""

    answer: IO[str]
    codes: dict[int, CodeType] = field(default_factory=dict)

    def called(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self.codes[id(frame.f_code)] = frame.f_code

    def _taken(self) -> list[tuple[str, str]]:
        codes, self.codes = self.codes, {}
        inside = {code for code in codes.values() if code.co_filename.startswith(f"{SOURCES}/")}
        named = {(code.co_filename.removeprefix(f"{SOURCES}/").removesuffix(".py"), code.co_qualname.split(".<")[0]) for code in inside}
        return sorted(named)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        at_import = self._taken()
        functions, seconds = {}, {}
        for item in session.items:
            _forget()
            # Anew for every test: one that runs out of stack ends in here too, and Python then stops watching.
            sys.setprofile(self.called)
            began = time.process_time()
            if not _passes(item):
                self.answer.write(json.dumps({"failing": item.nodeid}))
                return True
            functions[item.nodeid], seconds[item.nodeid] = self._taken(), time.process_time() - began
        sys.setprofile(None)
        self.answer.write(json.dumps({"functions": functions, "seconds": seconds, "at_import": at_import}))
        self.answer.flush()
        return True


def _forget() -> None:
    """Empty the caches of the domain: what a test finds in one, it would otherwise not be seen to call."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE):
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
