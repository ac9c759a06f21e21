"""The list of orders a merchant exports from an epay gateway's pages, as a bill. It knows payments alone: refunds are not in it."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta

from anka.adapters.channels import port
from anka.adapters.channels.epay_facts import amount_in
from anka.adapters.channels.epay_wire import CHINA, CURRENCY
from anka.adapters.channels.port import Bill, BillLine

HEADER = (
    "系统订单号,商户订单号,接口订单号,商户ID,网站域名,商品名称,订单金额,实际支付,商户分成,"
    "支付方式,支付账号,支付IP,创建时间,完成时间,支付状态"
)
_CAPTURED = frozenset({"已支付", "已退款", "已冻结"})
_OPEN = frozenset({"未支付"})
# The name of the goods is not quoted and may have commas in it: what stands before and after it is counted from both ends.
_BEFORE, _AFTER = 5, 9
MOST_LINES = 100_000


def read_export(*, day: date, content: bytes) -> Bill:
    """Return the payments of one day (in China's time); `fee_minor` is what the gateway kept of the amount.

    Raises:
        BillMalformed: names the line and what is wrong with it.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        raise port.BillMalformed("Line 1: this is not text in UTF-8. Nothing was taken from the file.") from reason
    rows = text.splitlines()
    if not rows or rows[0].strip() != HEADER:
        raise port.BillMalformed(f"Line 1: this is not the list of orders of 易支付, which begins with {HEADER[:17]}. Nothing was taken.")
    if len(rows) > MOST_LINES + 1:
        raise port.BillMalformed(f"Line {MOST_LINES + 2}: the file is too long. Export fewer days at once; nothing was taken.")
    lines = [_line(number=number, row=row) for number, row in enumerate(rows[1:], start=2) if row.strip()]
    start = datetime(day.year, day.month, day.day, tzinfo=CHINA)
    that_day = tuple(line for line in lines if line is not None and start <= line.occurred_at < start + timedelta(days=1))
    return Bill(day=day, lines=that_day, digest=hashlib.sha256(content).hexdigest())


def _line(*, number: int, row: str) -> BillLine | None:
    cells = row.split(",")
    if len(cells) < _BEFORE + 1 + _AFTER:
        raise port.BillMalformed(f"Line {number}: fewer than {_BEFORE + 1 + _AFTER} columns. Nothing was taken from the file.")
    trade_no, out_trade_no = (_plain(cell) for cell in cells[:2])
    money, _paid, share, *_rest, finished, status = cells[-_AFTER:]
    if status in _OPEN:
        return None
    amount_minor, share_minor = amount_in(text=money), amount_in(text=share)
    if status not in _CAPTURED or amount_minor is None or share_minor is None or not (trade_no and out_trade_no):
        raise port.BillMalformed(f"Line {number}: no number, amount or state that is known. Nothing was taken from the file.")
    try:
        at = datetime.strptime(finished, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC)
    except ValueError as reason:
        raise port.BillMalformed(f"Line {number}: the time {finished[:20]!r} cannot be read. Nothing was taken from the file.") from reason
    return BillLine(
        kind="payment",
        number=out_trade_no,
        payment_number=out_trade_no,
        channel_number=trade_no,
        amount_minor=amount_minor,
        fee_minor=amount_minor - share_minor,
        currency=CURRENCY,
        occurred_at=at,
    )


def _plain(cell: str) -> str:
    """Return a number that the export wrote as ="123", so that spreadsheets leave it alone."""
    return cell.removeprefix("=").strip('"')
