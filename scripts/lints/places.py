"""Everything in its place: SQL that writes, and what the domain may know."""

import ast
import re
import sys
from collections.abc import Iterator

from scripts.lints.source import Finding, Source

WRITING = re.compile(r"\b(?:INSERT\s+INTO|UPDATE\s+\w+\s+(?:AS\s+\w+\s+)?SET|DELETE\s+FROM|TRUNCATE)\b")
# The outbox is its own queries and writes; the sandbox gateway keeps a database of its own; migrations and the schema are what tables
# come from.
WRITERS = ("src/anka/flows", "src/anka/sandbox", "src/anka/core/schema.py", "src/anka/core/outbox.py", "src/anka/config/migrate.py")


def writes_in_their_place(source: Source) -> Iterator[Finding]:
    """Find SQL that writes outside of writes.py, the flows and the SQL files."""
    if not source.lies_in("src/anka") or source.lies_in(*WRITERS) or source.name == "writes.py" or "/migrations/" in source.path:
        return
    for line, text in source.texts():
        found = WRITING.search(text)
        if found:
            yield Finding(source.path, line, "writes-in-their-place", f"{' '.join(found.group().split())} belongs into a writes.py")


def domain_stands_alone(source: Source) -> Iterator[Finding]:
    """Find imports of the domain that are neither its own nor of the standard library."""
    if not source.lies_in("src/anka/domain"):
        return
    for node in ast.walk(source.tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        for name in names:
            if not (name.startswith("anka.domain") or name.partition(".")[0] in sys.stdlib_module_names):
                yield Finding(source.path, getattr(node, "lineno", 1), "domain-stands-alone", f"the domain must not know {name}")
