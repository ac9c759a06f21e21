"""A market's history written straight into an empty database: orders, cases and receipts without the flows that lead to them.

Only for a database that is thrown away: nothing guards these tables afterwards, and nothing else of the market is there.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from importlib.resources import files

import msgspec
import psycopg

from anka.bench.made_facts import made_facts
from anka.domain.facts import Facts
from anka.domain.policy.decide import decide
from anka.domain.policy.decision import Decision
from anka.domain.policy.table import RuleSet

ANSWERS = ("agreed", "refused", "silent")
PRICES = (990, 4_950, 9_900, 19_800, 30_000)
TABLES = ("orders_order", "orders_unit", "cases_case", "cases_receipt")
UNGUARD = """
DO $$
DECLARE guard record;
BEGIN
    FOR guard IN SELECT conrelid::regclass AS named, conname FROM pg_constraint
        WHERE contype = 'f' AND conrelid = ANY ('{orders_order,orders_unit,cases_case,cases_receipt}'::regclass[]) LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', guard.named, guard.conname);
    END LOOP;
END
$$
"""
COPY = "COPY made (place, sequence, facts, decision) FROM STDIN"
Judgement = tuple[int, int, Facts, Decision]


def judgements(*, count: int, rules: RuleSet) -> Iterator[Judgement]:
    """Yield so many judgements by these rules: the number of the case, which of its judgements it is, facts and decision."""
    made = 0
    for place, facts in enumerate(made_facts(count=count), start=1):
        if made == count:
            return
        made += 1
        decision = decide(facts, rules)
        yield place, 1, facts, decision
        # Whatever the merchant answers, the case is judged a second time.
        if decision.route == "merchant" and made < count:
            made += 1
            answered = replace(facts, merchant_answer=ANSWERS[place % len(ANSWERS)])
            yield place, 2, answered, decide(answered, rules)


def write(*, owner_url: str, count: int, rules: RuleSet, until: datetime) -> None:
    """Write a history of so many receipts, decided by these rules within the month before `until`."""
    with psycopg.connect(owner_url) as connection, connection.cursor() as cursor:
        cursor.execute(UNGUARD)
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        cursor.execute("CREATE TEMPORARY TABLE made (place bigint, sequence integer, facts bytea, decision bytea)")
        with cursor.copy(COPY) as copy:
            for place, sequence, facts, decision in judgements(count=count, rules=rules):
                judged = [{"facts": facts.to_json(), "position": 1}]
                stored = (msgspec.json.encode(value, order="sorted") for value in (judged, decision.to_receipt()))
                copy.write_row((place, sequence, *stored))
        settings = {"prices": list(PRICES), "version": rules.version, "until": until}
        for statement in files("anka.bench").joinpath("history.sql").read_text(encoding="utf-8").split(";\n"):
            if statement.strip():
                cursor.execute(statement.encode(), settings)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(f"VACUUM ANALYZE {table}".encode())
