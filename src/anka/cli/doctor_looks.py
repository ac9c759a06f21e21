"""What the doctor looks at once there is a database: one function per part, each changing nothing and telling how to mend what it finds."""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from anka.adapters.keyring.file import FileKeyring, KeyringNotUsable
from anka.config.environment import Environment
from anka.config.migrate import state_tables
from anka.core import audits, clock, database, freezes, heartbeat
from anka.core.refusals import NotFound
from anka.domain.policy.table import default_rules
from anka.jobs import checkpoints, condition, keys
from anka.orders.policies import rules_in_force
from anka.vault import queries as vault
from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing

LATE = timedelta(minutes=5)
OLD_TRANSACTION = timedelta(minutes=5)
# The worker audits hourly what has changed, and everything by night.
AUDIT_LATE = timedelta(hours=2)
MOST_CONNECTIONS = 0.8
PAGE = 1000
MOST_PAGES = 1000
# What the application must not be able to rewrite or delete (core/schema.py takes it away).
APPEND_ONLY = (
    "core_event",
    "core_checkpoint",
    "core_checkpoint_key",
    "core_retired_key",
    "core_freeze",
    "ledger_journal",
    "ledger_transfer",
    "payments_notice",
    "payments_transaction",
    "payments_evidence",
    "payments_cashier",
    "cases_receipt",
    "catalog_terms",
    "orders_policy",
    "policies_publication",
    "policies_withdrawal",
)
MAY_CHANGE = """
SELECT name FROM unnest(%s::text[]) AS name WHERE has_table_privilege(name, 'UPDATE') OR has_table_privilege(name, 'DELETE') ORDER BY 1
"""
QUEUE = """
SELECT count(*) FILTER (WHERE due_at < %(late)s), coalesce(extract(epoch FROM %(now)s - min(due_at) FILTER (WHERE due_at <= %(now)s)), 0),
    count(*) FILTER (WHERE leased_until < %(late)s), count(*) FILTER (WHERE failure IS NOT NULL AND tries >= 5)
FROM core_outbox WHERE done_at IS NULL
"""
WORST = """
SELECT topic, failure, count(*) FROM core_outbox WHERE done_at IS NULL AND failure IS NOT NULL AND tries >= 5
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 3
"""
LATE_CLOCKS = "SELECT count(*) FROM core_clock WHERE state = 'running' AND due_at < %s"
CONNECTIONS = """
SELECT count(*), current_setting('max_connections')::integer FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
OLDEST_TRANSACTION = """
SELECT pid, coalesce(application_name, ''), extract(epoch FROM clock_timestamp() - xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1
"""
PREPARED = "SELECT count(*) FROM pg_prepared_xacts"
IDLE_SLOTS = "SELECT slot_name FROM pg_replication_slots WHERE NOT active ORDER BY 1"
ARCHIVING = """
SELECT current_setting('archive_mode') <> 'off', coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)
FROM pg_stat_archiver
"""
DURABLE = "SELECT name FROM unnest(ARRAY['fsync', 'full_page_writes', 'synchronous_commit']) AS name WHERE current_setting(name) = 'off'"


class Finding(msgspec.Struct, frozen=True):
    """The result of one look. `mend` says what to do, "" where nothing is wrong."""

    part: str
    found: str
    mend: str = ""


Look = Callable[[Environment], Finding]
LOOKS: list[Look] = []


def _look(look: Look) -> Look:
    LOOKS.append(look)
    return look


@_look
def tables(_installation: Environment) -> Finding:
    """Compare the tables of moves in PostgreSQL with what the code says."""
    other = [
        table
        for table, rows in state_tables().items()
        if sorted(map(repr, database.rows(f"SELECT * FROM {table}"))) != sorted(repr(tuple(map(_plain, row))) for row in rows)
    ]
    return Finding("tables", f"of another version: {', '.join(other)}" if other else "up to date", "run: anka migrate" if other else "")


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value


@_look
def rules(_installation: Environment) -> Finding:
    """Tell which rules are in force, and where this version of Anka brings other ones: they count only once somebody publishes them."""
    try:
        found = rules_in_force(at=clock.moment().now).version
    except NotFound:
        return Finding("rules", "none are in force, so nothing can be ordered", "run: anka migrate")
    brought = default_rules().version
    other = "" if found == brought else f"; this version of Anka brings others ({brought}), from which a draft may start"
    return Finding("rules", f"{found} are in force{other}")


@_look
def role(installation: Environment) -> Finding:
    """Tell as whom we connect, and whether that role could rewrite history."""
    name = database.value("SELECT current_user")
    may = [table for (table,) in database.rows(MAY_CHANGE, (list(APPEND_ONLY),))]
    if may and not installation.sandbox:
        mend = "connect as anka_app, which may only do what it was granted; if this is anka_app, run: anka migrate"
        return Finding("database role", f"{name} may rewrite history: {', '.join(may)}", mend)
    return Finding("database role", str(name))


@_look
def connections(_installation: Environment) -> Finding:
    """Count the connections against what the server takes."""
    used, most = database.rows(CONNECTIONS)[0]
    mend = "run fewer processes, raise max_connections, or put PgBouncer in between" if used > most * MOST_CONNECTIONS else ""
    return Finding("connections", f"{used} of {most}", mend)


@_look
def transactions(_installation: Environment) -> Finding:
    """Look for transactions that keep everybody else from tidying up."""
    if database.value(PREPARED):
        return Finding("transactions", "somebody left prepared transactions behind", "end each one of pg_prepared_xacts")
    found = database.rows(OLDEST_TRANSACTION)
    seconds = float(found[0][2]) if found else 0.0
    if seconds <= OLD_TRANSACTION.total_seconds():
        return Finding("transactions", f"the oldest runs for {seconds:.0f} s")
    pid, program, _ = found[0]
    return Finding(
        "transactions", f"{program or 'a program'} (pid {pid}) has kept one open for {seconds:.0f} s", f"SELECT pg_terminate_backend({pid})"
    )


@_look
def durability(installation: Environment) -> Finding:
    """Tell whether what was saved survives a power cut, and whether write-ahead log piles up."""
    off = [name for (name,) in database.rows(DURABLE)]
    if off and not installation.sandbox:
        return Finding("durability", f"{', '.join(off)} is off: a power cut loses money", "switch it on in postgresql.conf")
    idle = [name for (name,) in database.rows(IDLE_SLOTS)]
    if idle:
        return Finding(
            "durability", f"nobody reads the replication slots {', '.join(idle)}: the disk fills", "drop them, or start their readers"
        )
    return Finding("durability", "what is committed is on disk" if not off else f"{', '.join(off)} is off, which a sandbox may")


@_look
def backups(_installation: Environment) -> Finding:
    """Tell what is known about copies: only archiving shows in the database."""
    archiving, failing = database.rows(ARCHIVING)[0]
    if archiving and failing:
        return Finding("back-ups", "archiving of the write-ahead log fails", "look into PostgreSQL's log, mend archive_command")
    kept = "the write-ahead log is archived" if archiving else "nothing is archived continuously"
    return Finding("back-ups", f"{kept}; keep the database and, apart from it, the keyring (docs/how-to/back-up-and-restore.md)")


@_look
def clocks(_installation: Environment) -> Finding:
    """Compare the database's clock with ours, and tell how far the sandbox runs ahead."""
    skew = condition.skew()
    ahead = clock.moment().now - clock.moment().real
    moved = f"; the sandbox clock runs {ahead} ahead" if ahead.total_seconds() > 1 else ""
    mend = "set the clocks of both machines by NTP" if skew > condition.MOST_SKEW else ""
    return Finding("clocks", f"database and this machine differ by {skew.total_seconds():.1f} s{moved}", mend)


