"""Everything an owner of the tables could do to a stored decision, past every trigger and constraint; the audit has to name each.

What is compared lies elsewhere: the event of the judgement holds hash and seal of its receipt, and chain and checkpoints hold the event.
"""

import json

from anka.domain.policy.table import default_texts, parse_rules
from anka.flows.steps.judge import Claim
from tests import builders
from tests.builders import Order
from tests.builders.cases import a_case
from tests.faults.clause_grounds import argued
from tests.faults.mutants import Mutant

_OF_CASE = "shop_id = %(shop)s AND case_id = (SELECT min(id) FROM cases_case WHERE shop_id = %(shop)s AND order_id = %(order)s)"
# The same rules under another name: what they say is equal, so that every decision replays.
_OTHER = parse_rules(texts={name: f"{text}\n# Nothing else.\n" for name, text in default_texts().items()})
_TEXTS = "'" + json.dumps(dict(_OTHER.texts)).replace("'", "''") + "'"
_NO_CHECK = "ALTER TABLE cases_receipt DROP CONSTRAINT receipt_is_whole"
_HASHED_ANEW = f"UPDATE cases_receipt SET hash = sha256(facts || decision) WHERE {_OF_CASE}"
_COPIED = (
    "INSERT INTO cases_receipt SELECT kept.shop_id, kept.case_id, now(), kept.policy_version, kept.rule, kept.facts, kept.decision,"
    " kept.because_zh, kept.because_en, kept.hash, kept.sequence + 1 FROM cases_receipt AS kept WHERE "
)


def refused_by_rule_and_shop() -> Order:
    """A case that was judged twice: when it was filed, and when the merchant refused."""
    case = a_case()
    case.refuse()
    return case.order


def two_cases() -> Order:
    """Two units opened, with a case about each: both judged alike but for the reason."""
    order = builders.a_revealed_order(quantity=2)
    for position, reason in ((1, "KEY_INVALID"), (2, "KEY_ALREADY_USED")):
        a_case(order, claim=Claim(reason=reason, positions=(position,), ask_minor=1000))
    return order


def _replaced(column: str, old: str, new: str) -> str:
    changed = f"replace(convert_from({column}, 'UTF8'), '{old}', '{new}')"
    return f"UPDATE cases_receipt SET {column} = convert_to({changed}, 'UTF8') WHERE {_OF_CASE}"


def _receipt(story: str, statements: tuple[str, ...], says: str) -> Mutant:
    return Mutant("I15", story, argued, statements, says=says)


RECEIPT_MUTANTS = [
    _receipt("facts were changed", (_NO_CHECK, _replaced("facts", '"asker":"buyer"', '"asker":"platform"')), "was changed: its facts"),
    _receipt(
        "facts were changed, and hashed anew; the decision still follows from them",
        (_NO_CHECK, _replaced("facts", '"evidence":[]', '"evidence":["OTHER"]'), _HASHED_ANEW),
        "is not the one that was judged",
    ),
    _receipt(
        "facts and decision were changed together, as the rules would have it, and hashed anew",
        (
            _NO_CHECK,
            _replaced("facts", '"evidence":[]', '"evidence":["ERROR_SCREENSHOT"]'),
            _replaced("decision", '"evidence_needed":["ERROR_SCREENSHOT"]', '"evidence_needed":[]'),
            _HASHED_ANEW,
        ),
        "is not the one that was judged",
    ),
    _receipt("facts are no facts any more", (_NO_CHECK, f"UPDATE cases_receipt SET facts = '\\xff' WHERE {_OF_CASE}"), "cannot be read"),
    _receipt(
        "a decision is no JSON any more",
        (_NO_CHECK, f"UPDATE cases_receipt SET decision = '\\xff' WHERE {_OF_CASE}", _HASHED_ANEW),
        "is not the one that was judged",
    ),
    _receipt("another rule is named", (f"UPDATE cases_receipt SET rule = 'disclosed' WHERE {_OF_CASE}",), "its moment, version, rule"),
    _receipt(
        "other words were shown",
        (f"UPDATE cases_receipt SET because_zh = because_zh || '。' WHERE {_OF_CASE}",),
        "its moment, version, rule",
    ),
    _receipt(
        "other English words were shown",
        (f"UPDATE cases_receipt SET because_en = 'Because.' WHERE {_OF_CASE}",),
        "its moment, version, rule",
    ),
    _receipt(
        "it was judged at another time",
        (f"UPDATE cases_receipt SET decided_at = decided_at + interval '1 second' WHERE {_OF_CASE}",),
        "its moment, version, rule",
    ),
    _receipt(
        "the version is another one, by whose rules the answer is the same",
        (
            f"INSERT INTO orders_policy (version, texts, published_at) VALUES ('{_OTHER.version}', {_TEXTS}, now())",
            f"UPDATE cases_receipt SET policy_version = '{_OTHER.version}' WHERE {_OF_CASE}",
        ),
        "its moment, version, rule",
    ),
    Mutant(
        "I15",
        "the first of two judgements is gone",
        refused_by_rule_and_shop,
        (f"DELETE FROM cases_receipt WHERE {_OF_CASE} AND sequence = 1",),
        says="is gone, and an event tells of it",
    ),
    Mutant(
        "I15",
        "the first judgement is gone and the second has taken its place",
        refused_by_rule_and_shop,
        (
            f"DELETE FROM cases_receipt WHERE {_OF_CASE} AND sequence = 1",
            f"UPDATE cases_receipt SET sequence = 1 WHERE {_OF_CASE}",
        ),
        says="is not the one that was judged",
    ),
    _receipt("a judgement was added that nobody made", (_COPIED + _OF_CASE,), "no event tells of such a judgement"),
    Mutant(
        "I15",
        "the receipts of two cases changed places",
        two_cases,
        (
            f"UPDATE cases_receipt SET sequence = 7 WHERE {_OF_CASE}",
            (
                "UPDATE cases_receipt SET case_id = (SELECT min(case_id) FROM cases_receipt WHERE shop_id = %(shop)s)"
                " WHERE shop_id = %(shop)s AND sequence = 1"
            ),
            (
                "UPDATE cases_receipt SET sequence = 1, case_id = (SELECT max(id) FROM cases_case WHERE shop_id = %(shop)s)"
                " WHERE shop_id = %(shop)s AND sequence = 7"
            ),
        ),
        says="is not the one that was judged",
    ),
]
