"""How a changed fact is said, as long as it may still change and when it is past, in Chinese and English.

Neutral between the parties: buyer, merchant and platform read the same words. Chinese has one form for both times.
"""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Said:
    """A condition in words. `en_past` says it of what is over."""

    zh: str
    en: str
    en_past: str


VALUES: MappingProxyType[tuple[str, str | int | bool | None], Said] = MappingProxyType(
    {
        ("notice", "confirmed"): Said(
            "如果购买时确认了“使用后不退”的提示",
            "If the notice of no refund once used was confirmed",
            "If the notice of no refund once used had been confirmed at purchase",
        ),
        ("notice", "shown"): Said(
            "如果购买时没有确认“使用后不退”的提示",
            "If the notice of no refund once used was not confirmed",
            "If the notice of no refund once used had not been confirmed at purchase",
        ),
        ("use_check", "invalid"): Said(
            "如果发行方记录显示商品无效",
            "If the issuer's record shows the goods invalid",
            "If the issuer's record had shown the goods invalid",
        ),
        ("use_check", "used_before_reveal"): Said(
            "如果记录显示在查看之前已被使用",
            "If the record shows a use before it was opened",
            "If the record had shown a use before it was opened",
        ),
        ("use_check", "unused"): Said(
            "如果发行方确认尚未使用", "If the issuer confirms that it is unused", "If the issuer had confirmed that it was unused"
        ),
        ("use_check", "used_after_reveal"): Said(
            "如果记录显示查看之后已被使用",
            "If the record shows a use after it was opened",
            "If the record had shown a use after it was opened",
        ),
        ("use_check", "unknown"): Said("如果没有使用记录可查", "If there is no record of use", "If there had been no record of use"),
        ("used_by", "other"): Said(
            "如果记录显示使用人不是买家",
            "If the record shows that somebody else used it",
            "If the record had shown that somebody else used it",
        ),
        ("used_by", "buyer"): Said(
            "如果记录显示使用人是买家", "If the record shows that the buyer used it", "If the record had shown that the buyer used it"
        ),
        ("used_by", "unknown"): Said("如果没有记录显示使用人是谁", "If no record shows who used it", "If no record had shown who used it"),
        ("voidable", True): Said(
            "如果发行方可以作废这张卡密", "If the issuer can void the key", "If the issuer had been able to void the key"
        ),
        ("voidable", False): Said(
            "如果发行方不能作废这张卡密", "If the issuer cannot void the key", "If the issuer had not been able to void the key"
        ),
        ("matches_order", "no"): Said(
            "如果核实交付内容与订单不符", "If it turns out not to be what was ordered", "If it had turned out not to be what was ordered"
        ),
        ("matches_order", "yes"): Said(
            "如果核实交付内容与订单相符", "If it turns out to be what was ordered", "If it had turned out to be what was ordered"
        ),
        ("login_seen", "no"): Said(
            "如果记录显示没有登录过", "If the record shows that nobody logged in", "If the record had shown that nobody logged in"
        ),
        ("login_seen", "yes"): Said(
            "如果记录显示登录过", "If the record shows that somebody logged in", "If the record had shown that somebody logged in"
        ),
        ("login_seen", "unknown"): Said("如果没有登录记录可查", "If there is no record of logins", "If there had been no record of logins"),
        ("merchant_answer", "agreed"): Said("如果商家同意", "If the merchant agrees", "If the merchant had agreed"),
        ("merchant_answer", "refused"): Said("如果商家拒绝", "If the merchant refuses", "If the merchant had refused"),
        ("merchant_answer", "silent"): Said(
            "如果商家逾期不答复", "If the merchant does not answer in time", "If the merchant had not answered in time"
        ),
        ("merchant_answer", "none"): Said(
            "如果商家还没有答复", "If the merchant has not answered yet", "If the merchant had not answered yet"
        ),
        ("upstream", "cancelled"): Said(
            "如果供货方确认撤单", "If the supplier confirms the cancellation", "If the supplier had confirmed the cancellation"
        ),
        ("upstream", "cancellable"): Said(
            "如果供货方还可以撤单", "If the supplier can still cancel", "If the supplier could still have cancelled"
        ),
        ("upstream", "locked"): Said(
            "如果供货方已不能撤单", "If the supplier cannot cancel any more", "If the supplier could not have cancelled any more"
        ),
        ("upstream", "failed"): Said(
            "如果供货方确认无法交付",
            "If the supplier confirms that it will not come",
            "If the supplier had confirmed that it would not come",
        ),
        ("upstream", "done"): Said("如果供货方完成交付", "If the supplier delivers", "If the supplier had delivered"),
        ("upstream", "unknown"): Said(
            "如果供货方的结果不明", "If nobody knows what the supplier did", "If nobody had known what the supplier did"
        ),
        ("upstream", "none"): Said("如果没有向供货方下单", "If no supplier is involved", "If no supplier had been involved"),
        ("dispute", "chargeback"): Said(
            "如果向银行发起拒付", "If the payment is disputed with the bank", "If the payment had been disputed with the bank"
        ),
        ("dispute", "none"): Said(
            "如果没有向银行发起拒付", "If the payment is not disputed with the bank", "If the payment had not been disputed with the bank"
        ),
        ("asker", "merchant"): Said(
            "如果由商家提出取消或退款",
            "If the merchant asks to cancel or refund",
            "If the merchant had asked to cancel or refund",
        ),
        ("asker", "buyer"): Said("如果由买家提出", "If the buyer asks", "If the buyer had asked"),
        ("progress_percent", 0): Said("如果进度还是零", "If nothing has been done yet", "If nothing had been done yet"),
        ("progress_percent", 100): Said("如果已经全部完成", "If all of it has been done", "If all of it had been done"),
        ("delivered_percent", 100): Said(
            "如果记录显示全部到账", "If the record shows that all of it arrived", "If the record had shown that all of it arrived"
        ),
        ("delivered_percent", 0): Said(
            "如果记录显示没有到账", "If the record shows that nothing arrived", "If the record had shown that nothing arrived"
        ),
        ("delivered_percent", None): Said(
            "如果没有到账记录可查", "If no record shows how much arrived", "If no record had shown how much arrived"
        ),
    }
)
"""Facts that are one of a few words, in the order they are told in."""

