"""`anka sandbox`: the sandbox payment gateway. It keeps its own tables, so it connects as their owner."""

import argparse
from urllib.parse import urlsplit

import psycopg

from anka.adapters.channels.sandbox_keys import Mode, SandboxIsOff
from anka.config import environment, log, processes, start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import EnvironmentNotUsable
from anka.sandbox.gateway import GatewaySettings
from anka.sandbox.server import serve

FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, SandboxIsOff, OSError, psycopg.OperationalError)


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare the address."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")


def run(*, given: argparse.Namespace) -> int:
    """Serve the gateway at ANKA_GATEWAY_URL until told to stop."""
    processes.follow_parent()
    installation = environment.read()
    log.configure(form=installation.log_format)
    with start.database_of(installation) as addresses:
        settings = GatewaySettings(
            mode=Mode.SANDBOX if installation.sandbox else Mode.PRODUCTION,
            home=installation.home,
            database_url=addresses.owner,
            base_url=installation.gateway_url,
        )
        processes.wake_main_thread_on_signals()
        serve(settings=settings, host=given.host, port=urlsplit(installation.gateway_url).port or 80)
    return 0
