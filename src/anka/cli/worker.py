"""`anka worker`: the work that waits. Any number of workers may run, on any number of machines."""

import argparse
import os

from anka.config import environment, processes, start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.jobs import worker

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError)


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(*, given: argparse.Namespace) -> int:
    """Work until told to stop, finishing what has begun."""
    processes.follow_parent()
    with start.database_of(environment.read()) as addresses:
        os.environ["ANKA_DATABASE_URL"] = addresses.runtime
        start.set_up(database_url=addresses.runtime)
        worker.run_until_signalled()
    return 0
