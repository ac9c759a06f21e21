"""A violation for every clause of every invariant: what each alone has to see, and by which words it says so."""

from tests import builders
from tests.faults.clause_grounds import (
    agreed,
    argued,
    argued_after_confirmation,
    confirmed,
    matched,
    offer_accepted,
    replaced,
    replacement_on_offer,
    two_paid,
    two_reserved,
    was_ruled_on,
)
from tests.faults.mutants import Mutant, repaid_order
from tests.faults.odd import with_nobodys_money

_ORDER = "shop_id = %(shop)s AND order_id = %(order)s"
_OF_CASE = f"shop_id = %(shop)s AND case_id = (SELECT id FROM cases_case WHERE {_ORDER})"
_REFUND = f"(SELECT id FROM payments_refund WHERE {_ORDER})"

_NOT_FOR_SALE = "UPDATE vault_key SET status = 'held' WHERE shop_id = %(shop)s"


def _post(key: str, kind: str, debit: str, credit: str, amount: int = 100) -> str:
    accounts = f"ARRAY[{debit}], ARRAY[{credit}], ARRAY[{amount}::bigint]"
    return f"SELECT post_journal(%(shop)s, {key}, '{kind}', now(), 'CNY', {accounts})"


def _done(actor: str, what: str) -> str:
    return f"SELECT record_event(%(shop)s, %(order)s, now(), {actor}, '{what}', ARRAY[1], NULL, NULL, '{{}}'::jsonb)"


def _moved(actor: str, move: str, stage: str, key: str) -> str:
    made = f'{{"positions": [1], "move": "{move}", "stage": "{stage}", "what": "mutant", "key_status": "{key}", "details": {{}}}}'
    return f"SELECT move_units(%(shop)s, %(order)s, now(), '{actor}', 0, '{made}'::jsonb)"


