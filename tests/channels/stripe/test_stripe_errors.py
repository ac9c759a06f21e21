"""What Stripe's errors mean for a refund: certain, or still unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from anka.adapters.channels.port import EvidenceStatus
from anka.adapters.channels.stripe import StripeChannel
from anka.adapters.channels.stripe_settings import StripeSettings
from tests.channels.epay.canned import Canned, canned_gateway
from tests.channels.stripe.world import AMOUNT, a_refund
from tests.sandbox.world import PATIENCE

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
S = EvidenceStatus
NONE = json.dumps({"object": "list", "data": [], "has_more": False}).encode()


@pytest.fixture(scope="module")
def canned() -> Iterator[Canned]:
    with canned_gateway() as canned:
        yield canned


@pytest.fixture
def channel(canned: Canned) -> Iterator[StripeChannel]:
    canned.answers.clear()
    canned.asked.clear()
    settings = StripeSettings(secret_key="sk_test_0123456789", webhook_secrets=("whsec_0123456789",), base_url=canned.address)
    channel = StripeChannel(settings=settings, notify_url="https://shop.test/n", real_clock=lambda: NOW)
    channel.patience = PATIENCE
    yield channel
    channel.close_connections()


def error(**words: str) -> bytes:
    return json.dumps({"error": words}).encode()


def refund(**changed: object) -> bytes:
    said = {"id": "re_1", "object": "refund", "amount": AMOUNT, "currency": "usd", "status": "succeeded"}
    return json.dumps({**said, "metadata": {"anka_refund": "R1", "anka_payment": "Q1"}, **changed}).encode()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, refund(), S.SUCCEEDED),
        (200, refund(status="pending"), S.PROCESSING),
        (200, refund(status="pending", pending_reason="insufficient_funds"), S.WAITING_FUNDS),
        (200, refund(status="pending", pending_reason="charge_pending"), S.PROCESSING),
        (200, refund(status="requires_action"), S.PROCESSING),
        (200, refund(status="canceled"), S.CLOSED),
        (200, refund(status="failed", failure_reason="lost_or_stolen_card"), S.FAILED),
        (200, refund(status="new_word"), S.UNKNOWN),
        (200, refund(amount=AMOUNT - 1), S.UNKNOWN),
        (200, refund(currency="eur"), S.UNKNOWN),
        (200, refund(metadata={}), S.UNKNOWN),
        (200, refund(amount="1000"), S.UNKNOWN),
        (200, b"[]", S.UNKNOWN),
        (200, error(type="api_error"), S.UNKNOWN),
        (400, error(type="invalid_request_error", code="charge_already_refunded"), S.FAILED),
        (400, error(type="invalid_request_error", code="charge_disputed"), S.FAILED),
        (404, error(type="invalid_request_error", code="resource_missing"), S.FAILED),
        (400, error(type="invalid_request_error", param="amount"), S.FAILED),
        (400, error(type="invalid_request_error", code="balance_insufficient"), S.WAITING_FUNDS),
        (400, error(type="idempotency_error"), S.UNKNOWN),
        (400, error(type="invalid_request_error", param="metadata"), S.UNKNOWN),
        (401, error(type="invalid_request_error"), S.UNKNOWN),
        (402, error(type="card_error", code="charge_disputed"), S.UNKNOWN),
        (409, error(type="idempotency_error", code="idempotency_key_in_use"), S.UNKNOWN),
        (429, error(type="rate_limit_error", code="rate_limit"), S.UNKNOWN),
        (500, error(type="api_error"), S.UNKNOWN),
        (503, b"", S.UNKNOWN),
        (302, b"", S.UNKNOWN),
    ],
)
def test_what_an_answer_to_a_refund_means(canned: Canned, channel: StripeChannel, status: int, body: bytes, told: EvidenceStatus) -> None:
    canned.says(status, body)
    canned.says(200, NONE, to="payment_intent=pi_1")

    evidence = channel.submit_refund(request=a_refund(payment_channel_number="pi_1"), now=NOW)

    assert evidence.status is told
    # Looked for once, asked for once.
    assert [line.split("?")[0] for line in canned.asked] == ["GET /v1/refunds", "POST /v1/refunds"]


@pytest.mark.parametrize("status", [401, 429, 500])
def test_where_it_cannot_be_looked_for_nothing_is_sent(canned: Canned, channel: StripeChannel, status: int) -> None:
    canned.says(status, error(type="api_error"))

    assert channel.submit_refund(request=a_refund(payment_channel_number="pi_1"), now=NOW).status is S.UNKNOWN
    assert [line.split()[0] for line in canned.asked] == ["GET"]


def test_among_more_refunds_than_are_shown_it_may_hide(canned: Canned, channel: StripeChannel) -> None:
    canned.says(200, json.dumps({"object": "list", "data": [], "has_more": True}).encode())

    told = channel.submit_refund(request=a_refund(payment_channel_number="pi_1"), now=NOW)

    assert (told.status, told.reason, len(canned.asked)) == (S.UNKNOWN, "too_many_refunds", 1)
