"""The audit: every invariant as one query, all of them over one read-only snapshot. What it returns should always be empty.

The queries lie in `sql/audit`, one file each, and each says what it means. Three parts are not SQL: that stored decisions replay (of I15)
and that texts are rules (of I22) need the rules, and that checkpoints are signed (of I12) needs the keys.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from importlib.resources import files

import msgspec

from anka.core import database
from anka.core.refusals import NotFound
from anka.domain.evidence import canonical_json
from anka.domain.facts import Facts, FactsError
from anka.domain.policy.decide import NoRuleMatches, decide
from anka.domain.policy.grammar import RuleTableError
from anka.domain.policy.table import parse_rules
from anka.jobs.checkpoints import wrong_checkpoints
from anka.orders.policies import rules_of

SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
SETTINGS = "SELECT set_config('anka.audit_now', %s, true), set_config('anka.audit_since', %s, true)"
RECEIPTS = """
SELECT dispute.number, receipt.policy_version, receipt.facts, receipt.decision
FROM touched JOIN cases_case AS dispute ON dispute.shop_id = touched.shop_id AND dispute.order_id = touched.id
    JOIN cases_receipt AS receipt ON receipt.shop_id = dispute.shop_id AND receipt.case_id = dispute.id
"""


class Violation(msgspec.Struct, frozen=True, order=True):
    """One thing that must never be: which invariant, what is wrong, and where."""

    invariant: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}  {self.where}: {self.what}"


@lru_cache(maxsize=1)
def invariants() -> dict[str, str]:
    """Return the name (I1, I2, …) and the query of every invariant that is SQL, in order."""
    found = {}
    for file in sorted(files("anka.jobs").joinpath("sql", "audit").iterdir(), key=lambda entry: entry.name):
        number = file.name.partition("_")[0]
        if number[:1] == "i" and number[1:].isdigit():
            found[f"I{int(number[1:])}"] = file.read_text(encoding="utf-8")
    return found


def names() -> list[str]:
    """Return the names of all invariants, in order."""
    return sorted(invariants(), key=_number)


@lru_cache(maxsize=8)
def _part(name: str) -> str:
    return files("anka.jobs").joinpath("sql", "audit", name).read_text(encoding="utf-8")


def _query(scope: str, body: str) -> str:
    # The files are plain SQL, so that psql runs them too; a parameter sign would be one of the driver's.
    return f"{_part(scope)}{_part('books.sql')}{body}".replace("%", "%%")


def position() -> str:
    """Return the present place in the order of transactions, to audit later what was written from here on."""
    return str(database.value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))


def audit(*, now: datetime, since: str = "") -> list[Violation]:
    """Return every violation in the database at this moment, sorted; nothing is changed and nobody waits.

    `since` is a `position()`: only orders and accounts written to from there on are looked at. Empty means everything.
    """
    scope = "scope_since.sql" if since else "scope_whole.sql"
    found: list[Violation] = []
    with database.transaction():
        database.rows(SNAPSHOT)
        database.rows(SETTINGS, (now.isoformat(), since))
        for name, body in invariants().items():
            found += [Violation(invariant=name, where=where, what=what) for where, what in database.rows(_query(scope, body))]
        found += _replayed(scope)
        found += _rules_kept()
        found += [Violation(invariant="I12", where=where, what=what) for where, what in wrong_checkpoints(since=since)]
    return sorted(found)


KEPT = "SELECT version, texts::text FROM orders_policy ORDER BY version"


def _rules_kept() -> Iterator[Violation]:
    """The part of I22 that needs to read rules: every text that is kept makes rules, and these have the version it is kept under."""
    for version, texts in database.rows(KEPT):
        found = _version_of(texts)
        if found != version:
            yield Violation(invariant="I22", where=f"rules {version}", what=f"their texts are those of {found or 'no rules at all'}")


@lru_cache(maxsize=64)
def _version_of(texts: str) -> str:
    try:
        return parse_rules(texts=msgspec.json.decode(texts, type=dict[str, str])).version
    except (RuleTableError, msgspec.DecodeError):
        return ""


class Judged(msgspec.Struct, frozen=True):
    """One unit of a receipt: its position and the facts it was judged on."""

    position: int
    facts: dict[str, object]


_judged = msgspec.json.Decoder(list[Judged])


def _replayed(scope: str) -> Iterator[Violation]:
    """The part of I15 that needs the rules: stored decisions replay to the same answer from their facts, by the rules of their time."""
    for number, version, facts, decision in database.rows(_query(scope, RECEIPTS)):
        try:
            units = _judged.decode(bytes(facts))
        except msgspec.DecodeError:
            yield Violation(invariant="I15", where=f"case {number}", what="the facts of a receipt cannot be read")
            continue
        for judged in units:
            if _decided_again(judged.facts, version) != bytes(decision):
                yield Violation(invariant="I15", where=f"case {number}", what=f"unit {judged.position} would be decided otherwise")


def _decided_again(facts: dict[str, object], version: str) -> bytes | None:
    try:
        rules = rules_of(version=version)
        # A text that was changed is another version, whatever it is kept as.
        if rules.version != version:
            return None
        return canonical_json(decide(Facts.from_json(facts), rules).to_receipt())
    except (FactsError, NoRuleMatches, NotFound, RuleTableError):
        return None


def as_json(*, found: list[Violation], now: datetime) -> str:
    """Return the result for programs."""
    return msgspec.json.encode({"at": now, "clean": not found, "invariants": names(), "violations": found}).decode()


def as_text(*, found: list[Violation]) -> str:
    """Return the result for people: one line per violation, or one line saying how much was checked."""
    if not found:
        return f"{len(invariants())} invariants hold."
    return "\n".join([*map(str, found), f"{len(found)} violations. Payouts are frozen until somebody has looked; the shop goes on."])


def _number(name: str) -> int:
    return int(name[1:])
