"""Importing keys: nothing twice, nothing half, and what was stored opens again only with the right keyring."""

import io

import psycopg
import pytest

from anka.adapters.keyring.file import FileKeyring
from anka.core.actors import Actor, ActorKind
from anka.core.database import rows
from anka.core.refusals import BadInput, NotFound, NotPermitted
from anka.flows.import_keys import MOST_IN_A_BATCH, BatchTooLarge, NotAKeyProduct, import_keys
from anka.jobs import keys
from anka.jobs.key_import import BatchOutcome, import_file
from anka.vault.key_file import key_lines
from anka.vault.models import KeyLine, SealedKey
from anka.vault.queries import available_keys, data_keys, import_target, sealed_key
from anka.vault.sealing import SealBroken
from tests.capabilities.shops import AT, OPERATOR, new_product, new_shop, test_keyring
from tests.databases import Database


@pytest.fixture(autouse=True)
def _keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = test_keyring()
    monkeypatch.setattr(keys, "keyring", lambda: ring)


def run(product: str, content: bytes, actor: Actor = OPERATOR) -> list[BatchOutcome]:
    return list(import_file(actor=actor, product_number=product, file=io.BytesIO(content), source="keys.csv"))


def csv_of(*secrets: str) -> bytes:
    return "\n".join(("key", *secrets, "")).encode()


def stock(product: str) -> list[str]:
    """Every key of a product, opened, in the order it will be sold in."""
    target = import_target(product_number=product)
    assert target is not None
    ids = rows("SELECT id FROM vault_key WHERE shop_id = %s AND product_id = %s ORDER BY id", (target.shop_id, target.product_id))
    opened = keys.opener_for(shop_id=target.shop_id)
    return [opened(sealed_key(shop_id=target.shop_id, key_id=key_id)) for (key_id,) in ids]


def test_keys_are_stored_in_the_order_of_the_file_and_open_again() -> None:
    product = new_product(new_shop())
    assert run(product, csv_of("B-2", "A-1", "密钥-3")) == [BatchOutcome(2, 4, lines=3, stored=3)]
    assert stock(product) == ["B-2", "A-1", "密钥-3"]


def test_no_plain_text_reaches_the_database(database: Database) -> None:
    product = new_product(new_shop())
    run(product, csv_of("PLAIN-TEXT-MARK-1"))
    with database.as_owner() as owner:
        for table in ("vault_key", "vault_batch", "vault_data_key"):
            for (row,) in owner.execute(f"SELECT {table}::text FROM {table}".encode()).fetchall():
                assert b"PLAIN-TEXT-MARK-1" not in str(row).encode()
                assert b"PLAIN-TEXT-MARK-1".hex() not in str(row)


def test_duplicates_in_file_and_stock_are_named_and_left_out() -> None:
    product = new_product(new_shop())
    run(product, csv_of("A-1", "A-2"))
    assert run(product, csv_of("a1", "B-1", "Ｂ－１", "B-2")) == [BatchOutcome(2, 5, lines=4, stored=2, duplicates=(2, 4))]
    assert stock(product) == ["A-1", "A-2", "B-1", "B-2"]


def test_importing_a_file_again_changes_nothing() -> None:
    product = new_product(new_shop())
    content = csv_of("A-1", "A-2")
    run(product, content)
    assert run(product, content) == [BatchOutcome(2, 3, lines=2, stored=0, duplicates=(2, 3))]
    assert stock(product) == ["A-1", "A-2"]


def test_the_same_key_in_two_products_is_stored_twice_and_can_be_found() -> None:
    one, two = new_product(new_shop()), new_product(new_shop())
    run(one, csv_of("SHARED-KEY-77"))
    run(two, csv_of("shared key 77"))
    assert stock(one) == ["SHARED-KEY-77"]
    marks = rows("SELECT count(DISTINCT shop_id) FROM vault_key GROUP BY blind_index HAVING count(DISTINCT shop_id) > 1")
    assert (2,) in marks


def test_a_wrong_line_refuses_its_batch_and_no_other() -> None:
    product = new_product(new_shop())
    many = [f"K-{number}" for number in range(MOST_IN_A_BATCH)]
    outcomes = run(product, csv_of(*many, "A\x00B", "GOOD", *many[:1]))
    assert [(outcome.stored, len(outcome.faults)) for outcome in outcomes] == [(MOST_IN_A_BATCH, 0), (0, 1)]
    assert outcomes[1].faults[0].number == MOST_IN_A_BATCH + 2
    assert stock(product) == many


def test_what_is_not_a_key_product_is_refused() -> None:
    shop = new_shop()
    with pytest.raises(NotFound):
        run(f"{shop.code}-P0000000000000", csv_of("A"))
    for product in (new_product(shop, kind="account"), new_product(shop, delivery="manual")):
        with pytest.raises(NotAKeyProduct):
            run(product, csv_of("A"))
    with pytest.raises(BadInput):
        run(new_product(shop), b"code\nA\n")


