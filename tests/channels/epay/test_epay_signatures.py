"""What is signed, and that it cannot be read in two ways."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anka.adapters.channels import epay_wire
from anka.adapters.channels.epay_wire import FieldsMalformed
from tests.channels.epay import signing

PAID = {
    "pid": "1001",
    "trade_no": "2026112308000012345",
    "out_trade_no": "Q1",
    "type": "alipay",
    "name": "云晶",
    "money": "10.00",
    "trade_status": "TRADE_SUCCESS",
    "param": "",
}
# printf '%s' 'money=10.00&name=云晶&out_trade_no=Q1&pid=1001&trade_no=2026112308000012345&trade_status=…&type=alipay<key>' | openssl md5
PAID_MD5 = "5918c49135cbb0c8cc45e6d25d6c0142"
STAMPED = {**PAID, "pid": "1002", "timestamp": "1795420800"}
# printf '%s' 'money=10.00&…&pid=1002&timestamp=1795420800&trade_no=…' | openssl dgst -sha256 -sign platform.pem | base64
STAMPED_RSA = (
    "GLWCStGjqCdxySYassm9oWlnQv7i+xzQHKBnYD/eDdzM5T5i3QSNNDBUqmmr1eHuyIrreuqJ+l1VnDVxBbJ8a5q86lXDN21Fjku1AG8WF2cPiGa333xyaL/4SGXiO8F1XBVy"
    "xjdomAm7LgsAcp6aVf1WzCsW24C6PnlVobY8Qb3lcygtULuqIXA0/Dfaj/N/Pz9AD3HQx9J+FUjoFEf7vpAJ1X401vYFwYaWZTXLDcOALZ3xX9wBucHx/b+KIxXLg8BUmoR4"
    "xQM4UUf8MPOCivrHryrQhoxigIlhnsmWfCbWr+lNQmVYirAsU+yfOaPBVtjs5zvprvN0ftWbLLgTrQ=="
)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="&="), max_size=8)


def test_the_text_that_is_signed_is_the_documented_one() -> None:
    wanted = "money=10.00&name=云晶&out_trade_no=Q1&pid=1001&trade_no=2026112308000012345&trade_status=TRADE_SUCCESS&type=alipay"

    assert epay_wire.canonical(fields={**PAID, "sign": "x", "sign_type": "MD5"}) == wanted == signing.text_of(PAID)


def test_v1_signs_as_openssl_does() -> None:
    assert epay_wire.md5_signature(fields=PAID, key=signing.DOCUMENTED_KEY) == PAID_MD5
    assert epay_wire.md5_signed(fields=PAID, key=signing.DOCUMENTED_KEY) == signing.md5(PAID)
    assert epay_wire.md5_fits(fields=signing.md5(PAID), key=signing.DOCUMENTED_KEY)


@pytest.mark.parametrize(
    "changed", [{"money": "1.00"}, {"out_trade_no": "Q2"}, {"extra": "1"}, {"sign": ""}, {"sign": PAID_MD5.upper()}, {"sign_type": "RSA"}]
)
def test_v1_does_not_fit_anything_else(changed: dict[str, str]) -> None:
    assert not epay_wire.md5_fits(fields={**signing.md5(PAID), **changed}, key=signing.DOCUMENTED_KEY)


def test_v2_signs_as_openssl_does() -> None:
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    platform = signing.rsa_key("platform")

    signed = epay_wire.rsa_signed(fields={**PAID, "pid": "1002"}, key=platform, real_now=at)

    assert signed["sign"] == STAMPED_RSA
    assert signed == signing.rsa(STAMPED, platform)
    assert epay_wire.rsa_fits(fields={**STAMPED, "sign": STAMPED_RSA, "sign_type": "RSA"}, key=platform.public_key())


@pytest.mark.parametrize("changed", [{"money": "1.00"}, {"timestamp": "1795420801"}, {"sign": "!"}, {"sign": ""}, {"sign_type": "MD5"}])
def test_v2_does_not_fit_anything_else(changed: dict[str, str]) -> None:
    told = {**STAMPED, "sign": STAMPED_RSA, "sign_type": "RSA", **changed}

    assert not epay_wire.rsa_fits(fields=told, key=signing.rsa_key("platform").public_key())
    assert not epay_wire.rsa_fits(fields={**STAMPED, "sign": STAMPED_RSA}, key=signing.rsa_key("merchant").public_key())
    assert len(base64.b64decode(STAMPED_RSA)) == 256


@given(st.dictionaries(st.text("abcdefgh_", min_size=1, max_size=6), WORDS, max_size=6))
def test_both_writings_of_the_algorithm_agree(fields: dict[str, str]) -> None:
    assert epay_wire.canonical(fields=fields) == signing.text_of(fields)
    assert epay_wire.md5_signed(fields=fields, key="k") == signing.md5(fields, "k")


@given(st.dictionaries(st.text("abcdefgh_", min_size=1, max_size=6), WORDS.filter(bool), min_size=1, max_size=6))
def test_what_is_read_can_be_read_in_one_way_only(fields: dict[str, str]) -> None:
    read = epay_wire.read_fields(query=signing.query(fields))

    # Whoever knows the signed text knows the fields: there is no second set of fields with the same text.
    assert read == fields
    assert dict(part.split("=", 1) for part in epay_wire.canonical(fields=read).split("&")) == fields


@pytest.mark.parametrize(
    "query",
    [
        "money=10.00&money=0.01",
        "name=x%26trade_status%3DTRADE_SUCCESS",
        "na%26me=x",
        "na%3Dme=x",
        "name=%FF",
        "money",
        "&".join(f"f{n}=1" for n in range(65)),
        "name=" + "x" * 9_000,
    ],
)
def test_a_query_that_is_no_plain_list_of_fields_is_not_read(query: str) -> None:
    with pytest.raises(FieldsMalformed):
        epay_wire.read_fields(query=query)


@given(st.text(max_size=80))
def test_a_name_of_goods_adds_no_field_and_fits(subject: str) -> None:
    name = epay_wire.goods_name(subject=subject)

    assert name
    assert len(name.encode()) <= 127
    assert not set(name) & set("&=<>\"'\\\n\r\t\0")


def test_a_long_name_is_cut_between_letters() -> None:
    assert epay_wire.goods_name(subject="云" * 60) == "云" * 42
    assert epay_wire.goods_name(subject="A&B=C <云晶>") == "A＆B＝C ＜云晶＞"
    assert epay_wire.goods_name(subject="\n") == "-"


def test_only_plain_fields_of_an_answer_count() -> None:
    body = b'{"code":1,"money":10.50,"msg":"\xe5\xa5\xbd","data":[{"code":2}],"more":{"a":1},"flag":true,"nothing":null}'

    assert epay_wire.read_answer(body=body) == {"code": "1", "money": "10.50", "msg": "好"}
    for broken in (b"", b"<html>", b"[1]", b"[" * 5_000, b"\xff"):
        with pytest.raises(epay_wire.AnswerMalformed):
            epay_wire.read_answer(body=broken)


def test_the_address_for_the_browser_carries_the_signed_fields() -> None:
    url = epay_wire.address(base_url="https://pay.example.com", path="/submit.php", fields=signing.md5(PAID))

    assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)) == signing.md5(PAID)
