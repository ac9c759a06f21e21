"""The protocols the gateway speaks, by the code of their channel. Each is made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable

from anka.sandbox.protocols.alipay import AlipayProtocol
from anka.sandbox.protocols.base import Protocol, Setup
from anka.sandbox.protocols.epay import EpayProtocol
from anka.sandbox.protocols.epay_v2 import EpayV2Protocol
from anka.sandbox.protocols.own import OwnProtocol
from anka.sandbox.protocols.stripe import StripeProtocol
from anka.sandbox.protocols.wechat import WechatProtocol

Factory = Callable[[Setup], Protocol]

PROTOCOLS: dict[str, Factory] = {
    "sandbox": OwnProtocol,
    "alipay": AlipayProtocol,
    "epay": EpayProtocol,
    "epay_v2": EpayV2Protocol,
    "wechat": WechatProtocol,
    "stripe": StripeProtocol,
}
