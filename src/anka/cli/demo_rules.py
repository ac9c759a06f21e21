"""The demo market's next rules: drafted, checked, tried on the demo's own cases and announced for in two weeks, by the real flows.

They give merchants one hour instead of two to answer once they have taken up an order.
"""

from datetime import timedelta

from anka.cli.demo_market import DemoFilesMissing, person_id
from anka.core.actors import Actor, ActorKind
from anka.core.clock import moment
from anka.core.idempotency import unrepeated
from anka.domain.policy_states import RunKind
from anka.flows.draft_policy import draft_policy
from anka.flows.edit_policy import edit_policy
from anka.flows.publish_policy import publish_policy
from anka.flows.run_policy import ask_for_run
from anka.jobs import policy_runs
from anka.policies import queries

RULE, OLD, NEW = '\nid = "accepted"\n', "\nclock = 120\n", "\nclock = 60\n"
TITLE = "接单后，商家须在一小时内答复"
REASON = "接单后两小时的答复时间过长：多数商家十分钟内就已答复。"
DAYS = 90
NOTICE = timedelta(days=14)
NOTHING_REMEMBERED = unrepeated("demo")


def announce() -> None:
    """Announce the next rules, where nobody has drafted any yet.

    Raises:
        DemoFilesMissing: the rule that is to change is not among those in force, so there is nothing to show.
    """
    if queries.drafts():
        return
    admin, at = Actor(kind=ActorKind.PLATFORM, person_id=person_id("admin1")), moment()
    number = draft_policy(actor=admin, title=TITLE, base=None, texts=None, request=NOTHING_REMEMBERED, at=at)
    texts = {name: _shorter(text) for name, text in queries.draft(number=number).texts.items()}
    edit_policy(actor=admin, number=number, revision=1, texts=texts, request=NOTHING_REMEMBERED, at=at)
    for kind in RunKind:
        run_id = ask_for_run(actor=admin, number=number, kind=kind, days=DAYS, request=NOTHING_REMEMBERED, at=at)
        policy_runs.pursue(subject=str(run_id), at=at)
    begins = at.now + NOTICE
    publish_policy(actor=admin, number=number, in_force_from=begins, reason=REASON, request=NOTHING_REMEMBERED, at=at)


def _shorter(text: str) -> str:
    before, rule, after = text.partition(RULE)
    if rule and OLD not in after:
        raise DemoFilesMissing("The rules are not those the demo was written for; its orders are loaded, its next rules are not.")
    return before + rule + after.replace(OLD, NEW, 1) if rule else text
