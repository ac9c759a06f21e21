"""Differences over the API: what deciding posts is said beforehand, and only what was read is posted."""

from __future__ import annotations

from tests.api.people import a_staff_member
from tests.faults.bill_flows import differing


def test_what_a_correction_posts_is_said_and_done_once() -> None:
    ground, finance = differing(), a_staff_member("finance")
    number = ground.difference_id
    (seen,) = [one for one in finance.get("/finance/differences?status=open&limit=100").json["items"] if one["id"] == number]
    assert (seen["kind"], seen["order"], seen["journals"]) == ("amount_differs", ground.order.number, None)
    assert seen["would_post"] == {
        "shop_id": ground.order.shop.id,
        "key": f"recon:{number}:1",
        "debit": "recon_diff",
        "credit": "psp:sandbox:clearing",
        "amount_minor": -30,
    }
    address, decision = f"/finance/differences/{number}/decide", {"decision": "corrected", "note": "the bill is right"}
    refused = finance.post(address, {**decision, "seen_minor": 30})
    assert (refused.status, refused.code, ground.order.shop.balance("recon_diff")) == (409, "correction_differs", 0)
    done = finance.post(address, {**decision, "seen_minor": -30}).json
    assert (done["outcome"], done["difference"]["journals"], done["difference"]["would_post"]) == ("corrected", f"recon:{number}:1", None)
    assert finance.post(address, decision).code == "difference_decided"
    assert ground.order.shop.balance("recon_diff") == 30
