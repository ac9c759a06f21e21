"""What is read from WeChat's two bills, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from anka.adapters.channels import wechat_bill
from anka.adapters.channels.port import BillLine, BillMalformed, BillNotAvailable
from anka.adapters.channels.wechat_bill import CHINA, joined, read_bill, ready_since
from tests.channels.wechat.impostor import Said, told_by
from tests.channels.wechat.world import World, a_refund

DAY = date(2026, 3, 2)
PAID = (
    "`2026-03-02 10:00:01,`wx1,`1900000109,`0,`,`4200001,`WX-Q1,`oBuyer,`NATIVE,`SUCCESS,`OTHERS,`CNY,`99.00,`1.00,"
    "`0,`0,`0.00,`0.00,`,`,`云晶, 100 枚,`,`0.60000,`0.60%,`100.00,`0.00,`"
)
BACK = (
    "`2026-03-02 23:59:59,`wx1,`1900000109,`0,`,`4200001,`WX-Q1,`oBuyer,`NATIVE,`REFUND,`OTHERS,`CNY,`0.00,`0.00,"
    "`5000001,`WX-R1,`39.60,`0.00,`ORIGINAL,`{state},`云晶,`,`-0.24000,`0.60%,`0.00,`40.00,`"
)
EARNED = "`2026-03-02 10:00:02,`4200001,`202603020001,`交易,`交易,`收入,`100.00,`100.00,`system,`,`WX-Q1"
FEE = "`2026-03-02 10:00:02,`4200001,`202603020002,`扣除交易手续费,`扣除交易手续费,`支出,`0.60,`99.40,`system,`,`WX-Q1"
SENT_BACK = "`2026-03-02 12:00:00,`5000001,`202603020003,`退款,`退款,`支出,`40.00,`59.40,`system,`,`WX-R1"
DRAWN = "`2026-03-02 13:00:00,`700,`202603020004,`提现,`提现,`支出,`50.00,`9.40,`system,`,`700"


def a_file(*rows: str, columns: str = wechat_bill.TRADE_COLUMNS, end: str | None = None) -> bytes:
    sums = f"总数,金额\r\n`{len(rows)},`0.00\r\n" if end is None else end
    return ("\ufeff" + "\r\n".join((columns, *rows)) + "\r\n" + sums).encode()


def a_flow(*rows: str) -> bytes:
    return a_file(*rows, columns=wechat_bill.FLOW_COLUMNS)


def test_a_payment_and_a_refund_are_read_in_yuan_and_in_chinas_time() -> None:
    content = a_file(PAID, BACK.format(state="SUCCESS"))
    bill = read_bill(day=DAY, content=content)
    assert bill.lines == (
        BillLine(
            kind="payment",
            number="WX-Q1",
            payment_number="WX-Q1",
            channel_number="4200001",
            amount_minor=10_000,
            fee_minor=60,
            currency="CNY",
            occurred_at=datetime(2026, 3, 2, 2, 0, 1, tzinfo=UTC),
        ),
        BillLine(
            kind="refund",
            number="WX-R1",
            payment_number="WX-Q1",
            channel_number="5000001",
            amount_minor=4_000,
            fee_minor=-24,
            currency="CNY",
            occurred_at=datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC),
        ),
    )
    assert bill.digest == hashlib.sha256(content).hexdigest()
    assert read_bill(day=DAY, content=gzip.compress(content)) == bill


@pytest.mark.parametrize(("state", "kinds"), [("SUCCESS", ["refund"]), ("PROCESSING", ["other"]), ("CHANGE", ["other"]), ("FAIL", [])])
def test_only_a_refund_that_has_succeeded_is_one(state: str, kinds: list[str]) -> None:
    """The bill tells of refunds on the day they were accepted; whether they arrived may still be open."""
    assert [line.kind for line in read_bill(day=DAY, content=a_file(BACK.format(state=state))).lines] == kinds


def test_a_refund_that_came_back_to_us_is_not_billed_as_one(world: World) -> None:
    """Or a bill would tell us that the buyer has money that lies in our own account."""
    day = world.now().astimezone(CHINA).date()
    returned, arrived = (a_refund(world.paid()) for _ in range(2))
    for request in (returned, arrived):
        world.refunded(request)
    world.play_refund(arrived.refund_number, "succeeded")
    world.play_refund(returned.refund_number, "abnormal")
    world.channel.mend_refund(request=returned, now=world.now())
    world.play_refund(returned.refund_number, "succeeded")
    world.move(days=2)
    kinds = {line.number: line.kind for line in world.channel.bill(day=day, now=world.now()).lines}
    assert (kinds[arrived.refund_number], kinds[returned.refund_number]) == ("refund", "other")


def test_what_was_earned_is_settled_without_its_fee_and_refunds_are_not_told_twice() -> None:
    bill = read_bill(day=DAY, content=a_flow(EARNED, FEE, SENT_BACK, DRAWN))
    assert [(line.kind, line.number, line.channel_number, line.amount_minor, line.fee_minor) for line in bill.lines] == [
        ("settlement", "WX-Q1", "4200001", 9_940, 0),
        ("other", "700", "700", 5_000, 0),
    ]


def test_both_files_of_a_day_are_one_bill() -> None:
    trade, flow = a_file(PAID), a_flow(EARNED.replace("`WX-Q1", "`voucher"), FEE)
    bill = joined(day=DAY, trade=trade, flow=flow)
    assert [(line.kind, line.number, line.payment_number) for line in bill.lines] == [
        ("payment", "WX-Q1", "WX-Q1"),
        ("settlement", "WX-Q1", "WX-Q1"),
    ]
    assert joined(day=DAY, trade=b"", flow=b"").lines == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<xml>",
        "交易时间\r\n".encode(),
        "交易时间,微信订单号\r\n".encode("gbk"),
        a_file(PAID, end=""),
        a_file(PAID, end="总数\r\n`2\r\n"),
        a_file(PAID)[:-40],
        a_file(PAID.replace("`100.00", "`1e2")),
        a_file(PAID.replace("`0.60000", "`0.60500")),
        a_file(PAID.replace("`100.00", "`-")),
        a_file(PAID.replace("`SUCCESS", "`MAGIC")),
        a_file(PAID.replace("2026-03-02", "2026-03-03")),
        a_file(PAID.replace("10:00:01", "noon")),
        a_file(PAID.replace("`CNY", "`???")),
        a_file(PAID + ",`more"),
        gzip.compress(a_file(PAID))[:-9],
        b"\x1f\x8b damaged",
    ],
)
def test_a_damaged_bill_is_refused_as_a_whole(content: bytes) -> None:
    with pytest.raises(BillMalformed):
        read_bill(day=DAY, content=content)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wechat_bill, "LARGEST_FILE", 1_000)
    with pytest.raises(BillMalformed):
        wechat_bill.unpacked(content=gzip.compress(bytes(100_000)))


def test_a_bill_is_ready_at_ten_in_china(world: World) -> None:
    assert ready_since(day=DAY) == datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
    with told_by(world.keys, world.real(), Said(400, {"code": "NO_STATEMENT_EXIST", "message": "?"})) as (channel, impostor):
        with pytest.raises(BillNotAvailable):
            channel.bill(day=DAY, now=ready_since(day=DAY) - timedelta(seconds=1))
        assert impostor.heard == []
        assert channel.bill(day=DAY, now=ready_since(day=DAY)).lines == ()
        assert len(impostor.heard) == 2


@pytest.mark.parametrize(
    "answers",
    [
        [Said(400, {"code": "STATEMENT_CREATING", "message": "?"})],
        [Said(500, {"code": "SYSTEM_ERROR", "message": "?"})],
        [Said(403, {"code": "NO_AUTH", "message": "?"})],
        [Said(200, {})],
        [Said(200, {"hash_type": "MD5", "hash_value": "", "download_url": ""})],
        [Said(200, {"hash_type": "SHA1", "hash_value": "", "download_url": "https://api/x"}, "not")],
        *(
            [Said(200, {"hash_type": "SHA1", "hash_value": "", "download_url": address})]
            for address in ("http://[", "https://api.mch.weixin.qq.com/v3/pay/transactions/native", "")
        ),
    ],
)
def test_no_bill_is_no_bill(world: World, answers: list[Said]) -> None:
    with told_by(world.keys, world.real(), *answers) as (channel, _), pytest.raises(BillNotAvailable):
        channel.bill(day=DAY, now=world.now())


@pytest.mark.parametrize("is_changed", [True, False])
def test_a_file_is_believed_only_with_the_hash_that_was_signed(world: World, is_changed: bool) -> None:
    content = a_file(PAID)
    place = {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        # Whatever host is named: only the one we know is asked.
        "download_url": "http://169.254.169.254/v3/billdownload/file?token=x%2Fy",
    }
    sent = content.replace(b"100.00", b"900.00") if is_changed else content
    nothing = Said(400, {"code": "NO_STATEMENT_EXIST", "message": "?"})
    with told_by(world.keys, world.real(), Said(200, place), Said(200, sent, "not"), nothing) as (channel, impostor):
        if is_changed:
            with pytest.raises(BillMalformed):
                channel.bill(day=DAY, now=world.now())
        else:
            assert [line.number for line in channel.bill(day=DAY, now=world.now()).lines] == ["WX-Q1"]
        assert impostor.heard[1][0] == "GET /v3/billdownload/file?token=x%2Fy"


def test_the_gateway_has_a_bill_of_a_day_on_which_something_moved(world: World) -> None:
    days: list[Any] = [world.now().astimezone(CHINA).date()]
    payment = world.paid()
    world.move(days=3)
    days.append(days[0] + timedelta(days=1))
    lines = [world.channel.bill(day=day, now=world.now()).lines for day in days]
    assert [line.number for line in lines[0]] == [payment.number, payment.number]
    assert lines[1] == ()
