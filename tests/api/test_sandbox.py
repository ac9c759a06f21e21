"""Playing the gateway and the clock over the API, against a real gateway: pay, refund, let the hold run out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from anka.adapters.channels.sandbox_keys import Mode
from anka.api.routes import ROUTES, SANDBOX_ROUTES
from anka.config.api import routes_of
from anka.config.settings import ENVIRONMENT
from anka.config.wiring import wire
from anka.core import database
from anka.jobs.channels import channels
from anka.sandbox.gateway import Gateway, GatewaySettings
from anka.sandbox.server import RunningGateway
from tests.api.client import Client
from tests.api.people import OUT, a_client
from tests.builders import a_product
from tests.builders.goods import lend_keyring
from tests.databases import Database


@pytest.fixture
def _gateway(database: Database, tmp_path: Path) -> Iterator[None]:
    """A gateway and a clock of this test's own."""
    settings = GatewaySettings(mode=Mode.SANDBOX, home=tmp_path, database_url=database.owner, base_url="http://sandbox.test")
    running = RunningGateway(gateway=Gateway(settings=settings), host="127.0.0.1", port=0)
    lend_keyring(tmp_path)
    wire(replace(ENVIRONMENT, home=tmp_path, gateway_url=f"http://127.0.0.1:{running.port}"))
    yield
    channels["sandbox"].close_connections()
    running.stop()
    wire(ENVIRONMENT)


@pytest.mark.usefixtures("_gateway")
def test_pay_at_the_gateway_and_get_the_money_back_there() -> None:
    buyer = a_client()
    number = buyer.order(a_product(), 2)
    payment = buyer.post(f"/orders/{number}/payments", {"channel": "sandbox"}).json["number"]
    played = Client().post(f"/sandbox/payments/{payment}", {"outcome": "paid"})
    assert played.status == 200, played.body
    assert played.json["notices"] == [200]
    order = buyer.get(f"/orders/{number}").json
    assert order["payments"][0]["status"] == "paid"
    assert {unit["stage"] for unit in order["units"]} == {"sealed"}
    case = buyer.post(f"/orders/{number}/cases", {"reason": OUT, "units": [2]}).json["cases"][0]
    refund = case["refunds"][0]
    assert Client().post(f"/sandbox/refunds/{refund}", {"outcome": "succeeded"}).status == 200
    assert Client().post("/sandbox/clock", {"advance_seconds": 60}).status == 200
    assert buyer.get(f"/refunds/{refund}").json["status"] == "succeeded"
    assert [unit["money"] for unit in buyer.get(f"/orders/{number}").json["units"]] == ["held", "refunded"]


@pytest.mark.usefixtures("_gateway")
def test_the_clock_closes_what_was_not_paid_before_it_answers() -> None:
    buyer = a_client()
    number = buyer.order(a_product())
    before = buyer.get(f"/orders/{number}").json
    moved = Client().post("/sandbox/clock", {"advance_seconds": 15 * 60 + 1})
    assert moved.status == 200, moved.body
    assert moved.json["now"] > before["hold_until"]
    assert moved.json["offset_seconds"] >= 15 * 60
    assert buyer.get(f"/orders/{number}").json["closed_by"] == "timeout"
    back = Client().post("/sandbox/clock", {"now": before["placed_at"]})
    assert (back.status, back.code) == (422, "bad_input")
    neither = Client().post("/sandbox/clock", {})
    assert (neither.status, neither.code) == (422, "bad_input")


@pytest.mark.usefixtures("_gateway")
def test_a_forged_notice_is_refused_recorded_and_changes_nothing() -> None:
    buyer = a_client()
    number = buyer.order(a_product())
    payment = buyer.post(f"/orders/{number}/payments", {"channel": "sandbox"}).json["number"]
    body = msgspec.json.encode({"type": "payment.paid", "number": payment, "amount_minor": 10000})
    answer = Client().call("POST", "/api/v1/notify/sandbox", body=body, headers={"Anka-Signature": "forged"})
    assert answer.status in (400, 401)
    assert answer.json == {"ok": False}
    assert buyer.get(f"/orders/{number}").json["payments"][0]["status"] == "pending"
    assert database.value("SELECT verdict FROM payments_notice ORDER BY id DESC LIMIT 1") == "refused"


def test_a_notice_that_is_too_long_or_for_nobody_is_refused() -> None:
    large = Client().call("POST", "/api/v1/notify/sandbox", body=b"x" * 65_537)
    assert (large.status, large.code) == (413, "body_too_large")
    unknown = Client().call("POST", "/api/v1/notify/nobody", body=b"{}")
    assert (unknown.status, unknown.code) == (422, "channel_unknown")


@pytest.mark.no_database
def test_outside_of_a_sandbox_there_is_nothing_to_play() -> None:
    production = routes_of(replace(ENVIRONMENT, sandbox=False))
    assert production == ROUTES
    assert not any("sandbox" in route.path for route in production)
    assert routes_of(ENVIRONMENT) == ROUTES + SANDBOX_ROUTES
