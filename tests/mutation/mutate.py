"""Every small change that is tried on a module: what a slip of the hand, or of the thought, would look like.

Sentences are left alone (tests of texts look at them), and so are annotations and docstrings, which nothing executes.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Apply = Callable[[], None]
COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),  # codespell:ignore
    ast.NotIn: (ast.In,),  # codespell:ignore
}
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Pow: ast.Mult,
}
CALLED = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sorted": "list",
    "fullmatch": "match",
    "ljust": "rjust",
    "rjust": "ljust",
    "startswith": "endswith",
    "endswith": "startswith",
    "union": "intersection",
    "difference": "union",
}
DISPLAYS = (ast.Tuple, ast.List, ast.Set)
# Written with brackets, these are types and not places in a table.
TYPES = frozenset({"Callable", "Choice", "Iterable", "Iterator", "Literal", "Mapping", "MappingProxyType", "Masked", "Sequence"})
TYPES |= {"dict", "frozenset", "list", "set", "tuple", "type"}
NEVER_EXECUTED = frozenset({"annotation", "returns", "bases", "type_comment"})
LONGEST_CHANGE = 160


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module. `function` is the outermost function it is in, None if the module has to be imported anew for it."""

    module: str
    line: int
    text: str
    change: str
    function: str | None
    apply: Apply

    @property
    def name(self) -> tuple[str, str, str]:
        """What an explanation names it by: line numbers move, so the line itself stands for them."""
        return self.module, self.text, self.change


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node hangs in the tree."""

    parent: ast.AST
    field: str
    index: int | None
    function: str | None

    def put(self, node: ast.AST) -> Apply:
        """Return what puts another node here."""

        def apply() -> None:
            if self.index is None:
                setattr(self.parent, self.field, node)
            else:
                getattr(self.parent, self.field)[self.index] = node

        return apply


Change = tuple[ast.AST, ast.AST, ast.AST | None, Apply]
"""Where (for the line), what was there, what is there instead (None: nothing), and how."""


def mutants_of(*, module: str, source: str, only_text: bool = False) -> tuple[ast.Module, list[Mutant]]:
    """Return the tree of a module and every change of it. A change is made in the tree; take one per tree.

    `only_text` says that strings other than keys are nothing but words for people.
    """
    tree = ast.parse(source)
    lines = source.splitlines()
    seen: Counter[tuple[str, str]] = Counter()
    found: list[Mutant] = []
    names = _members(tree)
    for place, node in _nodes(tree, None, ""):
        for where, before, after, apply in _changes(place, node, names, only_text):
            line = getattr(where, "lineno", 1)
            text, change = lines[line - 1].strip(), _told(before, after)
            seen[text, change] += 1
            if seen[text, change] > 1:
                change = f"{change} (#{seen[text, change]})"
            found.append(Mutant(module, line, text, change, place.function, apply))
    return tree, found


def _told(before: ast.AST, after: ast.AST | None) -> str:
    old = ast.unparse(before).replace("\n", " ")
    new = "nothing" if after is None else ast.unparse(after).replace("\n", " ")
    return f"{old[:LONGEST_CHANGE]} -> {new[:LONGEST_CHANGE]}"


def _nodes(node: ast.AST, function: str | None, prefix: str) -> Iterator[tuple[Place, ast.AST]]:
    for field, value in ast.iter_fields(node):
        if field in NEVER_EXECUTED:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(child, ast.AST) or _is_idle(child):
                continue
            # Decorators and defaults belong to the place where the function is defined, not to what it does.
            inside = function if isinstance(node, ast.FunctionDef) and field == "body" else None
            now = inside or function
            yield Place(node, field, index, now), child
            yield from _below(child, now, prefix)


def _below(child: ast.AST, function: str | None, prefix: str) -> Iterator[tuple[Place, ast.AST]]:
    if isinstance(child, ast.ClassDef) and function is None:
        yield from _nodes(child, None, f"{prefix}{child.name}.")
    elif isinstance(child, ast.FunctionDef) and function is None:
        defined = ast.FunctionDef(name=child.name, args=child.args, body=[], decorator_list=child.decorator_list)
        yield from _nodes(defined, None, prefix)
        name = None if _needs_its_class(child) else prefix + child.name
        for index, statement in enumerate(child.body):
            if not _is_idle(statement):
                yield Place(child, "body", index, name), statement
                yield from _nodes(statement, name, prefix)
    else:
        yield from _nodes(child, function, prefix)


def _needs_its_class(function: ast.FunctionDef) -> bool:
    """With `super()` a function holds on to its class, and other code does not fit into it."""
    return any(isinstance(node, ast.Name) and node.id == "super" for node in ast.walk(function))


def _is_idle(node: ast.AST) -> bool:
    """Docstrings, imports, and what only type checkers read."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "TypeVar"
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in TYPES


