"""What a check has proved about a draft, and what a back-test has found on the decisions of the past."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from anka.domain.policy_states import RunKind
from anka.flows.run_policy import MOST_DAYS
from anka.policies.models import Run
from anka.web import words
from anka.web.platform.rules_draft import USUAL_DAYS, run_shown
from anka.web.platform.rules_seen import head, seen_by
from anka.web.requests import PageRequest, language, new_key, pick
from anka.web.views_of_policies import situation

Shown = dict[str, Any]
LOOK_AGAIN_SECONDS = 2
PROPERTIES = {
    1: gettext_lazy("Every situation has an answer"),
    2: gettext_lazy("Every rule can decide something"),
    3: gettext_lazy("No refund while unpaid, charged back, or unknown at the supplier"),
    4: gettext_lazy("Merchants have a clock, and silence never harms the buyer"),
    5: gettext_lazy("A refusal rests on a confirmed notice"),
    6: gettext_lazy("Agreement never pays less than an automatic right"),
    7: gettext_lazy("Bad goods are not restocked, seen credentials not left in place"),
    8: gettext_lazy("Waiting longer never gets a change of mind more"),
    9: gettext_lazy("A delay or fault never gets less than a change of mind"),
    10: gettext_lazy("A share of what arrived can be computed"),
}
FAILURES = {
    "result_too_large": gettext_lazy("It found more than can be kept. Take a smaller step, or fewer days."),
    "too_tangled": gettext_lazy("The conditions cut the facts into more pieces than can be looked at. Use fewer different limits."),
}
FAILED = gettext_lazy("It could not be carried out. Nothing is lost; ask for it again.")
MOST_OVERLAPS = 100


@require_safe
def check(request: PageRequest, number: str) -> HttpResponse:
    """Show the check of a draft's present texts: running, or what it found, each fault with its smallest counter-example."""
    seen = seen_by(request, number)
    run = seen.draft.run(RunKind.CHECK)
    shown = {"draft": head(seen), "run": _run(run), "idempotency_key": new_key(), **_wait(run)}
    if run is not None and run.result is not None:
        shown |= _proved(run.result)
    return render(request, "platform/rules_check.html", shown)


@require_safe
def backtest(request: PageRequest, number: str) -> HttpResponse:
    """Show the back-test of a draft's present texts: running, or which decisions would have been others, and what that cannot tell."""
    seen = seen_by(request, number)
    run = seen.draft.run(RunKind.BACKTEST)
    shown = {
        "draft": head(seen),
        "run": _run(run),
        "days": run.days if run else USUAL_DAYS,
        "most_days": MOST_DAYS,
        "idempotency_key": new_key(),
        **_wait(run),
    }
    if run is not None and run.result is not None:
        shown["report"] = _tried(run.result["report"])
    return render(request, "platform/rules_backtest.html", shown)


def _run(run: Run | None) -> Shown | None:
    shown = run_shown(run)
    if shown is not None and shown["failure"]:
        shown["failed"] = FAILURES.get(shown["failure"], FAILED)
    return shown


def _wait(run: Run | None) -> Shown:
    return {"refresh_seconds": LOOK_AGAIN_SECONDS} if run is not None and run.status == "waiting" else {}


def _proved(result: Mapping[str, Any]) -> Shown:
    report = result["report"]
    new = [tuple(key) for key in result["new"]]
    findings = [_finding(found, is_new=(found["property"], found["rule"]) in new) for found in report["findings"]]
    return {
        "findings": sorted(findings, key=lambda found: not found["is_new"]),
        "new": len([found for found in findings if found["is_new"]]),
        "boxes": report["boxes"],
        "unreachable": report["unreachable"],
        "overlaps": [overlap for overlap in report["overlaps"] if not overlap["same"]][:MOST_OVERLAPS],
        "overlap_count": report.get("overlap_count", len(report["overlaps"])),
        "json": _pretty(report),
    }


def _finding(found: Mapping[str, Any], *, is_new: bool) -> Shown:
    other = found.get("other") or {}
    return {
        "title": PROPERTIES.get(found["property"], found["property"]),
        "rule": found["rule"],
        "said": pick(found["zh"], found["en"]),
        "is_new": is_new,
        "example": situation(facts=found["facts"], decision=found["decision"]),
        "other": situation(facts=other.get("facts"), decision=other.get("decision")),
        "json": _pretty(found["facts"]) if found["facts"] is not None else "",
    }


def _pretty(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _tried(report: Mapping[str, Any]) -> Shown:
    return {
        **{name: report[name] for name in ("looked_at", "same", "changed", "renamed", "unreadable", "unanswered", "by_rule")},
        "by_kind": [{**kind, "label": words.kind(kind["goods"])} for kind in report["by_kind"]],
        "money": report["money"],
        "examples": [_example(example) for example in report["examples"]],
        "cannot_predict": [said[language()] for said in report["cannot_predict"]],
    }


def _example(example: Mapping[str, Any]) -> Shown:
    return {
        "case": example["case"],
        "order": example["order"],
        "amount_minor": example["amount_minor"],
        "currency": example["currency"],
        "difference": example["difference"][language()],
        "rules": (example["old"]["rule"], example["new"]["rule"]),
        "situation": situation(facts=example["facts"], decision=None),
    }
