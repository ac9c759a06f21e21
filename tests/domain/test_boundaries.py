"""The domain knows nothing but the standard library and itself, reads no clock and no chance, and stays readable."""

import ast
import sys
from pathlib import Path

import pytest

import anka.domain

HOME = Path(anka.domain.__file__).parent
FILES = sorted(HOME.rglob("*.py"))
IMPURE = {
    "random",
    "secrets",
    "time",
    "socket",
    "os",
    "subprocess",
    "threading",
    "asyncio",
    "urllib",
    "http",
    "logging",
    "uuid",
    "pathlib",
    "io",
}
READS_A_FILE = {"table.py"}


def imported(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            names.add(node.module or "")
    return names


def strangers(source: str) -> set[str]:
    """Return the imports the domain may not have."""
    return {
        name
        for name in imported(source)
        if not (name == "anka.domain" or name.startswith("anka.domain."))
        and (name.partition(".")[0] not in sys.stdlib_module_names or name.partition(".")[0] in IMPURE)
    }


def impure_calls(source: str) -> set[str]:
    called = {node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)}
    names = {func.attr if isinstance(func, ast.Attribute) else func.id for func in called if isinstance(func, ast.Attribute | ast.Name)}
    return names & {"now", "utcnow", "today", "open", "float", "print", "input", "eval", "exec", "read_text", "read_bytes"}


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(HOME)) for path in FILES])
def test_only_the_standard_library(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not strangers(source)
    allowed = {"read_text"} if path.name in READS_A_FILE else set()
    assert impure_calls(source) <= allowed
    assert len(source.splitlines()) <= 250


@pytest.mark.parametrize("source", ["import django", "from anka.core import audit", "import random", "import anka.orders.queries"])
def test_a_stranger_is_noticed(source: str) -> None:
    assert strangers(source)


@pytest.mark.parametrize("source", ["datetime.now()", "open('x')", "float(1)"])
def test_an_impure_call_is_noticed(source: str) -> None:
    assert impure_calls(source)
