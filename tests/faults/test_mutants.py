"""The audit is worth something: each invariant, broken once, is named — it and no other."""

import pytest

from anka.jobs import audit
from tests.conftest import END
from tests.databases import Database
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.odd import ODD_MUTANTS


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("mutant", MUTANTS + ODD_MUTANTS, ids=str)
def test_the_audit_names_exactly_what_was_broken(fresh_database: Database, mutant: Mutant) -> None:
    with fresh_database.as_owner() as owner:
        mutant.plant(owner)
    found = audit.audit(now=END)
    assert {violation.invariant for violation in found} == {mutant.invariant}, "\n".join(map(str, found))


def test_every_invariant_has_a_mutant() -> None:
    assert {mutant.invariant for mutant in MUTANTS} == {*audit.invariants(), "I15"}
