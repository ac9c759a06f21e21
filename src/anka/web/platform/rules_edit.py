"""One rule of a draft in a form, or as its text; a new rule; a whole file. What somebody typed is never lost, whatever went wrong."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods

from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.policy import told as told_rules
from anka.domain.policy.edit import RuleNotFound, rule_text
from anka.domain.policy.grammar import Rule
from anka.domain.policy.written import write_rule
from anka.flows.edit_policy import DraftChanged
from anka.web.platform.rules_form import Typed, controls, fits_a_form, typed_of
from anka.web.platform.rules_seen import Seen, head, passed_on, require_editor, rules_of_draft, save, seen_by, to_draft, told
from anka.web.platform.rules_typed import Changed, from_file, from_form, from_text, typed_lines
from anka.web.requests import PageRequest, language, new_key

Shown = dict[str, Any]
COPIED = gettext_lazy("This is the copy. Give it its own name and place, and say what is different.")
NEW_RULE = """[[rule]]
position =
id = ""
pattern = "turn"
refund = ""
fault = ""
goods = ""
clock =
silence = ""
zh = ""
en = ""
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something was not saved: field by field, or as a notice above the page."""

    errors: dict[str, str]
    notices: list[Shown]
    status: int


NONE = Trouble(errors={}, notices=[], status=200)


@dataclass(frozen=True, slots=True)
class Desk:
    """What is being edited: a rule that is there, or (`before` is None) one to be added; in a form, or as text."""

    request: PageRequest
    seen: Seen
    before: Rule | None
    mode: str

    def read(self) -> Changed:
        """Return the texts of the draft with what was typed."""
        read = from_text if self.mode == "text" else from_form
        return read(form=self.request.POST, draft=self.seen.draft, before=self.before)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PageRequest, number: str, rule: str) -> HttpResponse:
    """Show one rule to be edited, in a form or as text, and save it."""
    seen = seen_by(request, number)
    before = _rule(seen, rule)
    if before is None:
        return _gone(request, seen)
    desk = Desk(request=request, seen=seen, before=before, mode=_mode(request) if fits_a_form(before) else "text")
    if request.method != "POST":
        notices = [{"tone": "info", "text": COPIED}] if request.GET.get("done") == "copied" else []
        return _page(desk, replace(NONE, notices=notices))
    require_editor(seen)
    changed = desk.read()
    trouble = _trouble(request, seen, changed)
    if trouble is None:
        return to_draft(seen, done="unchanged" if changed.texts == seen.draft.texts else "saved", rule=changed.rule)
    fresh = seen_by(request, number)
    now = _rule(fresh, rule)
    return _page(replace(desk, seen=fresh, before=now), trouble) if now else _gone(request, fresh)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: PageRequest, number: str) -> HttpResponse:
    """Show an empty form, or an empty text, for a new rule, and add the rule."""
    seen = seen_by(request, number)
    require_editor(seen)
    rules_of_draft(seen)
    desk = Desk(request=request, seen=seen, before=None, mode=_mode(request))
    if request.method != "POST":
        return _page(desk, NONE)
    changed = desk.read()
    trouble = _trouble(request, seen, changed)
    if trouble is None:
        return to_draft(seen, done="added", rule=changed.rule)
    return _page(replace(desk, seen=seen_by(request, number)), trouble)


@require_http_methods(["GET", "HEAD", "POST"])
def file(request: PageRequest, number: str, name: str) -> HttpResponse:
    """Show a whole file of a draft as text: rules, evidence, sentences; and save it."""
    seen = seen_by(request, number)
    if name not in seen.draft.texts:
        raise NotFound
    if request.method != "POST":
        return _file_page(request, seen, name, NONE)
    require_editor(seen)
    changed = from_file(form=request.POST, draft=seen.draft, name=name)
    trouble = _trouble(request, seen, changed)
    if trouble is None:
        return to_draft(seen, done="unchanged" if changed.texts == seen.draft.texts else "saved")
    return _file_page(request, seen_by(request, number), name, trouble)


def _mode(request: PageRequest) -> str:
    return "text" if "lines" in request.POST or request.GET.get("as") == "text" else "form"


def _rule(seen: Seen, name: str) -> Rule | None:
    return next((rule for rule in rules_of_draft(seen).rules if rule.id == name), None)


def _trouble(request: PageRequest, seen: Seen, changed: Changed) -> Trouble | None:
    """Save what was typed; return why it could not be saved, or None."""
    if changed.texts is None:
        return Trouble(errors=changed.errors, notices=[], status=422)
    if changed.texts == seen.draft.texts:
        return None
    try:
        save(request, seen, texts=changed.texts)
    except DraftChanged:
        said = gettext(
            "Somebody else has changed this draft meanwhile, so nothing was saved. What you typed is still here; "
            "below stands how the rule is now. Save once more to put yours in its place."
        )
        return Trouble(errors={}, notices=told(said), status=409)
    except Refusal as refused:
        if passed_on(refused) or isinstance(refused, BadInput):
            raise
        return Trouble(errors={}, notices=told(str(refused)), status=refused.status)
    return None


def _gone(request: PageRequest, seen: Seen) -> HttpResponse:
    """Keep what was typed about a rule that somebody else took out or renamed: it can be added anew."""
    if request.method != "POST":
        raise NotFound
    require_editor(seen)
    said = gettext(
        "Somebody else has taken this rule out or renamed it, so nothing was saved. What you typed is still here; saving adds it as a rule."
    )
    desk = Desk(request=request, seen=seen, before=None, mode=_mode(request))
    return _page(desk, Trouble(errors={}, notices=told(said), status=409))


def _page(desk: Desk, trouble: Trouble) -> HttpResponse:
    request, seen, before = desk.request, desk.seen, desk.before
    address = f"{seen.address}/rules/{before.id}" if before else f"{seen.address}/add"
    shown = {
        "draft": head(seen),
        "rule": _told(before) if before else None,
        "action": address,
        "files": [{"name": name, "chosen": name == request.POST.get("file", "common.toml")} for name in sorted(seen.draft.texts)],
        "errors": trouble.errors,
        "notices": trouble.notices,
        "stale": trouble.status == 409,
        "idempotency_key": new_key(),
    }
    if desk.mode == "text":
        lines = typed_lines(form=request.POST) if request.method == "POST" else _lines(seen, before)
        return render(
            request,
            "platform/rules_text.html",
            {**shown, "lines": lines, "has_form": before is None or fits_a_form(before)},
            status=trouble.status,
        )
    typed: Typed = request.POST if request.method == "POST" else typed_of(before) if before else MultiValueDict()
    form = controls(typed=typed, before=before, language=language())
    return render(request, "platform/rules_form.html", {**shown, "form": form}, status=trouble.status)


def _lines(seen: Seen, before: Rule | None) -> str:
    if before is None:
        return NEW_RULE
    try:
        return rule_text(texts=seen.draft.texts, rule=before.id).replace("\r\n", "\n")
    except RuleNotFound:
        return write_rule(before)


def _told(rule: Rule) -> Shown:
    return {
        "id": rule.id,
        "file": rule.file,
        "when": told_rules.when_words(rule=rule, language=language()),
        "then": told_rules.outcome_words(rule=rule, language=language()),
    }


def _file_page(request: PageRequest, seen: Seen, name: str, trouble: Trouble) -> HttpResponse:
    lines = typed_lines(form=request.POST) if request.method == "POST" else seen.draft.texts[name].replace("\r\n", "\n")
    shown = {
        "draft": head(seen),
        "name": name,
        "lines": lines,
        "action": f"{seen.address}/files/{name}",
        "errors": trouble.errors,
        "notices": trouble.notices,
        "idempotency_key": new_key(),
    }
    return render(request, "platform/rules_file.html", shown, status=trouble.status)