CLAUSES = [
    Mutant(
        "I1",
        "the books of a currency lose one side",
        builders.a_paid_order,
        ("UPDATE ledger_account SET currency = 'USD' WHERE shop_id = %(shop)s AND code = 'psp:sandbox:clearing'",),
        says="debits exceed credits",
    ),
    Mutant(
        "I1",
        "money changes its currency on the way",
        builders.a_paid_order,
        ("UPDATE ledger_account SET currency = 'USD' WHERE shop_id = %(shop)s AND code = 'psp:sandbox:clearing'",),
        says="different currencies",
    ),
    Mutant(
        "I1",
        "an empty journal",
        builders.a_paid_order,
        (
            (
                "INSERT INTO ledger_journal (shop_id, idempotency_key, input_hash, kind, posted_at)"
                " VALUES (%(shop)s, 'void', '', 'mutant', now())"
            ),
        ),
        says="it moves nothing",
    ),
    Mutant(
        "I3",
        "an account has another floor than the chart",
        builders.a_paid_order,
        ("UPDATE ledger_account SET floored = false WHERE shop_id = %(shop)s AND code LIKE 'order:%%'",),
        says="not what the chart says",
    ),
    Mutant(
        "I3",
        "an account was closed with money in it",
        builders.a_paid_order,
        (
            "ALTER TABLE ledger_account DROP CONSTRAINT account_closed_is_empty",
            "UPDATE ledger_account SET closed_at = now() WHERE shop_id = %(shop)s AND code LIKE 'order:%%'",
        ),
        says="leave it at",
    ),
    Mutant(
        "I4",
        "escrow was emptied by something that is no confirmation",
        builders.a_paid_order,
        (
            _post("'sly'", "mutant", "format('order:%%s:escrow', %(order)s::bigint)", "'commission'"),
            "UPDATE orders_order SET released_minor = 100 WHERE shop_id = %(shop)s AND id = %(order)s",
        ),
        says="confirmations moved 0",
    ),
    Mutant(
        "I4",
        "an escrow of no order",
        builders.a_paid_order,
        (_post("'stray'", "mutant", "'commission'", "'order:999999:escrow'"),),
        says="no order",
    ),
    Mutant(
        "I4",
        "a merchant's part is forgotten",
        confirmed,
        (f"UPDATE orders_unit SET merchant_minor = merchant_minor - 1 WHERE {_ORDER}",),
        says="leave the merchant",
    ),
    Mutant(
        "I5",
        "a payment grew",
        builders.a_paid_order,
        (f"UPDATE payments_payment SET amount_minor = amount_minor + 1 WHERE {_ORDER}",),
        says="(payments:",
    ),
    Mutant(
        "I5",
        "a unit had less back than its refund says",
        builders.a_cancelled_order,
        (f"UPDATE orders_unit SET refunded_minor = refunded_minor - 1 WHERE {_ORDER}",),
        says="refunds of it",
    ),
    Mutant(
        "I5",
        "a refund repays less of its units than it is",
        builders.a_cancelled_order,
        (f"UPDATE payments_refund_unit SET amount_minor = amount_minor - 1 WHERE shop_id = %(shop)s AND refund_id = {_REFUND}",),
        says="units",
    ),
    Mutant(
        "I6",
        "a refund arrived and its leg does not know",
        repaid_order,
        (f"UPDATE payments_attempt SET status = 'closed' WHERE shop_id = %(shop)s AND refund_id = {_REFUND}",),
        says="0 succeeded",
    ),
    Mutant(
        "I6",
        "odd money is said to go back and does not",
        with_nobodys_money,
        (
            "ALTER TABLE payments_unidentified DROP CONSTRAINT payments_unidentified_check2",
            "UPDATE payments_unidentified SET status = 'returning'",
        ),
        says="going back: 0",
    ),
    Mutant(
        "I6",
        "more is owed through a channel than refunds say",
        builders.a_paid_order,
        (_post("'owed'", "mutant", "'commission'", "'refund_payable:sandbox'"),),
        says="open legs sum",
    ),
    Mutant(
        "I7",
        "two units hold one key",
        two_reserved,
        (
            "DROP INDEX orders_unit_one_per_key",
            f"UPDATE vault_allocation SET ended_at = now(), ended_as = 'available' WHERE {_ORDER} AND position = 2",
            f"UPDATE vault_key SET status = 'available' WHERE id = (SELECT key_id FROM orders_unit WHERE {_ORDER} AND position = 2)",
            (
                f"UPDATE orders_unit SET key_id = (SELECT key_id FROM orders_unit WHERE {_ORDER} AND position = 1)"
                f" WHERE {_ORDER} AND position = 2"
            ),
        ),
        says="2 units hold it",
    ),
    Mutant(
        "I7",
        "a key is allocated twice",
        two_reserved,
        (
            "DROP INDEX vault_allocation_one_current",
            (
                "INSERT INTO vault_allocation (shop_id, key_id, order_id, position, allocated_at)"
                f" SELECT shop_id, key_id, order_id, 2, allocated_at FROM vault_allocation WHERE {_ORDER} AND position = 1"
            ),
        ),
        says="2 current allocations",
    ),
    Mutant(
        "I7",
        "an allocation was wiped out",
        builders.a_sealed_order,
        (f"DELETE FROM vault_allocation WHERE {_ORDER}",),
        says="never allocated to it",
    ),
    Mutant(
        "I7",
        "a unit lost its key",
        builders.a_cancelled_order,
        (f"UPDATE vault_allocation SET ended_at = NULL, ended_as = NULL WHERE {_ORDER}", _NOT_FOR_SALE),
        says="does not hold it",
    ),
    Mutant(
        "I8",
        "a unit was taken back sealed, and says that it was opened",
        builders.a_cancelled_order,
        (f"UPDATE orders_unit SET revealed_at = now(), revealed_by = %(buyer)s WHERE {_ORDER}",),
        says="stands as recalled",
    ),
    Mutant(
        "I9",
        "a merchant was paid for what was not delivered",
        builders.a_paid_order,
        (f"UPDATE orders_unit SET money = 'settled' WHERE {_ORDER}",),
        says="money settled",
    ),
    Mutant(
        "I9",
        "a successor of somebody else's",
        replaced,
        (f"UPDATE orders_unit SET replaces = NULL WHERE {_ORDER}",),
        says="0 successors",
    ),
    Mutant(
        "I10",
        "a voided unit got its key back",
        agreed,
        (
            "ALTER TABLE orders_unit DROP CONSTRAINT unit_given_back_holds_no_key",
            f"UPDATE orders_unit SET key_id = (SELECT max(key_id) FROM vault_allocation WHERE {_ORDER}) WHERE {_ORDER}",
        ),
        says="still holds key",
    ),
    Mutant(
        "I10",
        "a key on offer was put away",
        replacement_on_offer,
        ("UPDATE vault_key SET status = 'held' WHERE shop_id = %(shop)s AND status = 'reserved'",),
        says="set aside for an offer",
    ),
    Mutant(
        "I11",
        "the same move twice",
        builders.a_revealed_order,
        ("SELECT record_event(%(shop)s, %(order)s, now(), 'system:mutant', 'mutant', ARRAY[1], 'seal', 'sealed', '{}'::jsonb)",),
        says="table of moves does not have",
    ),
    Mutant(
        "I11", "an order without a beginning", builders.a_placed_order, (f"DELETE FROM core_event WHERE {_ORDER}",), says="not its placing"
    ),
    Mutant(
        "I12", "a wrong hash", builders.a_placed_order, (f"UPDATE core_event SET hash = sha256(hash) WHERE {_ORDER}",), "does not follow"
    ),
    Mutant(
        "I14",
        "a case waits for ever",
        argued,
        (f"UPDATE core_clock SET state = 'stopped', ended_at = now() WHERE {_ORDER} AND kind = 'answer'",),
        says="0 turn clocks",
    ),
    Mutant(
        "I14",
        "a clock of a case that is not there",
        builders.a_sealed_order,
        ("SELECT start_clock(%(shop)s, %(order)s, 1, 'offer', now(), now())",),
        says="no case is open on it",
    ),
    Mutant(
        "I14", "frozen for nothing", builders.a_sealed_order, (f"UPDATE orders_unit SET frozen_minor = 1 WHERE {_ORDER}",), says="is frozen"
    ),
    Mutant(
        "I16",
        "units are worth more than was paid",
        builders.a_paid_order,
        (f"UPDATE orders_unit SET amount_minor = amount_minor + 1 WHERE {_ORDER}",),
        says="carry money",
    ),
    Mutant(
        "I16",
        "a unit waits for goods without money",
        two_paid,
        (
            "ALTER TABLE orders_unit DROP CONSTRAINT unit_unpaid_stays_unpaid",
            f"UPDATE orders_unit SET money = 'none' WHERE {_ORDER} AND position = 1",
            f"UPDATE orders_unit SET amount_minor = 2 * amount_minor WHERE {_ORDER} AND position = 2",
        ),
        says="carries no money",
    ),
    Mutant(
        "I17",
        "matched money paid another order",
        matched,
        ("UPDATE payments_unidentified SET matched_order = 'LOST'",),
        says="paid nothing there",
    ),
    Mutant(
        "I18",
        "two cases about one unit",
        argued,
        (
            "DROP INDEX cases_unit_one_open",
            (
                "INSERT INTO cases_case OVERRIDING SYSTEM VALUE"
                " SELECT (jsonb_populate_record(argued, jsonb_build_object('number', 'TWIN', 'id', argued.id + 1))).*"
                f" FROM cases_case AS argued WHERE {_ORDER}"
            ),
            f"INSERT INTO cases_unit SELECT shop_id, case_id + 1, order_id, position, open FROM cases_unit WHERE {_ORDER}",
        ),
        says="2 cases are open",
    ),
    Mutant(
        "I18",
        "an offer outlives its case",
        offer_accepted,
        (f"UPDATE cases_offer SET status = 'open', ended_at = NULL WHERE {_OF_CASE}",),
        says="an offer that is open",
    ),
    Mutant(
        "I18",
        "an offer was accepted and less was paid",
        offer_accepted,
        (f"UPDATE cases_offer SET refund_minor = refund_minor + 1 WHERE {_OF_CASE}",),
        says="an offer that is accepted",
    ),
    Mutant("I18", "a case nobody judged", argued, (f"DELETE FROM cases_receipt WHERE {_OF_CASE}",), says="never judged"),
    Mutant(
        "I19",
        "a refund's posting was renamed",
        builders.a_cancelled_order,
        ("UPDATE ledger_journal SET idempotency_key = 'gone', kind = 'gone' WHERE shop_id = %(shop)s AND kind LIKE 'refund_accepted%%'",),
        says="posted 0 times",
    ),
    Mutant(
        "I19",
        "a refund was posted that nobody decided",
        builders.a_paid_order,
        (_post("'refund:NONE:accepted'", "refund_accepted", "'commission'", "'penalty'"),),
        says="does not exist",
    ),
    Mutant(
        "I19",
        "money was set aside twice for a case",
        agreed,
        (_post(f"(SELECT format('case:%%s:x:hold', number) FROM cases_case WHERE {_ORDER})", "case_held", "'commission'", "'penalty'"),),
        says="set aside 1 times",
    ),
    Mutant(
        "I19",
        "more lies frozen than is argued about",
        argued_after_confirmation,
        (f"UPDATE orders_unit SET frozen_minor = frozen_minor - 1000 WHERE {_ORDER}",),
        says="is frozen in its books",
    ),
    Mutant("I20", "a merchant of another shop", builders.a_paid_order, (_done("'merchant:999999'", "mutant"),), says="merchant:999999"),
    Mutant("I20", "somebody who is no staff", builders.a_paid_order, (_done("'platform:999999'", "mutant"),), says="platform:999999"),
    Mutant(
        "I20",
        "a channel moved goods",
        builders.a_paid_order,
        (_moved("gateway:sandbox", "seal", "sealed", "sealed"),),
        says="gateway:sandbox",
    ),
    Mutant(
        "I20",
        "a job opened a key",
        builders.a_sealed_order,
        (_moved("system:mutant", "reveal", "revealed", "revealed"),),
        says="system:mutant",
    ),
    Mutant(
        "I20",
        "one person gave away much",
        was_ruled_on,
        (f"UPDATE cases_ruling SET refund_minor = 50001 WHERE {_OF_CASE}",),
        says="alone",
    ),
    Mutant(
        "I20",
        "one person decided twice",
        was_ruled_on,
        (
            (
                "INSERT INTO cases_ruling"
                " (shop_id, case_id, instance, status, by_person, made_at, fault, remedy, refund_minor, reasons, text)"
                " SELECT shop_id, case_id, 2, status, by_person, made_at, fault, remedy, refund_minor, reasons, text FROM cases_ruling"
                f" WHERE {_OF_CASE}"
            ),
        ),
        says="both the case and the appeal",
    ),
    Mutant(
        "I20",
        "a key was guessed six times",
        builders.a_revealed_order,
        (
            "ALTER TABLE vault_key_check DROP CONSTRAINT vault_key_check_try_number_check",
            (
                "INSERT INTO vault_key_check (shop_id, order_id, position, day, try_number, tried_at, person_id, matched)"
                " SELECT %(shop)s, %(order)s, 1, '2026-03-02', try, now(), %(buyer)s, false FROM generate_series(1, 6) AS try"
            ),
        ),
        says="tried 6 times",
    ),
]
