"""Notices as Alipay writes them: one form for the whole life of a trade, told apart by status and refund_fee."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from anka.adapters.channels import alipay_wire as wire
from anka.adapters.channels.alipay_keys import APP_ID, SELLER_ID
from anka.core.clock import Moment
from anka.domain.money import format_amount
from anka.sandbox.notices import Draft
from anka.sandbox.protocols.alipay_answers import Signer
from anka.sandbox.protocols.base import Outgoing

HEADERS = {"Content-Type": f"application/x-www-form-urlencoded; charset={wire.CHARSET}"}
# Alipay tells neither of attempts to pay that failed nor of refunds that did.
TOLD = frozenset({"payment.paid", "payment.closed", "refund.succeeded"})


class AlipayNotices:
    """Writes and signs notices."""

    def __init__(self, *, signer: Signer) -> None:
        """Keep what signs."""
        self._signer = signer

    def written(self, *, draft: Draft, moment: Moment) -> Outgoing | None:
        """Return a notice, sent now unless the draft says otherwise; None for what Alipay does not tell.

        A replayed notice is older than Alipay ever repeats one: what is younger, and signed by Alipay, has happened.
        """
        if draft.disguise == "reflected":
            return _posted(draft, draft.request.encode())
        if str(draft.facts["type"]) not in TOLD:
            return None
        age = timedelta(0)
        if draft.disguise == "replayed":
            age = max(timedelta(seconds=draft.age_seconds), wire.NOTICE_LIVES + wire.AHEAD)
        fields = {**_fields(draft.facts), "notify_time": wire.china_text(at=moment.real - age)}
        content = wire.notice_text(parameters=fields)
        fields |= {"sign_type": wire.SIGN_TYPE, "sign": self._signer.sign(content=content, disguise=draft.disguise)}
        return _posted(draft, urlencode(fields).encode())


def _posted(draft: Draft, body: bytes) -> Outgoing:
    return Outgoing(method="POST", url=draft.notify_url, headers=HEADERS, body=body)


def _fields(facts: Mapping[str, object]) -> dict[str, str]:
    kind = str(facts["type"])
    common = {
        "notify_type": "trade_status_sync",
        "notify_id": hashlib.sha256(str(facts["event_id"]).encode()).hexdigest()[:34],
        "charset": wire.CHARSET,
        "version": "1.0",
        "app_id": APP_ID,
        "auth_app_id": APP_ID,
        "seller_id": SELLER_ID,
        "buyer_id": "2088000000000002",
        "out_trade_no": str(facts["payment_number"]),
        "trade_no": str(facts["payment_transaction"]),
        "subject": str(facts["subject"]),
    }
    return common | (_of_refund(facts) if kind == "refund.succeeded" else _of_payment(facts, kind))


def _of_payment(facts: Mapping[str, object], kind: str) -> dict[str, str]:
    total, at = _yuan(facts["amount_minor"]), _time(facts["occurred_at"])
    if kind == "payment.closed":
        return {"trade_status": "TRADE_CLOSED", "total_amount": total, "gmt_close": at}
    return {
        "trade_status": "TRADE_SUCCESS",
        "total_amount": total,
        "receipt_amount": total,
        "buyer_pay_amount": total,
        "gmt_payment": _time(facts["paid_at"]),
        # Alipay sends empty fields, too, and signs them.
        "passback_params": "",
    }


def _of_refund(facts: Mapping[str, object]) -> dict[str, str]:
    back, total = facts["refunded_minor"], facts["payment_minor"]
    in_full = isinstance(back, int) and isinstance(total, int) and back >= total
    return {
        "trade_status": "TRADE_CLOSED" if in_full else "TRADE_SUCCESS",
        "total_amount": _yuan(total),
        "refund_fee": _yuan(back),
        "out_biz_no": str(facts["number"]),
        "gmt_payment": _time(facts["paid_at"]),
        "gmt_refund": f"{_time(facts['occurred_at'])}.000",
    }


def _yuan(amount_minor: object) -> str:
    return format_amount(amount_minor=int(str(amount_minor)), currency="CNY")


def _time(text: object) -> str:
    return wire.china_text(at=datetime.fromisoformat(str(text)))
