"""`anka audit`: check every invariant over one snapshot of the database."""

import argparse
import sys

from anka.config import start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.core import heartbeat
from anka.core.clock import moment
from anka.core.refusals import Refusal
from anka.jobs import audit

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, Refusal)


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare --json."""
    parser.add_argument("--json", action="store_true", help="machine output")


def run(*, given: argparse.Namespace) -> int:
    """Print every violation; 1 where there is one."""
    with start.ready():
        now = moment().now
        found = audit.audit(now=now)
        heartbeat.note(name="audit", at=moment().real, value=len(found))
        sys.stdout.write(f"{audit.as_json(found=found, now=now) if given.json else audit.as_text(found=found)}\n")
    return 1 if found else 0
