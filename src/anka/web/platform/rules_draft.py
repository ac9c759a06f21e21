"""A draft of the rules: its table, what is next, and every step that can be taken with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.policy import told as told_rules
from anka.domain.policy.compare import compare
from anka.domain.policy.edit import RuleNotFound, delete_rule, insert_rule, renumber_rule
from anka.domain.policy.grammar import Rule
from anka.domain.policy.table import RuleSet
from anka.domain.policy.written import write_rule
from anka.domain.policy_states import DraftStatus, RunKind
from anka.flows.edit_policy import discard_policy
from anka.flows.publish_policy import approve_policy
from anka.flows.run_policy import MOST_DAYS, ask_for_run
from anka.orders.policies import rules_in_force
from anka.policies.models import Run
from anka.policies.queries import history
from anka.web.platform import rules_words
from anka.web.platform.rules_seen import (
    Seen,
    done,
    form_key,
    head,
    is_admin,
    passed_on,
    require_editor,
    rules_of_draft,
    save,
    seen_by,
    to_draft,
    told,
)
from anka.web.platform.staff import names_of
from anka.web.requests import PageRequest, language, new_key, pick
from anka.web.views_of_policies import changes_shown, counted
from anka.web.views_of_rules import groups_of

Shown = dict[str, Any]
USUAL_DAYS = 30
# Between a rule at the end and the one before it, as in the default rules.
STEP = 10
DONE = {
    "saved": gettext_lazy("Saved. What was found about the draft before counts no longer."),
    "unchanged": gettext_lazy("Nothing was different, so nothing was saved."),
    "added": gettext_lazy("The rule is added."),
    "deleted": gettext_lazy("The rule is taken out."),
    "moved": gettext_lazy("The rule is moved."),
    "discarded": gettext_lazy("The draft is discarded. The rules in force stay as they are."),
    "submitted": gettext_lazy("Submitted. It is announced once another administrator agrees."),
    "published": gettext_lazy("Announced. Orders placed from that moment on are judged by these rules."),
}


class NoNeighbour(Refusal):
    """A rule that is first, or last, was to be moved further."""

    code, status = "no_neighbour", 409
    says = gettext_lazy("This rule cannot be moved further. Nothing has changed.")


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show a draft: its rules, and what is next."""
    said = DONE.get(request.GET.get("done", ""))
    return _page(request, seen_by(request, number), notices=[{"tone": "ok", "text": said}] if said else [])


@require_safe
def changes(request: PageRequest, number: str) -> HttpResponse:
    """Show what the draft changes of the rules in force."""
    seen = seen_by(request, number)
    current = rules_in_force(at=request.at.now)
    found = compare(old=current, new=rules_of_draft(seen))
    shown = {
        "draft": head(seen),
        "changes": changes_shown(changes=found, version=""),
        "counted": counted(found),
        "in_force": current.version,
    }
    return render(request, "platform/rules_changes.html", shown)


@require_POST
def act(request: PageRequest, number: str, action: str) -> HttpResponse:
    """Take a step: move, copy or delete a rule, ask for a check or a back-test, agree to a publication, discard."""
    seen = seen_by(request, number)
    if action not in ACTIONS:
        raise NotFound
    require_editor(seen)
    try:
        return ACTIONS[action](request, seen)
    except RuleNotFound:
        return _page(request, seen, notices=told(gettext("This rule is not there any more. Nothing has changed.")), status=409)
    except Refusal as refused:
        if passed_on(refused):
            raise
        fresh = seen_by(request, number)
        text = gettext("Choose from 1 to %(most)s days.") % {"most": MOST_DAYS} if isinstance(refused, BadInput) else str(refused)
        return _page(request, fresh, notices=told(text), status=refused.status)