def test_only_the_operator_and_the_shops_own_people_may_import() -> None:
    shop, other = new_shop(), new_shop()
    product = new_product(shop)
    for stranger in (other.owner, Actor(kind=ActorKind.BUYER, person_id=shop.owner.person_id), Actor(kind=ActorKind.SYSTEM, name="x")):
        with pytest.raises(NotPermitted):
            run(product, csv_of("A"), actor=stranger)
    assert stock(product) == []
    assert run(product, csv_of("A"), actor=shop.owner)[0].stored == 1


def test_a_batch_has_a_limit() -> None:
    product = new_product(new_shop())
    target = import_target(product_number=product)
    assert target is not None
    lines = [KeyLine(number, f"K{number}") for number in range(MOST_IN_A_BATCH + 1)]
    sealer = keys.sealer_for(shop_id=target.shop_id, at=AT)
    with pytest.raises(BatchTooLarge):
        import_keys(actor=OPERATOR, target=target, source="", lines=lines, sealer=sealer, at=AT)


def test_a_shop_has_one_data_key_and_each_shop_its_own() -> None:
    shop, other = new_shop(), new_shop()
    for _ in range(2):
        keys.sealer_for(shop_id=shop.id, at=AT)
    keys.sealer_for(shop_id=other.id, at=AT)
    (mine,), (theirs,) = data_keys(shop_id=shop.id), data_keys(shop_id=other.id)
    assert mine.wrapped != theirs.wrapped


def test_a_row_swapped_in_the_database_does_not_open(database: Database) -> None:
    product = new_product(new_shop())
    run(product, csv_of("CHEAP", "DEAR"))
    target = import_target(product_number=product)
    assert target is not None
    ids = [key_id for (key_id,) in rows("SELECT id FROM vault_key WHERE shop_id = %s ORDER BY id", (target.shop_id,))]
    with database.as_owner() as owner:
        owner.execute(
            "UPDATE vault_key AS here SET nonce = there.nonce, ciphertext = there.ciphertext FROM vault_key AS there"
            " WHERE here.shop_id = %s AND here.id = %s AND there.shop_id = here.shop_id AND there.id = %s",
            (target.shop_id, ids[0], ids[1]),
        )
    opened = keys.opener_for(shop_id=target.shop_id)
    with pytest.raises(SealBroken):
        opened(sealed_key(shop_id=target.shop_id, key_id=ids[0]))
    assert opened(sealed_key(shop_id=target.shop_id, key_id=ids[1])) == "DEAR"


def test_postgresql_itself_refuses_a_key_twice_in_a_product(database: Database) -> None:
    product = new_product(new_shop())
    run(product, csv_of("A"))
    again = (
        "INSERT INTO vault_key (shop_id, product_id, batch_id, nonce, ciphertext, data_key_version, blind_index)"
        " SELECT shop_id, product_id, batch_id, nonce, ciphertext, data_key_version, blind_index FROM vault_key"
        " WHERE shop_id = (SELECT max(shop_id) FROM vault_key)"
    )
    with database.as_owner() as owner:
        with pytest.raises(psycopg.errors.UniqueViolation):
            owner.execute(again)
        with owner.transaction(force_rollback=True):
            owner.execute("ALTER TABLE vault_key DROP CONSTRAINT key_once_per_product")
            assert owner.execute(again).rowcount == 1


def test_the_batch_remembers_who_brought_what(database: Database) -> None:
    shop = new_shop()
    run(new_product(shop), csv_of("A", "B", "A"))
    with database.as_owner() as owner:
        batch = owner.execute("SELECT source, imported_by, key_count FROM vault_batch WHERE shop_id = %s", (shop.id,)).fetchall()
    assert batch == [("keys.csv", "operator:test", 2)]


def test_stock_is_counted() -> None:
    product = new_product(new_shop())
    run(product, csv_of("A", "B"))
    target = import_target(product_number=product)
    assert target is not None
    assert available_keys(shop_id=target.shop_id, product_id=target.product_id) == 2


def test_a_key_of_another_shop_is_not_found() -> None:
    product = new_product(new_shop())
    run(product, csv_of("A"))
    target = import_target(product_number=product)
    assert target is not None
    (key_id,) = rows("SELECT id FROM vault_key WHERE shop_id = %s", (target.shop_id,))[0]
    assert isinstance(sealed_key(shop_id=target.shop_id, key_id=key_id), SealedKey)
    with pytest.raises(NotFound):
        sealed_key(shop_id=target.shop_id + 1_000_000, key_id=key_id)


def test_lines_of_a_file_keep_their_numbers() -> None:
    assert [line.number for line in key_lines(file=io.BytesIO(b"key\n\nA\nB\n"))] == [3, 4]


def test_each_data_key_is_unwrapped_once_per_process(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    ring = test_keyring()

    def where() -> FileKeyring:
        return ring

    unwrap = FileKeyring.unwrap

    def counted(self: FileKeyring, *, wrapped: bytes, wrapped_by: str, bound_to: bytes) -> bytes:
        reads.append(wrapped_by)
        return unwrap(self, wrapped=wrapped, wrapped_by=wrapped_by, bound_to=bound_to)

    monkeypatch.setattr(FileKeyring, "unwrap", counted)
    monkeypatch.setattr(keys, "keyring", where)
    product = new_product(new_shop())
    run(product, csv_of("A", "B"))
    assert stock(product) == stock(product) == ["A", "B"]
    assert reads == [ring.current]
