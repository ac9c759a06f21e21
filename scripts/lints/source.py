"""One file as the lints see it, and what they find in it."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of one rule."""

    path: str
    line: int
    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.what}"


@dataclass(frozen=True)
class Source:
    """A file: its path from the root of the repository, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file; of SQL, nothing."""
        return ast.parse(self.text if self.path.endswith(".py") else "")

    @property
    def name(self) -> str:
        """The file's own name."""
        return PurePosixPath(self.path).name

    @property
    def is_sql(self) -> bool:
        """Whether it is an SQL file."""
        return self.path.endswith(".sql")

    def lies_in(self, *folders: str) -> bool:
        """Tell whether the file is one of these, or lies in one of these folders."""
        return any(self.path == folder or self.path.startswith(f"{folder}/") for folder in folders)

    def functions(self) -> Iterator[Function]:
        """Every function and method."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def public_functions(self) -> Iterator[Function]:
        """Functions of the module that others may call; methods are not among them."""
        return (node for node in self.tree.body if isinstance(node, Function) and not node.name.startswith("_"))

    def texts(self) -> Iterator[tuple[int, str]]:
        """Every text constant with its line, docstrings left out."""
        documentation = {id(found) for node in ast.walk(self.tree) if (found := _docstring(node)) is not None}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                yield node.lineno, node.value


def _docstring(node: ast.AST) -> ast.Constant | None:
    if not isinstance(node, Function | ast.ClassDef | ast.Module) or not node.body:
        return None
    first = node.body[0]
    return first.value if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else None


Lint = Callable[[Source], Iterator[Finding]]
