"""Running the `anka` command as people do: as a process of its own, with an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
COMMAND = (sys.executable, "-P", "-m", "anka.cli.main")
# Nothing here takes this long; a command that hangs fails its test instead of the run.
PATIENCE = 120


def environment(**variables: str) -> dict[str, str]:
    """The environment of a sandbox and nothing of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANKA_", "DJANGO_", "LANG"))}
    return {**kept, "PYTHONPATH": str(SOURCE), "ANKA_SANDBOX": "1", "LANG": "C.UTF-8", **variables}


def anka(*words: str, given: bytes = b"", variables: Mapping[str, str] | None = None, cwd: Path | None = None) -> "Result":
    """Run the command to its end."""
    done = subprocess.run(
        [*COMMAND, *words], input=given, capture_output=True, env=environment(**(variables or {})), cwd=cwd, timeout=PATIENCE, check=False
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def start(words: Sequence[str], variables: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Start the command in a session of its own, as a terminal would, writing what it says to `log`."""
    with log.open("wb") as file:
        return subprocess.Popen(
            [*COMMAND, *words], env=environment(**variables), stdout=file, stderr=subprocess.STDOUT, cwd=log.parent, start_new_session=True
        )


class Result:
    """What a command did."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def complaint(self) -> str:
        """The one line it complained with."""
        (line,) = self.err.splitlines()
        return line
