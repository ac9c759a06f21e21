"""The official SDK and our adapter at the same gateway: same answers, and each believes what the other would sign."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import stripe

from anka.adapters.channels.port import EvidenceStatus, Incoming, NoticeBadSignature
from anka.adapters.channels.stripe import CHINA
from anka.adapters.channels.stripe_wire import signature
from tests.channels.stripe.world import AMOUNT, Cards, a_refund

S = EvidenceStatus


def test_a_session_we_opened_is_read_by_the_sdk(cards: Cards) -> None:
    began = cards.channel.start(payment=cards.wanted(), now=cards.now)

    session = cards.sdk.v1.checkout.sessions.retrieve("cs_test_Q1")

    assert (session.client_reference_id, session.amount_total, session.currency) == ("Q1", AMOUNT, "usd")
    assert (session.status, session.payment_status, session.url) == ("open", "unpaid", began.cashier_url)
    assert [found.id for found in cards.sdk.v1.checkout.sessions.list({"status": "open"})] == ["cs_test_Q1"]


def test_a_session_the_sdk_opened_is_known_to_us(cards: Cards) -> None:
    cards.sdk.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "client_reference_id": "Q7",
            "line_items": [
                {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": 4_200, "product_data": {"name": "crystals"}}},
            ],
            "payment_intent_data": {"metadata": {"anka_payment": "Q7"}},
            "success_url": "http://shop.test/orders/Q7",
            "expires_at": int((cards.now + timedelta(hours=1)).timestamp()),
        },
        {"idempotency_key": "Q7"},
    )
    cards.play("Q7", "paid")

    known = cards.channel.query_payment(number="Q7", now=cards.now)

    assert (known.status, known.amount_minor, known.currency, known.channel_number) == (S.SUCCEEDED, 4_200, "USD", cards.intent("Q7"))


def test_both_find_a_payment_by_our_number(cards: Cards) -> None:
    cards.pay()

    theirs = cards.sdk.v1.payment_intents.search({"query": "metadata['anka_payment']:'Q1'"}).data
    ours = cards.channel.query_payment(number="Q1", now=cards.now)

    assert [intent.id for intent in theirs] == [ours.channel_number] == [cards.intent()]
    assert (theirs[0].status, theirs[0].amount_received) == ("succeeded", ours.amount_minor)
    assert cards.sdk.v1.payment_intents.retrieve(cards.intent()).amount_received == AMOUNT


def test_a_refund_one_asked_for_is_the_refund_the_other_sees(cards: Cards) -> None:
    cards.pay()
    ours = cards.channel.submit_refund(request=a_refund("R1", 300), now=cards.now)
    theirs = cards.sdk.v1.refunds.create(
        {"payment_intent": cards.intent(), "amount": 200, "metadata": {"anka_refund": "R2", "anka_payment": "Q1"}},
        {"idempotency_key": "R2"},
    )

    seen = cards.channel.query_refund(request=a_refund("R2", 200), now=cards.now)
    listed = cards.sdk.v1.refunds.list({"payment_intent": cards.intent()})

    assert (ours.status, seen.status, theirs.status) == (S.PROCESSING, S.PROCESSING, "pending")
    assert {refund.id for refund in listed} == {ours.channel_number, seen.channel_number}
    assert cards.sdk.v1.refunds.retrieve("re_R1").amount == 300


@pytest.mark.parametrize(
    ("outcome", "word", "status"),
    [
        ("succeeded", "succeeded", S.SUCCEEDED),
        ("failed", "failed", S.FAILED),
        ("closed", "canceled", S.CLOSED),
        ("abnormal", "requires_action", S.PROCESSING),
        ("unknown", "pending", S.PROCESSING),
    ],
)
def test_both_read_every_state_of_a_refund(cards: Cards, outcome: str, word: str, status: EvidenceStatus) -> None:
    cards.pay()
    cards.channel.submit_refund(request=a_refund(), now=cards.now)
    cards.play_refund("R1", outcome)

    assert cards.sdk.v1.refunds.retrieve("re_R1").status == word
    assert cards.channel.query_refund(request=a_refund(), now=cards.now).status is status


def test_both_are_refused_more_than_was_paid(cards: Cards) -> None:
    cards.pay()

    told = cards.channel.submit_refund(request=a_refund(amount_minor=AMOUNT + 1), now=cards.now)

    assert (told.status, cards.refunds()) == (S.FAILED, [])
    with pytest.raises(stripe.InvalidRequestError):
        cards.sdk.v1.refunds.create({"payment_intent": cards.intent(), "amount": AMOUNT + 1}, {"idempotency_key": "R2"})


def test_the_sdk_believes_the_gateways_events_as_we_do(cards: Cards) -> None:
    (sent,) = cards.pay()

    event = stripe.Webhook.construct_event(sent.body, sent.headers["Stripe-Signature"], cards.secret)
    notice = cards.channel.read_notice(message=sent.incoming, now=cards.now)

    assert (event.type, event.id) == ("checkout.session.completed", notice.event_id)
    assert event.data.object.amount_total == notice.evidence.amount_minor == AMOUNT


def test_we_believe_what_the_sdk_signs(cards: Cards) -> None:
    said = {"id": "cs_1", "client_reference_id": "Q1", "amount_total": AMOUNT, "currency": "usd", "payment_intent": "pi_1"}
    event = {"id": "evt_1", "object": "event", "livemode": False, "type": "checkout.session.completed"}
    payload = json.dumps({**event, "data": {"object": {**said, "payment_status": "paid"}}})
    header = stripe.WebhookSignature.generate_signature_header(payload, cards.secret, int(cards.world.real().timestamp()))

    notice = cards.channel.read_notice(message=Incoming(headers={"stripe-signature": header}, body=payload.encode()), now=cards.now)

    assert (notice.kind, notice.number, notice.evidence.channel_number) == ("payment.paid", "Q1", "pi_1")


def test_neither_believes_a_stranger(cards: Cards) -> None:
    cards.channel.start(payment=cards.wanted(), now=cards.now)
    (forged,) = cards.play("Q1", "paid", "forged")

    with pytest.raises(NoticeBadSignature):
        cards.channel.read_notice(message=forged.incoming, now=cards.now)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(forged.body, forged.headers["Stripe-Signature"], cards.secret)


def test_the_fixed_vector_of_the_sdk() -> None:
    """Computed by `printf '1492774577.{}' | openssl dgst -sha256 -hmac whsec_test`, and by the SDK."""
    header = stripe.WebhookSignature.generate_signature_header("{}", "whsec_test", 1_492_774_577)

    assert header == "t=1492774577,v1=0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b"
    assert header == f"t=1492774577,v1={signature(secret='whsec_test', timestamp=1_492_774_577, body=b'{}')}"


def test_both_see_the_same_balance(cards: Cards) -> None:
    cards.pay()
    cards.channel.submit_refund(request=a_refund(amount_minor=400), now=cards.now)
    cards.play_refund("R1", "succeeded")
    today = cards.now.astimezone(CHINA).date()

    bill = cards.channel.bill(day=today, now=cards.now + timedelta(days=1))
    start = int((cards.now - timedelta(days=1)).timestamp())
    theirs = cards.sdk.v1.balance_transactions.list({"created": {"gte": start, "lt": start + 3 * 86_400}, "limit": 100})

    ours = [(line.kind, line.number, line.payment_number, line.amount_minor, line.fee_minor) for line in bill.lines]
    assert ours[:2] == [("payment", "Q1", "Q1", AMOUNT, 6), ("refund", "R1", "Q1", 400, 0)]
    assert [line.kind for line in bill.lines] == ["payment", "refund", "settlement"]
    assert {(one.type, one.amount) for one in theirs} == {("charge", AMOUNT), ("refund", -400), ("payout", -(AMOUNT - 6))}
