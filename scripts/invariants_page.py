"""Write docs/reference/invariants.md from the queries themselves: the page says what the audit does, not what it once did."""

import sys
from pathlib import Path
from textwrap import fill

ROOT = Path(__file__).resolve().parents[1]
AUDIT = ROOT / "src" / "anka" / "jobs" / "sql" / "audit"
PAGE = ROOT / "docs" / "reference" / "invariants.md"
HEAD = """\
# Invariants

What must hold at every moment, whoever did what and whatever crashed. `anka audit` checks all of it over one read-only snapshot of the
database and makes nobody wait; it prints one line per violation and ends with 1 where there is one (`--json` for programs). The worker
does the same by itself, hourly over what has changed and each night at three (China) over everything. Whatever is found anew freezes
payouts, not the shop and not refunds, and is told to the platform, once; `/platform/finance` shows it and thaws. The tests run the audit
after every test that moves money or goods.

Each invariant is one query in `src/anka/jobs/sql/audit`, in plain SQL (of I12, I15 and I22 parts need keys or rules: `checkpoints.py` and
`audit.py` in `src/anka/jobs`). Each of its clauses has a mutant in `tests/faults/mutants.py` or
`clauses.py`: a violation planted on purpose, which the audit must name, it and no other. This page is written by
`scripts/invariants_page.py`.

"""
FOOT = """\
## What the audit cannot see

- Whoever can rewrite the whole database can also cut off the last checkpoints together with the events they cover. Write the hash of the
  newest checkpoint down elsewhere now and then.
- What happened after the last checkpoint (at most five minutes) is covered by the chains alone, and a chain does not know its own end.
- I20 asks what somebody may do today; who worked for a shop when an old event was written is not kept yet.
- I23 knows the bills that were read. A day whose bill nobody read is compared with nothing; see [how to reconcile](../how-to/reconcile.md).
"""


def described(path: Path) -> str:
    """Return the comment at the top of a query as a section."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = []
    for line in lines:
        if not line.startswith("--"):
            break
        comment.append(line.removeprefix("--").strip())
    name, _, rest = " ".join(comment).partition(". ")
    return f"## {name}\n\n{fill(rest, width=140)}\n\n`{path.relative_to(ROOT)}`\n\n"


def page() -> str:
    """Return the whole page."""
    sections = {int(path.name[1:3]): described(path) for path in AUDIT.glob("i[0-9][0-9]_*.sql")}
    return HEAD + "".join(sections[number] for number in sorted(sections)) + FOOT


def main() -> int:
    """Write the page; with --check, tell whether it is up to date."""
    if "--check" in sys.argv:
        return 0 if PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
