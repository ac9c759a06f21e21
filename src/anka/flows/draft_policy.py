"""Begin a draft of new rules, from rules that were in force or from files."""

from collections.abc import Mapping

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.core.numbers import new_number
from anka.core.refusals import BadInput, NotFound
from anka.domain.policy.table import RuleSet
from anka.flows.steps.policy_desk import edited_rules, read_rules, sit_down
from anka.flows.take_unidentified import PLATFORM_CODE
from anka.orders.policies import rules_of
from anka.policies.writes import Step, write

LONGEST_TITLE = 120


def draft_policy(*, actor: Actor, title: str, base: str | None, texts: Mapping[str, str] | None, request: RequestKey, at: Moment) -> str:
    """Begin a draft and return its number. `base` is the version it starts from (None: the one in force); `texts` from files win over it.

    Raises:
        BadInput: the title, the base or a file is out of bounds. BadRuleTable: the texts are no usable rules.
        NotFound, NotPermitted: the actor is no administrator.
        AlreadyDone: this request was carried out before; its reference is the draft's number.
    """
    with database.transaction():
        desk = sit_down(actor=actor, number=None, request=request, at=at)
        title = _checked(title)
        old = _base(base or desk.in_force)
        new = old if texts is None else read_rules(texts=texts)
        number = new_number(shop_code=PLATFORM_CODE, letter="D")
        row = {"number": number, "title": title, "base_version": old.version, "texts": dict(new.texts), "version": new.version}
        told = {"title": title, "base": old.version, "version": new.version, **edited_rules(old=old, new=new)}
        step = Step(what="policy_drafted", details=told, new=row, reference=number)
        write(actor=actor, step=step, request=request, at=at)
        return number


def _checked(title: str) -> str:
    title = title.strip()
    if not 1 <= len(title) <= LONGEST_TITLE or not title.isprintable():
        raise BadInput(fields={"title": f"1–{LONGEST_TITLE}"})
    return title


def _base(version: str | None) -> RuleSet:
    try:
        return rules_of(version=version or "")
    except NotFound:
        raise BadInput(fields={"base": "a version that was announced"}) from None
