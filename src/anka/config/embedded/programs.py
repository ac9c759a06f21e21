"""Running PostgreSQL's programs to their end, as the user the server belongs to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

# Nothing of the caller's environment reaches PostgreSQL: no PG* variable, no locale.
ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def run_program(
    *, command: Sequence[str], user: tuple[int, int] | None, seconds: float, text: str = "", held: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program with `text` as its input and return its status and what it said.

    It runs as `user` (uid, gid) if given, and keeps the descriptors in `held` open, with whatever locks are on them.
    Raises OSError if it cannot be run, subprocess.TimeoutExpired after so many seconds.
    """
    # The command is a list, so no shell is involved, and it names one of PostgreSQL's programs by its full path.
    return subprocess.run(  # noqa: S603
        list(command),
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        user=None if user is None else user[0],
        group=None if user is None else user[1],
        extra_groups=None if user is None else [],
        pass_fds=tuple(held),
        timeout=seconds,
    )
