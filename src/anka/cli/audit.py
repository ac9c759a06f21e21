"""`anka audit`: check every invariant over one snapshot of the database. What it finds freezes payouts, as by night."""

import argparse
import sys

from anka.config import start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.core import database
from anka.core.clock import moment
from anka.core.refusals import Refusal
from anka.jobs import audit
from anka.jobs.audit_runs import audit_and_keep

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, Refusal)
# The newest of the tables that it needs.
NO_TABLES = "SELECT to_regclass('core_audit_run') IS NULL"


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare --json."""
    parser.add_argument("--json", action="store_true", help="machine output")


def run(*, given: argparse.Namespace) -> int:
    """Print every violation; 1 where there is one."""
    with start.ready():
        if database.value(NO_TABLES):
            sys.stderr.write("anka: the database has no tables of this version yet, so there is nothing to audit; run anka migrate.\n")
            return 1
        at = moment()
        found, _news = audit_and_keep(scope="whole", asked_by="operator:audit", at=at)
        sys.stdout.write(f"{audit.as_json(found=found, now=at.now) if given.json else audit.as_text(found=found)}\n")
    return 1 if found else 0
