"""Differences between bills and our books as finance staff see them: what each is, what deciding it posts, where to go on with it."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from anka.core.actors import ActorKind
from anka.domain.unidentified import needs_two
from anka.payments.bills import Difference, DifferenceKind, DifferenceState
from anka.payments.differences import Place, correction_of, journal_of, places
from anka.web import words
from anka.web.platform.staff import names_of
from anka.web.templatetags.anka import money

Shown = dict[str, Any]
KIND_WORDS = {
    DifferenceKind.NOT_TAKEN: gettext_lazy("Paid at the channel, not taken here"),
    DifferenceKind.NOT_ON_BILL: gettext_lazy("Taken here, not on the bill"),
    DifferenceKind.AMOUNT_DIFFERS: gettext_lazy("Another sum than in our books"),
    DifferenceKind.NOT_POSTED: gettext_lazy("Taken, but not in the ledger"),
    DifferenceKind.TWICE: gettext_lazy("Twice on the bill"),
    DifferenceKind.REFUND_UNKNOWN: gettext_lazy("A refund nobody here asked for"),
    DifferenceKind.REFUND_OPEN: gettext_lazy("Paid back at the channel, open here"),
    DifferenceKind.REFUND_DIFFERS: gettext_lazy("Another sum was paid back"),
    DifferenceKind.REFUND_NOT_ON_BILL: gettext_lazy("Paid back here, not on the bill"),
    DifferenceKind.REVERSAL_OPEN: gettext_lazy("A refund came back to the channel"),
    DifferenceKind.FEE_DIFFERS: gettext_lazy("Another fee than before"),
    DifferenceKind.SETTLEMENT_DIFFERS: gettext_lazy("Another settlement than before"),
    DifferenceKind.DISPUTE: gettext_lazy("A disputed payment"),
    DifferenceKind.OTHER: gettext_lazy("Something else on the bill"),
}
STATES = {
    "open": gettext_lazy("Waiting"),
    "explained": gettext_lazy("Explained"),
    "corrected": gettext_lazy("Corrected"),
    "all": gettext_lazy("All"),
}
# What corrections move between, by the last part of the account's name.
ACCOUNTS = {
    "clearing": pgettext_lazy("account", "what the channel has yet to settle"),
    "available": pgettext_lazy("account", "our balance at the channel"),
    "psp_fee": pgettext_lazy("account", "channel fees"),
    "recon_diff": pgettext_lazy("account", "reconciliation differences"),
}


def shown_differences(*, found: Sequence[Difference], person_id: int) -> list[Shown]:
    """Return differences as they are shown to a person of the staff (0: to whoever only looks)."""
    placed = places(ids=[one.id for one in found])
    return [_item(one, placed[one.id], person_id) for one in found]


def _item(one: Difference, place: Place, person_id: int) -> Shown:
    return {
        "one": one,
        "kind": KIND_WORDS[one.kind],
        "badge": STATES[one.status.value],
        "tone": "wait" if one.status == DifferenceState.OPEN else "ok",
        "channel": words.channel(one.channel),
        "ours": shown_sum(one.ours_minor, one.currency),
        "theirs": shown_sum(one.theirs_minor, one.currency),
        "is_open": one.status == DifferenceState.OPEN,
        "needs_two": needs_two(amount_minor=one.size_minor),
        "proposed": STATES.get(one.proposed_as or "", ""),
        "proposed_by": who_did(one.proposed_by) if one.proposed_by else "",
        "proposed_by_me": one.proposed_by == f"{ActorKind.PLATFORM}:{person_id}",
        "decided_by": who_did(one.decided_by) if one.decided_by else "",
        "journals": place.journals,
        **_would_post(one, place),
        **_goes_on(place),
    }


def _would_post(one: Difference, place: Place) -> Shown:
    """Return what deciding that it was corrected would post: how much, from where, to where."""
    found = correction_of(difference=one, place=place)
    if found is None:
        return {"posts": None, "seen_minor": 0}
    (journal,) = journal_of(difference=one, place=place)
    (transfer,) = journal.transfers
    names = {side: account.rpartition(":")[2] for side, account in (("from", transfer.credit), ("to", transfer.debit))}
    posts = {
        "sum": shown_sum(transfer.amount_minor, one.currency),
        "from": ACCOUNTS[names["from"]],
        "from_code": transfer.credit,
        "to": ACCOUNTS[names["to"]],
        "to_code": transfer.debit,
    }
    return {"posts": posts, "seen_minor": found.amount_minor}


def _goes_on(place: Place) -> Shown:
    """Return where a person goes on: to the refund in the queue where it waits for somebody, else to its order."""
    if place.refund is not None and place.is_stuck:
        return {"goes_on_url": f"/platform/refunds#r-{place.refund}-{place.leg}", "goes_on_text": gettext("To this refund")}
    if place.order is not None:
        return {"goes_on_url": f"/platform/orders/{place.order}", "goes_on_text": gettext("To the order")}
    return {"goes_on_url": None}


def shown_sum(minor: int | None, currency: str) -> str:
    """Return an amount as it stands on pages, "" where there is none."""
    return "" if minor is None else money(minor, currency)


def who_did(actor: str) -> str:
    """Return who did something: somebody of the staff by name, or what did it by itself."""
    kind, _separator, name = actor.partition(":")
    if kind == ActorKind.PLATFORM and name.isdigit():
        return names_of({int(name)}).get(int(name)) or actor
    return gettext("By itself") if kind == ActorKind.SYSTEM else actor
