from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode, SandboxIsOff, SandboxKeys, SandboxKeyUnreadable, load_keys
from anka.adapters.channels.sandbox_wire import (
    Envelope,
    Expected,
    Purpose,
    WireRefused,
    canonical,
    open_cashier_request,
    seal_cashier_request,
    signed_headers,
    verify,
)
from anka.sandbox.gateway import Gateway, GatewaySettings

SEED = bytes(range(32))
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BODY = b'{"refund":"R1"}'
ENVELOPE = Envelope(
    purpose=Purpose.REQUEST, method="POST", path="/api/query", timestamp=int(AT.timestamp()), nonce="AAAAAAAAAAAAAAAAAAAAAA"
)
EXPECTED = Expected(purpose=Purpose.REQUEST, method="POST", path="/api/query")


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(SEED)


def checked(key: Ed25519PrivateKey, headers: dict[str, str], **other: Any) -> Envelope:
    asked = {"body": BODY, "expected": EXPECTED, "real_now": AT, **other}
    return verify(key=key.public_key(), headers=headers, **asked)


def test_the_signed_bytes_are_eight_lines_written_down_in_the_reference(key: Ed25519PrivateKey) -> None:
    assert canonical(envelope=ENVELOPE, body=BODY).decode() == (
        "anka-sandbox-1\nrequest\nanka\nPOST\n/api/query\n1772366400\nAAAAAAAAAAAAAAAAAAAAAA\n"
        "11be0138bcbefccce9cf5fa68a6d3d48066b0cb5b72dcfef786e7c75ee57fa45\n"
    )
    signature = signed_headers(key=key, envelope=ENVELOPE, body=BODY)["Anka-Signature"]
    # Made with OpenSSL from the description in docs/reference/sandbox-gateway.md.
    assert signature == "zxR+ALtoFaBsoezb6vRVAIi8bNEg1yyxlYhrzRo0ubOxSk3n3UagWguoNFXlaOksKuHNOokNJh4D4J9kaaBBBA=="


def test_an_untouched_message_is_believed(key: Ed25519PrivateKey) -> None:
    assert checked(key, signed_headers(key=key, envelope=ENVELOPE, body=BODY)) == ENVELOPE


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("Anka-Purpose", "notice", "wrong_purpose"),
        ("Anka-Purpose", "", "wrong_purpose"),
        ("Anka-Merchant", "other", "unknown_merchant"),
        ("Anka-Merchant", "an\nka", "malformed"),
        ("Anka-Timestamp", "1772366401", "bad_signature"),
        ("Anka-Timestamp", "１７７２３６６４００", "malformed"),
        ("Anka-Timestamp", "-1", "malformed"),
        ("Anka-Timestamp", "NaN", "malformed"),
        ("Anka-Nonce", "BAAAAAAAAAAAAAAAAAAAAA", "bad_signature"),
        ("Anka-Nonce", "short", "malformed"),
        ("Anka-Signature", "", "bad_signature"),
        ("Anka-Signature", "????", "bad_signature"),
        ("Anka-Signature", base64.b64encode(bytes(64)).decode(), "bad_signature"),
    ],
)
def test_a_changed_header_is_refused(key: Ed25519PrivateKey, header: str, value: str, code: str) -> None:
    headers = {**signed_headers(key=key, envelope=ENVELOPE, body=BODY), header: value}
    with pytest.raises(WireRefused) as refusal:
        checked(key, headers)
    assert refusal.value.code == code


@pytest.mark.parametrize("header", ["Anka-Purpose", "Anka-Merchant", "Anka-Timestamp", "Anka-Nonce", "Anka-Signature"])
def test_a_missing_header_is_refused(key: Ed25519PrivateKey, header: str) -> None:
    headers = signed_headers(key=key, envelope=ENVELOPE, body=BODY)
    del headers[header]
    with pytest.raises(WireRefused):
        checked(key, headers)


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b'{"refund":"R2"}'},
        {"expected": replace(EXPECTED, method="PUT")},
        {"expected": replace(EXPECTED, path="/api/refund")},
        {"expected": replace(EXPECTED, path="/api/query?x=1")},
        {"expected": replace(EXPECTED, nonce="BBBBBBBBBBBBBBBBBBBBBB")},
    ],
)
def test_a_message_for_something_else_is_refused(key: Ed25519PrivateKey, changed: dict[str, Any]) -> None:
    with pytest.raises(WireRefused) as refusal:
        checked(key, signed_headers(key=key, envelope=ENVELOPE, body=BODY), **changed)
    assert refusal.value.code == "bad_signature"


