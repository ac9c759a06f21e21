"""Whatever the document allows is asked of the API by every role, of things that are there and of things that are not: what comes back
is what the document says, and nothing makes a fault of ours. Many more at night."""

import os
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from anka.config.wsgi import application
from anka.core import heartbeat
from anka.core.clock import moment
from tests.api.client import Client
from tests.api.people import OUT, Person, a_case, a_client, a_manual_product, a_paid_order, a_refused_case, a_sealed_order, merchant_of
from tests.api.people import a_staff_member as staff
from tests.builders import a_product

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Notices have no JSON of ours; the clock is left alone, because other tests read it; the document itself is where schemathesis begins.
LEFT_OUT = {"post_notify_channel", "get_notify_channel", "post_sandbox_clock", "get_openapi_json"}
ROLES = ("visitor", "buyer", "merchant", "agent", "arbiter", "finance", "admin")
NIGHTLY = os.environ.get("ANKA_NIGHTLY") == "1"
EXAMPLES = hypothesis.settings(
    max_examples=100 if NIGHTLY else 4,
    deadline=None,
    derandomize=not NIGHTLY,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Scene:
    """Somebody of every role, and things they may look at: an order of each kind, cases in several places, a refund."""

    def __init__(self) -> None:
        product = a_product(stock=9)
        buyer, merchant = a_client(), merchant_of(product)
        self.people: dict[str, Client] = {"visitor": Client(), "buyer": buyer, "merchant": merchant}
        self.people |= {role: staff(role) for role in ROLES if role not in self.people}
        sealed = a_sealed_order(buyer, quantity=2, product=product)
        cancelled = buyer.post(f"/orders/{sealed}/cases", {"reason": OUT, "units": [2]}).json["cases"][0]
        offered = a_case(buyer, product=product)
        self.offer = merchant.post(f"/cases/{offered}/offers", {"refund_minor": 3000}).json["offers"][0]["id"]
        self.numbers: dict[str, tuple[str, ...]] = {
            "orders": (sealed, a_paid_order(buyer, a_manual_product(shop=product.shop)), buyer.order(product)),
            "cases": (offered, a_case(buyer, product=product), a_refused_case(buyer, product), cancelled["number"]),
            "refunds": (cancelled["refunds"][0],),
        }

    def named(self, case: Any, draw: st.DataObject) -> None:
        """Let a request now and then be about something that is there."""
        about = next((kind for kind in self.numbers if f"/{kind}/{{number}}" in case.operation.path), None)
        if about is None or not draw.draw(st.booleans()):
            return
        case.path_parameters["number"] = draw.draw(st.sampled_from(self.numbers[about]))
        if "id" in case.path_parameters:
            case.path_parameters["id"] = str(self.offer)
        if "unit" in case.path_parameters:
            case.path_parameters["unit"] = draw.draw(st.sampled_from(("1", "2")))


@pytest.mark.parametrize("role", ROLES)
def test_the_api_answers_every_role_as_the_document_says(role: str) -> None:
    scene = Scene()
    who = scene.people[role]
    headers = {"Authorization": f"Bearer {who.token}"} if isinstance(who, Person) else {}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    tried = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.definition.raw["operationId"] in LEFT_OUT:
            continue

        # A worker lives, however long this takes.
        heartbeat.beat(name="tests", started_at=moment().real, real_now=moment().real)

        @EXAMPLES
        @hypothesis.given(case=operation.as_strategy(), draw=st.data())
        def answers_as_said(case: schemathesis.Case[Any], draw: st.DataObject) -> None:
            scene.named(case, draw)
            case.call_and_validate(headers=headers, checks=CHECKS)

        answers_as_said()
        tried += 1
    document = Client().get("/openapi.json").json
    assert tried == sum(len(methods) for methods in document["paths"].values()) - len(LEFT_OUT)
