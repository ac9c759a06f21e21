"""A draft of the rules as staff see it: who looks, what they may do with it and why not more, and how it is saved."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpResponseRedirect
from django.utils.http import urlencode
from django.utils.translation import gettext

from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import BadInput, NotFound, NotPermitted, Refusal
from anka.domain.policy.grammar import RuleTableError
from anka.domain.policy.table import RuleSet, parse_rules
from anka.domain.policy_states import EDITABLE, DraftStatus
from anka.flows.edit_policy import edit_policy
from anka.flows.steps.announcing import SeenOtherwise
from anka.flows.steps.policy_desk import ADMIN
from anka.policies.models import Draft
from anka.policies.queries import draft as read_draft
from anka.web.platform import rules_words
from anka.web.platform.staff import Staff, names_of, staff_of
from anka.web.requests import PageRequest, key_of, require_number

Shown = dict[str, Any]
Answer = TypeVar("Answer")
MOST_REVISIONS = 10**9


@dataclass(frozen=True, slots=True)
class Seen:
    """A draft and who looks at it. `rules` is None where its texts make no rules for this version of Anka; `broken` says why."""

    staff: Staff
    draft: Draft
    rules: RuleSet | None
    broken: str = ""

    @property
    def address(self) -> str:
        """Where its page is."""
        return f"/platform/rules/{self.draft.number}"

    @property
    def may_edit(self) -> bool:
        """Whether this visitor may change it."""
        return not self.why_not

    @property
    def why_not(self) -> str:
        """Why it cannot be changed by this visitor, or ""."""
        if self.draft.status is DraftStatus.PUBLISHED:
            return gettext("These rules were published, so this draft stays as it is. Begin a new one from them.")
        if self.draft.status not in EDITABLE:
            return gettext("This draft was discarded. It is kept to be read.")
        return "" if is_admin(self.staff) else no_admin()


def is_admin(staff: Staff) -> bool:
    """Tell whether somebody of the staff may change rules."""
    return ADMIN in staff.roles


def no_admin() -> str:
    """Return why somebody of the staff may only read."""
    return gettext("You can read everything here. Rules are changed by administrators only, and you are none.")


def seen_by(request: PageRequest, number: str) -> Seen:
    """Return a draft as the visitor sees it.

    Raises:
        SignInFirst, NotFound: nobody is signed in; they are no staff, or there is no such draft.
    """
    staff = staff_of(request)
    draft = read_draft(number=require_number(number))
    try:
        return Seen(staff=staff, draft=draft, rules=parse_rules(texts=draft.texts))
    except RuleTableError as error:
        return Seen(staff=staff, draft=draft, rules=None, broken=str(error))


def rules_of_draft(seen: Seen) -> RuleSet:
    """Return the rules of a draft.

    Raises:
        NotFound: its texts make none.
    """
    if seen.rules is None:
        raise NotFound
    return seen.rules


def require_editor(seen: Seen) -> None:
    """Refuse whoever may not change this draft.

    Raises:
        NotPermitted: they may not.
    """
    if not seen.may_edit:
        raise NotPermitted


def head(seen: Seen) -> Shown:
    """Return what stands above every page of a draft."""
    draft = seen.draft
    label, tone = rules_words.DRAFTS[draft.status]
    names = names_of({draft.changed_by, draft.created_by})
    return {
        "number": draft.number,
        "url": seen.address,
        "title": draft.title,
        "status": draft.status.value,
        "label": label,
        "tone": tone,
        "version": draft.version,
        "base": draft.base_version,
        "revision": draft.revision,
        "seen": seen.draft.seen,
        "changed_by": names.get(draft.changed_by, ""),
        "changed_at": draft.changed_at,
        "may_edit": seen.may_edit,
        "why_not": seen.why_not,
    }


def form_key(request: PageRequest) -> RequestKey:
    """Return the key of a posted form whose fields are not known beforehand."""
    return key_of(request, *sorted(set(request.POST) - {"csrfmiddlewaretoken", "idempotency_key"}))


def revision_of(request: PageRequest) -> int:
    """Return the revision a form was filled in on.

    Raises:
        BadInput: it is no number.
    """
    text = request.POST.get("revision", "")
    if not text.isascii() or not text.isdigit() or int(text[:12]) > MOST_REVISIONS:
        raise BadInput(fields={"revision": gettext("a whole number")})
    return int(text)


def require_as_seen(request: PageRequest, seen: Seen) -> None:
    """Refuse what is decided about a draft that is not any more what the page showed: its texts, or the date that was asked for.

    Raises:
        SeenOtherwise: it is not.
    """
    if request.POST.get("seen", "") != seen.draft.seen:
        raise SeenOtherwise


def save(request: PageRequest, seen: Seen, *, texts: Mapping[str, str]) -> None:
    """Give the draft these texts, unless this very form has done so already.

    Raises:
        DraftChanged, BadRuleTable, DraftClosed, NotPermitted: as edit_policy.
    """
    key, revision = form_key(request), revision_of(request)
    actor, number = seen.staff.actor, seen.draft.number
    done(lambda: edit_policy(actor=actor, number=number, revision=revision, texts=texts, request=key, at=request.at))


def done(step: Callable[[], object]) -> None:
    """Carry a step out once."""
    with suppress(AlreadyDone):
        once(step)


def told(text: str) -> list[Shown]:
    """Return a refusal as the notice above a page."""
    return [{"tone": "bad", "text": text}]


def passed_on(refused: Refusal) -> bool:
    """Tell whether a refusal is told by the general pages for errors: what is not there, what is malformed, what is our own trouble."""
    return refused.status >= 500 or isinstance(refused, NotFound | NotPermitted)


def to_draft(seen: Seen, *, done: str, rule: str = "") -> HttpResponseRedirect:
    """Go to the draft's page, to a rule where one is named, and say what was done."""
    anchor = f"#{rule}" if rule else ""
    return HttpResponseRedirect(f"{seen.address}?{urlencode({'done': done})}{anchor}")
