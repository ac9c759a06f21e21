"""Every hot table could be distributed by shop tomorrow: read from PostgreSQL's catalogue, not from our own files."""

import pytest

from tests.capabilities.exempt import EXEMPT
from tests.databases import Database

TABLES = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
SHOP_COLUMN = """
SELECT attnotnull FROM pg_attribute
WHERE attrelid = %s::regclass AND attname = 'shop_id' AND NOT attisdropped AND atttypid = 'bigint'::regtype
"""
KEYS = """
SELECT index.indexrelid::regclass::text, index.indisprimary, ARRAY(
    SELECT attribute.attname::text FROM unnest(index.indkey::int2[]) AS wanted (number)
    JOIN pg_attribute AS attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = wanted.number)
FROM pg_index AS index WHERE index.indrelid = %s::regclass AND index.indisunique
"""
FOREIGN_KEYS = """
SELECT constraint_.conname::text, constraint_.confrelid::regclass::text,
    ARRAY(SELECT attribute.attname::text FROM unnest(constraint_.conkey) WITH ORDINALITY AS own (number, place)
          JOIN pg_attribute AS attribute ON attribute.attrelid = constraint_.conrelid AND attribute.attnum = own.number ORDER BY own.place),
    ARRAY(SELECT attribute.attname::text FROM unnest(constraint_.confkey) WITH ORDINALITY AS theirs (number, place)
          JOIN pg_attribute AS attribute ON attribute.attrelid = constraint_.confrelid AND attribute.attnum = theirs.number
          ORDER BY theirs.place)
FROM pg_constraint AS constraint_ WHERE constraint_.contype = 'f' AND constraint_.conrelid = %s::regclass
"""


def breaches(database: Database) -> list[str]:
    """Every way in which a table that is not exempt could not be distributed by shop."""
    found: list[str] = []
    with database.as_owner() as owner:
        for (table,) in owner.execute(TABLES).fetchall():
            if table in EXEMPT:
                continue
            if owner.execute(SHOP_COLUMN, (table,)).fetchone() != (True,):
                found.append(f"{table} has no shop_id bigint NOT NULL")
            keys = owner.execute(KEYS, (table,)).fetchall()
            found += [f"{name} of {table} does not contain shop_id" for name, _, columns in keys if "shop_id" not in columns]
            found += [] if any(primary for _, primary, _ in keys) else [f"{table} has no primary key"]
            for name, target, own, theirs in owner.execute(FOREIGN_KEYS, (table,)).fetchall():
                if ("shop_id", "shop_id") not in zip(own, theirs, strict=True) or target in EXEMPT:
                    found.append(f"{name} of {table} leads to {target} across shops")
    return found


def test_every_hot_table_could_be_distributed(database: Database) -> None:
    assert breaches(database) == []


def test_the_list_of_exemptions_is_exact(database: Database) -> None:
    with database.as_owner() as owner:
        tables = {table for (table,) in owner.execute(TABLES).fetchall()}
    assert set(EXEMPT) <= tables, "an exemption for a table that does not exist"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE hot (id bigint PRIMARY KEY)",
        "CREATE TABLE hot (shop_id bigint, id bigint UNIQUE)",
        "CREATE TABLE hot (shop_id bigint NOT NULL, id bigint, PRIMARY KEY (id))",
        "CREATE UNIQUE INDEX hot ON orders_order (number)",
        "CREATE TABLE hot (shop_id bigint NOT NULL, id bigint REFERENCES accounts_person, PRIMARY KEY (shop_id, id))",
    ],
)
def test_a_breach_is_noticed(fresh_database: Database, statement: str) -> None:
    """The negative control."""
    with fresh_database.as_owner() as owner:
        owner.execute(statement.encode())
    assert breaches(fresh_database) != []
