"""Why somebody wants out of an order: the codes, their groups, which goods each fits, and how they are called."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from anka.domain.goods import Goods


class ReasonGroup(StrEnum):
    """What kind of reason it is. Rules speak of groups more often than of single codes."""

    CHANGE_OF_MIND = "change_of_mind"
    DELAY = "delay"
    QUALITY = "quality"
    PROTECTED = "protected"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason code, and what it is called in Chinese and English."""

    code: str
    group: ReasonGroup
    goods: tuple[Goods, ...]
    zh: str
    en: str


MIND, DELAY, QUALITY = ReasonGroup.CHANGE_OF_MIND, ReasonGroup.DELAY, ReasonGroup.QUALITY
PROTECTED, SPECIAL = ReasonGroup.PROTECTED, ReasonGroup.SPECIAL
ALL = tuple(Goods)
KEY, TOP_UP, SERVICE, RENTAL = (Goods.CARD_KEY,), (Goods.TOP_UP,), (Goods.BOOSTING,), (Goods.RENTAL,)
ACCOUNTS = (Goods.ACCOUNT, Goods.RENTAL)
WITH_TARGET = (Goods.TOP_UP, Goods.BOOSTING)

REASONS: MappingProxyType[str, Reason] = MappingProxyType(
    {
        reason.code: reason
        for reason in (
            Reason("DUPLICATE", MIND, ALL, "重复下单", "ordered twice"),
            Reason("WRONG_ITEM_PICKED", MIND, ALL, "买错了商品", "picked the wrong item"),
            Reason("WRONG_ACCOUNT_ENTERED", MIND, WITH_TARGET, "填错了充值或代练账号", "entered the wrong account"),
            Reason("PRICE_CHANGED", MIND, ALL, "价格变动", "the price changed"),
            Reason("NO_LONGER_NEEDED", MIND, ALL, "不想要了", "no longer needed"),
            Reason("PAYMENT_MISTAKE", MIND, ALL, "付款有误", "paid by mistake"),
            Reason("OTHER", MIND, ALL, "其他原因", "another reason"),
            Reason("LATE_DELIVERY", DELAY, ALL, "超时未发货", "not delivered in time"),
            Reason("SELLER_UNREACHABLE", DELAY, ALL, "联系不上商家", "the merchant cannot be reached"),
            Reason("SELLER_ASKED", DELAY, ALL, "商家要求取消", "the merchant asked for it"),
            Reason("OUT_OF_STOCK", DELAY, ALL, "商家缺货", "out of stock"),
            Reason("SERVICE_NOT_STARTED", DELAY, SERVICE, "代练未开始", "the service was not started"),
            Reason("SERVICE_STALLED", DELAY, SERVICE, "代练停滞", "the service has stalled"),
            Reason("KEY_INVALID", QUALITY, KEY, "卡密无效", "the key is invalid"),
            Reason("KEY_ALREADY_USED", QUALITY, KEY, "卡密已被使用", "the key was already used"),
            Reason("KEY_EXPIRED", QUALITY, KEY, "卡密已过期", "the key has expired"),
            Reason("KEY_REGION_LOCK", QUALITY, KEY, "卡密区服不符", "the key does not work in this region"),
            Reason("KEY_SHORT_COUNT", QUALITY, KEY, "面值或数量不足", "the key is worth less than ordered"),
            Reason("WRONG_GOODS_SENT", QUALITY, ALL, "发错商品", "the wrong goods were sent"),
            Reason("TOPUP_NOT_ARRIVED", QUALITY, TOP_UP, "充值未到账", "the top-up did not arrive"),
            Reason("TOPUP_PARTIAL", QUALITY, TOP_UP, "充值只到账一部分", "only part of the top-up arrived"),
            Reason("ACCOUNT_LOGIN_FAIL", QUALITY, ACCOUNTS, "账号无法登录", "the account cannot be logged into"),
            Reason("ACCOUNT_RECLAIMED", QUALITY, ACCOUNTS, "账号被找回", "the account was taken back"),
            Reason("ACCOUNT_BANNED", QUALITY, ACCOUNTS, "账号被封禁", "the account was banned"),
            Reason("ACCOUNT_MISMATCH", QUALITY, ACCOUNTS, "账号与描述不符", "the account is not as described"),
            Reason("SERVICE_BELOW_TARGET", QUALITY, SERVICE, "代练未达目标", "the service fell short of the target"),
            Reason("RENT_UNUSABLE", QUALITY, RENTAL, "租号期间无法使用", "the rented account cannot be used"),
            Reason("UNAUTHORISED_PAYMENT", PROTECTED, ALL, "非本人付款", "the payment was not authorised"),
            Reason("MINOR_PURCHASE", PROTECTED, ALL, "未成年人购买", "bought by a minor"),
            Reason("FAKE_OR_ILLICIT", SPECIAL, ALL, "假冒或违禁商品", "counterfeit or illicit goods"),
            Reason("NOT_DISCLOSED", SPECIAL, ALL, "购买时未告知不可退", "it was not said that there is no refund"),
        )
    }
)


def reasons_for(*, goods: Goods) -> tuple[Reason, ...]:
    """Return the reasons that fit this kind of goods, in the order people are offered them."""
    return tuple(reason for reason in REASONS.values() if goods in reason.goods)