@pytest.mark.parametrize("signed", list(Purpose))
@pytest.mark.parametrize("wanted", list(Purpose))
def test_one_purpose_never_passes_for_another_even_with_the_same_key(key: Ed25519PrivateKey, signed: Purpose, wanted: Purpose) -> None:
    envelope = replace(ENVELOPE, purpose=signed)
    headers = {**signed_headers(key=key, envelope=envelope, body=BODY), "Anka-Purpose": wanted.value}
    expected = replace(EXPECTED, purpose=wanted)
    if signed is wanted:
        assert checked(key, headers, expected=expected) == envelope
        return
    with pytest.raises(WireRefused) as refusal:
        checked(key, headers, expected=expected)
    assert refusal.value.code == "bad_signature"


@pytest.mark.parametrize(("seconds", "believed"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_signature_lives_five_minutes_either_way(key: Ed25519PrivateKey, seconds: int, believed: bool) -> None:
    headers = signed_headers(key=key, envelope=ENVELOPE, body=BODY)
    if believed:
        assert checked(key, headers, real_now=AT + timedelta(seconds=seconds))
        return
    with pytest.raises(WireRefused) as refusal:
        checked(key, headers, real_now=AT + timedelta(seconds=seconds))
    assert refusal.value.code == "too_old"


def test_another_key_signs_nothing_for_us(key: Ed25519PrivateKey) -> None:
    with pytest.raises(WireRefused):
        checked(Ed25519PrivateKey.generate(), signed_headers(key=key, envelope=ENVELOPE, body=BODY))


def test_a_cashier_request_opens_to_what_was_sealed(key: Ed25519PrivateKey) -> None:
    token = seal_cashier_request(key=key, payload="云晶".encode(), real_now=AT)
    assert open_cashier_request(key=key.public_key(), token=token).decode() == "云晶"


@pytest.mark.parametrize("token", ["", "...", "a.b.c.d", "1.AAAAAAAAAAAAAAAAAAAAAA.é.é", "1." * 5_000])
def test_what_is_no_cashier_request_is_refused(key: Ed25519PrivateKey, token: str) -> None:
    with pytest.raises(WireRefused):
        open_cashier_request(key=key.public_key(), token=token)


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    ready = Barrier(6)
    found: list[SandboxKeys] = []

    def load() -> None:
        ready.wait(timeout=60)
        found.append(load_keys(home=tmp_path, mode=Mode.SANDBOX))

    threads = [Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len({keys.gateway.private_bytes_raw() for keys in found}) == 1
    assert found[0].gateway.private_bytes_raw() != found[0].merchant.private_bytes_raw()
    for name in ("gateway.pem", "merchant.pem"):
        assert (tmp_path / "sandbox" / name).stat().st_mode & 0o777 == 0o600


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    load_keys(home=tmp_path, mode=Mode.SANDBOX)
    (tmp_path / "sandbox" / "merchant.pem").write_bytes(b"")
    with pytest.raises(SandboxKeyUnreadable, match=r"merchant\.pem"):
        load_keys(home=tmp_path, mode=Mode.SANDBOX)


def test_in_production_there_is_no_gateway_no_adapter_and_no_key(tmp_path: Path) -> None:
    settings = GatewaySettings(mode=Mode.PRODUCTION, home=tmp_path, database_url="postgresql://nobody@/nothing", base_url="http://x")
    with pytest.raises(SandboxIsOff):
        Gateway(settings=settings)
    with pytest.raises(SandboxIsOff):
        SandboxChannel(mode=Mode.PRODUCTION, home=tmp_path, base_url="http://x", notify_url="http://y/n")
    assert list(tmp_path.iterdir()) == []