def _page(request: PageRequest, seen: Seen, *, notices: list[Shown], status: int = 200) -> HttpResponse:
    draft = seen.draft
    current = rules_in_force(at=request.at.now)
    found = compare(old=current, new=seen.rules) if seen.rules else ()
    shown = {
        "draft": head(seen),
        "broken": seen.broken,
        "groups": _groups(seen.rules) if seen.rules else [],
        "counted": counted(found),
        "steps": _steps(seen),
        "check": run_shown(draft.check),
        "backtest": run_shown(draft.backtest),
        "submission": _submission(seen),
        "files": [{"name": name, "url": f"{seen.address}/files/{name}"} for name in sorted(draft.texts)],
        "history": _history(draft.id),
        "days": USUAL_DAYS,
        "most_days": MOST_DAYS,
        "notices": notices,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/rules_draft.html", shown, status=status)


def _groups(rules: RuleSet) -> list[Shown]:
    return [{**group, "rules": [_rule(rule) for rule in group["rules"]]} for group in groups_of(rules=rules)]


def _rule(rule: Rule) -> Shown:
    return {
        "id": rule.id,
        "position": rule.position,
        "when": told_rules.when_words(rule=rule, language=language()),
        "then": told_rules.outcome_words(rule=rule, language=language()),
        "text": pick(rule.zh, rule.en),
    }


def _steps(seen: Seen) -> list[Shown]:
    """Return the way of a draft to being announced, and how far it is."""
    status = seen.draft.status
    order = (DraftStatus.DRAFT, DraftStatus.CHECKED, DraftStatus.BACKTESTED, DraftStatus.PUBLISHED)
    names = (gettext("Written"), gettext("Checked"), gettext("Tried on the past"), gettext("Announced"))
    reached = {DraftStatus.SUBMITTED: 2, DraftStatus.DISCARDED: -1}.get(status)
    at = order.index(status) if reached is None else reached
    current = at if status is DraftStatus.DRAFT or status is DraftStatus.PUBLISHED else at + 1
    return [{"label": name, "done": index <= at, "now": index == current} for index, name in enumerate(names)]


def run_shown(run: Run | None) -> Shown | None:
    """Return how a check or a back-test stands."""
    if run is None:
        return None
    return {
        "id": run.id,
        "status": run.status,
        "passed": run.passed,
        "days": run.days,
        "requested_at": run.requested_at,
        "finished_at": run.finished_at,
        "failure": run.failure,
    }


def _submission(seen: Seen) -> Shown | None:
    waits = seen.draft.submission
    if waits is None:
        return None
    by = names_of({waits.by_person}).get(waits.by_person, "")
    own = waits.by_person == seen.staff.actor.person_id
    said = {"by": by, "at": waits.submitted_at, "in_force_from": waits.in_force_from, "reason": waits.reason}
    return {**said, "own": own, "may_agree": is_admin(seen.staff) and not own}


def _history(draft_id: int) -> list[Shown]:
    events = history(draft_id=draft_id)
    names = names_of({int(event.actor.partition(":")[2]) for event in events if event.actor.partition(":")[2].isdigit()})
    return [{"at": event.at, "what": rules_words.event(event.what, event.details), "who": _who(event.actor, names)} for event in events]


def _who(actor: str, names: dict[int, str]) -> str:
    _kind, _separator, number = actor.partition(":")
    return names.get(int(number), "") if number.isdigit() else gettext("By itself")


def _move(request: PageRequest, seen: Seen) -> HttpResponse:
    rules = rules_of_draft(seen)
    name, up = request.POST.get("up") or request.POST.get("down", ""), "up" in request.POST
    groups: list[list[Rule]] = [group["rules"] for group in groups_of(rules=rules)]
    listed = next((group for group in groups if any(rule.id == name for rule in group)), [])
    index = next((index for index, rule in enumerate(listed) if rule.id == name), None)
    if index is None:
        raise RuleNotFound(name)
    other = index - 1 if up else index + 1
    if not 0 <= other < len(listed):
        raise NoNeighbour
    texts = seen.draft.texts
    for rule, position in beyond(rules=rules, rule=listed[index], other=listed[other]):
        texts = renumber_rule(texts=texts, rule=rule.id, position=position)
    save(request, seen, texts=texts)
    return to_draft(seen, done="moved", rule=name)


def beyond(*, rules: RuleSet, rule: Rule, other: Rule) -> list[tuple[Rule, int]]:
    """Return the new positions that take a rule just beyond another one: of itself alone where there is room, else of both."""
    up = rule.position > other.position
    others = [one.position for one in rules.rules if one != rule]
    at = others.index(other.position)
    first = at - 1 if up else at
    below = others[first] if first >= 0 else -1
    free = below + (others[first + 1] - below) // 2 if first + 1 < len(others) else below + STEP
    return [(rule, free)] if free != below else [(rule, other.position), (other, rule.position)]


def _copy(request: PageRequest, seen: Seen) -> HttpResponse:
    rules = rules_of_draft(seen)
    rule = next((one for one in rules.rules if one.id == request.POST.get("rule")), None)
    if rule is None:
        raise RuleNotFound(request.POST.get("rule", ""))
    taken = {one.id for one in rules.rules}
    name = next(candidate for number in range(2, len(taken) + 3) if (candidate := f"{rule.id[:40]}-copy{number}") not in taken)
    position = free_position(rules, after=rule.position)
    lines = write_rule(replace(rule, id=name, position=position))
    save(request, seen, texts=insert_rule(texts=seen.draft.texts, file=rule.file, position=position, lines=lines))
    return HttpResponseRedirect(f"{seen.address}/rules/{name}?{urlencode({'done': 'copied'})}")


def free_position(rules: RuleSet, *, after: int) -> int:
    """Return the next position after this one that no rule has."""
    taken = {rule.position for rule in rules.rules}
    return next(position for position in range(after + 1, after + len(taken) + 2) if position not in taken)


def _delete(request: PageRequest, seen: Seen) -> HttpResponse:
    save(request, seen, texts=delete_rule(texts=seen.draft.texts, rule=request.POST.get("rule", "")))
    return to_draft(seen, done="deleted")


def _discard(request: PageRequest, seen: Seen) -> HttpResponse:
    key, actor, number = form_key(request), seen.staff.actor, seen.draft.number
    done(lambda: discard_policy(actor=actor, number=number, request=key, at=request.at))
    return to_draft(seen, done="discarded")


def _approve(request: PageRequest, seen: Seen) -> HttpResponse:
    key, actor, number, shown = form_key(request), seen.staff.actor, seen.draft.number, request.POST.get("seen", "")
    done(lambda: approve_policy(actor=actor, number=number, seen=shown, request=key, at=request.at))
    return to_draft(seen, done="published")


def _check(request: PageRequest, seen: Seen) -> HttpResponse:
    return _ask(request, seen, RunKind.CHECK, 0)


def _backtest(request: PageRequest, seen: Seen) -> HttpResponse:
    text = request.POST.get("days", "").strip()
    days = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_DAYS)) else 0
    return _ask(request, seen, RunKind.BACKTEST, days)


def _ask(request: PageRequest, seen: Seen, kind: RunKind, days: int) -> HttpResponse:
    key, actor, number = form_key(request), seen.staff.actor, seen.draft.number
    done(lambda: ask_for_run(actor=actor, number=number, kind=kind.value, days=days, request=key, at=request.at))
    return HttpResponseRedirect(f"{seen.address}/{kind.value}")


ACTIONS: dict[str, Callable[[PageRequest, Seen], HttpResponse]] = {
    "move": _move,
    "copy": _copy,
    "delete": _delete,
    "discard": _discard,
    "approve": _approve,
    "check": _check,
    "backtest": _backtest,
}
