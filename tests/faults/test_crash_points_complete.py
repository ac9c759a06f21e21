"""No flow is forgotten: whatever writes in a transaction dies at each of its statements in a test, or stands here with the reason why not.

What a test runs is found by its code and not by its name: the functions of `anka.flows` that its request reaches.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

import anka.flows
from anka.flows.act_on_refund import act_on_refund
from anka.flows.pay_from_wallet import pay_from_wallet
from tests.builders import Order
from tests.builders.cases import Case
from tests.faults.crash import Flow
from tests.faults.every_flow import EVERY_FLOW
from tests.faults.policy_flows import POLICY_FLOWS

pytestmark = pytest.mark.no_database
DYING: list[Flow[Any]] = [*EVERY_FLOW, *POLICY_FLOWS]
METHODS = {name: method for made in (Order, Case) for name, method in vars(made).items() if isinstance(method, FunctionType)}
EXEMPT = {
    "doubt_attempt.doubted": "reads only; the transaction holds the lock while it does",
    "doubt_attempt.paid_beside": "reads only; the transaction holds the lock while it does",
    "fall_case_clocks.fall_case_clocks": "takes case after case through fall_one_case, which dies in a test",
    "issue_token.issue_token": "moves no money and no goods: one more token to sign in with",
    "keep_audit.keep_audit": "moves no money: what an audit found is kept, and found again by the next",
    "read_notices.read_notices": "moves no money: a mark that something was seen",
    "record_notice.record_notice": "moves no money: one row about a message that the channel sends again",
    "record_notice.record_doubtful_notice": "as record_notice",
    "record_notice.ask_channel": "moves no money: one row, and the question is asked again",
    "record_notice.note_said": "as record_notice",
    "record_notice.answer_question": "moves no money: the answer to a question is asked for again",
    "revoke_token.revoke_token": "moves no money and no goods, and revoking twice is revoking",
    "sign_up.sign_up": "moves no money and no goods; the name is taken once",
    "thaw_payouts.freeze_payouts": "moves no money: payouts stop, and a second freeze is one more row to be lifted",
    "thaw_payouts.thaw_payouts": "moves no money, and a freeze that was lifted is no longer the one that was read",
}


def flows() -> dict[str, FunctionType]:
    """Every public function of `anka.flows` that opens a transaction, by its module's and its own name."""
    found: dict[str, FunctionType] = {}
    for module in pkgutil.iter_modules(anka.flows.__path__):
        if module.ispkg:
            continue
        read = importlib.import_module(f"anka.flows.{module.name}")
        tree = ast.parse(inspect.getsource(read))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and _opens_transaction(node, tree):
                found[f"{module.name}.{node.name}"] = inspect.unwrap(getattr(read, node.name))
    return found


def _opens_transaction(function: ast.FunctionDef, tree: ast.Module) -> bool:
    """Tell whether a function, or a private one beside it that it calls, says `database.transaction()`."""
    beside = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    left, seen = [function], {function.name}
    while left:
        for node in ast.walk(left.pop()):
            if isinstance(node, ast.Attribute) and node.attr == "transaction":
                return True
            if isinstance(node, ast.Name) and node.id in beside and node.id not in seen and node.id.startswith("_"):
                seen.add(node.id)
                left.append(beside[node.id])
    return False


def reached(start: Callable[..., object]) -> set[object]:
    """The functions of `anka.flows` that a test's function comes to, through whatever functions of tests and jobs lie between."""
    left: list[object] = [start]
    seen: set[object] = set()
    while left:
        function = left.pop()
        if not isinstance(function, FunctionType) or function in seen:
            continue
        seen.add(function)
        if function.__module__.startswith(("tests.", "anka.jobs.")):
            left += _mentioned(function)
    return {function for function in seen if isinstance(function, FunctionType) and function.__module__.startswith("anka.flows.")}


def _mentioned(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        yield cell.cell_contents
    codes: list[CodeType] = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        # `ground.order.reveal()` names a method of what the builders make, `reconcile.keep()` a function of a module.
        named = [function.__globals__.get(name, METHODS.get(name)) for name in code.co_names]
        modules = [module for module in named if isinstance(module, ModuleType)]
        yield from (*named, *(getattr(module, name, None) for module in modules for name in code.co_names))


def dying() -> set[object]:
    """Every flow that some request of a crash test reaches."""
    return {function for flow in DYING for function in reached(flow.run)}


def test_every_flow_dies_in_a_test_or_says_why_not() -> None:
    covered = dying()
    assert sorted(name for name, function in flows().items() if function not in covered and name not in EXEMPT) == []


def test_nothing_is_exempt_that_is_tested_or_gone() -> None:
    known, covered = flows(), dying()
    assert [name for name in EXEMPT if name not in known or known[name] in covered] == []
    assert all(reason for reason in EXEMPT.values())


def test_a_flow_without_a_line_would_be_found() -> None:
    """The control: a list without one of its flows no longer reaches it, and what only passes on to others opens nothing itself."""
    without = {function for flow in DYING if flow.name != "pay from wallet" for function in reached(flow.run)}
    assert (pay_from_wallet in dying(), pay_from_wallet in without) == (True, False)
    assert act_on_refund not in flows().values()
