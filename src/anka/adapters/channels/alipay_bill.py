"""Alipay's daily trade bill: a ZIP with two GBK files, the single movements (业务明细) and their sums (汇总).

Lines beginning with # are comments; the last of them count the movements and add them up. A file whose end or counts are missing or do not
fit was cut off, and a bill that was cut off would make money look missing.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import date, datetime

from anka.adapters.channels.alipay_wire import CHINA, read_china_text
from anka.adapters.channels.port import Bill, BillKind, BillLine, BillMalformed
from anka.domain.money import BadAmount, parse_amount

LARGEST_BILL = 64 * 1024 * 1024
LARGEST_FILE = 256 * 1024 * 1024
MOST_FILES = 8
CURRENCY = "CNY"
KINDS: dict[str, BillKind] = {"交易": "payment", "退款": "refund"}
_COUNTED: dict[str, BillKind] = {"交易合计": "payment", "退款合计": "refund"}
_SUMMED: dict[str, BillKind] = {"交易订单总笔数": "payment", "退款订单总笔数": "refund"}
_NEEDED = ("支付宝交易号", "商户订单号", "业务类型", "完成时间", "订单金额(元)", "退款批次号/请求号", "服务费(元)")
_DAY = re.compile(r"#起始日期:\[(\d{4})年(\d{2})月(\d{2})日 00:00:00\]")
_ACCOUNT = re.compile(r"#账号:\[(\d{16})\d*\]")
_COUNT = re.compile(r"#(交易合计|退款合计)[:\uff1a](\d+)笔")


def read_bill_file(*, day: date, content: bytes, seller_id: str) -> Bill:
    """Return the bill in a ZIP as Alipay hands it out, or in its 业务明细 file alone.

    Whatever Alipay takes in is ours at once, so the day's takings less all fees are one settlement line. Raises BillMalformed.
    """
    if len(content) > LARGEST_BILL:
        raise BillMalformed("The file is too large for a bill; nothing was taken from it.")
    texts = list(_texts(content))
    details = [text for text in texts if "#支付宝业务明细查询" in text[:200]]
    if len(details) != 1:
        raise BillMalformed(f"The file holds {len(details)} lists of movements (业务明细), not one; nothing was taken from it.")
    _check_head(details[0], day, seller_id)
    lines = _lines(details[0])
    for text in texts:
        if "#支付宝业务汇总查询" in text[:200]:
            _check_summary(text, lines)
    digest = hashlib.sha256(content).hexdigest()
    return Bill(day=day, lines=(*lines, *_settled(day, lines)), digest=digest)


def _texts(content: bytes) -> Iterator[str]:
    if not content.startswith(b"PK"):
        yield _decoded(content)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(names) > MOST_FILES or sum(entry.file_size for entry in names) > LARGEST_FILE:
                raise BillMalformed("The archive is too large for a bill; nothing was taken from it.")
            for entry in names:
                # file_size is only what the archive says of itself.
                with archive.open(entry) as file:
                    yield _decoded(file.read(entry.file_size))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as reason:
        raise BillMalformed(f"The archive is damaged ({reason}); nothing was taken from it.") from reason


def _decoded(data: bytes) -> str:
    try:
        # GB 18030 reads everything that GBK does, and names GBK has no signs for.
        return data.decode("gb18030")
    except UnicodeDecodeError as reason:
        raise BillMalformed("The file is not in GBK; nothing was taken from it.") from reason


def _check_head(text: str, day: date, seller_id: str) -> None:
    began, account = _DAY.search(text), _ACCOUNT.search(text)
    if began is None or date(*(int(part) for part in began.groups())) != day:
        raise BillMalformed(f"The bill is not that of {day.isoformat()}; nothing was taken from it.")
    if seller_id and (account is None or account.group(1) != seller_id):
        raise BillMalformed("The bill is that of another account; nothing was taken from it.")


def _rows(text: str, first: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row below the heading that begins with `first`, as its line number and its values by column, without tabs and spaces."""
    heading: list[str] | None = None
    reader = csv.reader(line if not line.startswith("#") else "" for line in text.splitlines())
    for fields in reader:
        values = [field.strip() for field in fields]
        if not any(values):
            continue
        if heading is None:
            heading = [value.replace("\uff08", "(").replace("\uff09", ")") for value in values]
            if heading[0] != first:
                raise BillMalformed(f"Line {reader.line_num} is not the heading of a bill; nothing was taken from it.")
            continue
        if len(values) != len(heading):
            raise BillMalformed(f"Line {reader.line_num} has {len(values)} columns, not {len(heading)}; nothing was taken from it.")
        yield reader.line_num, dict(zip(heading, values, strict=True))


def _lines(text: str) -> tuple[BillLine, ...]:
    if "业务明细列表结束" not in text:
        raise BillMalformed("The end of the bill is missing; nothing was taken from it.")
    lines = tuple(_line(number, row) for number, row in _rows(text, "支付宝交易号"))
    for name, count in _COUNT.findall(text):
        found = sum(line.kind == _COUNTED[name] for line in lines)
        if found != int(count):
            raise BillMalformed(f"The bill counts {count} under {name} and has {found}; nothing was taken from it.")
    return lines


def _line(number: int, row: Mapping[str, str]) -> BillLine:
    missing = [name for name in _NEEDED if name not in row]
    if missing:
        raise BillMalformed(f"The bill has no column {missing[0]}; nothing was taken from it.")
    kind = KINDS.get(row["业务类型"], "other")
    try:
        amount_minor = _signed_amount(row["订单金额(元)"])
        return BillLine(
            kind=kind,
            number=row["商户订单号"] if kind == "payment" else row["退款批次号/请求号"],
            payment_number=row["商户订单号"],
            channel_number=row["支付宝交易号"],
            amount_minor=abs(amount_minor),
            # A fee stands in the bill with a minus, as all that left the account.
            fee_minor=-_signed_amount(row["服务费(元)"] or "0"),
            currency=CURRENCY,
            occurred_at=read_china_text(text=row["完成时间"]),
        )
    except (BadAmount, ValueError) as reason:
        raise BillMalformed(f"Line {number}: {reason}; nothing was taken from it.") from reason


def _signed_amount(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    return sign * parse_amount(text=text.lstrip("+-"), currency=CURRENCY)


def _check_summary(text: str, lines: tuple[BillLine, ...]) -> None:
    for _, row in _rows(text, "门店编号"):
        if row["门店编号"] != "合计":
            continue
        for name, kind in _SUMMED.items():
            found = sum(line.kind == kind for line in lines)
            if row.get(name, str(found)) != str(found):
                raise BillMalformed(f"The sums name {row[name]} under {name}, the movements are {found}; nothing was taken from it.")


def _settled(day: date, lines: tuple[BillLine, ...]) -> tuple[BillLine, ...]:
    taken = sum(line.amount_minor for line in lines if line.kind == "payment") - sum(line.fee_minor for line in lines)
    if taken <= 0:
        return ()
    number = f"settled-{day.isoformat()}"
    at = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=CHINA)
    return (
        BillLine(
            kind="settlement",
            number=number,
            payment_number="",
            channel_number=number,
            amount_minor=taken,
            fee_minor=0,
            currency=CURRENCY,
            occurred_at=at,
        ),
    )
