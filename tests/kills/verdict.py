"""After each epoch: stop, let everything settle, and compare. The audit looks at the books by themselves, we at what clients were told.

Each question returns sentences about what is wrong; no sentence is a good answer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import msgspec
import psycopg

from tests.kills.actions import ACTIONS, HANDED
from tests.kills.journal import Entry, Journal
from tests.kills.world import World, eventually

Connection = psycopg.Connection[Any]
# Who, what, and the order or unit it happened to.
Happened = tuple[int, str, str]
SETTLE_SECONDS = 120.0
# How far the market's clock is moved at each step, so that leases of workers that were killed end, and channels that were away for long
# are asked again: at first after a minute, in the end hourly.
STEPS_SECONDS = (60,) * 10 + (3_600,) * 30
MOST_TOLD = 20

OPEN = {
    "work in the outbox": "SELECT count(*) FROM core_outbox WHERE done_at IS NULL",
    "refund attempts": "SELECT count(*) FROM payments_attempt WHERE status NOT IN ('succeeded', 'closed', 'failed', 'reversed')",
    "units paid and not delivered": (
        "SELECT count(*) FROM orders_unit AS unit JOIN orders_order AS o ON o.shop_id = unit.shop_id AND o.id = unit.order_id"
        " JOIN catalog_product AS product ON product.shop_id = o.shop_id AND product.id = o.product_id"
        " WHERE unit.stage = 'queued' AND product.delivery = 'auto'"
    ),
    "notices of the gateway": "SELECT count(*) FROM sandbox.notice WHERE finished_at IS NULL",
    "refunds at the gateway": "SELECT count(*) FROM sandbox.refund WHERE next_at IS NOT NULL",
}
WAITING = """
SELECT 'work', topic, subject, 'due', due_at, 'leased', leased_until, 'tries', tries, failure FROM core_outbox WHERE done_at IS NULL
UNION ALL SELECT 'attempt', status, number, 'asked', submitted_at, 'ended', ended_at, 'times', asked, channel
    FROM payments_attempt WHERE status NOT IN ('succeeded', 'closed', 'failed', 'reversed')
"""
# What a person at the gateway would press after an outage: its pauses grow to hours.
SEND_AGAIN = "UPDATE sandbox.notice SET due_at = least(due_at, now()), due_clock = 'real', claimed_until = NULL WHERE finished_at IS NULL"
EVENTS = """
SELECT split_part(event.actor, ':', 2)::bigint, event.what, o.number, event.positions
FROM core_event AS event JOIN orders_order AS o ON o.shop_id = event.shop_id AND o.id = event.order_id
WHERE event.actor ~ '^(buyer|merchant|platform):' AND event.what = ANY (%s)
"""
TAKEN = """
SELECT payment.number, payment.amount_minor FROM payments_transaction AS taken
JOIN payments_payment AS payment ON payment.shop_id = taken.shop_id AND payment.id = taken.payment_id WHERE taken.channel = 'sandbox'
"""
MADE = {
    "order": "SELECT number FROM orders_order",
    "payment": "SELECT number FROM payments_payment",
    "case": "SELECT number FROM cases_case WHERE asker ~ '^(buyer|merchant|platform):'",
}
# A ruling that waits for a second person is a ruling all the same: a late answer to a request no longer says which it was.
SAME_AS = {"case_ruling_proposed": "case_ruled"}
OF_UNITS = frozenset({"unit_opened", "units_accepted", "units_sealed"})
KIND_OF = {"order_placed": "order", "payment_begun": "payment", "order_paid": "payment", "case_opened": "case"}
RETURNED = """
SELECT sum(leg.amount_minor) FROM payments_leg AS leg
JOIN payments_refund AS refund ON refund.shop_id = leg.shop_id AND refund.id = leg.refund_id
JOIN orders_order AS o ON o.shop_id = refund.shop_id AND o.id = refund.order_id
WHERE o.buyer_id = %s AND leg.channel = 'wallet' AND leg.status = 'succeeded'
"""
HELD_BY_GATEWAY = "SELECT coalesce(sum(account_balance(shop_id, code, 'CNY')), 0) FROM ledger_account WHERE code LIKE 'psp:sandbox:%%'"


def settled(world: World) -> list[str]:
    """Wait until nothing is under way any more, moving the market's clock; tell what still is."""
    if not eventually(lambda: world.is_whole() and world.web.serves("/readyz"), seconds=SETTLE_SECONDS):
        return [f"the market did not come back: {world.trouble} {world.said[-3:]}"]
    with closing(world.connect()) as connection:
        for step in STEPS_SECONDS:
            if eventually(lambda: not any(count(connection, query) for query in OPEN.values()), seconds=1.0):
                return []
            connection.execute(SEND_AGAIN)
            world.move_clock(step)
        still = [f"{found} {what} still open" for what, query in OPEN.items() if (found := count(connection, query))]
        return still + [" ".join(map(str, row)) for row in connection.execute(WAITING.encode()).fetchmany(MOST_TOLD)]


