"""Getting a measurement ready inside a process where Django is set up: the market, and the recording of one cycle."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anka.adapters.channels.sandbox_keys import Mode, load_keys
from anka.bench import market as markets
from anka.bench import pgbench, recording
from anka.bench.cycle import Cycle, new_cycle
from anka.bench.market import Market
from anka.config.api import dispatcher
from anka.config.environment import Environment
from anka.core import database
from anka.jobs import audit

WARMING_CYCLES = 5
LAST_IDS = "SELECT (SELECT max(id) FROM orders_order), (SELECT max(id) FROM payments_payment)"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything both sides of the measurement need."""

    market: Market
    gateway_key: Ed25519PrivateKey
    script: pgbench.Script
    statements: tuple[str, ...]


def prepare(*, environment: Environment, owner_url: str, log: Path) -> Prepared:
    """Make the market and record what one cycle says to PostgreSQL, whose server runs with `recording.LOUD`."""
    markets.spread_ids(owner_url=owner_url)
    market = markets.open_market()
    key = load_keys(home=environment.home, mode=Mode.SANDBOX).gateway
    application = dispatcher(environment)
    for _ in range(WARMING_CYCLES):
        # By then every statement is prepared and every cache is filled.
        recording.carry_out(application=application, cycle=new_cycle(market=market, gateway_key=key))
    cycle = Cycle(market, key, market.buyers[0], new_cycle(market=market, gateway_key=key).tag)
    recorded = recording.listen(log=log, run=lambda: recording.carry_out(application=application, cycle=cycle))
    order_id, payment_id = database.rows(LAST_IDS)[0]
    script = pgbench.script(recorded=recorded, cycle=cycle, order_id=order_id, payment_id=payment_id, buyers=len(market.buyers))
    return Prepared(market, key, script, tuple(" ".join(statement.sql.split()) for statement in recorded))


def violations(*, now: datetime) -> list[str]:
    """Return what the audit of the whole database finds, as text; nothing is what it should find."""
    return [str(violation) for violation in audit.audit(now=now)]
