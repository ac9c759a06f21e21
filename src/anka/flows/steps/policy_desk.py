"""What every step in the life of the rules shares: who may take it, what texts are taken, what a draft has to be."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, require_new
from anka.core.refusals import BadInput, NotFound, NotPermitted, Refusal
from anka.domain.policy.files import MOST_CHARACTERS, MOST_FILES
from anka.domain.policy.grammar import RuleTableError
from anka.domain.policy.table import RuleSet, parse_rules
from anka.domain.policy_states import EDITABLE, FILE_NAME
from anka.policies import writes
from anka.policies.models import Desk, Draft

ADMIN = "admin"
MOST_NAMED = 200


class BadRuleTable(Refusal):
    """The texts are no rules that could be decided by; `detail` names the file, the rule, the key and what is allowed."""

    code, status = "bad_rule_table", 422
    says = _("These rules cannot be used: %(detail)s. Nothing has changed; mend the text and send it again.")


class DraftClosed(Refusal):
    """The draft was published or discarded."""

    code, status = "draft_closed", 409
    says = _("This draft was published or discarded, so it is not changed any more. Nothing has changed; begin a new draft from it.")


def sit_down(*, actor: Actor, number: str | None, request: RequestKey, at: Moment) -> Desk:
    """Wait until nobody else changes rules, and return what the step is decided on.

    Raises:
        NotFound: the actor is not of the platform's staff. NotPermitted: they are, and not an administrator.
        AlreadyDone: this request was carried out before.
    """
    desk = writes.lock(actor=actor, number=number, request=request, at=at)
    if actor.kind is not ActorKind.PLATFORM or not desk.standing.active or not desk.standing.staff_roles:
        raise NotFound
    if number is not None and desk.draft is None:
        raise NotFound
    if ADMIN not in desk.standing.staff_roles:
        raise NotPermitted
    require_new(desk.replay)
    return desk


def draft_on(*, desk: Desk) -> Draft:
    """Return the draft that lies on the desk.

    Raises:
        NotFound: none does.
    """
    if desk.draft is None:
        raise NotFound
    return desk.draft


def open_draft(*, desk: Desk) -> Draft:
    """Return the draft that lies on the desk, which can still be changed.

    Raises:
        NotFound: none does. DraftClosed: it was published or discarded.
    """
    draft = draft_on(desk=desk)
    if draft.status not in EDITABLE:
        raise DraftClosed
    return draft


def read_rules(*, texts: Mapping[str, str]) -> RuleSet:
    """Return the rules that these texts make, by file name.

    Raises:
        BadInput: a file's name, the number of files or their size is out of bounds. BadRuleTable: they are no usable rules.
    """
    _check_files(texts)
    try:
        return parse_rules(texts=texts)
    except RuleTableError as error:
        raise BadRuleTable(detail=str(error)) from None
    except (RecursionError, ValueError, OverflowError) as error:
        # TOML that is nested a thousand deep, or a number no machine holds, is refused like any other that makes no rules.
        raise BadRuleTable(detail=type(error).__name__) from None


def _check_files(texts: Mapping[str, str]) -> None:
    if not 1 <= len(texts) <= MOST_FILES:
        raise BadInput(fields={"texts": f"1–{MOST_FILES}"})
    wrong = [name for name in texts if not FILE_NAME.fullmatch(name)]
    if wrong:
        raise BadInput(fields={"texts": FILE_NAME.pattern})
    if not all(map(_is_text, texts.values())):
        raise BadInput(fields={"texts": "UTF-8, no byte 0"})
    if sum(map(len, texts.values())) > MOST_CHARACTERS:
        raise BadInput(fields={"texts": f"at most {MOST_CHARACTERS} characters"})


def _is_text(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def edited_rules(*, old: RuleSet, new: RuleSet) -> dict[str, list[str]]:
    """Return the ids of the rules that are new, gone or different, at most 200 of each, for the event."""
    before, after = ({rule.id: rule for rule in rules.rules} for rules in (old, new))
    return {
        "added": sorted(after.keys() - before.keys())[:MOST_NAMED],
        "removed": sorted(before.keys() - after.keys())[:MOST_NAMED],
        "changed": sorted(name for name in before.keys() & after.keys() if before[name] != after[name])[:MOST_NAMED],
    }
