"""Every fault of an answer × every operation: the outcome is unknown, never failed, and asking again finds the truth."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from anka.adapters.channels.port import Evidence, EvidenceStatus
from anka.adapters.channels.sandbox import TOTAL_SECONDS, SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode, load_keys
from anka.adapters.channels.sandbox_play import SandboxRefused, SandboxUnreachable
from anka.adapters.channels.sandbox_wire import Envelope, Purpose, new_nonce, signed_headers
from anka.sandbox.bills import CHINA
from tests.sandbox.world import World

OPERATIONS: dict[str, Callable[[World], Evidence]] = {
    "close": lambda world: world.channel.close(number="Q2", now=world.now()).evidence,
    "query": lambda world: world.query_payment(),
    "refund": lambda world: world.refund("R2"),
    "query_refund": lambda world: world.query_refund("R1"),
}
ACTED = {"close": "SELECT count(*) FROM sandbox.payment WHERE number = 'Q2' AND status = 'closed'"}
ACTED["refund"] = "SELECT count(*) FROM sandbox.refund WHERE number = 'R2'"


@pytest.fixture
def trading(world: World) -> World:
    """Q1 is paid and half of it being refunded as R1; Q2 is open."""
    world.play("Q1", cashier_url=world.start("Q1", 20_000))
    world.visit(world.start("Q2"))
    world.refund("R1")
    return world


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_500", "forged"])
def test_without_a_believable_answer_the_outcome_is_unknown_and_asking_again_finds_out(trading: World, operation: str, fault: str) -> None:
    before = {name: trading.one(query) for name, query in ACTED.items()}
    trading.preset(operation, fault)

    heard = OPERATIONS[operation](trading)

    assert (heard.status, heard.reason) == (EvidenceStatus.UNKNOWN, "no_answer")
    if operation in ACTED:
        acted = fault in {"timeout_after", "forged"}
        assert trading.one(ACTED[operation]) == before[operation] + int(acted)
    again = OPERATIONS[operation](trading)
    assert again.status is not EvidenceStatus.UNKNOWN
    if operation == "refund":
        assert trading.one("SELECT refunded_minor FROM sandbox.payment WHERE number = 'Q1'") == 20_000


@pytest.mark.parametrize("operation", ["query", "query_refund", "close"])
def test_a_wrong_amount_in_a_genuine_answer_is_reported_as_it_was_said(trading: World, operation: str) -> None:
    trading.preset(operation, "wrong_amount")
    assert OPERATIONS[operation](trading).amount_minor == 1


def test_a_refund_answered_with_another_amount_is_unknown(trading: World) -> None:
    trading.preset("refund", "wrong_amount")
    answer = trading.refund("R2")
    assert (answer.status, answer.reason) == (EvidenceStatus.UNKNOWN, "answer_differs")
    assert trading.refund("R2").status is EvidenceStatus.PROCESSING


def test_an_answer_that_takes_longer_than_the_limit_is_unknown(trading: World) -> None:
    trading.channel.patience = TOTAL_SECONDS
    trading.preset("refund", {"fault": "delay", "seconds": 30})
    assert trading.refund("R2").reason == "no_answer"
    assert trading.one(ACTED["refund"]) == 1


def test_a_gateway_that_is_not_there_is_unknown(trading: World) -> None:
    nowhere = SandboxChannel(
        mode=Mode.SANDBOX, home=trading.home, base_url="http://127.0.0.1:9", notify_url="http://x/n", real_clock=trading.real
    )
    assert nowhere.query_payment(number="Q1", now=trading.now()).status is EvidenceStatus.UNKNOWN
    assert nowhere.close(number="Q1", now=trading.now()).status == "unknown"


@pytest.mark.parametrize("operation", ["pay", "refund"])
def test_faults_are_preset_for_as_many_operations_as_asked(trading: World, operation: str) -> None:
    fault = "never" if operation == "pay" else "error_500"
    trading.preset(operation, fault, times=2)
    if operation == "pay":
        counts = [len(trading.play(f"P{turn}").notices) for turn in range(3)]
        assert counts == [0, 0, 1]
        return
    assert [trading.refund("R2").status.value for _ in range(3)] == ["unknown", "unknown", "processing"]


def script(world: World, seed: int) -> list[str]:
    world.channel.patience = TOTAL_SECONDS
    world.preset("query", "any", times=24, seed=seed)
    heard = [world.query_payment() for _ in range(24)]
    return [f"{evidence.status}/{evidence.amount_minor}" for evidence in heard]


def test_a_seeded_script_can_be_replayed(trading: World) -> None:
    trading.gateway.end_delays()  # delays need not be waited for here
    first = script(trading, seed=7)
    assert len(set(first)) > 1
    assert script(trading, seed=7) == first
    assert script(trading, seed=8) != first


@pytest.mark.parametrize(
    "message",
    [
        {"operation": "refund", "fault": "reflected"},
        {"operation": "refund", "fault": "explode"},
        {"operation": "dance", "fault": "delay"},
        {"operation": "refund", "fault": "delay", "times": 0},
        {"operation": "refund", "fault": "delay", "times": 10**9},
        {"operation": "refund", "fault": {"fault": "delay", "seconds": -1}},
        {"operation": "refund", "fault": {"fault": "delay", "seconds": 1.5}},
        {"operation": "pay", "fault": {"fault": "duplicate", "copies": 16}},
        {"operation": "refund", "fault": []},
    ],
)
def test_a_fault_that_does_not_exist_is_refused(world: World, message: dict[str, Any]) -> None:
    with pytest.raises(SandboxRefused) as refusal:
        world.preset(**message)
    assert refusal.value.http_status == 422
    assert world.one("SELECT count(*) FROM sandbox.preset") == 0


def post(world: World, *, path: str, body: bytes, **other: Any) -> httpx.Response:
    key = load_keys(home=world.home, mode=Mode.SANDBOX).merchant
    asked = {"purpose": Purpose.REQUEST, "timestamp": int(world.real().timestamp()), "nonce": new_nonce(), **other}
    envelope = Envelope(method="POST", path=path, **asked)
    return httpx.post(
        world.gateway_url + path, headers=signed_headers(key=key, envelope=envelope, body=body), content=body, trust_env=False
    )


@pytest.mark.parametrize("path", ["/api/query", "/api/close", "/api/refund", "/play/payments/Q1", "/play/refunds/R1", "/play/faults"])
def test_who_does_not_sign_is_answered_nothing_and_gets_no_signature(trading: World, path: str) -> None:
    answer = httpx.post(trading.gateway_url + path, content=b"{}", trust_env=False)
    assert answer.status_code in {400, 401}
    assert "anka-signature" not in answer.headers


def test_the_gateways_own_notice_sent_back_as_a_request_is_refused(trading: World) -> None:
    [notice] = trading.play("Q3").notices
    answer = httpx.post(f"{trading.gateway_url}/api/close", headers=dict(notice.headers), content=notice.body, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_purpose")


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_request_that_is_too_old_or_too_new_is_refused(trading: World, seconds: int) -> None:
    at = int((trading.real() + timedelta(seconds=seconds)).timestamp())
    answer = post(trading, path="/api/close", body=b'{"number":"Q2"}', timestamp=at)
    assert (answer.status_code, answer.json()["code"]) == (401, "too_old")
    assert trading.one(ACTED["close"]) == 0


def test_a_request_is_heard_once(trading: World) -> None:
    nonce = new_nonce()
    assert post(trading, path="/api/close", body=b'{"number":"Q2"}', nonce=nonce).status_code == 200
    again = post(trading, path="/api/close", body=b'{"number":"Q2"}', nonce=nonce)
    assert (again.status_code, again.json()["code"]) == (409, "nonce_reused")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"payment_number":"Q1","refund_number":"R9","amount_minor":-1,"currency":"CNY"}',
        b'{"payment_number":"Q1","refund_number":"R9","amount_minor":0,"currency":"CNY"}',
        b'{"payment_number":"Q1","refund_number":"R9","amount_minor":1.0,"currency":"CNY"}',
        b'{"payment_number":"Q1","refund_number":"R9","amount_minor":NaN,"currency":"CNY"}',
        b'{"payment_number":"Q1","refund_number":"R9","amount_minor":"100","currency":"CNY"}',
        b'{"payment_number":"Q1","refund_number":"R9\\n","amount_minor":1,"currency":"CNY"}',
        b'{"payment_number":"Q1","refund_number":"R9","amount_minor":1,"currency":"cny"}',
        b'{"payment_number":"Q1","refund_number":"R9","amount_minor":1,"currency":"CNY","status":"succeeded"}',
    ],
)
def test_bad_input_is_refused_and_changes_nothing(trading: World, body: bytes) -> None:
    answer = post(trading, path="/api/refund", body=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert trading.one("SELECT count(*) FROM sandbox.refund") == 1


def test_a_body_that_is_too_long_is_refused_unread(world: World) -> None:
    answer = httpx.post(f"{world.gateway_url}/api/query", content=b" " * 65_537, trust_env=False)
    assert answer.status_code == 413


def test_the_bill_lists_what_moved_that_day(trading: World) -> None:
    trading.real.tick(10)
    trading.query_refund("R1")
    path = f"/api/bill?date={trading.now().astimezone(CHINA).date().isoformat()}"
    key = load_keys(home=trading.home, mode=Mode.SANDBOX).merchant
    envelope = Envelope(purpose=Purpose.REQUEST, method="GET", path=path, timestamp=int(trading.real().timestamp()), nonce=new_nonce())
    headers = signed_headers(key=key, envelope=envelope, body=b"")
    answer = httpx.get(trading.gateway_url + path, headers=headers, trust_env=False)
    lines = [(line["kind"], line["number"], line["amount_minor"]) for line in answer.json()["lines"]]
    assert lines == [("payment", "Q1", 20_000), ("refund", "R1", 10_000), ("settlement", "", 19_880)]
    assert [line["fee_minor"] for line in answer.json()["lines"]] == [120, 0, 0]


class Liar(BaseHTTPRequestHandler):
    """Answers whatever it likes, unsigned."""

    def do_POST(self) -> None:
        body = json.dumps({"status": "closed", "number": "Q1", "occurred_at": "2026-01-01T00:00:00+00:00"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def test_an_unsigned_answer_is_not_believed(world: World) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    channel = SandboxChannel(
        mode=Mode.SANDBOX, home=world.home, base_url=f"http://127.0.0.1:{server.server_address[1]}", notify_url="http://x/n"
    )
    assert channel.close(number="Q1", now=world.now()).status == "unknown"
    server.shutdown()
    server.server_close()


def test_a_play_that_is_not_answered_says_so(world: World) -> None:
    nowhere = SandboxChannel(mode=Mode.SANDBOX, home=world.home, base_url="http://127.0.0.1:9", notify_url="http://x/n")
    with pytest.raises(SandboxUnreachable, match="nothing was lost"):
        World(world.home, world.real, world.gateway, nowhere, world.merchant, "").play(cashier_url=world.start())
