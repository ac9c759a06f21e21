"""Money is whole minor units: no float comes near it, and only `split`, `share` and `fee` divide it."""

import ast
from collections.abc import Iterator

from scripts.lints.source import Finding, Source

DIVIDES = "src/anka/domain/money.py"


def no_float_money(source: Source) -> Iterator[Finding]:
    """Find floats and divisions near names that end in _minor."""
    if source.path == DIVIDES:
        return
    for node in ast.walk(source.tree):
        what = _breach(node)
        if what:
            yield Finding(source.path, getattr(node, "lineno", 1), "no-float-money", what)


def _breach(node: ast.AST) -> str:
    if isinstance(node, ast.arg | ast.AnnAssign) and _is_float(node.annotation):
        name = node.arg if isinstance(node, ast.arg) else _name(node.target)
        return f"{name} is a float" if _is_money(name) else ""
    if isinstance(node, ast.BinOp):
        names = [name for side in (node.left, node.right) if _is_money(name := _name(side))]
        if names and isinstance(node.op, ast.Div):
            return f"{names[0]} is divided; use split, share or fee"
        if names and any(isinstance(side, ast.Constant) and isinstance(side.value, float) for side in (node.left, node.right)):
            return f"{names[0]} meets a float"
    if isinstance(node, ast.Call) and _name(node.func) == "float" and any(_is_money(_name(given)) for given in node.args):
        return "an amount is made a float"
    return ""


def _is_float(annotation: ast.expr | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "float"


def _is_money(name: str) -> bool:
    return name.endswith("_minor")


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
