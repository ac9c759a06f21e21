"""What the words of a rule are called when the rule itself is read by people: facts and their values, fields and theirs."""

from types import MappingProxyType

from anka.domain.policy.reasons import REASONS
from anka.domain.policy.wordings import EVIDENCE, GOODS, Language, Words


def _words(**pairs: tuple[str, str]) -> Words:
    return MappingProxyType({key: {"zh": zh, "en": en} for key, (zh, en) in pairs.items()})


VALUES: MappingProxyType[str, Words] = MappingProxyType(
    {
        "goods": GOODS,
        "stage": _words(
            reserved=("待付款", "not paid"),
            queued=("待商家处理", "waiting for the merchant"),
            accepted=("商家已接单", "accepted"),
            working=("进行中", "in progress"),
            sealed=("未开封", "not opened"),
            revealed=("已查看", "opened"),
            delivered=("已交付", "delivered"),
            used=("已使用", "used"),
        ),
        "reason": MappingProxyType({code: {"zh": reason.zh, "en": reason.en} for code, reason in REASONS.items()}),
        "group": _words(
            change_of_mind=("改变主意", "a change of mind"),
            delay=("延误", "a delay"),
            quality=("质量问题", "quality"),
            protected=("非本人付款或未成年人购买", "a payment not authorised or a purchase by a minor"),
            special=("特殊情形", "special cases"),
        ),
        "asker": _words(buyer=("买家", "the buyer"), merchant=("商家", "the merchant"), platform=("平台", "the platform")),
        "merchant_answer": _words(
            none=("尚未答复", "none yet"),
            agreed=("同意", "agrees"),
            refused=("拒绝", "refuses"),
            silent=("逾期未答复", "none in time"),
        ),
        "use_check": _words(
            unknown=("不明", "unknown"),
            unused=("未使用", "unused"),
            used_before_reveal=("打开前已被使用", "used before it was opened"),
            used_after_reveal=("打开后被使用", "used after it was opened"),
            invalid=("无效", "invalid"),
        ),
        "used_by": _words(unknown=("不明", "unknown"), buyer=("买家", "the buyer"), other=("他人", "somebody else")),
        "matches_order": _words(unknown=("不明", "unknown"), yes=("是", "yes"), no=("否", "no")),
        "notice": _words(none=("无", "none"), shown=("已展示", "shown"), confirmed=("已展示并确认", "shown and confirmed")),
        "login_seen": _words(unknown=("不明", "unknown"), no=("无", "none"), yes=("有", "there is one")),
        "upstream": _words(
            none=("无", "none"),
            cancellable=("还可撤单", "can still cancel"),
            cancelled=("已撤单", "has cancelled"),
            failed=("确认无法交付", "will not deliver"),
            locked=("不能再撤单", "cannot cancel any more"),
            done=("已交付", "has delivered"),
            unknown=("结果不明", "outcome unknown"),
        ),
        "dispute": _words(none=("无", "none"), complaint=("渠道投诉", "complaint at the channel"), chargeback=("拒付", "chargeback")),
        "voidable": _words(true=("卡密可以作废", "the key can be voided"), false=("卡密不能作废", "the key cannot be voided")),
        "overdue": _words(true=("超过承诺的交付时间", "delivery is late"), false=("没有超过承诺的交付时间", "delivery is not late")),
        "bad": _words(
            true=("有记录显示商品在打开前就有问题", "a record shows the goods bad before they were opened"),
            false=("没有记录显示商品在打开前有问题", "no record shows the goods bad before they were opened"),
        ),
        "wrong": _words(true=("与订单不符", "not what was ordered"), false=("未发现与订单不符", "not known to be wrong goods")),
        "short": _words(true=("到账不足", "worth less than ordered"), false=("未发现到账不足", "not known to be worth less")),
        "consumed": _words(true=("已用掉，无法收回", "used up"), false=("没有用掉", "not used up")),
    }
)
"""By feature and value. Facts that are true or false are whole phrases, as are goods and stages; the others fill a form below."""
FORMS = _words(
    asker=("由{value}提出", "asked by {value}"),
    reason=("原因：{value}", "reason: {value}"),
    group=("原因：{value}", "reason: {value}"),
    merchant_answer=("商家答复：{value}", "the merchant's answer: {value}"),
    use_check=("使用记录：{value}", "record of use: {value}"),
    used_by=("使用人：{value}", "used by: {value}"),
    matches_order=("与订单相符：{value}", "as ordered: {value}"),
    notice=("不可退换提示：{value}", "notice of no refund: {value}"),
    login_seen=("登录记录：{value}", "record of a login: {value}"),
    upstream=("供货方：{value}", "supplier: {value}"),
    dispute=("外部争议：{value}", "dispute elsewhere: {value}"),
)
NUMBERS = _words(
    ago=("交付后时间", "time since delivery"),
    upstream_minutes=("距供货方最近一次明确答复", "time since the supplier's last word"),
    progress=("进度", "progress"),
    delivered_percent=("到账比例", "share delivered"),
)
PER_CENT = frozenset({"progress", "delivered_percent"})
LIMITS = _words(refund_window=("退款期", "the refund window"), warranty=("质保期", "the warranty"))
JOINTS = _words(
    and_=("，", ", "),
    or_=("；或者", "; or "),
    values=("或", " or "),
    always=("其他所有情况", "In every other case"),
    label=("：", ": "),
    fields=("；", "; "),
    if_=("{value}（当{when}）", "{value} (if {when})"),
    otherwise=("，否则", ", else "),
    list_=("、", ", "),
    minutes=("{count} 分钟", "{count} min"),
    hours=("{count} 小时", "{count} h"),
    days=("{count} 天", "{count} days"),
    # A rule does not know the currency of the order it will meet.
    money=("{count} 个最小货币单位（两位小数的货币即 {decimal}）", "{count} minor units ({decimal} where the currency has two decimals)"),
)