@_look
def keyring(_installation: Environment) -> Finding:
    """Open every data key there is."""
    try:
        ring = keys.keyring()
        opened = _open_all()
    except (KeyringNotUsable, KeyEncryptionKeyMissing, DataKeyDidNotOpen) as reason:
        return Finding("keyring", str(reason), "put the right keyring where ANKA_KEYRING says; without it no key can be opened")
    used = vault.wrapped_by_names()
    former = sorted(ring.names - {ring.current, *used}) if isinstance(ring, FileKeyring) else []
    spare = f"; no longer needed: {', '.join(former)} (anka rotate-keys --retire)" if former else ""
    return Finding(
        "keyring", f"opens all {opened} data keys; new ones are wrapped by {ring.current}; in use: {', '.join(used) or 'none yet'}{spare}"
    )


def _open_all() -> int:
    ring, after, opened = keys.keyring(), (0, 0), 0
    for _page in range(MOST_PAGES):
        page = vault.wrapped_otherwise(than="", after=after, limit=PAGE)
        if not page:
            break
        for wrapped in page:
            keys.opened(ring=ring, wrapped=wrapped)
        opened += len(page)
        after = (page[-1].shop_id, page[-1].version)
    return opened


@_look
def signatures(_installation: Environment) -> Finding:
    """Tell whether every key that signed checkpoints is one this installation vouches for."""
    present, trusted = checkpoints.key().name, checkpoints.trusted()
    strange = [name for name in checkpoints.signers() if name not in trusted]
    if strange:
        mend = f"if you changed ANKA_SECRET_KEY, run: anka rotate-keys --trust-checkpoint-key {strange[0]}; if not, somebody else signed"
        return Finding("checkpoints", f"signed by keys unknown here: {', '.join(strange)}", mend)
    return Finding("checkpoints", f"signed by {present}; write the name down before you change ANKA_SECRET_KEY")


