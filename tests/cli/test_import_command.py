"""`anka import-keys`, `audit` and `doctor` against a database, as an operator runs them."""

import json
from pathlib import Path

import pytest

from anka.cli.import_keys import ranges
from anka.flows.import_keys import MOST_IN_A_BATCH
from tests.capabilities.shops import new_product, new_shop
from tests.cli.running import Result, anka
from tests.databases import Database


@pytest.fixture
def variables(fresh_database: Database, tmp_path: Path) -> dict[str, str]:
    """A database of its own: what these commands seal, they seal with the keyring of a home of its own."""
    return {"ANKA_DATABASE_URL": fresh_database.runtime, "ANKA_HOME": str(tmp_path / "home")}


def run(variables: dict[str, str], tmp_path: Path, product: str, content: bytes, *more: str) -> Result:
    path = tmp_path / "keys.csv"
    path.write_bytes(content)
    return anka("import-keys", "--product", product, *more, str(path), variables=variables)


def test_keys_are_imported_and_told(variables: dict[str, str], tmp_path: Path) -> None:
    product = new_product(new_shop())
    done = run(variables, tmp_path, product, b"key\nA-1\nA-2\n")
    assert (done.status, done.out) == (0, f"2 keys imported into {product}.\n")


def test_duplicates_and_wrong_lines_are_told_by_number_and_never_shown(variables: dict[str, str], tmp_path: Path) -> None:
    product = new_product(new_shop())
    first = "".join(f"SECRET-{number}\n" for number in range(MOST_IN_A_BATCH))
    done = run(variables, tmp_path, product, f"key\n{first}SECRET-X\nSECRET\x01Y\nSECRET-Z,1\n".encode(), "--json")
    assert done.status == 1
    total = json.loads(done.out)
    assert (total["stored"], total["faults"], total["refused"], total["batches_refused"]) == (MOST_IN_A_BATCH, 2, 3, 1)
    told = done.err.splitlines()
    assert f"lines {MOST_IN_A_BATCH + 3}: holds a control character" in told
    assert f"lines {MOST_IN_A_BATCH + 4}: has 2 columns, the first line names 1" in told
    assert "SECRET" not in done.out + done.err

    again = run(variables, tmp_path, product, f"key\n{first}SECRET-X\nSECRET-X\n".encode())
    assert again.status == 0
    assert f"lines 2-{MOST_IN_A_BATCH + 1}: already in stock, left out" in again.err
    assert f"lines {MOST_IN_A_BATCH + 3}: already in stock, left out" in again.err
    assert again.out == f"1 keys imported into {product}, {MOST_IN_A_BATCH + 1} were there already.\n"


@pytest.mark.parametrize(
    ("product", "content", "said"),
    [
        ("QM-P0000000000000", b"key\nA\n", "nothing here under this number"),
        ("", b"code\nA\n", "line 1"),
        ("", b"", "line 1"),
    ],
)
def test_what_cannot_be_imported_is_told_in_one_line(
    variables: dict[str, str], tmp_path: Path, product: str, content: bytes, said: str
) -> None:
    done = run(variables, tmp_path, product or new_product(new_shop()), content, "--json")
    assert (done.status, done.out) == (1, "")
    assert said in done.complaint


def test_a_missing_file_is_told_in_one_line(variables: dict[str, str], tmp_path: Path) -> None:
    done = anka("import-keys", "--json", "--product", new_product(new_shop()), str(tmp_path / "none.csv"), variables=variables)
    assert (done.status, done.out) == (1, "")
    assert "none.csv" in done.complaint


def test_line_numbers_are_told_in_short() -> None:
    assert ranges([]) == ""
    assert ranges([3, 4, 5, 9, 11, 12]) == "3-5, 9, 11-12"


def test_the_audit_is_clean_and_machine_readable(variables: dict[str, str]) -> None:
    done = anka("audit", "--json", variables=variables)
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out)["clean"] is True


@pytest.mark.breaks_invariants
def test_the_audit_fails_where_something_is_wrong(fresh_database: Database, tmp_path: Path) -> None:
    with fresh_database.as_owner() as owner:
        owner.execute(
            "INSERT INTO ledger_account (shop_id, code, currency, side, floored, lazy, debits)"
            " VALUES (1, 'x', 'CNY', 'debit', false, false, 7)"
        )
    done = anka("audit", variables={"ANKA_DATABASE_URL": fresh_database.runtime, "ANKA_HOME": str(tmp_path)})
    assert done.status == 1
    assert "I2" in done.out


def test_the_doctor_finds_a_lost_keyring(fresh_database: Database, tmp_path: Path) -> None:
    variables = {"ANKA_DATABASE_URL": fresh_database.runtime, "ANKA_HOME": str(tmp_path / "home")}
    run(variables, tmp_path, new_product(new_shop()), b"key\nA\n")
    well = anka("doctor", "--json", variables=variables)
    assert (well.status, json.loads(well.out)["healthy"]) == (0, True)
    (tmp_path / "home" / "keyring.json").unlink()
    ill = anka("doctor", "--json", variables=variables)
    findings = {finding["part"]: finding for finding in json.loads(ill.out)["findings"]}
    assert ill.status == 1
    assert "does not open" in findings["keyring"]["found"]
    assert findings["keyring"]["mend"]