ROUTES = _words(
    close=("直接关闭", "the order closes at once"),
    instant=("立即执行", "done at once"),
    upstream=("等供货方给出结果", "waits for the supplier"),
    platform=("由平台处理", "the platform decides"),
    external=("由支付渠道裁定", "the payment channel decides"),
    refuse=("不支持，可申诉一次", "refused, one appeal is possible"),
)
PATTERNS = _words(
    **{
        "turn": ("商家先答复，拒绝则转平台", "the merchant answers first, a refusal goes to the platform"),
        "platform": ("平台裁决，商家已同意的按商定的金额退", "the platform decides, unless the merchant has agreed"),
        "platform!": ("平台裁决，商家同意与否都一样", "the platform decides, whatever the merchant says"),
        "refusal": (
            "不支持，可申诉一次（商家同意的照退，平台代为提出的由平台复核）",
            "refused, one appeal is possible (paid if the merchant agrees, looked at again if the platform asks)",
        ),
    }
)
REFUNDS = _words(
    none=("不退款", "nothing"),
    full=("全额", "everything"),
    unused_share=("未使用的部分", "the share that was not used"),
    missing_share=("未到账的部分", "the share that did not arrive"),
    negotiable=("由双方协商或平台裁定", "as agreed or ruled on"),
)
FAULTS = _words(
    none=("无", "nobody"),
    buyer=("买家", "the buyer"),
    merchant=("商家", "the merchant"),
    platform=("平台", "the platform"),
    undecided=("待定", "not decided yet"),
)
GOODS_AFTER = _words(
    release=("不再交付", "not delivered any more"),
    restock=("退回库存", "back into stock"),
    void=("作废", "voided"),
    rotate=("收回并更换密码", "taken back, the password is changed"),
    keep=("留给买家", "stay with the buyer"),
    hold=("暂扣待查", "held until somebody has checked"),
    spoiled=("不再出售（作废、换密码或留给买家，依商品而定）", "never sold again (voided, password changed or kept, by the goods)"),
    unopened=(
        "没有问题的退回库存，待查的暂扣，有问题的不再出售",
        "sound goods back into stock, doubtful ones held, bad ones never sold again",
    ),
    returned=("依所处阶段收回或留给买家", "taken back or kept, by the stage"),
)
SILENCES = _words(refund=("自动退款", "the money goes back by itself"), escalate=("自动转平台", "goes to the platform by itself"))
TRUTHS = _words(true=("是", "yes"), false=("否", "no"))
FIELDS = _words(
    position=("次序", "position"),
    when=("适用条件", "when"),
    pattern=("处理方式", "how"),
    route=("处理方式", "how"),
    refund=("退款", "money back"),
    fee_percent=("手续费", "fee"),
    keep_minor=("商家留取", "kept by the merchant"),
    compensation_minor=("商家另行补偿", "compensation from the merchant"),
    fault=("责任", "fault"),
    goods=("商品去向", "the goods"),
    clock=("商家答复时限", "time to answer"),
    silence=("逾期不答复", "without an answer"),
    replacement_first=("先提供换货", "replacement offered first"),
    evidence=("另需证据", "evidence needed as well"),
    zh=("中文说明", "text in Chinese"),
    en=("英文说明", "text in English"),
)
"""The fields of a rule in the order they are told."""
KINDS = MappingProxyType({"fault": FAULTS, "goods": GOODS_AFTER, "replacement_first": TRUTHS, "evidence": EVIDENCE})


def name_of(words: Words, key: str, language: Language) -> str:
    """Return what the word is called, or the word itself where nobody has named it."""
    found = words.get(key)
    return found[language] if found else key
