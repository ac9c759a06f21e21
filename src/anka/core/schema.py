"""The schema: numbered tables run by Django's migrations, functions applied anew after every migration, tables of moves filled."""

from importlib.resources import files

import psycopg

ROOMS = ("core", "accounts", "ledger", "messaging", "policies", "catalog", "vault", "payments", "funds", "orders", "cases", "flows")


def read_sql(room: str, name: str) -> str:
    """Return the text of one SQL file of a room, e.g. ("ledger", "0001_tables.sql")."""
    return files(f"anka.{room}").joinpath("sql", name).read_text(encoding="utf-8")


def function_files() -> list[tuple[str, str]]:
    """Return (room, file name) of every SQL function file, rooms in the order of the arrow, files by name."""
    found = []
    for room in ROOMS:
        folder = files(f"anka.{room}").joinpath("sql", "functions")
        if folder.is_dir():
            found += [
                (room, f"functions/{entry.name}") for entry in sorted(folder.iterdir(), key=lambda e: e.name) if entry.name.endswith(".sql")
            ]
    return found


def apply_functions(*, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Create or replace every SQL function in one transaction, so that no request ever sees half of them."""
    with connection.transaction():
        for room, name in function_files():
            connection.execute(read_sql(room, name).encode())


def fill_table(*, connection: "psycopg.Connection[tuple[object, ...]]", table: str, rows: list[tuple[object, ...]]) -> None:
    """Make a small reference table hold exactly these rows, in one transaction."""
    places = ", ".join(["%s"] * len(rows[0]))
    with connection.transaction():
        connection.execute(f"DELETE FROM {table}".encode())
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES ({places})".encode(), rows)


RUNTIME = "anka_app"

# What the running application may do. Owner of the tables is who migrates; history cannot be changed even by a bug or an injection.
GRANTS = f"""
GRANT USAGE ON SCHEMA public TO {RUNTIME};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {RUNTIME};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {RUNTIME};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {RUNTIME};
REVOKE UPDATE, DELETE, TRUNCATE ON core_event, core_checkpoint, ledger_journal, ledger_transfer, payments_notice,
    payments_transaction, payments_evidence, payments_cashier, payments_stuck_note, payments_dispute_evidence,
    cases_receipt, cases_answer, cases_evidence, catalog_terms,
    vault_issuer_answer, vault_key_check, vault_duplicate,
    orders_policy, policies_publication, policies_withdrawal FROM {RUNTIME};
REVOKE UPDATE, DELETE, TRUNCATE ON core_checkpoint_key, core_retired_key, core_freeze, payments_bill_line,
    payments_difference_step FROM {RUNTIME};
REVOKE DELETE ON core_audit_finding, payments_bill, payments_difference FROM {RUNTIME};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ledger_account, ledger_chart, ledger_round, orders_move, orders_money_move,
    payments_payment_move, payments_attempt_move, payments_refund_move, payments_dispute_move, cases_move,
    policies_move, funds_move FROM {RUNTIME};
REVOKE INSERT ON ledger_journal, ledger_transfer, orders_policy, policies_publication FROM {RUNTIME};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON funds_step FROM {RUNTIME};
REVOKE DELETE ON funds_withdrawal, funds_terms FROM {RUNTIME};
REVOKE DELETE ON policies_draft, policies_run FROM {RUNTIME};
REVOKE DELETE ON orders_order, orders_unit, payments_payment, payments_refund, payments_leg, payments_attempt, payments_unidentified,
    payments_question, payments_stuck, payments_proof, payments_dispute, payments_dispute_unit,
    payments_by_hand, cases_case, cases_offer, cases_ruling, vault_key,
    vault_allocation FROM {RUNTIME};
REVOKE UPDATE ON messaging_notice FROM {RUNTIME};
GRANT UPDATE (read_at) ON messaging_notice TO {RUNTIME};
"""


def grant_to_runtime(*, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Give the runtime role what it needs and take away what it must never do. Does nothing where the role does not exist."""
    with connection.transaction():
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (RUNTIME,)).fetchone()
        if found:
            connection.execute(GRANTS.encode())
