"""The daily bill: fetched from the gateway, read from a file, and refused where it was cut off or is somebody else's."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest

from anka.adapters.channels.alipay_bill import read_bill_file
from anka.adapters.channels.alipay_keys import SELLER_ID
from anka.adapters.channels.alipay_wire import CHINA
from anka.adapters.channels.port import BillMalformed, BillNotAvailable
from tests.channels.alipay.world import Alipay

DAY = date(2026, 3, 2)
HEADING = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,"
    "支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
PAID = (
    "2026030222001404491\t,Q1\t,交易\t,云晶，100 枚,2026-03-02 16:13:11,2026-03-02 16:14:24,\t,\t,\t,\t,**佳(yan***@163.com)\t,"
    "100.00,100.00,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,\t,-0.60,0.00,"
)
BACK = (
    "2026030222001404491\t,Q1\t,退款\t,云晶，100 枚,2026-03-02 16:13:11,2026-03-02 18:00:00,\t,\t,\t,\t,**佳(yan***@163.com)\t,"
    "-40.00,-40.00,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,R1\t,0.24,0.00,"
)
RULE = "-" * 41


def details(*rows: str, day: date = DAY, account: str = SELLER_ID, counts: tuple[int, int] = (1, 1)) -> str:
    """A bill as the platform exports it."""
    lines = [
        "#支付宝业务明细查询",
        f"#账号:[{account}0156]",
        f"#起始日期:[{day:%Y年%m月%d日} 00:00:00]   终止日期:[{day + timedelta(days=1):%Y年%m月%d日} 00:00:00]",
        f"#{RULE}业务明细列表{RULE}",
        HEADING,
        *rows,
        f"#{RULE}业务明细列表结束{RULE}",
        f"#交易合计：{counts[0]}笔，商家实收共100.00元，商家优惠共0.00元",
        f"#退款合计：{counts[1]}笔，商家实收退款共-40.00元，商家优惠退款共0.00元",
        "#导出时间:[2026年03月03日 09:00:00]",
    ]
    return "\r\n".join(lines) + "\r\n"


def sums(payments: int = 1, refunds: int = 1) -> str:
    """The file with the sums of a bill."""
    return (
        "#支付宝业务汇总查询\r\n门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）\r\n"
        f"合计\t,\t,{payments},{refunds},60.00,60.00\r\n"
    )


def zipped(**files: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in files.items():
            file.writestr(f"{name}_业务明细.csv", text.encode("gbk"))
    return archive.getvalue()


def test_a_bill_is_read() -> None:
    bill = read_bill_file(day=DAY, content=zipped(a=details(PAID, BACK), b=sums()), seller_id=SELLER_ID)

    told = [(line.kind, line.number, line.payment_number, line.amount_minor, line.fee_minor) for line in bill.lines]
    # What the fees left of the takings is ours at once.
    assert told == [
        ("payment", "Q1", "Q1", 10_000, 60),
        ("refund", "R1", "Q1", 4_000, -24),
        ("settlement", "settled-2026-03-02", "", 9_964, 0),
    ]
    assert bill.lines[0].channel_number == "2026030222001404491"
    assert bill.lines[0].occurred_at == datetime(2026, 3, 2, 8, 14, 24, tzinfo=UTC)
    assert {line.currency for line in bill.lines} == {"CNY"}
    assert len(bill.digest) == 64


def test_the_list_of_movements_alone_is_enough() -> None:
    alone = read_bill_file(day=DAY, content=details(PAID, BACK).encode("gbk"), seller_id=SELLER_ID)

    assert alone.lines == read_bill_file(day=DAY, content=zipped(a=details(PAID, BACK), b=sums()), seller_id="").lines


def test_a_day_without_movements_has_an_empty_bill() -> None:
    assert read_bill_file(day=DAY, content=zipped(a=details(counts=(0, 0)), b=sums(0, 0)), seller_id="").lines == ()


def test_what_we_do_not_know_is_kept_as_something_else() -> None:
    other = PAID.replace("交易\t", "转账\t")
    (line,) = read_bill_file(day=DAY, content=details(other.replace("-0.60", ""), counts=(0, 0)).encode("gbk"), seller_id="").lines

    assert (line.kind, line.amount_minor, line.fee_minor) == ("other", 10_000, 0)


BOTH = details(PAID, BACK)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOTH.encode("utf-8") + b"\xff\xff", "not in GBK"),
        (b"PK\x03\x04broken", "damaged"),
        (zipped(b=sums()), "0 lists"),
        (zipped(a=BOTH, b=BOTH), "2 lists"),
        (details(PAID, BACK, day=date(2026, 3, 3)).encode("gbk"), "not that of"),
        (details(PAID, BACK, account="2088000000009999").encode("gbk"), "another account"),
        (BOTH.replace(f"#{RULE}业务明细列表结束{RULE}", "").encode("gbk"), "end of the bill"),
        (details(PAID).encode("gbk"), "counts 1 under 退款合计"),
        (details(BACK).encode("gbk"), "counts 1 under 交易合计"),
        (zipped(a=BOTH, b=sums(payments=2)), "sums name 2"),
        (BOTH.replace(",Q1\t", "", 1).encode("gbk"), "24 columns"),
        (BOTH.replace("100.00,100.00", "1e2,100.00").encode("gbk"), "Line 6"),
        (BOTH.replace("2026-03-02 16:14:24", "today").encode("gbk"), "Line 6"),
        (BOTH.replace("服务费（元）", "费（元）").encode("gbk"), "no column"),
        (BOTH.replace("支付宝交易号,", "交易号,").encode("gbk"), "not the heading"),
        (zipped(**{f"file{number}": "" for number in range(9)}), "too large"),
    ],
)
def test_what_is_no_whole_bill_of_ours_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(BillMalformed, match=said):
        read_bill_file(day=DAY, content=content, seller_id=SELLER_ID)


def test_the_bill_of_a_day_is_fetched_and_agrees_with_what_happened(alipay: Alipay) -> None:
    real = alipay.world.real
    real.at = real.at.astimezone(CHINA).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=40)
    day = real.at.date()
    with pytest.raises(BillNotAvailable, match="bill_not_exist"):
        alipay.channel.bill(day=day, now=alipay.world.now())

    number = alipay.a_paid_payment(subject="云晶, “100” 枚 ✓")
    request = alipay.refund_request(number, amount_minor=4_000)
    alipay.submit(request)
    alipay.wait()
    alipay.ask_refund(request)
    real.tick(86_400)
    bill = alipay.channel.bill(day=day, now=alipay.world.now())

    told = [(line.kind, line.number, line.payment_number, line.amount_minor, line.fee_minor) for line in bill.lines]
    assert told == [
        ("payment", number, number, 10_000, 60),
        ("refund", request.refund_number, number, 4_000, 0),
        ("settlement", f"settled-{day}", "", 9_940, 0),
    ]
    assert bill.lines[0].channel_number == alipay.ask(number).channel_number
    assert alipay.sdk.server_api("alipay.data.dataservice.bill.downloadurl.query", {"bill_type": "trade", "bill_date": day.isoformat()})[
        "bill_download_url"
    ].startswith(alipay.settings.base_url)


def test_the_address_of_a_bill_is_ours_and_lives_shortly(alipay: Alipay) -> None:
    day = alipay.world.real.at.astimezone(CHINA).date() - timedelta(days=1)
    method = "alipay.data.dataservice.bill.downloadurl.query"
    address = alipay.sdk.server_api(method, {"bill_type": "trade", "bill_date": day.isoformat()})["bill_download_url"]

    assert alipay.world.visit(address).status_code == 200
    assert alipay.world.visit(address.replace(day.isoformat(), (day - timedelta(days=1)).isoformat())).status_code == 403
    alipay.wait(31)
    assert alipay.world.visit(address).status_code == 403


def test_a_bill_that_cannot_be_fetched_is_not_available(alipay: Alipay) -> None:
    nowhere = alipay.with_settings(base_url="http://127.0.0.1:1")
    try:
        with pytest.raises(BillNotAvailable, match="no answer"):
            nowhere.bill(day=DAY, now=alipay.world.now())
    finally:
        nowhere.close_connections()
