"""What a merchant may ask the pretended WeChat Pay for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

_Number = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z_\-]{6,32}\Z")]
_RefundNumber = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z_\-]{1,64}\Z")]
_Amount = Annotated[int, msgspec.Meta(gt=0, le=10**12)]


class PayAmount(msgspec.Struct, frozen=True):
    """What a payment asks for, in fen."""

    total: _Amount
    currency: Literal["CNY"] = "CNY"


class H5(msgspec.Struct, frozen=True):
    """Which kind of browser."""

    type: Literal["Wap", "iOS", "Android"]


class Scene(msgspec.Struct, frozen=True):
    """Where the buyer sits."""

    payer_client_ip: Annotated[str, msgspec.Meta(min_length=2, max_length=45)]
    h5_info: H5 | None = None


class Payer(msgspec.Struct, frozen=True):
    """Who the buyer is."""

    openid: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Pay(msgspec.Struct, frozen=True):
    """A payment to be opened, in any of the three ways."""

    appid: str
    mchid: str
    description: Annotated[str, msgspec.Meta(min_length=1, max_length=127)]
    out_trade_no: _Number
    notify_url: Annotated[str, msgspec.Meta(pattern=r"\Ahttps?://[^?#\s]{1,250}\Z")]
    amount: PayAmount
    time_expire: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    scene_info: Scene | None = None
    payer: Payer | None = None


class Close(msgspec.Struct, frozen=True):
    """A payment to be closed."""

    mchid: str


class RefundAmount(msgspec.Struct, frozen=True):
    """What a refund asks for, and what the whole payment was."""

    refund: _Amount
    total: _Amount
    currency: Literal["CNY"]


class RefundAsked(msgspec.Struct, frozen=True):
    """A refund to be made."""

    out_trade_no: _Number
    out_refund_no: _RefundNumber
    amount: RefundAmount


class Mend(msgspec.Struct, frozen=True):
    """An abnormal refund to be sent another way."""

    out_refund_no: _RefundNumber
    type: Literal["USER_BANK_CARD", "MERCHANT_BANK_CARD"]
    bank_type: str = ""
    bank_account: str = ""
    real_name: str = ""
