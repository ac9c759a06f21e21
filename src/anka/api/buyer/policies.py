"""The rules of every version, for anybody to read: announced, in force, archived; and what is different between two."""

import msgspec

from anka.api import shapes_of_policies as shapes
from anka.api.call import Answer, Call
from anka.core.refusals import BadInput, NotFound
from anka.domain.goods import Goods
from anka.domain.policy.compare import Change, compare
from anka.domain.policy.reasons import REASONS
from anka.domain.policy_states import PublicationStatus
from anka.orders.policies import rules_of
from anka.policies import queries
from anka.policies.models import Publication


def index(call: Call) -> Answer:
    """Answer with every version that was ever announced."""
    return Answer(200, shapes.PublicationList(items=[publication_view(found) for found in queries.publications(at=call.at.now)]))


def current(call: Call) -> Answer:
    """Answer with the rules in force."""
    return _policy(queries.version_in_force(at=call.at.now), call)


def show(call: Call) -> Answer:
    """Answer with the rules of one version."""
    return _policy(call.parameters["version"], call)


def changes(call: Call) -> Answer:
    """Answer with what is different from another version."""
    asked: shapes.ChangesQuery = call.query
    version = queries.publication(version=call.parameters["version"], at=call.at.now).version
    try:
        since = queries.publication(version=asked.since or queries.version_before(version=version), at=call.at.now).version
    except NotFound:
        raise BadInput(fields={"since": "a version that was announced"}) from None
    found = compare(old=rules_of(version=since), new=rules_of(version=version))
    return Answer(200, shapes.ChangeList(version=version, since=since, changes=[_change(change) for change in found]))


def publication_view(found: Publication) -> shapes.PublicationView:
    """Return an announcement as everybody may see it: no names, only that there were two."""
    taken = found.withdrawal
    return shapes.PublicationView(
        version=found.version,
        status=found.status,
        announced_at=found.announced_at,
        in_force_from=found.in_force_from,
        until=found.until,
        reason=found.reason,
        by_two=found.approved_by is not None,
        findings=found.findings,
        withdrawn_at=taken.withdrawn_at if taken else None,
        withdrawal_reason=taken.reason if taken else None,
    )


def _policy(version: str, call: Call) -> Answer:
    announced = queries.publication(version=version, at=call.at.now)
    rules = rules_of(version=announced.version)
    view = shapes.PolicyView(
        version=rules.version,
        current=announced.status is PublicationStatus.IN_FORCE,
        publication=publication_view(announced),
        rules=[shapes.RuleView(id=rule.id, position=rule.position, words={"zh": rule.zh, "en": rule.en}) for rule in rules.rules],
        reasons=[
            {
                "code": reason.code,
                "group": str(reason.group),
                "goods": [str(goods) for goods in Goods if goods in reason.goods],
                "words": {"zh": reason.zh, "en": reason.en},
            }
            for reason in REASONS.values()
        ],
        data=dict(rules.texts),
    )
    return Answer(200, raw=msgspec.json.encode(view))


def _change(change: Change) -> shapes.ChangeView:
    fields = [
        shapes.FieldChangeView(name=one.name, old={"zh": one.old_zh, "en": one.old_en}, new={"zh": one.new_zh, "en": one.new_en})
        for one in change.fields
    ]
    return shapes.ChangeView(kind=change.kind, part=change.part, rule=change.rule, fields=fields)
