"""What is for sale, and under which rules. Anybody may look."""

import msgspec

from anka.api import bodies, shapes
from anka.api.call import Answer, Call
from anka.api.views.products import product_view
from anka.catalog import queries
from anka.catalog.models import ProductFilter
from anka.core.refusals import BadInput
from anka.domain.goods import Goods
from anka.domain.policy.reasons import REASONS
from anka.domain.policy.table import RuleSet
from anka.orders.policies import rules_in_force, rules_of


def search(call: Call) -> Answer:
    """Answer with one page of the products on sale."""
    asked: bodies.ProductSearch = call.query
    wanted = ProductFilter(text=asked.q, kind=asked.kind or "", shop=asked.shop, delivery=asked.delivery or "")
    try:
        page = queries.products(wanted=wanted, after=asked.cursor, limit=asked.limit)
    except BadInput as wrong:
        # The query calls the cursor by another name.
        raise BadInput(fields={("cursor" if name == "after" else name): why for name, why in wrong.fields.items()}) from None
    return Answer(200, shapes.ProductList(items=[product_view(call, product) for product in page.items], next=page.next))


def show(call: Call) -> Answer:
    """Answer with one product."""
    return Answer(200, product_view(call, queries.product(number=call.parameters["id"])))


def current_policy(call: Call) -> Answer:
    """Answer with the rules in force."""
    return Answer(200, raw=_policy(rules_in_force(at=call.at.now), call))


def policy(call: Call) -> Answer:
    """Answer with the rules of one version."""
    return Answer(200, raw=_policy(rules_of(version=call.parameters["version"]), call))


def _policy(rules: RuleSet, call: Call) -> bytes:
    return msgspec.json.encode(
        shapes.PolicyView(
            version=rules.version,
            current=rules.version == rules_in_force(at=call.at.now).version,
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
    )