def _members(tree: ast.Module) -> dict[str, list[str]]:
    """Which members each enumeration (or short name of one) is used with, in the order they are first met."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr.isupper():
            members = found.setdefault(node.value.id, [])
            if node.attr not in members:
                members.append(node.attr)
    return found


def _changes(place: Place, node: ast.AST, names: dict[str, list[str]], only_text: bool) -> Iterator[Change]:
    if isinstance(node, ast.JoinedStr):
        yield from _pieces(node, only_text)
    elif isinstance(node, ast.comprehension):
        for index, test in enumerate(node.ifs):
            yield test, test, None, _removal(node.ifs, index)
    elif not isinstance(place.parent, ast.JoinedStr):
        yield from ((node, node, new, place.put(new)) for new in _instead(place, node, names, only_text))
        yield from _shorter(node)
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.BoolOp | ast.Constant):
        opposite = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
        yield node.test, node.test, opposite, Place(node, "test", None, place.function).put(opposite)


def _instead(place: Place, node: ast.AST, names: dict[str, list[str]], only_text: bool) -> Iterator[ast.AST]:
    """Everything that may stand in the place of a node."""
    if isinstance(node, ast.Constant):
        key = isinstance(place.parent, ast.Dict) and place.field == "keys"
        yield from _constants(node, only_text and not key)
    elif isinstance(node, ast.Attribute):
        yield from _other_member(node, names)
    elif isinstance(node, ast.Compare | ast.BoolOp | ast.BinOp):
        yield from _other_operator(node)
    elif isinstance(node, ast.stmt):
        yield from _statements(node)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Name) and node.id in CALLED:
        yield ast.copy_location(ast.Name(CALLED[node.id], ast.Load()), node)
    elif isinstance(node, ast.IfExp) and isinstance(node.test, ast.Compare | ast.BoolOp):
        yield from (node.body, node.orelse)


def _constants(node: ast.Constant, only_text: bool) -> Iterator[ast.expr]:
    value: object = node.value
    if isinstance(value, bool):
        yield _constant(node, not value)
    elif isinstance(value, int):
        yield from (_constant(node, value + 1), _constant(node, value - 1))
    elif isinstance(value, str) and not only_text and _is_code(value):
        yield _constant(node, f"{value}X")


def _constant(at: ast.expr, value: object) -> ast.Constant:
    return ast.copy_location(ast.Constant(value), at)  # type: ignore[arg-type]  # one of bool, int, str


def _is_code(text: str) -> bool:
    """A string without a space, in plain characters, is a code or a key; anything else is a sentence."""
    return text.isascii() and not any(character.isspace() for character in text)


def _pieces(node: ast.JoinedStr, only_text: bool) -> Iterator[Change]:
    pieces = [value for value in node.values if isinstance(value, ast.Constant)]
    if only_text or not all(_is_code(str(piece.value)) for piece in pieces):
        return
    for index, piece in enumerate(node.values):
        if isinstance(piece, ast.Constant):
            new = _constant(piece, f"{piece.value!s}X")
            changed = ast.JoinedStr([*node.values[:index], new, *node.values[index + 1 :]])
            yield node, node, changed, Place(node, "values", index, None).put(new)


def _other_member(node: ast.Attribute, names: dict[str, list[str]]) -> Iterator[ast.expr]:
    if isinstance(node.value, ast.Name) and len(names.get(node.value.id, ())) > 1 and node.attr.isupper():
        members = names[node.value.id]
        other = members[(members.index(node.attr) + 1) % len(members)]
        yield ast.copy_location(ast.Attribute(node.value, other, ast.Load()), node)
    elif node.attr in CALLED and isinstance(node.ctx, ast.Load):
        yield ast.copy_location(ast.Attribute(node.value, CALLED[node.attr], ast.Load()), node)


def _other_operator(node: ast.Compare | ast.BoolOp | ast.BinOp) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in COMPARED[type(operator)]:
                ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                yield ast.copy_location(ast.Compare(node.left, ops, node.comparators), node)
    elif isinstance(node, ast.BoolOp):
        yield ast.copy_location(ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values), node)
        yield from node.values if len(node.values) == 2 else ()
    else:
        yield ast.copy_location(ast.BinOp(node.left, CALCULATED[type(node.op)](), node.right), node)


def _shorter(node: ast.AST) -> Iterator[Change]:
    """Leave out one element of a table, one operand of a condition."""
    if isinstance(node, DISPLAYS) and not isinstance(getattr(node, "ctx", None), ast.Store):
        found = [index for index, element in enumerate(node.elts) if not _is_named(element)]
        yield from ((node.elts[index], node.elts[index], None, _removal(node.elts, index)) for index in found)
    elif isinstance(node, ast.BoolOp) and len(node.values) > 2:
        yield from ((operand, operand, None, _removal(node.values, index)) for index, operand in enumerate(node.values))
    elif isinstance(node, ast.Dict):
        yield from _fewer_pairs(node)


def _fewer_pairs(node: ast.Dict) -> Iterator[Change]:
    for index, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        if key is None or not _is_named(key):
            yield value, value if key is None else ast.Dict([key], [value]), None, _removal_of_pair(node, index)


def _is_named(node: ast.expr) -> bool:
    """A code is changed already, which takes it out of the table."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_code(node.value)


def _removal(values: list[ast.expr], index: int) -> Apply:
    def apply() -> None:
        del values[index]

    return apply


def _removal_of_pair(node: ast.Dict, index: int) -> Apply:
    def apply() -> None:
        del node.keys[index], node.values[index]

    return apply


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    if isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield ast.copy_location(ast.Return(None), node)
    elif isinstance(node, ast.If):
        if isinstance(node.test, ast.Compare | ast.BoolOp):
            never = ast.If(ast.copy_location(ast.Constant(False), node.test), node.body, node.orelse)
            yield ast.copy_location(never, node)
    elif _can_be_left_out(node):
        yield ast.copy_location(ast.Pass(), node)


def _can_be_left_out(node: ast.stmt) -> bool:
    """Without a name that is assigned, what follows would not even run."""
    if isinstance(node, ast.Assign):
        return not isinstance(node.targets[0], ast.Name | ast.Tuple)
    return isinstance(node, ast.Raise | ast.AugAssign | ast.Expr | ast.Continue | ast.Break)
