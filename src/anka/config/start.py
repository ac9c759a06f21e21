"""Getting a process of this installation ready: its environment, its database, Django, the ports joined to adapters, its log."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import django
import psycopg
from django.utils import translation
from psycopg.conninfo import conninfo_to_dict

from anka.config import embedded, environment, log, wiring
from anka.config.environment import Environment, EnvironmentNotUsable


@dataclass(frozen=True, slots=True)
class Addresses:
    """How to reach the database: as the owner, who migrates, and as the application."""

    owner: str
    runtime: str


@contextmanager
def database_of(given: Environment) -> Iterator[Addresses]:
    """Yield the addresses of the database the environment names, or run the embedded one for the length of the block.

    Raises:
        EmbeddedDatabaseError: it could not be started.
    """
    if given.database_url:
        yield Addresses(given.database_url, given.database_url)
        return
    with embedded.running(home=given.home) as server:
        yield Addresses(server.owner_url, server.url)


def set_up(*, database_url: str) -> Environment:
    """Set Django up against this database and join the ports to their adapters; return the environment.

    Raises:
        EnvironmentNotUsable: a variable is missing or contradicts another.
    """
    os.environ["ANKA_DATABASE_URL"] = database_url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "anka.config.settings")
    given = environment.read()
    log.configure(form=given.log_format)
    try:
        conninfo_to_dict(given.database_url)
    except psycopg.ProgrammingError as reason:
        # The reason may repeat the address, and with it a password.
        raise EnvironmentNotUsable(
            "ANKA_DATABASE_URL is not an address such as postgresql://user@host/name; nothing was started."
        ) from reason
    django.setup()
    wiring.wire(given)
    return given


def looking_after() -> Environment:
    """Return the environment for a command that looks after data; beside a sandbox's data folder it is the sandbox's.

    Raises:
        EnvironmentNotUsable: a variable is missing or contradicts another.
    """
    if environment.looks_after_a_sandbox(os.environ):
        os.environ["ANKA_SANDBOX"] = "1"
    return environment.read()


@contextmanager
def ready() -> Iterator[Environment]:
    """Set this process up for a command that ends by itself, with the embedded database running if none is named.

    Messages are in the language of the terminal: Chinese where LANG says so, else English.

    Raises:
        EnvironmentNotUsable, EmbeddedDatabaseError: told in one line.
    """
    given = looking_after()
    with database_of(given) as addresses:
        set_up(database_url=addresses.runtime)
        translation.activate("zh-hans" if os.environ.get("LANG", "").startswith("zh") else "en")
        try:
            yield given
        finally:
            django.db.connection.close()