@_look
def workers(_installation: Environment) -> Finding:
    """Tell when workers were last heard of."""
    known, now = heartbeat.workers(), clock.moment()
    if not known:
        return Finding(
            "workers", "none has reported in the last day" + ("" if not _waiting(now) else ", and work is waiting"), _start_one(now)
        )
    silent = now.real - known[0][2]
    alive = sum(now.real - beat_at <= heartbeat.SILENT_AFTER for _, _, beat_at in known)
    if not alive:
        return Finding("workers", f"silent for {silent.total_seconds():.0f} s; the last was {known[0][0]}", "start a worker: anka worker")
    return Finding("workers", f"{alive} alive, the liveliest heard of {silent.total_seconds():.0f} s ago")


def _waiting(now: clock.Moment) -> int:
    late, *_ = database.rows(QUEUE, {"now": now.now, "late": now.now - LATE})[0]
    return int(late) + int(database.value(LATE_CLOCKS, (now.now - LATE,)))


def _start_one(now: clock.Moment) -> str:
    return "start a worker: anka worker" if _waiting(now) else ""


@_look
def queue(_installation: Environment) -> Finding:
    """Tell what is late, what was given up by dead workers, and what goes wrong again and again."""
    now = clock.moment()
    _, oldest, abandoned, failing = database.rows(QUEUE, {"now": now.now, "late": now.now - LATE})[0]
    if failing:
        worst = ", ".join(f"{topic} ({failure}, {count} times)" for topic, failure, count in database.rows(WORST))
        mend = "find the code or number in the worker's log; the work is tried again by itself, at least every hour"
        return Finding("queue", f"{failing} things fail again and again: {worst}", mend)
    waiting = _waiting(now)
    if waiting:
        leases = f", {abandoned} of them taken up by a worker that died" if abandoned else ""
        return Finding(
            "queue", f"{waiting} things are more than 5 minutes late, the oldest {oldest:.0f} s{leases}", "start a worker: anka worker"
        )
    return Finding("queue", "nothing is more than 5 minutes late")


@_look
def last_audit(_installation: Environment) -> Finding:
    """Look when the books were audited last, and what was found."""
    run = audits.last_run()
    if run is None:
        # Books in which nothing stands need no audit.
        empty = not database.value("SELECT EXISTS (SELECT FROM ledger_journal)")
        return Finding("audit", "never run", "" if empty else "start a worker (anka up, or anka worker), or run: anka audit")
    real = clock.moment().real
    what = "everything" if run.scope == "whole" else "what had changed"
    found = f"{what} audited {run.ended_at:%Y-%m-%d %H:%M} UTC by {run.asked_by}: {run.violations or 'no'} violations"
    if run.violations or audits.standing_findings(limit=1):
        return Finding("audit", found, "run: anka audit, and look at /platform/finance")
    return Finding("audit", found, "start a worker: the books are audited every hour" if real - run.ended_at > AUDIT_LATE else "")


@_look
def payouts(_installation: Environment) -> Finding:
    """Tell whether payouts flow."""
    frozen = freezes.standing_freeze()
    if frozen is None:
        return Finding("payouts", "they flow")
    step = frozen.frozen
    reason = " ".join(step.reason.split())[:200]
    return Finding(
        "payouts", f"frozen since {step.at:%Y-%m-%d %H:%M} UTC by {step.actor}: {reason}", "look into it, then thaw at /platform/finance"
    )
