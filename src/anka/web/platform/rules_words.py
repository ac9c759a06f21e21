"""What things are called on the pages where rules are changed: facts, fields, states of drafts and publications."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from anka.domain.policy import told_words
from anka.domain.policy.wordings import Language, Words
from anka.domain.policy_states import DraftStatus, PublicationStatus
from anka.policies.words import EVENTS

Named = Mapping[str, str | Promise]
FACTS: Named = MappingProxyType(
    {
        "goods": gettext_lazy("Kind of goods"),
        "stage": gettext_lazy("Stage"),
        "reason": gettext_lazy("Reason"),
        "group": gettext_lazy("Group of reasons"),
        "asker": gettext_lazy("Who asks"),
        "merchant_answer": gettext_lazy("The merchant's answer"),
        "use_check": gettext_lazy("Record of use"),
        "used_by": gettext_lazy("Used by whom"),
        "matches_order": gettext_lazy("Is it what was ordered"),
        "notice": gettext_lazy("Notice of no refund"),
        "login_seen": gettext_lazy("Login recorded"),
        "upstream": gettext_lazy("The supplier"),
        "dispute": gettext_lazy("Dispute elsewhere"),
        "voidable": gettext_lazy("Can the key be voided"),
        "overdue": gettext_lazy("Is it late"),
        "bad": gettext_lazy("Bad by a record"),
        "wrong": gettext_lazy("Wrong goods"),
        "short": gettext_lazy("Worth less than ordered"),
        "consumed": gettext_lazy("Used up"),
        "ago": gettext_lazy("Minutes since delivery"),
        "upstream_minutes": gettext_lazy("Minutes since the supplier's last word"),
        "progress": gettext_lazy("Progress in per cent"),
        "delivered_percent": gettext_lazy("Share delivered in per cent"),
    }
)
"""Every fact a condition can speak of, by its name in the rule file."""
JUDGED: Named = MappingProxyType(
    {
        "delivered_minutes_ago": gettext_lazy("Time since delivery"),
        "promise_overdue": gettext_lazy("Is it late"),
        "progress_percent": gettext_lazy("Progress in per cent"),
        "upstream_minutes": gettext_lazy("Time since the supplier's last word"),
        "evidence": gettext_lazy("Evidence there already"),
        "refund_window_minutes": gettext_lazy("Refund window of the product"),
        "warranty_minutes": gettext_lazy("Warranty of the product"),
    }
)
"""The facts of a situation that are called otherwise than in a condition."""
OPTIONS: Mapping[str, Words] = MappingProxyType(
    {
        "pattern": told_words.PATTERNS,
        "route": told_words.ROUTES,
        "refund": told_words.REFUNDS,
        "fault": told_words.FAULTS,
        "goods": told_words.GOODS_AFTER,
        "silence": told_words.SILENCES,
        "replacement_first": told_words.TRUTHS,
    }
)
DRAFTS: Mapping[DraftStatus, tuple[str | Promise, str]] = MappingProxyType(
    {
        DraftStatus.DRAFT: (gettext_lazy("Being written"), "mute"),
        DraftStatus.CHECKED: (gettext_lazy("Checked"), "info"),
        DraftStatus.BACKTESTED: (gettext_lazy("Tried on the past"), "info"),
        DraftStatus.SUBMITTED: (gettext_lazy("Waits for a second person"), "wait"),
        DraftStatus.PUBLISHED: (gettext_lazy("Published"), "ok"),
        DraftStatus.DISCARDED: (gettext_lazy("Discarded"), "mute"),
    }
)
PUBLICATIONS: Mapping[PublicationStatus, tuple[str | Promise, str]] = MappingProxyType(
    {
        PublicationStatus.ANNOUNCED: (gettext_lazy("Announced, not in force yet"), "wait"),
        PublicationStatus.IN_FORCE: (gettext_lazy("In force now"), "ok"),
        PublicationStatus.ARCHIVED: (gettext_lazy("No longer in force for new orders"), "mute"),
        PublicationStatus.WITHDRAWN: (gettext_lazy("Withdrawn before it came into force"), "bad"),
    }
)
CHANGES: Mapping[str, tuple[str | Promise, str]] = MappingProxyType(
    {
        "added": (gettext_lazy("New"), "ok"),
        "removed": (gettext_lazy("Removed"), "bad"),
        "changed": (gettext_lazy("Changed"), "info"),
        "moved": (gettext_lazy("Moved"), "mute"),
    }
)
PARTS: Named = MappingProxyType(
    {
        "evidence": gettext_lazy("Evidence that is asked for"),
        "words": gettext_lazy("Sentences said with every rule"),
        "complaint_cap": gettext_lazy("Time to answer while a complaint runs"),
    }
)


RUNS: Mapping[str, tuple[str | Promise, str | Promise]] = MappingProxyType(
    {
        "check": (gettext_lazy("Asked for a check"), gettext_lazy("The check ended")),
        "backtest": (gettext_lazy("Asked for a back-test"), gettext_lazy("The back-test ended")),
    }
)


def event(what: str, details: Mapping[str, object]) -> str:
    """Return a step in the life of a draft in words, with the rules it was about."""
    if what in ("policy_run_asked", "policy_run_done") and details.get("kind") in RUNS:
        return str(RUNS[str(details["kind"])][what == "policy_run_done"])
    said = str(EVENTS.get(what) or what)
    named = [str(rule) for part in ("added", "removed", "changed") if isinstance(found := details.get(part), list) for rule in found]
    return f"{said} ({', '.join(named)})" if named else said


def fact(key: str) -> str | Promise:
    """Return what a fact of a situation is called."""
    return JUDGED.get(key) or FACTS.get(key, key)


def option(field: str, value: str, language: Language) -> str:
    """Return what a value of a field is called, with the word that stands in the file."""
    return f"{told_words.name_of(OPTIONS[field], value, language)} ({value})"


def capitalised(name: str) -> str:
    """Return a name as it stands at the beginning of a line."""
    return name[:1].upper() + name[1:]
