"""The audit is worth something: each invariant, broken once, is named — it and no other."""

from collections import Counter

import pytest

from anka.domain.case_turns import FOUR_EYES_ABOVE_MINOR
from anka.jobs import audit
from tests.conftest import END
from tests.databases import Database
from tests.faults.bill_mutants import BILL_MUTANTS
from tests.faults.clauses import CLAUSES
from tests.faults.disputes import DISPUTE_MUTANTS
from tests.faults.funds_mutants import FUNDS_MUTANTS
from tests.faults.ladder import LADDER_MUTANTS
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.odd import ODD_MUTANTS
from tests.faults.policy_mutants import POLICY_MUTANTS
from tests.faults.receipts import RECEIPT_MUTANTS
from tests.faults.top_up_mutants import TOP_UP_MUTANTS

EVERY = MUTANTS + ODD_MUTANTS + DISPUTE_MUTANTS + LADDER_MUTANTS + CLAUSES + RECEIPT_MUTANTS + POLICY_MUTANTS + BILL_MUTANTS + FUNDS_MUTANTS
EVERY += TOP_UP_MUTANTS


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("mutant", EVERY, ids=str)
def test_the_audit_names_exactly_what_was_broken(fresh_database: Database, mutant: Mutant) -> None:
    with fresh_database.as_owner() as owner:
        mutant.plant(owner)
    found = audit.audit(now=END)
    assert {violation.invariant for violation in found} == {mutant.invariant}, "\n".join(map(str, found))
    assert any(mutant.says in str(violation) for violation in found), "\n".join(map(str, found))


def test_every_clause_of_every_invariant_has_a_mutant() -> None:
    planted = Counter(mutant.invariant for mutant in EVERY)
    assert set(planted) == set(audit.invariants())
    clauses = {name: query.count("UNION ALL") + 1 for name, query in audit.invariants().items()}
    assert {name: planted[name] for name in clauses if planted[name] < clauses[name]} == {}


def test_the_audit_knows_the_limit_of_the_domain() -> None:
    assert f"> {FOUR_EYES_ABOVE_MINOR}" in audit.invariants()["I20"]
