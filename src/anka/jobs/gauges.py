"""The market in numbers, for a monitor: read from the database, cheap, and never for longer than a moment.

Each number is asked for by itself, for at most two seconds: one that takes longer is left out rather than told wrong, and the others are
told. What was found is told again for some seconds, however often and by however many monitors it is asked for.
"""

from collections.abc import Iterator
from datetime import timedelta
from threading import Lock

import msgspec

from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import Busy

FRESH = timedelta(seconds=10)
LIMIT = "SET LOCAL statement_timeout = '2s'"
LOW_STOCK = 5


class Gauge(msgspec.Struct, frozen=True):
    """A number with its name, what it means, and the query that gives it: columns of labels first, the number last."""

    name: str
    help: str
    sql: str
    labels: tuple[str, ...] = ()


class Reading(msgspec.Struct, frozen=True):
    """What a gauge shows: labels with their number. Empty where there is nothing to show."""

    gauge: Gauge
    numbers: list[tuple[tuple[str, ...], float]]


# %(now)s is the market's time, %(real)s the machine's.
GAUGES = (
    Gauge(
        "anka_orders",
        "Orders by what they wait for.",
        """SELECT CASE WHEN closed_at IS NOT NULL AND paid_at IS NULL THEN 'closed_unpaid' WHEN closed_at IS NOT NULL THEN 'closed'
           WHEN paid_at IS NULL THEN 'waiting_for_payment' WHEN refunded_minor + released_minor >= paid_minor THEN 'completed'
           ELSE 'in_progress' END AS state, count(*) FROM orders_order GROUP BY 1""",
        ("state",),
    ),
    Gauge(
        "anka_open_cases",
        "Cases that are not closed, by status.",
        "SELECT status, count(*) FROM cases_case WHERE closed_at IS NULL GROUP BY 1",
        ("status",),
    ),
    Gauge("anka_refunds", "Refunds by status.", "SELECT status, count(*) FROM payments_refund GROUP BY 1", ("status",)),
    Gauge(
        "anka_refund_oldest_stuck_seconds",
        "Age of the oldest refund that is stuck or under way for more than a day.",
        """SELECT coalesce(extract(epoch FROM %(now)s - min(intended_at)), 0) FROM payments_refund
           WHERE status = 'stuck' OR (status IN ('intended', 'processing') AND intended_at < %(now)s - interval '1 day')""",
    ),
    Gauge(
        "anka_outbox_waiting",
        "Work that is due and not done, by topic.",
        "SELECT topic, count(*) FROM core_outbox WHERE done_at IS NULL AND due_at <= %(now)s GROUP BY 1",
        ("topic",),
    ),
    Gauge(
        "anka_outbox_oldest_seconds",
        "How long the oldest work that is due has been waiting.",
        """SELECT coalesce(extract(epoch FROM %(now)s - min(due_at)), 0) FROM core_outbox
           WHERE done_at IS NULL AND due_at <= %(now)s""",
    ),
    Gauge(
        "anka_outbox_failing",
        "Work that went wrong at its last try, by topic.",
        "SELECT topic, count(*) FROM core_outbox WHERE done_at IS NULL AND failure IS NOT NULL GROUP BY 1",
        ("topic",),
    ),
    Gauge(
        "anka_clocks_fallen",
        "Clocks that have run out and were not acted upon yet, by kind.",
        "SELECT kind, count(*) FROM core_clock WHERE state = 'running' AND due_at <= %(now)s GROUP BY 1",
        ("kind",),
    ),
    Gauge(
        "anka_clocks_oldest_fallen_seconds",
        "How long ago the oldest of them ran out.",
        """SELECT coalesce(extract(epoch FROM %(now)s - min(due_at)), 0) FROM core_clock
           WHERE state = 'running' AND due_at <= %(now)s""",
    ),
    Gauge(
        "anka_products_low_in_stock",
        f"Products on sale, delivered from stock, with fewer than {LOW_STOCK} keys that can be sold.",
        f"""SELECT count(*) FROM catalog_product AS product WHERE product.on_sale AND product.kind = 'card_key'
           AND product.delivery = 'auto' AND available_keys(product.shop_id, product.id, {LOW_STOCK}) < {LOW_STOCK}""",
    ),
    Gauge("anka_workers", "Workers heard of within a day.", "SELECT count(*) FROM core_worker"),
    Gauge(
        "anka_worker_heartbeat_age_seconds",
        "How long ago the liveliest worker said that it lives; absent where none ever did.",
        "SELECT extract(epoch FROM %(real)s - max(beat_at)) FROM core_worker HAVING count(*) > 0",
    ),
    Gauge(
        "anka_database_connections",
        "Connections to this database by state.",
        """SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity
           WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1""",
        ("state",),
    ),
    Gauge(
        "anka_database_connections_limit",
        "How many connections the server takes.",
        "SELECT current_setting('max_connections')::integer",
    ),
    Gauge(
        "anka_audit_violations",
        "What the last audit of everything found; absent where none is known.",
        "SELECT value FROM core_result WHERE name = 'audit'",
    ),
    Gauge(
        "anka_audit_age_seconds",
        "How long ago that was.",
        "SELECT extract(epoch FROM %(real)s - found_at) FROM core_result WHERE name = 'audit'",
    ),
    Gauge(
        "anka_checkpoint_age_seconds",
        "How long ago events were last signed.",
        "SELECT extract(epoch FROM %(real)s - made_at) FROM core_checkpoint ORDER BY id DESC LIMIT 1",
    ),
)


class _Last:
    """What was read last, for whoever asks soon after."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.at: Moment | None = None
        self.readings: list[Reading] = []


_last = _Last()


def read(*, at: Moment) -> list[Reading]:
    """Return what every gauge shows, at most ten seconds old; a gauge that took too long is missing.

    Raises:
        DatabaseUnavailable: there is nothing to read from.
    """
    with _last.lock:
        if _last.at is None or not timedelta(0) <= at.real - _last.at.real < FRESH:
            _last.readings, _last.at = list(_read(at)), at
        return _last.readings


def forget() -> None:
    """Read anew next time."""
    _last.at = None


def _read(at: Moment) -> Iterator[Reading]:
    for gauge in GAUGES:
        try:
            with database.transaction():
                database.rows(LIMIT)
                found = database.rows(gauge.sql, {"now": at.now, "real": at.real})
        except Busy:
            continue
        yield Reading(gauge, [(tuple(str(label) for label in row[:-1]), float(row[-1])) for row in found if row[-1] is not None])
