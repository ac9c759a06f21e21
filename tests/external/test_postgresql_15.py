"""The oldest PostgreSQL we promise, as Debian installs it: the tests of capabilities and flows run there unchanged, and `anka` too.

By day the tables, the first path and the life of cases and rules; at night (ANKA_NIGHTLY=1) every flow.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import anka

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
ROOT = Path(__file__).resolve().parents[2]
BY_DAY = ("tests/flows/test_first_path.py", "tests/flows/test_cases.py", "tests/flows/test_policy_life.py")
ROOMS = ("tests/capabilities", *(("tests/flows",) if os.environ.get("ANKA_NIGHTLY") == "1" else BY_DAY))
pytestmark = pytest.mark.skipif(not (PROGRAMS / "initdb").exists(), reason="Debian's postgresql-15 is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of our own, on a unix socket, started as an ordinary user; yields its address as superuser."""
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="anka-15-", dir="/tmp"))
    shutil.chown(folder, user)
    data, options = folder / "data", f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=60"

    def run(*words: str) -> None:
        subprocess.run(words, user=user if os.geteuid() == 0 else None, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)

    run(str(PROGRAMS / "initdb"), "-D", str(data), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync")
    run(str(PROGRAMS / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://owner@/postgres?host={folder}"
    run(str(PROGRAMS / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)


def test_capabilities_and_flows_hold_there(server: str) -> None:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("ANKA_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", *ROOMS],
        cwd=ROOT,
        env={**variables, "ANKA_TEST_DATABASE_URL": server},
        capture_output=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()[-6000:] + done.stderr.decode()[-2000:]


def test_the_command_runs_against_it(server: str, tmp_path: Path) -> None:
    variables = {"ANKA_DATABASE_URL": server, "ANKA_HOME": str(tmp_path)}
    for words in (("migrate",), ("migrate",), ("audit",), ("doctor",)):
        done = anka(*words, variables=variables)
        assert done.status == 0, done.out + done.err
    assert "PostgreSQL 15, given by ANKA_DATABASE_URL" in done.out
