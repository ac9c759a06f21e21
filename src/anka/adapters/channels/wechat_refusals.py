"""Which refusals of WeChat Pay are certain: no money moves, and asking again with the same number is pointless.

Source of the codes: "Refund application", https://pay.weixin.qq.com/doc/v3/merchant/4012791883. `INVALID_REQUEST` is one code for many
reasons, told apart by its words alone; those that are not listed stay unknown, among them "differs from the earlier request" – then there
*is* an earlier request.
"""

from __future__ import annotations

import re

from anka.adapters.channels.wechat_http import Refusal

_CODES = {
    # The buyer's account was closed.
    "USER_ACCOUNT_ABNORMAL": "user_account_abnormal",
    # There is no such payment, or it was not paid.
    "RESOURCE_NOT_EXISTS": "payment_not_found",
}
_WORDS = (
    (re.compile("全额退款|大于可退|大于.{0,4}(支付|订单)?金额|超[过出].{0,6}(可退|支付|订单).{0,2}金额"), "refund_exceeds_payment"),
    (re.compile("超过一年|一年以上|超过.{0,6}(退款)?期限|期限已过"), "refund_too_late"),
    (re.compile("超过.{0,6}次数|50\\s*次"), "too_many_refunds"),
    (re.compile("未支付"), "payment_not_paid"),
)


def certain_refusal(*, refusal: Refusal) -> str | None:
    """Return a code for why a refund is refused for certain, or nothing when that is not certain."""
    if refusal.code != "INVALID_REQUEST":
        return _CODES.get(refusal.code)
    return next((code for words, code in _WORDS if words.search(refusal.message)), None)
