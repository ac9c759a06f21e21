"""Makes the environment that runs this find the source of this clone, and gives it the `anka` command.

    .venv/bin/python scripts/link_source.py

Instead of an editable install: it needs no build tool, no network and no time.
"""

import sys
import sysconfig
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src"
# The first line of a script may not be long nor hold spaces; /bin/sh takes any path, and Python reads the rest.
COMMAND = """#!/bin/sh
'''exec' "{python}" -I "$0" "$@"
' '''
import sys

from anka.cli.main import main

sys.exit(main())
"""


def main() -> None:
    """Write the path file and the command."""
    if sys.prefix == sys.base_prefix:
        sys.exit("link_source.py belongs into a virtual environment; run it with the Python in .venv")
    (Path(sysconfig.get_path("purelib")) / "anka.pth").write_text(f"{SOURCE}\n", encoding="utf-8")
    command = Path(sysconfig.get_path("scripts")) / "anka"
    command.write_text(COMMAND.format(python=sys.executable), encoding="utf-8")
    command.chmod(0o755)


if __name__ == "__main__":
    main()
