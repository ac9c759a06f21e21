"""The codes a party or the platform gives its reasons by, in words. A code never decides anything; it says why."""

from types import MappingProxyType
from typing import NamedTuple


class Words(NamedTuple):
    """What a code means to people."""

    zh: str
    en: str


REFUSALS: MappingProxyType[str, Words] = MappingProxyType(
    {
        "ALREADY_DELIVERED": Words("已经发货", "It was delivered already"),
        "IN_PROGRESS": Words("正在处理，无法中止", "It is under way and cannot be stopped"),
        "KEY_WORKED": Words("卡密可以正常使用", "The key worked"),
        "USED_BY_BUYER": Words("已由买家本人使用", "The buyer used it"),
        "AS_DESCRIBED": Words("商品与描述一致", "It is as described"),
        "BUYER_CONSENTED": Words("买家购买时已确认相关提示", "The buyer had confirmed the notice at purchase"),
        "OTHER": Words("其他原因", "Another reason"),
    }
)
"""Why a merchant refuses. A text is obligatory beside every one of them."""

RULINGS: MappingProxyType[str, Words] = MappingProxyType(
    {
        "NOT_DELIVERED": Words("商家未交付", "The goods were not delivered"),
        "NO_ANSWER": Words("商家逾期未答复", "The merchant did not answer in time"),
        "EVIDENCE_SUFFICIENT": Words("证据足以支持申请", "The evidence supports the claim"),
        "EVIDENCE_INSUFFICIENT": Words("证据不足以支持申请", "The evidence does not support the claim"),
        "NOT_AS_DESCRIBED": Words("商品与描述不符", "The goods are not as described"),
        "BAD_BEFORE_REVEAL": Words("卡密在买家查看前已失效", "The key was bad before the buyer opened it"),
        "USED_AFTER_REVEAL": Words("卡密在买家查看后被使用", "The key was used after the buyer opened it"),
        "CONSENT_ON_RECORD": Words("买家购买时的确认有记录", "The buyer's consent at purchase is on record"),
        "NOT_DISCLOSED": Words("限制未在购买时告知", "The restriction was not disclosed at purchase"),
        "SHARED_FAULT": Words("双方均有责任", "Both sides are at fault"),
        "GOODWILL": Words("平台酌情处理", "Goodwill of the platform"),
        "ABUSE": Words("滥用售后", "Abuse of after-sale"),
        "OTHER": Words("其他原因", "Another reason"),
    }
)
"""Why the platform rules as it does. Several may be given, and a text beside them is obligatory."""
