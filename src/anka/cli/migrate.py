"""`anka migrate`: bring the database to this version. Connects as the owner of the tables."""

import argparse
import sys

import django.db
import psycopg

from anka.config import environment, processes, start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.config.migrate import migrate
from anka.core.refusals import Refusal

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, Refusal, django.db.Error, psycopg.Error)


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(*, given: argparse.Namespace) -> int:
    """Migrate; harmless to repeat."""
    processes.follow_parent()
    with start.database_of(environment.read()) as addresses:
        start.set_up(database_url=addresses.owner)
        migrate()
    sys.stderr.write("The database is up to date.\n")
    return 0
