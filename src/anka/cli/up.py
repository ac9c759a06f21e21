"""`anka up`: the whole market in one foreground process group. Ctrl-C stops it and leaves nothing behind."""

import argparse
import errno
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from anka.config import embedded, environment
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import Environment, EnvironmentNotUsable
from anka.config.processes import Family, ProcessFailed, ProcessKeepsDying
from anka.config.start import Addresses

LOG_INS = ("log-ins: buyer1 … buyer5, shop1 … shop5, agent1, arbiter1, arbiter2, finance1, admin1, admin2", "password: anka-demo")
PORT = 8000
PORTS_TRIED = 100
READY_SECONDS = 60.0
# How long to wait before the database is started again after it did not start, and how often that is tried: for two minutes.
RESTART_SECONDS = 2.0
MOST_RESTARTS = 60
_POLL_SECONDS = 0.1


class NoFreePort(Exception):
    """Every port from the one asked for on is taken."""

    code, status = "no_free_port", 500


class DidNotAnswer(Exception):
    """A process runs, but does not answer."""

    code, status = "did_not_answer", 500


FAILURES = (EnvironmentNotUsable, EmbeddedDatabaseError, ProcessFailed, ProcessKeepsDying, NoFreePort, DidNotAnswer)


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare --demo, --port and --host."""
    parser.add_argument("--demo", action="store_true", help="switch the sandbox on and load the demo market where there is none yet")
    parser.add_argument("--port", type=int, help="first port to try (default ANKA_PORT or 8000)")
    parser.add_argument("--host", default=os.environ.get("ANKA_HOST") or "127.0.0.1", help="address to listen on (default 127.0.0.1)")


def run(*, given: argparse.Namespace) -> int:
    """Run everything until told to stop."""
    variables = _variables(given)
    os.environ.update(variables)
    installation = environment.read()
    family = Family(say=_say)
    family.stop_on_signals()
    try:
        with _database(installation, family) as addresses:
            try:
                _start(family, installation, addresses, given)
                _attend(family)
            finally:
                family.end()
    except KeyboardInterrupt:
        return 0
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"anka: {text}\n")


def _variables(given: argparse.Namespace) -> dict[str, str]:
    """Return what the children have to know: ports that are free now, and the addresses that follow from them."""
    first = given.port or _number("ANKA_PORT", PORT)
    port = free_port(host=given.host, first=first)
    variables = {"ANKA_PORT": str(port)}
    if given.demo:
        variables["ANKA_SANDBOX"] = os.environ.get("ANKA_SANDBOX") or "1"
    if "ANKA_BASE_URL" not in os.environ:
        variables["ANKA_BASE_URL"] = f"http://{_name(given.host)}:{port}"
    if "ANKA_GATEWAY_URL" not in os.environ:
        variables["ANKA_GATEWAY_URL"] = f"http://{_name(given.host)}:{free_port(host=given.host, first=port + 1)}"
    return variables


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise EnvironmentNotUsable(f"{name} must be a port from 1 to 65535; nothing was started.")
    return int(text)


def _name(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  compared, not listened on


def free_port(*, host: str, first: int) -> int:
    """Return the first free port from `first` on.

    Raises:
        NoFreePort: a hundred ports in a row are taken, or this address is not ours.
    """
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        with socket.socket() as probe:
            # As servers do: a port whose last connections are still fading away is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as reason:
                if reason.errno in (errno.EADDRINUSE, errno.EACCES):
                    continue
                raise NoFreePort(f"Cannot listen on {host} ({reason.strerror}); nothing was started. Choose another --host.") from reason
        return port
    raise NoFreePort(f"The ports {first} to {first + PORTS_TRIED - 1} are taken; nothing was started. Choose another with --port.")


@contextmanager
def _database(installation: Environment, family: Family) -> Iterator[Addresses]:
    """Run the embedded database, started again where it dies, unless the environment names another."""
    if installation.database_url:
        yield Addresses(installation.database_url, installation.database_url)
        return
    _say("starting the database")
    servers = [embedded.start(home=installation.home)]
    failures: list[str] = []

    def revive() -> None:
        try:
            servers[-1].check()
        except EmbeddedDatabaseError:
            if not failures:
                _say("the database ended unexpectedly and is started again; everything that was saved is kept")
            _start_again(installation, servers, failures)
            family.stop.wait(RESTART_SECONDS if failures else 0)

    family.watchers.append(revive)
    try:
        yield Addresses(servers[-1].owner_url, servers[-1].url)
    finally:
        family.end()
        servers[-1].stop()


def _start_again(installation: Environment, servers: list[embedded.Server], failures: list[str]) -> None:
    """Start the database in place of the one that ended.

    What stands in the way may pass (a full disk, a second kill), so it is tried again at the next look.

    Raises:
        EmbeddedDatabaseError: it did not start for MOST_RESTARTS times in a row.
    """
    try:
        servers.append(embedded.start(home=installation.home))
    except EmbeddedDatabaseError as reason:
        if str(reason) not in failures:
            _say(str(reason))
        failures.append(str(reason))
        if len(failures) >= MOST_RESTARTS:
            raise
        return
    failures.clear()
    servers.pop(0).stop()


def _start(family: Family, installation: Environment, addresses: Addresses, given: argparse.Namespace) -> None:
    owner, runtime = {"ANKA_DATABASE_URL": addresses.owner}, {"ANKA_DATABASE_URL": addresses.runtime}
    family.run_once(name="migrate", words=("migrate",), environment=owner)
    if installation.sandbox:
        family.start(name="sandbox", words=("sandbox", "--host", given.host), environment=owner)
        _wait(family, f"{installation.gateway_url}/livez")
    if given.demo:
        family.run_once(name="load-demo", words=("load-demo",), environment=runtime)
    _serve(family, installation, runtime, given)


def _serve(family: Family, installation: Environment, runtime: Mapping[str, str], given: argparse.Namespace) -> None:
    if family.stop.is_set():
        return
    address = f"http://{_name(given.host)}:{os.environ['ANKA_PORT']}"
    family.start(name="web", words=("web", "--host", given.host, "--port", os.environ["ANKA_PORT"]), environment=runtime)
    family.start(name="worker", words=("worker",), environment=runtime)
    _wait(family, f"{address}/livez")
    if not family.stop.is_set():
        sys.stdout.write(_welcome(installation, LOG_INS if given.demo else ()))
        sys.stdout.flush()


def _wait(family: Family, url: str) -> None:
    """Wait until a process answers at all, looking after the family meanwhile.

    Raises:
        DidNotAnswer: it took longer than READY_SECONDS.
    """
    for _round in range(int(READY_SECONDS / _POLL_SECONDS)):
        if family.stop.wait(_POLL_SECONDS):
            return
        family.look_after()
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  our own address
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            continue
    raise DidNotAnswer(f"Nothing answered at {url} within {READY_SECONDS:.0f} s; everything was stopped, nothing was lost.")


def _attend(family: Family) -> None:
    while not family.stop.wait(0.2):
        family.look_after()


def _welcome(installation: Environment, log_ins: tuple[str, ...]) -> str:
    lines = ["", f"  Anka  {installation.base_url}"]
    if installation.sandbox:
        lines.append(f"        {installation.gateway_url}  (sandbox gateway: money is pretended)")
    lines += [f"        {line}" for line in log_ins]
    return "\n".join([*lines, "        Ctrl-C stops everything.", "", ""])
