"""What routes, refunds, stages and facts are called when a decision is told to people, in Chinese and English."""

from types import MappingProxyType
from typing import Literal

Language = Literal["zh", "en"]
Words = MappingProxyType[str, dict[Language, str]]


def _words(**pairs: tuple[str, str]) -> Words:
    return MappingProxyType({key: {"zh": zh, "en": en} for key, (zh, en) in pairs.items()})


STAGES = _words(
    reserved=("待付款", "not paid"),
    queued=("已付款，商家尚未处理", "paid, not opened by the merchant yet"),
    accepted=("商家已接单，尚未交付", "accepted by the merchant, not delivered yet"),
    working=("进行中", "in progress"),
    sealed=("已交付，未开封", "delivered, not opened"),
    revealed=("已查看", "opened"),
    delivered=("已交付", "delivered"),
    used=("已使用", "used"),
)
GOODS = _words(
    card_key=("卡密", "card key"),
    top_up=("直充", "top-up"),
    account=("账号", "game account"),
    boosting=("代练", "boosting job"),
    rental=("租号", "rental"),
)
REFUNDS = _words(
    none=("不退款", "no refund"),
    full=("全额退款", "a full refund"),
    unused_share=("按未使用部分退款 {percent}%", "a refund of the unused share, {percent} %"),
    missing_share=("按未到账部分退款 {percent}%", "a refund of the missing share, {percent} %"),
    negotiable=("退款金额由双方协商或平台裁定", "a refund whose amount is agreed or ruled on"),
    agreed=("按双方商定的金额退款", "a refund of the amount agreed on"),
)
ROUTES = _words(
    close=("直接关闭", "the order closes at once"),
    instant=("立即执行", "done at once"),
    merchant=("先由商家答复", "the merchant answers first"),
    upstream=("供货方撤单后执行", "done once the supplier has cancelled"),
    platform=("由平台处理", "the platform decides"),
    external=("由支付渠道裁定", "the payment channel decides"),
    refuse=("不支持，可申诉一次", "refused, one appeal is possible"),
)
NOTHING_BACK = _words(
    close=("订单直接关闭，没有扣款，占用随即释放", "the order closes at once; no money had moved, what was held is released"),
    upstream=("暂不退款，等待供货方的结果", "nothing goes back yet, the supplier has to answer first"),
    external=("平台不另行退款，由支付渠道裁定", "we refund nothing beside it, the payment channel decides"),
    refuse=("不支持退款，可申诉一次", "no refund, one appeal is possible"),
)
MONEY = _words(
    fee_percent=("扣除 {said} 手续费", "less a fee of {said}"),
    keep_minor=("商家留取 {said}", "{said} stay with the merchant"),
    compensation_minor=("商家另从保证金补偿 {said}", "compensation of {said} from the merchant's deposit on top"),
)
"""What a decision may add to its refund, in the order it is computed."""
NOT_FOR_MERCHANTS: dict[Language, str] = {
    "zh": "商家不能这样处理，可以向买家提出方案",
    "en": "not for the merchant to do alone, an offer is possible",
}
FAULTS = _words(
    none=("无责任方", "nobody is at fault"),
    buyer=("责任在买家", "the fault is the buyer's"),
    merchant=("责任在商家", "the fault is the merchant's"),
    platform=("责任在平台", "the fault is the platform's"),
    undecided=("责任待定", "the fault is not decided yet"),
)
EVIDENCE = _words(
    SCREENSHOT=("截图", "a screenshot"),
    ERROR_SCREENSHOT=("报错截图", "a screenshot of the error"),
    BALANCE_SCREENSHOT=("余额或到账截图", "a screenshot of the balance"),
    SCREEN_RECORDING=("录屏", "a screen recording"),
    KEY_PREFIX=("卡密前几位", "the first characters of the key"),
    ISSUER_STATEMENT=("发行方或官方的流水、证明", "a statement by the issuer"),
    ISSUER_TICKET=("官方工单", "the issuer's ticket"),
    TRADE_VIDEO=("交易录像", "a video of the trade"),
    ID_CHECK=("身份核验", "an identity check"),
    POLICE_REPORT=("报案回执", "a police report"),
    REFUND_PROOF_OUTSIDE=("站外退款凭证", "proof of a refund elsewhere"),
    OTHER=("其他证据", "other evidence"),
)