ON_TIME = Said("如果没有超过承诺的交付时间", "If it comes within the promised time", "If the promised time had been kept")
OVERDUE_BEFORE = Said("如果超过承诺的交付时间", "Once the promised time is over", "If the promised time had been over")
OVERDUE_AFTER = Said("如果交付晚于承诺时间", "If it was delivered late", "If it had been delivered late")
WITHIN = Said("如果在交付后 {span}内提出", "If asked within {span} of delivery", "If it had been asked within {span} of delivery")
BEYOND = Said(
    "如果在交付 {span}之后才提出", "If asked more than {span} after delivery", "If it had been asked more than {span} after delivery"
)
SUPPLIER_SILENT = Said(
    "如果供货方超过 {span}没有明确答复",
    "Once the supplier has said nothing conclusive for {span}",
    "If the supplier had said nothing conclusive for {span}",
)
SUPPLIER_SPOKE = Said(
    "如果供货方在 {span}内有过明确答复",
    "If the supplier says something conclusive within {span}",
    "If the supplier had said something conclusive within {span}",
)

_KEY, _ACCOUNT, _RENTAL = frozenset({"card_key"}), frozenset({"account"}), frozenset({"rental"})
_WORK = frozenset({"top_up", "boosting"})
_ALL = _KEY | _ACCOUNT | _RENTAL | _WORK
_OPENED = frozenset({"revealed", "delivered", "used"})
_LATER = frozenset({"accepted", "working", "sealed"}) | _OPENED


@dataclass(frozen=True, slots=True)
class StageChange:
    """Another stage, and how it is said, for these goods at one of these stages."""

    goods: frozenset[str]
    before: frozenset[str]
    stage: str
    said: Said


def _stage(goods: frozenset[str], before: frozenset[str], stage: str, zh: str, en: str) -> StageChange:
    return StageChange(goods, before, stage, Said(zh, en, en))


_SEALED, _REVEALED = frozenset({"sealed"}), frozenset({"revealed"})
STAGES = (
    _stage(_KEY, _OPENED, "sealed", "如果卡密没有被查看", "If the key had not been opened"),
    _stage(_ACCOUNT, _OPENED, "sealed", "如果账号没有被查看", "If the account had not been opened"),
    _stage(_RENTAL, frozenset({"working", "delivered"}), "sealed", "如果租用还没有开始", "If the rental had not begun"),
    _stage(_KEY, frozenset({"used"}), "revealed", "如果卡密没有被使用", "If the key had not been used"),
    _stage(_KEY, _SEALED, "revealed", "如果卡密已被查看", "If the key had been opened"),
    _stage(_ACCOUNT, _SEALED, "revealed", "如果账号已被查看", "If the account had been opened"),
    _stage(_KEY, _REVEALED, "used", "如果卡密已被使用", "If the key had been used"),
    _stage(_ALL, _LATER, "queued", "如果在商家处理订单之前提出", "If it had been asked before the merchant opened the order"),
    _stage(_ALL, frozenset({"working"}), "accepted", "如果商家还没有开始", "If the merchant had not begun"),
    _stage(_ALL, frozenset({"queued"}), "accepted", "如果商家已经接单", "If the merchant had opened the order already"),
    _stage(_ALL, frozenset({"reserved"}), "queued", "如果订单已经付款", "If the order had been paid"),
    _stage(_WORK, frozenset({"queued", "accepted"}), "working", "如果已经开始", "If the work had begun"),
    _stage(_WORK, frozenset({"accepted", "working"}), "delivered", "如果已经交付", "If it had been delivered"),
)
"""The most telling first. Which of them are possible, the facts say."""
