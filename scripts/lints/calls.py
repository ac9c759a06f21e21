"""How functions are called: by names, and never with a flag that makes them two functions."""

import ast
from collections.abc import Iterator

from scripts.lints.source import Finding, Source

BY_NAME = ("queries.py", "writes.py")
FACTS = ("is_", "has_", "was_", "may_")


def keywords_only(source: Source) -> Iterator[Finding]:
    """Find public functions of flows, queries and writes that take arguments by position; a single one cannot be confused."""
    if not source.lies_in("src/anka") or not (source.lies_in("src/anka/flows") or source.name in BY_NAME):
        return
    for node in source.public_functions():
        by_position = [*node.args.posonlyargs, *node.args.args]
        if len(by_position) > 1 or node.args.vararg or (by_position and node.args.kwonlyargs):
            yield Finding(source.path, node.lineno, "keywords-only", f"{node.name} takes arguments by position; put a * first")


def no_flags(source: Source) -> Iterator[Finding]:
    """Find public functions with a boolean parameter: two verbs are two functions. A fact (is_paid, has_stock) is no flag."""
    if not source.lies_in("src/anka"):
        return
    for node in source.public_functions():
        for parameter in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            truth = isinstance(parameter.annotation, ast.Name) and parameter.annotation.id == "bool"
            if truth and not parameter.arg.startswith(FACTS):
                yield Finding(source.path, node.lineno, "no-flags", f"{node.name} has the flag {parameter.arg}; make two functions")
