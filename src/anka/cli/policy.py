"""`anka policy`: the rules at the command line. Needs neither Django nor a database, and imports nothing of them."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from anka.cli import policy_backtest, policy_check
from anka.cli.rule_files import rules_of
from anka.domain.facts import Facts, FactsError
from anka.domain.policy.alternatives import what_would_change
from anka.domain.policy.check import TooTangled
from anka.domain.policy.decide import NoRuleMatches, decide
from anka.domain.policy.explain import UnknownLanguage, explain
from anka.domain.policy.grammar import RuleTableError
from anka.domain.policy.table import RuleSet

FAILURES = (FactsError, RuleTableError, NoRuleMatches, TooTangled, UnknownLanguage, OSError, UnicodeDecodeError)
LONGEST_LINE = 1_048_576


class LineNotReadable(Exception):
    """A line is not one JSON object."""

    code, status = "bad_line", 422


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare decide, explain, check and backtest."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verb")
    verb = verbs.add_parser("decide", help="JSON lines of facts on stdin, JSON lines of decisions on stdout")
    verb.add_argument("--rules", type=Path, metavar="FILE", help="a TOML file of rules, or a folder of them, instead of the default ones")
    verb = verbs.add_parser("explain", help="the decision on one set of facts, in words")
    verb.add_argument("facts", type=Path, metavar="FACTS.json")
    verb.add_argument("--lang", choices=("zh", "en"), default="zh")
    verb.add_argument("--rules", type=Path, metavar="FILE", help="a TOML file of rules, or a folder of them, instead of the default ones")
    policy_check.arguments(verbs=verbs)
    policy_backtest.arguments(verbs=verbs)


def run(*, given: argparse.Namespace) -> int:
    """Run the verb; 1 where a line or the facts could not be judged."""
    if given.verb == "backtest":
        return policy_backtest.run(given=given)
    if given.verb == "check":
        return policy_check.run(given=given)
    rules = rules_of(paths=[given.rules] if given.rules else [])
    if given.verb == "explain":
        return _explain(given, rules)
    status = 0
    for answer in answers(lines=_lines(sys.stdin.buffer), rules=rules):
        sys.stdout.write(f"{json.dumps(answer, ensure_ascii=False, separators=(', ', ': '))}\n")
        sys.stdout.flush()
        status = 1 if "error" in answer else status
    return status


def answers(*, lines: Iterable[bytes], rules: RuleSet) -> Iterator[dict[str, object]]:
    """Yield one answer for each line: the decision, or {"error": {...}} saying what is wrong with the line."""
    for line in lines:
        try:
            yield decide(Facts.from_json(read_facts(line)), rules).to_receipt()
        except FactsError as error:
            yield {"error": error.to_json()}
        except (LineNotReadable, NoRuleMatches) as error:
            yield {"error": {"code": error.code, "detail": str(error)}}


def read_facts(text: bytes) -> Any:
    """Return what a JSON text holds.

    Raises:
        LineNotReadable: it is not JSON, too long, too deep, names a key twice, or holds a number JSON does not know.
    """
    if len(text) > LONGEST_LINE:
        raise LineNotReadable(f"the line is longer than {LONGEST_LINE} bytes")
    try:
        return json.loads(text.decode(), object_pairs_hook=_unrepeated, parse_constant=_no_constant)
    except (ValueError, RecursionError) as reason:
        raise LineNotReadable(f"not a JSON object: {reason}") from reason


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is named twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _lines(stream: Any) -> Iterator[bytes]:
    """Yield the lines of a stream, keeping at most a little more than LONGEST_LINE of each."""
    while line := stream.readline(LONGEST_LINE + 2):
        yield line.rstrip(b"\r\n")
        while not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE)):
            pass


def _explain(given: argparse.Namespace, rules: RuleSet) -> int:
    try:
        facts = Facts.from_json(read_facts(given.facts.read_bytes()))
    except LineNotReadable as reason:
        sys.stderr.write(f"anka: {given.facts}: {reason}\n")
        return 1
    lines = [explain(facts=facts, decision=decide(facts, rules), language=given.lang)]
    changes = [alternative.zh if given.lang == "zh" else alternative.en for alternative in what_would_change(facts=facts, rules=rules)]
    if changes:
        lines += ["什么会改变结论：" if given.lang == "zh" else "What would change it:", *(f"  {change}" for change in changes)]
    sys.stdout.write("\n".join([*lines, ""]))
    return 0
