"""The two bills of WeChat Pay: the trade bill tells of payments and refunds, the fund flow bill of money that became the merchant's.

Each line of data begins with a grave accent before every field; amounts are in yuan; a head and one line of sums follow.
Source: https://pay.weixin.qq.com/docs/merchant/products/bill-download/format-trade.html
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Literal

from anka.adapters.channels.port import Bill, BillKind, BillLine, BillMalformed
from anka.domain.money import BadAmount, UnknownCurrency, parse_amount

CHINA = timezone(timedelta(hours=8))
# The bill of a day is ready by ten o'clock of the next.
READY_AT = time(hour=10)
LARGEST_FILE = 256 * 1_048_576

TRADE_COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FLOW_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
FLOW_SUMS = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"

# How a refund went back to the buyer: the way it came, or to another account of the same person.
TO_BUYER = frozenset({"ORIGINAL", "BALANCE", "OTHER_BALANCE", "OTHER_BANKCARD"})

Which = Literal["trade", "flow"]


@dataclass(frozen=True, slots=True)
class _Row:
    position: int
    fields: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


def ready_since(*, day: date) -> datetime:
    """Return the moment from which the bill of a day can be asked for."""
    return datetime.combine(day + timedelta(days=1), READY_AT, CHINA)


def unpacked(*, content: bytes) -> bytes:
    """Return a file as it was before gzip, or as it is; raises BillMalformed when it is damaged or far too long."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        machine = zlib.decompressobj(wbits=31)
        plain = machine.decompress(content, LARGEST_FILE)
    except zlib.error as reason:
        raise BillMalformed(f"This file is damaged ({reason}). Nothing was taken from it.") from reason
    if not machine.eof:
        raise BillMalformed("This file is cut off or too long. Nothing was taken from it.")
    return plain


def read_bill(*, day: date, content: bytes) -> Bill:
    """Return the bill in one file, of either kind, as WeChat gives it or packed by gzip; raises BillMalformed."""
    plain = unpacked(content=content)
    return Bill(day=day, lines=tuple(_lines(day=day, plain=plain)), digest=hashlib.sha256(plain).hexdigest())


def joined(*, day: date, trade: bytes, flow: bytes) -> Bill:
    """Return the bill of a day from both of its files; an empty one stands for a day without movements. Raises BillMalformed."""
    payments = read_bill(day=day, content=trade).lines if trade else ()
    known = {line.channel_number: line for line in payments if line.kind == "payment"}
    funds = read_bill(day=day, content=flow).lines if flow else ()
    named = (
        replace(line, number=known[line.channel_number].number, payment_number=known[line.channel_number].payment_number)
        if line.kind == "settlement" and line.channel_number in known
        else line
        for line in funds
    )
    return Bill(day=day, lines=(*payments, *named), digest=hashlib.sha256(trade + flow).hexdigest())


def _lines(*, day: date, plain: bytes) -> Iterator[BillLine]:
    try:
        text = plain.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        raise BillMalformed(f"This is not a bill of WeChat Pay ({reason}). Nothing was taken from it.") from reason
    which, rows = _rows(text)
    for row in rows:
        if _moment(row, "交易时间" if which == "trade" else "记账时间").date() != day:
            raise BillMalformed(f"Line {row.position} happened on another day than {day}. Nothing was taken from this bill.")
    return _trade_lines(rows) if which == "trade" else _flow_lines(rows)


def _rows(text: str) -> tuple[Which, list[_Row]]:
    lines = text.splitlines()
    head = tuple(name.strip() for name in lines[0].split(",")) if lines else ()
    if not {"交易时间", "微信订单号"} <= set(head) and not {"记账时间", "资金流水单号"} <= set(head):
        raise BillMalformed("This is not a bill of WeChat Pay: line 1 does not name its columns. Nothing was taken from it.")
    rows = []
    for position, line in enumerate(lines[1:], start=2):
        if not line.startswith("`"):
            break
        # A subject may hold a comma, but not one before a grave accent.
        fields = tuple(field.strip() for field in line[1:].split(",`"))
        if len(fields) != len(head):
            raise BillMalformed(f"Line {position} has {len(fields)} fields instead of {len(head)}. Nothing was taken from this bill.")
        rows.append(_Row(position, dict(zip(head, fields, strict=True))))
    _check_sums(lines[1 + len(rows) :], len(rows))
    return ("trade" if "微信订单号" in head else "flow"), rows


