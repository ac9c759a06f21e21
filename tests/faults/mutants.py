"""One violation per invariant, planted past the application: by the owner, with triggers silenced and constraints taken away.

Each is what a missing guard would have led to. The audit has to name exactly its invariant: no other one, and not nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from anka.domain.refund_states import AttemptState
from anka.flows.expire_unpaid import expire_order
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.submit_attempt import submit_attempt
from tests import builders
from tests.builders import Order, at
from tests.faults.flows import attempts

Owner = Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Mutant:
    """A violation: the invariant it breaks, what has gone wrong, the ground, the statements that plant it, and words of the clause that
    has to see it ("": whichever does)."""

    invariant: str
    story: str
    ground: Callable[[], Order]
    statements: tuple[str, ...]
    says: str = ""

    def __str__(self) -> str:
        return f"{self.invariant} {self.story}"

    def plant(self, owner: Owner) -> None:
        """Break the invariant. %(shop)s, %(order)s, %(number)s and %(buyer)s are those of the order on the ground."""
        order = self.ground()
        state = order.state
        names = {"shop": state.shop_id, "order": state.id, "number": state.number, "buyer": state.buyer_id}
        silence_triggers(owner)
        for statement in self.statements:
            # ALTER takes no parameters; only statements about the order name any.
            owner.execute(statement.encode(), names if "%(" in statement else None)


def silence_triggers(owner: Owner) -> None:
    """Take every trigger of ours away."""
    found = owner.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal").fetchall()
    for (table,) in found:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())


def repaid_order() -> Order:
    """An order whose refund has arrived."""
    order = builders.a_cancelled_order()
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))
    record_refund_outcome(number=number, evidence=Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=at(7).now), at=at(7))
    return order


def with_a_spare_key() -> Order:
    """A placed order of a product that has one key left."""
    return builders.a_placed_order(product=builders.a_product(stock=2))


def timed_out_with_payment() -> Order:
    """An order that timed out while its payment was under way."""
    order = builders.a_placed_order()
    builders.a_payment(order)
    assert expire_order(order_number=order.number, at=at(20))
    return order


def two_opened() -> Order:
    """An order of two units, both opened."""
    return builders.a_revealed_order(quantity=2)


_ORDER = "shop_id = %(shop)s AND order_id = %(order)s"
_THIS = "shop_id = %(shop)s AND id = %(order)s"
_PENDING = "(SELECT number FROM payments_payment WHERE shop_id = %(shop)s AND order_id = %(order)s)"

MUTANTS = [
    Mutant(
        "I1",
        "money leaves over a bridge and never arrives",
        builders.a_placed_order,
        ("SELECT post_journal(%(shop)s, 'lost', 'mutant', now(), 'CNY', ARRAY['bridge:0'], ARRAY['commission'], ARRAY[100::bigint])",),
    ),
    Mutant(
        "I2",
        "a cached balance is written by hand",
        builders.a_paid_order,
        ("UPDATE ledger_account SET debits = debits + 1, credits = credits + 1 WHERE shop_id = %(shop)s AND code LIKE 'order:%%'",),
    ),
    Mutant(
        "I3",
        "a wallet is overdrawn",
        builders.a_placed_order,
        (
            "ALTER TABLE ledger_account DROP CONSTRAINT account_floor",
            (
                "SELECT post_journal(0, 'overdraft', 'mutant', now(), 'CNY', ARRAY[format('buyer:%%s:wallet', %(buyer)s::bigint)],"
                " ARRAY['commission'], ARRAY[500::bigint])"
            ),
        ),
    ),
    Mutant(
        "I4",
        "an order says it was released and its escrow does not",
        builders.a_paid_order,
        (f"UPDATE orders_order SET released_minor = released_minor + 100 WHERE {_THIS}",),
    ),
    Mutant(
        "I4",
        "a debt of a shop appeared from nowhere",
        builders.a_paid_order,
        (
            (
                "SELECT post_journal(%(shop)s, 'sly', 'mutant', now(), 'CNY',"
                " ARRAY[format('recv:merchant:%%s', %(shop)s::bigint)], ARRAY['commission'], ARRAY[100::bigint])"
            ),
        ),
        says="leave the merchant",
    ),
    Mutant(
        "I4",
        "money came into a deposit by a journal that is no payment",
        builders.a_paid_order,
        (
            (
                "SELECT post_journal(%(shop)s, 'sly', 'mutant', now(), 'CNY',"
                " ARRAY['commission'], ARRAY[format('merchant:%%s:deposit', %(shop)s::bigint)], ARRAY[100::bigint])"
            ),
        ),
        says="leave the merchant",
    ),
    Mutant(
        "I5",
        "a payment says it was refunded and no refund does",
        builders.a_paid_order,
        (f"UPDATE payments_payment SET refunded_minor = 1 WHERE {_ORDER}",),
    ),
    Mutant(
        "I6",
        "the channel pays one refund back twice, under two numbers",
        repaid_order,
        (
            "DROP INDEX payments_attempt_one_live",
            (
                "INSERT INTO payments_attempt (shop_id, number, refund_id, leg, channel, amount_minor, status, created_at, ended_at)"
                " SELECT shop_id, number || 'X', refund_id, leg, channel, amount_minor, status, created_at, ended_at FROM payments_attempt"
                " WHERE shop_id = %(shop)s"
            ),
        ),
    ),
    Mutant(
        "I7",
        "one key was opened by two",
        two_opened,
        (
            (
                "INSERT INTO vault_allocation (shop_id, key_id, order_id, position, allocated_at, ended_at, ended_as)"
                " SELECT shop_id, key_id, order_id, 2, allocated_at, allocated_at, 'available' FROM vault_allocation"
                f" WHERE {_ORDER} AND position = 1"
            ),
        ),
    ),
    Mutant(
        "I8",
        "the table of moves lets an opened unit be recalled",
        builders.a_revealed_order,
        (
            "INSERT INTO orders_move VALUES ('card_key', 'revealed', 'recall', 'recalled')",
            (
                'SELECT move_units(%(shop)s, %(order)s, now(), \'system:mutant\', 0, \'{"positions": [1], "move": "recall",'
                ' "stage": "recalled", "what": "units_recalled", "key_status": "available", "details": {}}\'::jsonb)'
            ),
        ),
    ),
    Mutant(
        "I9",
        "a sealed unit's key was opened without the unit",
        builders.a_sealed_order,
        ("UPDATE vault_key SET status = 'revealed' WHERE shop_id = %(shop)s",),
    ),
    Mutant(
        "I10",
        "a reserved key is for sale again",
        builders.a_placed_order,
        ("UPDATE vault_key SET status = 'available' WHERE shop_id = %(shop)s",),
    ),
    Mutant(
        "I10",
        "a key is taken and nobody has it",
        with_a_spare_key,
        ("UPDATE vault_key SET status = 'sealed' WHERE shop_id = %(shop)s AND status = 'available'",),
    ),
    Mutant(
        "I11",
        "a unit moves without an event",
        builders.a_paid_order,
        (f"UPDATE orders_unit SET stage = 'accepted' WHERE {_ORDER}",),
    ),
    Mutant(
        "I12",
        "history is rewritten: somebody else did it",
        builders.a_placed_order,
        (f"UPDATE core_event SET actor = 'system:nobody' WHERE {_ORDER}",),
    ),
    Mutant(
        "I12",
        "an event in the middle is cut out",
        builders.a_sealed_order,
        (f"DELETE FROM core_event WHERE {_ORDER} AND what = 'payment_begun'",),
    ),
    Mutant("I13", "nobody will deliver", builders.a_paid_order, ("DELETE FROM core_outbox WHERE shop_id = %(shop)s",)),
    Mutant("I13", "nobody will ask about a refund", builders.a_cancelled_order, ("DELETE FROM core_outbox WHERE topic = 'refund'",)),
    Mutant(
        "I14",
        "an unpaid order has no clock",
        builders.a_placed_order,
        (f"UPDATE core_clock SET state = 'stopped', ended_at = now() WHERE {_ORDER}",),
    ),
    Mutant(
        "I15",
        "a decision was doctored",
        builders.a_cancelled_order,
        (
            "ALTER TABLE cases_receipt DROP CONSTRAINT receipt_is_whole",
            (
                "UPDATE cases_receipt SET decision = replace(convert_from(decision, 'UTF8'), '\"refund_percent\":100',"
                " '\"refund_percent\":99')::bytea WHERE shop_id = %(shop)s"
            ),
        ),
    ),
    Mutant(
        "I15",
        "the rules of a decision are not kept",
        builders.a_cancelled_order,
        ("UPDATE cases_receipt SET policy_version = 'lost' WHERE shop_id = %(shop)s",),
    ),
    Mutant(
        "I16",
        "goods are queued before the money came",
        builders.a_paid_order,
        (f"UPDATE payments_payment SET paid_at = paid_at + interval '1 hour' WHERE {_ORDER}",),
    ),
    Mutant(
        "I17",
        "late money is taken and nothing is done about it",
        timed_out_with_payment,
        (
            "SELECT change_order(%(shop)s, %(order)s, now(), 'gateway:sandbox', 0, jsonb_build_object('currency', 'CNY',"
            " 'taken', jsonb_build_object('channel', 'sandbox', 'transaction_number', 'LATE1', 'payment_number', " + _PENDING + "),"
            " 'order', jsonb_build_object('paid_minor', 10000), 'journals', jsonb_build_array(jsonb_build_object("
            " 'shop_id', %(shop)s::bigint, 'key', 'pay:sandbox:LATE1', 'kind', 'paid', 'transfers', jsonb_build_array("
            " jsonb_build_object('debit', 'psp:sandbox:clearing', 'credit', format('order:%%s:escrow', %(order)s::bigint),"
            " 'amount_minor', 10000))))))",
        ),
    ),
    Mutant(
        "I18", "a closed case stays open for its unit", builders.a_cancelled_order, (f"UPDATE cases_unit SET open = true WHERE {_ORDER}",)
    ),
    Mutant(
        "I19",
        "a case gave less back than it says",
        builders.a_cancelled_order,
        (f"UPDATE cases_case SET refund_minor = refund_minor + 1 WHERE {_ORDER}",),
    ),
    Mutant(
        "I19",
        "a compensation was granted and not paid",
        builders.a_cancelled_order,
        (f"UPDATE cases_case SET compensation_minor = 1 WHERE {_ORDER}",),
        says="compensation of 1, posted 0",
    ),
    Mutant(
        "I19",
        "a penalty for no case",
        builders.a_paid_order,
        (
            (
                "SELECT post_journal(%(shop)s, 'case:NONE:penalty', 'penalised', now(), 'CNY',"
                " ARRAY['commission'], ARRAY['penalty'], ARRAY[100::bigint])"
            ),
        ),
        says="for no case",
    ),
    Mutant(
        "I20",
        "a stranger acts on the order",
        builders.a_revealed_order,
        (
            (
                "SELECT record_event(%(shop)s, %(order)s, now(), format('buyer:%%s', %(buyer)s::bigint + 1), 'unit_opened_again',"
                " ARRAY[1], NULL, NULL, '{}'::jsonb)"
            ),
        ),
    ),
]
