"""Receipts written in November 2026, with the rules of their time beside them: they replay to the same bytes for ever.

Neither file is ever written anew. A change of code that alters one of these answers alters decisions that people were given; the rules
may change, as another version, and then another folder and more lines may be added.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from anka.domain.evidence import canonical_json
from anka.domain.facts import Facts
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.table import RuleSet, parse_rules

DATA = Path(__file__).parents[1] / "data"
FROZEN = DATA / "policy" / "frozen"
FEWEST = 290


@dataclass(frozen=True)
class Frozen:
    """One stored judgement: the version of its rules, its exact texts, their hash."""

    version: str
    facts: str
    decision: str
    hash: str


RECEIPTS = [Frozen(**json.loads(line)) for line in (DATA / "receipts.jsonl").read_text(encoding="utf-8").splitlines()]


def texts_of(version: str) -> Mapping[str, str]:
    return {path.name: path.read_bytes().decode() for path in (FROZEN / version).iterdir()}


@cache
def rules_of(version: str) -> RuleSet:
    return parse_rules(texts=texts_of(version))


def replayed(receipt: Frozen, rules: RuleSet) -> str:
    return canonical_json(decide(Facts.from_json(json.loads(receipt.facts)), rules).to_receipt()).decode()


@pytest.mark.parametrize("version", sorted(path.name for path in FROZEN.iterdir()))
def test_the_rules_are_still_called_by_their_version(version: str) -> None:
    assert rules_of(version).version == version


def test_there_is_a_receipt_of_every_rule_and_every_answer_to_it() -> None:
    assert len(RECEIPTS) >= FEWEST
    for version in {receipt.version for receipt in RECEIPTS}:
        decided = {json.loads(receipt.decision)["rule"].partition(".")[0] for receipt in RECEIPTS if receipt.version == version}
        assert decided == {rule.id for rule in rules_of(version).rules}


def test_every_receipt_replays_byte_for_byte() -> None:
    changed = [receipt.facts for receipt in RECEIPTS if replayed(receipt, rules_of(receipt.version)) != receipt.decision]
    assert changed == []


def test_every_hash_is_that_of_its_texts() -> None:
    for receipt in RECEIPTS:
        assert hashlib.sha256((receipt.facts + receipt.decision).encode()).hexdigest() == receipt.hash


def test_what_was_stored_can_still_be_read() -> None:
    for receipt in RECEIPTS:
        stored = json.loads(receipt.decision)
        assert canonical_json(Decision.from_receipt(stored).to_receipt()).decode() == receipt.decision


def test_another_word_in_the_rules_would_be_noticed() -> None:
    version = RECEIPTS[0].version
    texts = {name: text.replace("everything", "it all") for name, text in texts_of(version).items()}
    other = parse_rules(texts=texts)
    assert other.version != version
    assert any(replayed(receipt, other) != receipt.decision for receipt in RECEIPTS)
