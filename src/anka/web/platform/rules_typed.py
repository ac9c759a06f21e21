"""What somebody typed about a rule, read into the texts of a draft; and where it cannot be, which field says why. Pure."""

import tomllib
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.translation import gettext

from anka.domain.policy.edit import RuleNotFound, insert_rule, replace_rule, rule_text
from anka.domain.policy.grammar import Rule, RuleTableError, parse_rule
from anka.domain.policy.rewritten import rewritten
from anka.domain.policy.table import parse_rules
from anka.domain.policy.written import write_rule
from anka.domain.policy_states import FILE_NAME
from anka.policies.models import Draft
from anka.web.platform.rules_form import read_rule, told_at


@dataclass(frozen=True, slots=True)
class Changed:
    """The texts of a draft with what somebody typed; None where `errors` says why not. `rule` is the id to come back to."""

    texts: dict[str, str] | None = None
    rule: str = ""
    errors: dict[str, str] = field(default_factory=dict)


def typed_lines(*, form: QueryDict, like: str = "") -> str:
    """Return a typed text with the line ends of the one it replaces: browsers send their own."""
    plain = form.get("lines", "").replace("\r\n", "\n")
    return plain.replace("\n", "\r\n") if "\r\n" in like else plain


def from_form(*, form: QueryDict, draft: Draft, before: Rule | None) -> Changed:
    """Return the texts with the rule of a form in place of `before`, or added where that is None."""
    name = _file(form, before)
    if not name:
        return _no_file()
    entered = read_rule(form=form, before=before, file=name)
    if entered.rule is None:
        return Changed(errors=entered.errors)
    if entered.rule == before:
        return Changed(texts=draft.texts, rule=before.id)
    return _put(draft, before, entered.rule, _lines(draft, before, entered.rule))


def _lines(draft: Draft, before: Rule | None, rule: Rule) -> str:
    """Return a rule's lines, with those that stay as they are written."""
    try:
        return rewritten(lines=rule_text(texts=draft.texts, rule=before.id), rule=rule) if before else write_rule(rule)
    except RuleNotFound:
        return write_rule(rule)


def from_text(*, form: QueryDict, draft: Draft, before: Rule | None) -> Changed:
    """Return the texts with a rule as it was typed, letter by letter, in place of `before`, or added where that is None."""
    name, lines = _file(form, before), typed_lines(form=form)
    if not name:
        return _no_file()
    try:
        table = tomllib.loads(lines)
        listed = table.get("rule")
        if table.keys() != {"rule"} or not isinstance(listed, list) or len(listed) != 1:
            return Changed(errors={"lines": gettext("Write exactly one rule here, beginning with its line [[rule]].")})
        rule = parse_rule(file=name, index=0, table=listed[0])
    except RuleTableError as error:
        return Changed(errors={"lines": told_at(error)[1]})
    except (RecursionError, ValueError) as error:
        return Changed(errors={"lines": _not_toml(error)})
    changed = _put(draft, before, rule, lines)
    return changed if changed.texts is not None else Changed(errors={"lines": " ".join(changed.errors.values())})


def from_file(*, form: QueryDict, draft: Draft, name: str) -> Changed:
    """Return the texts with a whole file as it was typed."""
    changed = {**draft.texts, name: typed_lines(form=form, like=draft.texts[name])}
    try:
        parse_rules(texts=changed)
    except RuleTableError as error:
        return Changed(errors={"lines": str(error)})
    except (RecursionError, ValueError) as error:
        return Changed(errors={"lines": _not_toml(error)})
    return Changed(texts=changed)


def _file(form: QueryDict, before: Rule | None) -> str:
    name = before.file if before else form.get("file", "")
    return name if FILE_NAME.fullmatch(name) else ""


def _no_file() -> Changed:
    return Changed(errors={"file": gettext("Choose the file the rule is written in.")})


def _not_toml(error: Exception) -> str:
    said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
    return gettext("This is not TOML: %(error)s") % {"error": said}


def _put(draft: Draft, before: Rule | None, rule: Rule, lines: str) -> Changed:
    """Put a rule's lines into its file, and see whether the whole table can still be read."""
    try:
        if before is None:
            texts = insert_rule(texts=draft.texts, file=rule.file, position=rule.position, lines=lines)
        else:
            texts = replace_rule(texts=draft.texts, rule=before.id, lines=lines)
        parse_rules(texts=texts)
    except RuleNotFound:
        return Changed(errors={"rule": gettext("This rule is not written as a table of its own. Edit the whole file instead.")})
    except RuleTableError as error:
        at, text = told_at(error)
        return Changed(errors={at: text})
    return Changed(texts=texts, rule=rule.id)
