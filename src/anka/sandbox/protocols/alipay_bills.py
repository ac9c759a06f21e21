"""The trade bill of a day as Alipay hands it out: a ZIP with two GBK files, values padded with tabs, comments in between."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from anka.adapters.channels.alipay_wire import china_text
from anka.core.clock import Moment
from anka.domain.money import format_amount
from anka.sandbox.bills import BillRow

CURRENCY = "CNY"
RULE = "-" * 41
MOVEMENTS = [
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "商品名称",
    "创建时间",
    "完成时间",
    "门店编号",
    "门店名称",
    "操作员",
    "终端号",
    "对方账户",
    "订单金额（元）",
    "商家实收（元）",
    "支付宝红包（元）",
    "集分宝（元）",
    "支付宝优惠（元）",
    "商家优惠（元）",
    "券核销金额（元）",
    "券名称",
    "商家红包消费金额（元）",
    "卡消费金额（元）",
    "退款批次号/请求号",
    "服务费（元）",
    "分润（元）",
    "备注",
]
SUMS = [
    "门店编号",
    "门店名称",
    "交易订单总笔数",
    "退款订单总笔数",
    "订单金额（元）",
    "商家实收（元）",
    "服务费（元）",
    "分润（元）",
    "实收净额（元）",
]


@dataclass(frozen=True, slots=True)
class _Table:
    title: str
    heading: Sequence[str]
    rows: Sequence[Sequence[str]]


def write_bill(*, day: date, rows: Sequence[BillRow], seller_id: str, moment: Moment) -> bytes:
    """Return the archive of a day's bill; what settles at the end of the day stands in no bill of Alipay."""
    moved = [row for row in rows if row.kind in {"payment", "refund"}]
    stem = f"{seller_id}0156_{day:%Y%m%d}_业务明细"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in ((stem, _movements(day, moved, seller_id, moment)), (f"{stem}(汇总)", _sums(day, moved, seller_id, moment))):
            file.writestr(f"{name}.csv", text.encode("gbk", "replace"))
    return archive.getvalue()


def _movements(day: date, rows: Sequence[BillRow], seller_id: str, moment: Moment) -> str:
    paid = [row for row in rows if row.kind == "payment"]
    back = [row for row in rows if row.kind == "refund"]
    return _paper(
        _head("业务明细查询", day, seller_id),
        _Table("业务明细列表", MOVEMENTS, [_movement(row) for row in rows]),
        [
            f"#交易合计：{len(paid)}笔，商家实收共{_yuan(sum(row.amount_minor for row in paid))}元，商家优惠共0.00元",
            f"#退款合计：{len(back)}笔，商家实收退款共{_yuan(-sum(row.amount_minor for row in back))}元，商家优惠退款共0.00元",
            _exported(moment),
        ],
    )


def _movement(row: BillRow) -> list[str]:
    paid = row.kind == "payment"
    amount, fee = _yuan(row.amount_minor if paid else -row.amount_minor), _yuan(-row.fee_minor)
    at = china_text(at=row.occurred_at)
    names = [row.payment_transaction or row.transaction, row.payment_number, "交易" if paid else "退款"]
    nothing = [""] * 4
    sums = [amount, amount, *["0.00"] * 5, "", "0.00", "0.00"]
    texts = [f"{value}\t" for value in names]
    return [*texts, row.subject, at, at, *nothing, "**云(pay***@example.com)\t", *sums, f"{'' if paid else row.number}\t", fee, "0.00", ""]


def _sums(day: date, rows: Sequence[BillRow], seller_id: str, moment: Moment) -> str:
    paid = [row for row in rows if row.kind == "payment"]
    amount_minor = sum(row.amount_minor if row.kind == "payment" else -row.amount_minor for row in rows)
    fee_minor = sum(row.fee_minor for row in rows)
    sums = [_yuan(amount_minor), _yuan(amount_minor), _yuan(-fee_minor), "0.00", _yuan(amount_minor - fee_minor)]
    total = ["合计\t", "\t", str(len(paid)), str(len(rows) - len(paid)), *sums]
    return _paper(_head("业务汇总查询", day, seller_id), _Table("业务汇总列表", SUMS, [total]), [_exported(moment)])


def _head(title: str, day: date, seller_id: str) -> list[str]:
    since, until = f"{day:%Y年%m月%d日} 00:00:00", f"{day + timedelta(days=1):%Y年%m月%d日} 00:00:00"
    return [f"#支付宝{title}", f"#账号:[{seller_id}0156]", f"#起始日期:[{since}]   终止日期:[{until}]"]


def _exported(moment: Moment) -> str:
    return f"#导出时间:[{moment.now.astimezone(UTC) + timedelta(hours=8):%Y年%m月%d日 %H:%M:%S}]"


def _paper(head: Iterable[str], table: _Table, foot: Iterable[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    lines = [*head, f"#{RULE}{table.title}{RULE}"]
    text.write("".join(f"{line}\r\n" for line in lines))
    writer.writerow(table.heading)
    writer.writerows(table.rows)
    text.write("".join(f"{line}\r\n" for line in [f"#{RULE}{table.title}结束{RULE}", *foot]))
    return text.getvalue()


def _yuan(amount_minor: int) -> str:
    return format_amount(amount_minor=amount_minor, currency=CURRENCY)
