"""The two bills of the pretended WeChat Pay, in the form of the real ones: fields with a grave accent, yuan, China's time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from anka.adapters.channels.wechat_bill import CHINA, FLOW_COLUMNS, FLOW_SUMS, TRADE_COLUMNS, TRADE_SUMS
from anka.domain.money import format_amount
from anka.sandbox.bills import BillRow


def trade_bill(*, rows: Iterable[BillRow], appid: str, mchid: str, way_of: Callable[[str], str]) -> bytes:
    """Return the trade bill of payments and refunds; nothing where there are none. `way_of` names the way a refund took."""
    told = [row for row in rows if row.kind in {"payment", "refund"}]
    lines = [_written(_trade(row, appid=appid, mchid=mchid, way_of=way_of), TRADE_COLUMNS) for row in told]
    paid = sum(row.amount_minor for row in told if row.kind == "payment")
    back = sum(row.amount_minor for row in told if row.kind == "refund")
    fees = sum(row.fee_minor for row in told)
    sums = (str(len(lines)), _yuan(paid), _yuan(back), _yuan(0), f"{_yuan(fees)}000", _yuan(paid), _yuan(back))
    return _file(TRADE_COLUMNS, lines, TRADE_SUMS, sums)


def flow_bill(*, rows: Iterable[BillRow]) -> bytes:
    """Return the fund flow bill: each payment as income, its fee and each refund as expense; nothing where there are none."""
    lines, balance, income, expense = [], 0, [0, 0], [0, 0]
    for position, (row, what, amount) in enumerate(_flows(rows)):
        balance += amount
        kept = income if amount > 0 else expense
        kept[0] += 1
        kept[1] += abs(amount)
        fields = {
            "记账时间": _time(row.occurred_at),
            "微信支付业务单号": row.transaction,
            "资金流水单号": f"{row.occurred_at:%Y%m%d}{position:012d}",
            "业务名称": what,
            "业务类型": what,
            "收支类型": "收入" if amount > 0 else "支出",
            "收支金额(元)": _yuan(abs(amount)),
            "账户结余(元)": _yuan(balance),
            "资金变更提交申请人": "system",
            "业务凭证号": row.number,
        }
        lines.append(_written(fields, FLOW_COLUMNS))
    sums = (str(len(lines)), str(income[0]), _yuan(income[1]), str(expense[0]), _yuan(expense[1]))
    return _file(FLOW_COLUMNS, lines, FLOW_SUMS, sums)


def _flows(rows: Iterable[BillRow]) -> Iterable[tuple[BillRow, str, int]]:
    for row in rows:
        if row.kind == "payment":
            yield row, "交易", row.amount_minor
            if row.fee_minor:
                yield row, "扣除交易手续费", -row.fee_minor
        elif row.kind == "refund":
            yield row, "退款", -row.amount_minor


def _trade(row: BillRow, *, appid: str, mchid: str, way_of: Callable[[str], str]) -> dict[str, str]:
    is_refund = row.kind == "refund"
    paid, back = (_yuan(0), _yuan(row.amount_minor)) if is_refund else (_yuan(row.amount_minor), _yuan(0))
    return {
        "交易时间": _time(row.occurred_at),
        "公众账号ID": appid,
        "商户号": mchid,
        "特约商户号": "0",
        "微信订单号": row.payment_transaction,
        "商户订单号": row.payment_number,
        "用户标识": "sandbox",
        "交易类型": "NATIVE",
        "交易状态": "REFUND" if is_refund else "SUCCESS",
        "付款银行": "OTHERS",
        "货币种类": row.currency,
        "应结订单金额": paid,
        "代金券金额": _yuan(0),
        "微信退款单号": row.transaction if is_refund else "0",
        "商户退款单号": row.number if is_refund else "0",
        "退款金额": back,
        "充值券退款金额": _yuan(0),
        "退款类型": way_of(row.number) if is_refund else "",
        "退款状态": "SUCCESS" if is_refund else "",
        "商品名称": row.subject.replace("`", "'").replace("\n", " ").replace("\r", " "),
        "手续费": f"{_yuan(row.fee_minor)}000",
        "费率": "0.60%",
        "订单金额": paid,
        "申请退款金额": back,
    }


def _written(fields: dict[str, str], columns: str) -> str:
    return ",".join(f"`{fields.get(name, '')}" for name in columns.split(","))


def _file(columns: str, lines: list[str], sum_columns: str, sums: tuple[str, ...]) -> bytes:
    if not lines:
        return b""
    last = ",".join(f"`{amount}" for amount in sums)
    # The real files begin with a byte order mark and end lines as Windows does.
    return "".join(f"{line}\r\n" for line in ("\ufeff" + columns, *lines, sum_columns, last)).encode()


def _yuan(amount_minor: int) -> str:
    return format_amount(amount_minor=amount_minor, currency="CNY")


def _time(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
