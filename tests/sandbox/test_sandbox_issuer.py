"""The issuer over real HTTP: signed both ways, silent, slow, failing, forged, replayed; voids once."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox_keys import Mode, SandboxIsOff, load_keys
from anka.adapters.channels.sandbox_play import SandboxRefused
from anka.adapters.channels.sandbox_wire import Envelope, Purpose, WireRefused
from anka.adapters.issuers.sandbox import NOTICE_PATH, SandboxIssuer
from anka.adapters.issuers.signed_http import TOTAL_SECONDS, SignedIssuer
from anka.domain.issuer import SILENCE, KeyState, Redeemer, Said
from anka.vault.issuer import Answer, Question
from tests.sandbox.world import PATIENCE, World

KEY = hashlib.sha256(b"KEY1").hexdigest()
UNIT = "QM-7KQ2H8MPZD4TW-1"
UNUSED: dict[str, Any] = {"use_check": "unused", "voidable": True}


def about(unit: str = UNIT) -> Question:
    return Question(unit=unit, key_sha256=KEY)


@pytest.fixture
def issuer(world: World) -> SandboxIssuer:
    made = SandboxIssuer(mode=Mode.SANDBOX, home=world.home, base_url=world.gateway_url, real_clock=world.real)
    made.patience = PATIENCE
    return made


@pytest.fixture(autouse=True)
def _clean(world: World) -> Iterator[None]:
    yield
    with world.gateway.store.transaction() as connection:
        connection.execute("TRUNCATE sandbox.issuer_key, sandbox.issuer_void")


def played(world: World, issuer: SandboxIssuer, unit: str = UNIT, **word: Any) -> Answer | None:
    return issuer.play(channel=world.channel, unit=unit, word=word)


def test_what_is_played_is_told_and_answered_with_its_digest(world: World, issuer: SandboxIssuer) -> None:
    told = played(world, issuer, use_check="used_after_reveal", used_by="other", delivered_percent=60, face_value="50", region="US")
    assert told is not None
    said = Said(
        state=KeyState.USED,
        redeemer=Redeemer.OTHER,
        voidable=False,
        value_percent=60,
        face_value="50",
        region="US",
        use_check="used_after_reveal",
    )
    [answer] = issuer.status(questions=[about()])
    assert (told.said, answer.said) == (said, said)
    assert len(answer.digest) == 32
    assert answer.digest != told.digest


def test_many_units_are_one_question_and_strangers_are_unknown(world: World, issuer: SandboxIssuer) -> None:
    played(world, issuer, unit="Q-3", use_check="invalid")
    answers = issuer.status(questions=[about(f"Q-{number}") for number in range(250)])
    assert [place for place, answer in enumerate(answers) if answer.said.use_check == "invalid"] == [3]
    assert all(answer.digest and not answer.said.use_check for place, answer in enumerate(answers) if place != 3)
    assert world.one("SELECT count(*) FROM sandbox.nonce") == 3
    assert issuer.status(questions=[]) == []


def test_a_silent_issuer_brings_no_word_and_answers_nothing(world: World, issuer: SandboxIssuer) -> None:
    assert played(world, issuer, **UNUSED, silent=True) is None
    assert issuer.status(questions=[about()]) == [Answer(reason="no_answer")]
    assert issuer.void(question=about(), number="V1") == Answer(reason="no_answer")
    assert world.one("SELECT count(*) FROM sandbox.issuer_void") == 0


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after", "error_500", "forged", {"fault": "delay", "seconds": 3}])
def test_whatever_goes_wrong_says_nothing(world: World, issuer: SandboxIssuer, fault: Any) -> None:
    played(world, issuer, **UNUSED)
    issuer.patience = PATIENCE if isinstance(fault, str) else TOTAL_SECONDS
    world.preset("issuer", fault, times=2)
    assert issuer.status(questions=[about()]) == [Answer(reason="no_answer")]
    assert issuer.void(question=about(), number="V1").receipt is None


def test_without_a_fault_the_same_question_is_answered(world: World, issuer: SandboxIssuer) -> None:
    played(world, issuer, **UNUSED)
    assert issuer.status(questions=[about()])[0].said.use_check == "unused"


def test_nobody_there_says_nothing(world: World) -> None:
    lonely = SandboxIssuer(mode=Mode.SANDBOX, home=world.home, base_url="http://127.0.0.1:1", real_clock=world.real)
    assert lonely.status(questions=[about()]) == [Answer(reason="no_answer")]


def test_a_key_is_voided_once_and_the_receipt_is_the_same_each_time(world: World, issuer: SandboxIssuer) -> None:
    played(world, issuer, **UNUSED)
    first = issuer.void(question=about(), number="V1")
    assert first.receipt
    assert first.said == Said(state=KeyState.VOIDED, voided_for_us=True)
    assert {issuer.void(question=about(), number=number).receipt for number in ("V1", "V1", "V2")} == {first.receipt}
    assert world.one("SELECT count(*) FROM sandbox.issuer_void") == 1
    [now] = issuer.status(questions=[about()])
    assert (now.said.state, now.said.voided_for_us) == (KeyState.VOIDED, True)


def test_a_void_whose_answer_was_lost_is_had_by_asking_again(world: World, issuer: SandboxIssuer) -> None:
    played(world, issuer, **UNUSED)
    world.preset("issuer", "timeout_after")
    assert issuer.void(question=about(), number="V1") == Answer(reason="no_answer")
    assert world.one("SELECT count(*) FROM sandbox.issuer_void") == 1
    assert issuer.void(question=about(), number="V1").receipt == world.one("SELECT receipt FROM sandbox.issuer_void")


@pytest.mark.parametrize("word", [{"use_check": "unused"}, {"use_check": "used_after_reveal", "voidable": True}, {"use_check": "invalid"}])
def test_what_cannot_be_voided_is_not_and_that_is_a_word(world: World, issuer: SandboxIssuer, word: dict[str, Any]) -> None:
    played(world, issuer, **word)
    answer = issuer.void(question=about(), number="V1")
    assert (answer.receipt, answer.said, answer.reason) == (None, Said(voidable=False), "not_voidable")


def test_a_number_stands_for_one_unit(world: World, issuer: SandboxIssuer) -> None:
    for unit in ("Q-1", "Q-2"):
        played(world, issuer, unit=unit, **UNUSED)
    assert issuer.void(question=about("Q-1"), number="V1").receipt
    assert issuer.void(question=about("Q-2"), number="V1").receipt is None


def request(world: World, *, purpose: Purpose = Purpose.ISSUER_REQUEST, nonce: str = "", body: bytes = b"") -> httpx.Response:
    envelope = Envelope(
        purpose=purpose,
        method="POST",
        path="/issuer/status",
        timestamp=int(world.real().timestamp()),
        nonce=nonce or sandbox_wire.new_nonce(),
    )
    key = load_keys(home=world.home, mode=Mode.SANDBOX).merchant
    headers = sandbox_wire.signed_headers(key=key, envelope=envelope, body=body)
    return httpx.post(f"{world.gateway_url}/issuer/status", headers=headers, content=body, trust_env=False)


def test_the_issuer_believes_only_fresh_questions_signed_as_questions_to_it(world: World) -> None:
    good = json.dumps({"questions": [{"unit": UNIT, "key_sha256": KEY}]}).encode()
    assert request(world, body=good, nonce="A" * 22).status_code == 200
    assert request(world, body=good, nonce="A" * 22).json()["code"] == "nonce_reused"
    assert request(world, body=good, purpose=Purpose.REQUEST).json()["code"] == "wrong_purpose"
    assert httpx.post(f"{world.gateway_url}/issuer/status", content=good, trust_env=False).status_code == 400
    for bad in (b"{", b"[]", b'{"questions": [{"unit": "Q", "key_sha256": "KEY1"}]}', b'{"questions": [], "key": "KEY1"}'):
        assert request(world, body=bad).json()["code"] == "malformed"


def test_a_play_has_to_make_sense(world: World, issuer: SandboxIssuer) -> None:
    with pytest.raises(SandboxRefused):
        played(world, issuer, use_check="eaten")


def test_a_notice_counts_only_for_its_purpose_and_address(world: World, issuer: SandboxIssuer) -> None:
    body = json.dumps({"words": [{"unit": UNIT, "state": "invalid"}]}).encode()
    keys = load_keys(home=world.home, mode=Mode.SANDBOX)

    def headers(key: Any, purpose: Purpose = Purpose.ISSUER_NOTICE, path: str = NOTICE_PATH, age: int = 0) -> dict[str, str]:
        timestamp = int(world.real().timestamp()) - age
        envelope = Envelope(purpose=purpose, method="POST", path=path, timestamp=timestamp, nonce=sandbox_wire.new_nonce())
        return sandbox_wire.signed_headers(key=key, envelope=envelope, body=body)

    assert issuer.read_notice(headers=headers(keys.issuer), body=body, path=NOTICE_PATH)[UNIT].said.state == KeyState.INVALID
    refused: tuple[dict[str, str], ...] = (
        headers(keys.gateway),
        headers(keys.merchant),
        headers(keys.issuer, Purpose.ISSUER_ANSWER),
        headers(keys.issuer, path="/elsewhere"),
        headers(keys.issuer, age=400),
        {},
    )
    for wrong in refused:
        with pytest.raises(WireRefused):
            issuer.read_notice(headers=wrong, body=body, path=NOTICE_PATH)
    with pytest.raises(WireRefused):
        issuer.read_notice(headers=headers(keys.issuer), body=body + b" ", path=NOTICE_PATH)


def test_without_the_sandbox_there_is_no_issuer(world: World) -> None:
    with pytest.raises(SandboxIsOff):
        SandboxIssuer(mode=Mode.PRODUCTION, home=world.home, base_url=world.gateway_url)


class Impostor:
    """An issuer that answers as told, signed with the real key: what a broken or wicked one could say."""

    def __init__(self, world: World) -> None:
        self.body, self.drip, self.replay = b"", False, ""
        self.key = load_keys(home=world.home, mode=Mode.SANDBOX).issuer
        self.asked: list[bytes] = []
        self.stopped = Event()
        impostor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                impostor.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
                envelope = Envelope(
                    purpose=Purpose.ISSUER_ANSWER,
                    method="200",
                    path=self.path,
                    timestamp=int(world.real().timestamp()),
                    nonce=impostor.replay or self.headers["Anka-Nonce"],
                )
                self.send_response(200)
                for name, value in sandbox_wire.signed_headers(key=impostor.key, envelope=envelope, body=impostor.body).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(impostor.body)))
                self.end_headers()
                for byte in impostor.body:
                    self.wfile.write(bytes([byte]))
                    if impostor.drip and impostor.stopped.wait(0.3):
                        return

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def as_issuer(self, world: World) -> SignedIssuer:
        keys = load_keys(home=world.home, mode=Mode.SANDBOX)
        return SignedIssuer(
            base_url=f"http://127.0.0.1:{self.server.server_address[1]}/keys",
            own_key=keys.merchant,
            their_key=keys.issuer.public_key(),
            real_clock=world.real,
        )


@pytest.fixture
def impostor(world: World) -> Iterator[Impostor]:
    made = Impostor(world)
    yield made
    made.stopped.set()
    made.server.shutdown()
    made.server.server_close()


WORD = {"unit": UNIT, "state": "unused"}


@pytest.mark.parametrize(
    "words",
    [
        {"words": [{**WORD, "state": "burnt"}]},
        {"words": [{**WORD, "value_percent": 101}]},
        {"words": [{**WORD, "used_at": "2026-03-02T12:00:00"}]},
        {"words": [WORD, {**WORD, "state": "invalid"}]},
        {"words": [{"state": "unused"}]},
        {"words": [{**WORD, "unit": "QM-OTHER-1"}]},
        {"words": "unused"},
        [],
    ],
)
def test_nonsense_well_signed_says_nothing(world: World, impostor: Impostor, words: Any) -> None:
    impostor.body = json.dumps(words).encode()
    [answer] = impostor.as_issuer(world).status(questions=[about()])
    assert answer.said == SILENCE
    assert answer.reason in ("malformed_answer", "no_answer")


def test_only_the_digest_of_a_key_is_told_and_a_fact_is_not_taken_from_a_real_issuer(world: World, impostor: Impostor) -> None:
    impostor.body = json.dumps({"words": [{**WORD, "use_check": "used_before_reveal"}]}).encode()
    [answer] = impostor.as_issuer(world).status(questions=[about()])
    assert answer.said == Said(state=KeyState.UNUSED)
    assert json.loads(impostor.asked[0]) == {"questions": [{"unit": UNIT, "key_sha256": KEY}]}


def test_an_answer_to_another_question_is_not_believed(world: World, impostor: Impostor) -> None:
    impostor.body, impostor.replay = json.dumps({"words": [WORD]}).encode(), "A" * 22
    assert impostor.as_issuer(world).status(questions=[about()]) == [Answer(reason="no_answer")]


def test_an_answer_by_another_key_is_not_believed(world: World, impostor: Impostor) -> None:
    impostor.body = json.dumps({"words": [WORD]}).encode()
    impostor.key = load_keys(home=world.home, mode=Mode.SANDBOX).gateway
    assert impostor.as_issuer(world).status(questions=[about()]) == [Answer(reason="no_answer")]


def test_an_answer_that_comes_in_drops_or_never_ends_is_cut_off(world: World, impostor: Impostor) -> None:
    impostor.body, impostor.drip = json.dumps({"words": [WORD]}).encode(), True
    assert impostor.as_issuer(world).status(questions=[about()]) == [Answer(reason="no_answer")]
    impostor.body, impostor.drip = b" " * 300_000, False
    assert impostor.as_issuer(world).status(questions=[about()]) == [Answer(reason="no_answer")]


@pytest.mark.parametrize("said", [{"unit": "Q-2"}, {"number": "V2"}, {"receipt": ""}, {"receipt": "a b"}, {"receipt": None}])
def test_a_receipt_for_something_else_is_none(world: World, impostor: Impostor, said: dict[str, Any]) -> None:
    impostor.body = json.dumps({"unit": UNIT, "number": "V1", "receipt": "R1", **said}).encode()
    answer = impostor.as_issuer(world).void(question=about(), number="V1")
    assert (answer.receipt, answer.said) == (None, SILENCE)


def test_negative_control_the_right_receipt_counts(world: World, impostor: Impostor) -> None:
    impostor.body = json.dumps({"unit": UNIT, "number": "V1", "receipt": "R1"}).encode()
    assert impostor.as_issuer(world).void(question=about(), number="V1").receipt == "R1"


def test_it_can_be_asked_from_within_an_event_loop(issuer: SandboxIssuer) -> None:
    """Whoever asks may be inside a loop already, which takes no second one."""

    async def ask() -> list[Answer]:
        return issuer.status(questions=[about()])

    assert len(asyncio.run(ask())) == 1
