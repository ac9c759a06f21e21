"""The tables of the configuration, the sandbox's keys, and the list of orders that is read as a bill."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from anka.adapters.channels.epay import EpaySettings
from anka.adapters.channels.epay_bill import HEADER, read_export
from anka.adapters.channels.epay_keys import sandbox_keys, sandbox_keys_v2
from anka.adapters.channels.epay_v2 import EpayV2Settings
from anka.adapters.channels.port import BillMalformed
from tests.channels.epay import signing
from tests.channels.epay.conftest import write_keys

V1 = {"base_url": "https://pay.example.com/", "pid": 1001, "key": "epay.key", "types": ["alipay"]}
V2 = {"base_url": "https://pay.example.com", "pid": "1002", "private_key": "own.pem", "platform_key": "theirs.txt", "types": ["wxpay"]}
DAY = date(2026, 11, 23)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "epay.key").write_text(f"{signing.DOCUMENTED_KEY}\n")
    (tmp_path / "own.pem").write_text((signing.KEYS / "merchant.pem").read_text())
    pem = (signing.KEYS / "platform.pub.pem").read_text()
    # As the gateway shows it: bare base64, without the lines of PEM.
    (tmp_path / "theirs.txt").write_text("".join(line for line in pem.splitlines() if not line.startswith("-")))
    (tmp_path / "own.pub").write_text((signing.KEYS / "merchant.pub.pem").read_text())
    (tmp_path / "empty").write_text("")
    return tmp_path


def test_a_table_of_v1_is_read(folder: Path) -> None:
    settings = EpaySettings.read({**V1, "start": "mapi", "refund_window_days": 30}, folder)

    assert (settings.base_url, settings.pid, settings.key) == ("https://pay.example.com", "1001", signing.DOCUMENTED_KEY)
    assert (settings.types, settings.start, settings.refund_window) == (("alipay",), "mapi", timedelta(days=30))


def test_a_table_of_v2_is_read(folder: Path) -> None:
    settings = EpayV2Settings.read(V2, folder)

    assert settings.private_key.private_numbers() == signing.rsa_key("merchant").private_numbers()
    assert settings.platform_key.public_numbers() == signing.rsa_key("platform").public_key().public_numbers()


@pytest.mark.parametrize(
    "changed",
    [
        {"base_url": "http://pay.example.com"},
        {"base_url": "https://pay.example.com/?a=1"},
        {"base_url": 1},
        {"pid": "x"},
        {"key": "nowhere"},
        {"key": "empty"},
        {"key": 1},
        {"types": "alipay"},
        {"types": ["&"]},
        {"start": "api"},
        {"start": "mapi", "types": []},
        {"refund_window_days": 0},
        {"refund_window_days": True},
        {"timeout": 1},
    ],
)
def test_a_table_of_v1_with_something_wrong_says_what(folder: Path, changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^\S") as wrong:
        EpaySettings.read({**V1, **changed}, folder)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    "changed",
    [{"private_key": "theirs.txt"}, {"platform_key": "own.pem"}, {"platform_key": "epay.key"}, {"types": []}, {"key": "epay.key"}],
)
def test_a_table_of_v2_with_something_wrong_says_what(folder: Path, changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^\S"):
        EpayV2Settings.read({**V2, **changed}, folder)


def test_our_own_public_key_is_not_the_gateways(folder: Path) -> None:
    """With it our own requests would pass for notices; it is the commonest mistake with two pairs of keys."""
    with pytest.raises(ValueError, match="平台公钥"):
        EpayV2Settings.read({**V2, "platform_key": "own.pub"}, folder)


def test_the_sandboxs_keys_are_made_once_and_for_us_alone(tmp_path: Path) -> None:
    write_keys(tmp_path)

    first, second = sandbox_keys(tmp_path), sandbox_keys(tmp_path)

    assert first == second
    assert (tmp_path / "sandbox" / "channels" / "epay.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in sorted((tmp_path / "sandbox" / "channels").iterdir())] == ["epay.json", "epay_v2.json"]
    assert sandbox_keys_v2(tmp_path).merchant_key.private_numbers() == signing.rsa_key("merchant").private_numbers()


def exported(*rows: str) -> bytes:
    return ("\r\n".join([HEADER, *rows]) + "\r\n").encode("utf-8-sig")


def a_row(name: str = "云晶", money: str = "10.00", share: str = "9.94", at: str = "2026-11-23 09:30:00", status: str = "已支付") -> str:
    before = '="20261123093000123",="Q1-000001",="4200001",,shop.test'
    return f"{before},{name},{money},{money},{share},支付宝,138****0000,10.0.0.1,2026-11-23 09:29:00,{at},{status}"


def test_the_list_of_orders_is_read_as_payments_of_one_day() -> None:
    content = exported(
        a_row("一,二, 三"),
        a_row(status="已退款"),
        a_row(status="未支付", at=""),
        a_row(at="2026-11-22 23:59:59"),
        a_row(at="2026-11-24 00:00:00"),
        a_row(at="2026-11-23 00:00:00"),
    )

    bill = read_export(day=DAY, content=content)

    assert [line.amount_minor for line in bill.lines] == [1000, 1000, 1000]
    first = bill.lines[0]
    assert (first.kind, first.number, first.payment_number, first.channel_number) == (
        "payment",
        "Q1-000001",
        "Q1-000001",
        "20261123093000123",
    )
    assert (first.fee_minor, first.currency, first.occurred_at) == (6, "CNY", datetime(2026, 11, 23, 1, 30, tzinfo=UTC))
    assert len(bill.digest) == 64


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff", 1),
        (b"", 1),
        (b"date,amount\r\n", 1),
        (exported("1,2,3"), 2),
        (exported(a_row(), a_row(money="x")), 3),
        (exported(a_row(status="?")), 2),
        (exported(a_row(at="yesterday")), 2),
        (exported(a_row().replace("Q1-000001", "")), 2),
    ],
)
def test_what_is_no_list_of_orders_is_refused_with_its_line(content: bytes, line: int) -> None:
    with pytest.raises(BillMalformed, match=f"^Line {line}: "):
        read_export(day=DAY, content=content)
