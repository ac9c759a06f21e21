"""The OpenAPI document is true: it is a valid document, and what the API answers is what it says."""

from typing import Any

import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from anka.api.routes import ROUTES, SANDBOX_ROUTES
from anka.config.wsgi import application
from anka.domain.policy.table import default_rules
from tests.api.client import Client
from tests.api.people import a_client, a_sealed_order
from tests.builders import a_product

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture
def document() -> Any:
    return Client().get("/openapi.json").json


def test_the_document_names_every_route_once(document: Any) -> None:
    named = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert named == {route.name for route in ROUTES + SANDBOX_ROUTES}
    operations = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(set(operations)) == len(operations)
    assert document["openapi"].startswith("3.1")
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"].isascii()
            assert not operation["description"].isascii()


def test_real_answers_fit_the_document() -> None:
    buyer, product = a_client(), a_product(stock=2)
    number = a_sealed_order(buyer, quantity=2, product=product)
    case = buyer.post(f"/orders/{number}/cases", {"reason": "NO_LONGER_NEEDED", "units": [1]}).json["cases"][0]
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    values = {
        "get_orders_number": {"number": number},
        "get_orders_number_cancellation": {"number": number},
        "get_cases_number": {"number": case["number"]},
        "get_refunds_number": {"number": case["refunds"][0]},
        "get_products_id": {"id": product.number},
        "get_policies_version": {"version": default_rules().version},
        "get_policies_version_changes": {"version": default_rules().version},
    }
    lists = ("get_orders", "get_cases", "get_wallet", "get_products", "get_policies", "get_policies_current", "livez", "readyz")
    done = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        name = operation.definition.raw["operationId"]
        if name in values or name.removeprefix("get_") in lists or name in lists:
            case_ = operation.Case(path_parameters=values.get(name, {}), headers={"Authorization": f"Bearer {buyer.token}"})
            response = case_.call_and_validate(checks=CHECKS)
            assert response.status_code == 200
            done += 1
    assert done == len(values) + len(lists)


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "下单并预留库存"), ("en", "Place an order and reserve the goods")])
def test_the_page_for_people_lists_every_route(language: str, words: str, document: Any) -> None:
    page = Client().call("GET", "/api/v1/docs", headers={"Accept-Language": language})
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    text = page.body.decode()
    assert words in text
    for path in document["paths"]:
        assert f"<code>{path}</code>" in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_the_rules_are_readable_and_data() -> None:
    current = Client().get("/policies/current")
    rules = current.json
    assert rules["version"] == default_rules().version
    assert len(rules["rules"]) == len(default_rules().rules)
    assert all(rule["words"]["zh"] and rule["words"]["en"] for rule in rules["rules"])
    assert Client().get(f"/policies/{rules['version']}").body == current.body