def count(connection: Connection, query: str, *parameters: object) -> int:
    """Return the first column of the first row as a number."""
    row = connection.execute(query.encode(), parameters).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def state_changes(world: World) -> int:
    """Count what really happened, as the rows in the histories of orders: attempts do not count."""
    with closing(world.connect()) as connection:
        return count(connection, "SELECT count(*) FROM core_event")


def verdict(world: World, journal: Journal) -> list[str]:
    """Return everything that is wrong with a settled market."""
    wrongs = [*journal.wrongs, *audited(world)]
    with closing(world.connect()) as connection:
        for question in (things, history, keys, captures, refunds, wallets):
            wrongs += list(question(connection, world, journal))[:MOST_TOLD]
    return wrongs


def audited(world: World) -> list[str]:
    """Run `anka audit` over everything."""
    done = world.run("audit", "--json")
    try:
        found = msgspec.json.decode(done.stdout)["violations"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return [f"the audit itself failed: {done.stderr[-1000:]}"]
    return [f"{one['invariant']} {one['where']}: {one['what']}" for one in found]


def _acknowledged(journal: Journal, events: Iterable[str]) -> list[Entry]:
    wanted = set(events)
    return [entry for entry in journal.entries if entry.acknowledged and entry.action.event in wanted]


def things(connection: Connection, _world: World, journal: Journal) -> Iterator[str]:
    """Orders, payments and cases: what was acknowledged is there, and nothing else is."""
    for kind, query in MADE.items():
        entries = _acknowledged(journal, [event for event, made in KIND_OF.items() if made == kind])
        told = {name for entry in entries for name in entry.made}
        alone = Counter(name for entry in entries if not entry.action.shared for name in entry.made)
        there = {row[0] for row in connection.execute(query.encode())}
        yield from (f"{kind} {name} was acknowledged and is not there" for name in sorted(told - there))
        yield from (f"{kind} {name} is there and nobody was told: done twice, or for nobody" for name in sorted(there - told))
        yield from (f"{kind} {name} was the answer to {times} different requests" for name, times in alone.items() if times > 1)


def history(connection: Connection, _world: World, journal: Journal) -> Iterator[str]:
    """Every acknowledged action is in the history of its order exactly once, and nothing else is."""
    watched = sorted({action.event for action in ACTIONS if action.event} | SAME_AS.keys())
    there: Counter[Happened] = Counter()
    for person, what, number, positions in connection.execute(EVENTS.encode(), (watched,)):
        for about in [f"{number}-{position}" for position in positions] if what in OF_UNITS else [number]:
            there[person, SAME_AS.get(what, what), about] += 1
    told = _told(_acknowledged(journal, watched))
    for key in sorted(there.keys() | told.keys()):
        if there[key] != told[key]:
            yield f"{key[1]} of {key[2]} by person {key[0]}: acknowledged {told[key]} times, in the history {there[key]} times"


def _told(acknowledged: Iterable[Entry]) -> Counter[Happened]:
    """How often whom was told that what happened to which order or unit."""
    told: Counter[Happened] = Counter()
    shared: set[tuple[int, str, str, str]] = set()
    taken_up: set[Happened] = set()
    for entry in acknowledged:
        person, event = entry.who.person_id, entry.action.event
        for made in entry.made:
            if entry.action.shared:
                shared.add((person, event, made if event in OF_UNITS else entry.ask.about, made))
            elif event in OF_UNITS:
                told.update((person, event, str(unit)) for unit in entry.ask.body["units"])
            else:
                told[person, event, entry.ask.about or made] += 1
        if event == "units_sealed":
            # Handing over without having taken up first is taking up.
            taken_up |= {(person, "units_accepted", str(unit)) for unit in entry.ask.body["units"]}
    told.update((person, event, about) for person, event, about, _made in shared)
    told.update(happened for happened in taken_up if not told[happened])
    return told


def keys(connection: Connection, world: World, journal: Journal) -> Iterator[str]:
    """Nobody was shown a key that is for sale again, and no key has been lost or made up."""
    stock = count(connection, "SELECT count(*) FROM vault_key")
    handed = sum(len(entry.ask.body["secrets"]) for entry in _acknowledged(journal, ["units_sealed"]))
    if stock != world.market.keys + handed:
        yield f"there are {stock} keys, {world.market.keys} were imported and {handed} handed over"
    for unit, secret in journal.secrets.items():
        if secret.startswith(HANDED) and not secret.startswith(f"{HANDED}{unit}-"):
            yield f"{unit} showed a key that was handed over for another unit"
    there = {
        row[0]
        for row in connection.execute(
            b"SELECT format('%s-%s', o.number, unit.position) FROM orders_unit AS unit"
            b" JOIN orders_order AS o ON o.shop_id = unit.shop_id AND o.id = unit.order_id WHERE unit.revealed_at IS NOT NULL"
        )
    }
    yield from (f"{unit} was shown and does not count as opened" for unit in sorted(journal.secrets.keys() - there))
    yield from (f"{unit} counts as opened and was shown to nobody" for unit in sorted(there - journal.secrets.keys()))


def captures(connection: Connection, world: World, journal: Journal) -> Iterator[str]:
    """What the gateway says it captured, what it told the clients, and what our books took are the same, payment by payment."""
    gateway = dict(connection.execute(b"SELECT number, amount_minor FROM sandbox.payment WHERE status = 'paid'").fetchall())
    books = dict(connection.execute(TAKEN.encode()).fetchall())
    back = count(connection, "SELECT coalesce(sum(amount_minor), 0) FROM sandbox.refund WHERE status = 'succeeded'")
    expected = sum(gateway.values()) + len(world.market.of("buyer")) * world.market.wallet_minor - back
    found = count(connection, HELD_BY_GATEWAY)
    if found != expected:
        yield f"according to our books the gateway holds {found} of our money, according to itself {expected}"
    yield from differences("captured by the gateway", gateway, "taken into our books", books)
    lost = {number: amount for number, amount in journal.captures.items() if gateway.get(number) != amount}
    yield from (f"the gateway told a client it captured {amount} for {number}, and does not know" for number, amount in lost.items())


def refunds(connection: Connection, _world: World, _journal: Journal) -> Iterator[str]:
    """What the gateway paid back and what our books say it did are the same, refund by refund."""
    gateway = dict(connection.execute(b"SELECT number, amount_minor FROM sandbox.refund WHERE status = 'succeeded'").fetchall())
    ours = b"SELECT number, amount_minor FROM payments_attempt WHERE channel = 'sandbox' AND status = 'succeeded'"
    yield from differences(
        "paid back by the gateway", gateway, "paid back according to our books", dict(connection.execute(ours).fetchall())
    )


def differences(one: str, left: dict[str, int], other: str, right: dict[str, int]) -> Iterator[str]:
    """Tell where two lists of amounts differ."""
    for number in sorted(left.keys() | right.keys()):
        if left.get(number) != right.get(number):
            yield f"{number}: {one} {left.get(number)}, {other} {right.get(number)}"


def wallets(connection: Connection, world: World, journal: Journal) -> Iterator[str]:
    """A wallet holds what was put in, less what its owner was told they paid, plus what came back."""
    spent: Counter[int] = Counter()
    prices = dict(connection.execute(b"SELECT number, amount_minor FROM payments_payment").fetchall())
    for entry in _acknowledged(journal, ["order_paid"]):
        spent[entry.who.person_id] += sum(prices.get(number, 0) for number in entry.made)
    for buyer in world.market.of("buyer"):
        returned = count(connection, RETURNED, buyer.person_id)
        found = count(connection, "SELECT account_balance(0, %s, 'CNY')", f"buyer:{buyer.person_id}:wallet")
        expected = world.market.wallet_minor - spent[buyer.person_id] + returned
        if found != expected:
            yield f"the wallet of person {buyer.person_id} holds {found}, it should hold {expected}"
