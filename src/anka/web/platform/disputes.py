"""Disputes with banks and payment channels, for finance staff: which are open, until when an answer counts, and what to do."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from anka.payments.disputes import Dispute, all_disputes
from anka.web import dispute_words, words
from anka.web.platform.staff import finance_of
from anka.web.requests import PageRequest


@require_safe
def show(request: PageRequest) -> HttpResponse:
    """Show the newest disputes, open ones first, by when they are due. To everybody but finance staff the page does not exist."""
    finance_of(request)
    found = all_disputes()
    shown = {"waiting": sum(dispute.closed_at is None for dispute in found), "items": [_item(dispute) for dispute in found]}
    return render(request, "platform/disputes.html", shown)


def _item(dispute: Dispute) -> dict[str, Any]:
    is_open = dispute.closed_at is None
    return {
        "number": dispute.number,
        "kind": dispute_words.KINDS[dispute.kind],
        "state": dispute_words.STATES[dispute.status],
        "tone": dispute_words.STATE_TONES[dispute.status],
        "advice": dispute_words.ADVICE[dispute.kind] if is_open else "",
        "amount_minor": dispute.amount_minor,
        "currency": dispute.currency,
        "order": dispute.order_number,
        "channel": words.channel(dispute.channel),
        "channel_number": dispute.channel_number,
        "payment": dispute.payment_number,
        "reason": dispute.reason,
        "opened_at": dispute.opened_at,
        "due_at": dispute.evidence_due_at if is_open else None,
        "closed_at": dispute.closed_at,
        "unborne_minor": dispute.unborne_minor,
    }