def _check_sums(rest: list[str], found: int) -> None:
    # The line of sums says how many lines there were: without it, nobody knows whether the file is whole.
    told = rest[1].removeprefix("`").split(",")[0].strip() if len(rest) > 1 else ""
    if told != str(found):
        raise BillMalformed(f"The file has {found} lines and says it has {told or 'no end'}. Nothing was taken from it.")


def _trade_lines(rows: list[_Row]) -> Iterator[BillLine]:
    for row in rows:
        state = row["交易状态"]
        if state == "REFUND":
            yield from _refund(row)
        elif state in {"SUCCESS", "REVOKED"}:
            # What was revoked was paid first; a line of its own would follow.
            yield _line(row, "payment" if state == "SUCCESS" else "other", row["商户订单号"], row["微信订单号"], ("订单金额", "总金额"))
        else:
            raise BillMalformed(f"Line {row.position} is of an unknown kind. Nothing was taken from this bill.")


def _refund(row: _Row) -> Iterator[BillLine]:
    # The bill tells of refunds that were accepted on its day, and what had become of them when it was written. Only what has succeeded
    # is money that went back; what was closed or failed never left, and what is still on its way has to be asked about.
    state = row["退款状态"]
    if state in {"CLOSED", "FAIL"}:
        return
    kind: BillKind = "refund" if state == "SUCCESS" and row["退款类型"] in TO_BUYER else "other"
    yield _line(row, kind, row["商户退款单号"], row["微信退款单号"], ("申请退款金额", "退款金额"))


def _line(row: _Row, kind: BillKind, number: str, channel_number: str, amounts: tuple[str, str]) -> BillLine:
    currency = row["货币种类"]
    amount = next((row[name] for name in amounts if row[name]), "")
    return BillLine(
        kind=kind,
        number=number,
        payment_number=row["商户订单号"],
        channel_number=channel_number,
        amount_minor=_amount(row, amount, currency),
        fee_minor=_amount(row, row["手续费"], currency),
        currency=currency,
        occurred_at=_moment(row, "交易时间"),
    )


def _flow_lines(rows: list[_Row]) -> Iterator[BillLine]:
    fees: dict[str, int] = {}
    earned = {row["微信支付业务单号"] for row in rows if (row["业务类型"], row["收支类型"]) == ("交易", "收入")}
    for row in rows:
        if row["业务类型"] == "扣除交易手续费" and row["微信支付业务单号"] in earned:
            fees[row["微信支付业务单号"]] = fees.get(row["微信支付业务单号"], 0) + _flow_amount(row)
    for row in rows:
        what, way, number = row["业务类型"], row["收支类型"], row["微信支付业务单号"]
        # Refunds are told by the trade bill, with their states; the fee of a payment is taken off its settlement.
        if what == "退款" or (what == "扣除交易手续费" and number in earned):
            continue
        earns = (what, way) == ("交易", "收入")
        yield BillLine(
            kind="settlement" if earns else "other",
            number=row["业务凭证号"],
            payment_number="",
            channel_number=number,
            amount_minor=_flow_amount(row) - (fees.pop(number, 0) if earns else 0),
            fee_minor=0,
            currency="CNY",
            occurred_at=_moment(row, "记账时间"),
        )


def _flow_amount(row: _Row) -> int:
    return _amount(row, row["收支金额(元)"], "CNY")


def _amount(row: _Row, text: str, currency: str) -> int:
    # Fees are written with five decimals, of which the last three are always zero.
    sign = -1 if text.startswith("-") else 1
    whole, point, decimals = text.removeprefix("-").partition(".")
    kept = decimals[:2] + decimals[2:].rstrip("0")
    try:
        return sign * parse_amount(text=f"{whole}{point}{kept}" if kept else whole, currency=currency)
    except (BadAmount, UnknownCurrency) as reason:
        raise BillMalformed(f"Line {row.position} has no amount we can read ({reason}). Nothing was taken from this bill.") from reason


def _moment(row: _Row, name: str) -> datetime:
    try:
        return datetime.strptime(row[name], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError as reason:
        raise BillMalformed(f"Line {row.position} has no time we can read. Nothing was taken from this bill.") from reason
