"""The words of the cashier page, in both languages."""

from __future__ import annotations

from typing import Literal

TEXTS: dict[Literal["zh", "en"], dict[str, str]] = {
    "zh": {
        "title": "收银台",
        "sandbox": "沙箱",
        "banner": "演练用，不会动真钱",
        "other_language": "English",
        "pay_amount": "应付",
        "subject": "商品",
        "number": "支付单号",
        "channel": "付款渠道",
        "expires": "付款截止",
        "time_zone": "北京时间",
        "qr": "手机扫码，在另一台设备上打开本页",
        "qr_alt": "本页地址的二维码",
        "paid": "付款成功",
        "failed": "付款失败",
        "closed": "关闭",
        "faults": "让通道出点岔子",
        "faults_hint": "勾选后再按上面的按钮，商家的系统应当都能应付。",
        "late_hint": "银行有时到得晚：订单已过期，钱却到了。",
        "pay_late": "过期后仍付款",
        "failed_before": "上一次付款没有成功，没有扣款。可以再试。",
        "back_unpaid": "先不付，返回商家",
        "back": "返回商家",
        "is_paid": "已付款。收款结果已通知商家。",
        "is_closed": "这笔支付已关闭，不能再付。没有扣款。",
        "is_expired": "付款时间已过，不能再付。没有扣款，请回商家重新下单。",
        "sorry": "这一步没有完成",
        "nothing_lost": "没有扣款，也没有丢失任何东西。请返回商家重新打开收银台。",
    },
    "en": {
        "title": "Cashier",
        "sandbox": "Sandbox",
        "banner": "For practice, no real money",
        "other_language": "中文",
        "pay_amount": "To pay",
        "subject": "Goods",
        "number": "Number",
        "channel": "Paid by",
        "expires": "Pay before",
        "time_zone": "UTC+8",
        "qr": "Scan to open this page on another device",
        "qr_alt": "QR code of this page's address",
        "paid": "Payment succeeds",
        "failed": "Payment fails",
        "closed": "Close",
        "faults": "Make the channel misbehave",
        "faults_hint": "Tick, then press a button above. The merchant should cope with each of these.",
        "late_hint": "Banks are late at times: the order has expired, yet the money arrives.",
        "pay_late": "Pay although expired",
        "failed_before": "The last attempt did not succeed and nothing was charged. You can try again.",
        "back_unpaid": "Return without paying",
        "back": "Return to the merchant",
        "is_paid": "Paid. The merchant has been told.",
        "is_closed": "This payment is closed and cannot be paid. Nothing was charged.",
        "is_expired": "The time to pay is over. Nothing was charged; please order again.",
        "sorry": "This step was not completed",
        "nothing_lost": "Nothing was charged and nothing was lost. Go back to the merchant and open the cashier again.",
    },
}

# Which channel the page plays, by protocol.
CHANNEL_TEXTS: dict[str, dict[Literal["zh", "en"], str]] = {
    "alipay": {"zh": "支付宝", "en": "Alipay"},
    "wechat": {"zh": "微信支付", "en": "WeChat Pay"},
    "epay": {"zh": "易支付", "en": "Epay"},
    "epay_v2": {"zh": "易支付 v2", "en": "Epay v2"},
    "stripe": {"zh": "银行卡（Stripe）", "en": "Card (Stripe)"},
}

FAULT_TEXTS: dict[str, dict[Literal["zh", "en"], str]] = {
    "delay": {"zh": "通知晚 10 分钟到", "en": "The notice comes ten minutes late"},
    "duplicate": {"zh": "同一通知发两遍", "en": "The same notice comes twice"},
    "out_of_order": {"zh": "先到成功，后到更早的失败", "en": "Success first, then an older failure"},
    "wrong_amount": {"zh": "通知里的金额是 0.01", "en": "The notice says 0.01"},
    "other_order": {"zh": "通知写成别的单号", "en": "The notice names another order"},
    "forged": {"zh": "伪造签名的通知（没有付款）", "en": "A forged notice (nothing is paid)"},
    "replayed": {"zh": "重放 10 分钟前的通知（没有付款）", "en": "A notice replayed after ten minutes (nothing is paid)"},
    "reflected": {"zh": "把商家自己的请求当通知寄回（没有付款）", "en": "The merchant's own request sent back (nothing is paid)"},
    "never": {"zh": "付了款，但永远不通知", "en": "Paid, but never told"},
}
