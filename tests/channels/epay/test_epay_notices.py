"""Notices of both versions: the genuine ones, and everything that is not one – above all our own signed requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from anka.adapters.channels.epay import EpayChannel
from anka.adapters.channels.port import (
    EvidenceStatus,
    Notice,
    NoticeBadSignature,
    NoticeMalformed,
    NoticeRefused,
    NoticeTooOld,
    NoticeUnknownMerchant,
    NoticeWrongPurpose,
)
from tests.channels.epay import signing
from tests.channels.epay.world import AMOUNT, Epay, got

CODES = ["epay", "epay_v2"]
Fields = dict[str, str]


def read(epay: Epay, code: str, query: str, **more: str) -> Notice:
    return epay.channel(code).read_notice(message=got(query, **more), now=epay.now)


def signed(epay: Epay, code: str, **changed: str) -> str:
    """A notice as the documentation has it, signed by the test and not by the sandbox."""
    fields = {
        "pid": "1001" if code == "epay" else "1002",
        "trade_no": "20160806151343349021",
        "out_trade_no": "Q1-000001",
        "type": "alipay",
        "name": "VIP会员",
        "money": "10.00",
        "trade_status": "TRADE_SUCCESS",
        **changed,
    }
    if code == "epay":
        return signing.query(signing.md5(fields, epay.v1._settings.key))
    stamped = {"timestamp": str(int(epay.world.real().timestamp())), **fields}
    return signing.query(signing.rsa(stamped, signing.rsa_key("platform")))


@pytest.mark.parametrize("code", CODES)
def test_a_genuine_notice_tells_its_facts(epay: Epay, code: str) -> None:
    (sent,) = epay.pay(code)

    notice = epay.channel(code).read_notice(message=sent.incoming, now=epay.now)

    assert (sent.method, sent.channel, sent.body) == ("GET", code, b"")
    assert (notice.kind, notice.number, notice.payment_number) == ("payment.paid", "Q1-000001", "Q1-000001")
    told = notice.evidence
    assert (told.status, told.amount_minor, told.currency) == (EvidenceStatus.SUCCEEDED, AMOUNT, "CNY")
    assert (told.channel_number, told.source, told.observed_at) == (epay.trade_no(), "notice", epay.now)
    assert abs((notice.sent_at - epay.world.real()).total_seconds()) < 1
    assert notice.event_id == epay.channel(code).read_notice(message=sent.incoming, now=epay.now).event_id


@pytest.mark.parametrize("code", CODES)
def test_a_notice_signed_by_the_documentation_alone_is_read(epay: Epay, code: str) -> None:
    assert read(epay, code, signed(epay, code)).evidence.amount_minor == AMOUNT
    # Newer gateways write a sum without its zeros.
    assert read(epay, code, signed(epay, code, money="10")).evidence.amount_minor == AMOUNT


@pytest.mark.parametrize("code", CODES)
def test_another_sum_is_read_as_it_is_and_left_to_be_compared(epay: Epay, code: str) -> None:
    epay.start(code)
    (sent,) = epay.play("Q1-000001", "paid", "wrong_amount")

    assert epay.channel(code).read_notice(message=sent.incoming, now=epay.now).evidence.amount_minor == 1


@pytest.mark.parametrize("code", CODES)
def test_what_the_merchant_itself_signed_is_never_a_notice(epay: Epay, code: str) -> None:
    epay.start(code)
    (reflected,) = epay.play("Q1-000001", "paid", "reflected")

    assert "notify_url" in reflected.query
    with pytest.raises(NoticeWrongPurpose):
        epay.channel(code).read_notice(message=reflected.incoming, now=epay.now)


@pytest.mark.parametrize("added", ["notify_url", "return_url", "clientip", "device", "method", "out_refund_no", "act", "key"])
def test_whatever_carries_a_field_of_a_request_is_not_a_notice_however_well_it_is_signed(epay: Epay, added: str) -> None:
    """The control of the test before: these have everything a notice has, and the right signature."""
    query = signed(epay, "epay", **{added: "http://shop.test/"})

    with pytest.raises(NoticeWrongPurpose):
        read(epay, "epay", query)


def test_the_address_the_browser_carries_is_not_a_notice_nor_with_a_word_added(epay: Epay) -> None:
    began = epay.v1.start(payment=epay.wanted(), now=epay.now)
    query = urlsplit(began.cashier_url).query

    for forged in (query, f"{query}&trade_status=TRADE_SUCCESS&trade_no=1"):
        with pytest.raises(NoticeWrongPurpose):
            read(epay, "epay", forged)
    fields = {name: value for name, value in parse_qsl(query) if name not in {"notify_url", "return_url"}}
    with pytest.raises(NoticeBadSignature):
        read(epay, "epay", signing.query({**fields, "trade_status": "TRADE_SUCCESS", "trade_no": "1"}))


def test_goods_cannot_be_named_so_that_we_sign_a_notice(epay: Epay) -> None:
    """Values are signed as they are. Goods named like this, the signed text would also be the text of a notice."""
    subject = "x&out_trade_no=Q1-000001&pid=1001&trade_no=1&trade_status=TRADE_SUCCESS&type=alipay&zzz=1"
    began = epay.v1.start(payment=epay.wanted(subject=subject), now=epay.now)
    fields = dict(parse_qsl(urlsplit(began.cashier_url).query))

    assert not set("&=") & set(fields["name"])
    assert signing.text_of(fields).count("&") == len(fields.keys() - {"sign", "sign_type"}) - 1


def test_if_we_had_signed_such_a_name_it_would_still_be_no_notice(epay: Epay) -> None:
    """The other half: an `&` in a value is refused when it comes in, so a text has one reading."""
    rest = "1&notify_url=http://shop.test/&out_trade_no=Q1-000001&pid=1001&return_url=http://shop.test/"
    fields = {"money": "10.00", "name": "x", "out_trade_no": "Q1-000001", "pid": "1001"}
    fields |= {"trade_no": "1", "trade_status": "TRADE_SUCCESS", "type": "alipay", "zzz": rest}

    with pytest.raises(NoticeMalformed):
        read(epay, "epay", signing.query(signing.md5(fields, epay.v1._settings.key)))


@pytest.mark.parametrize("code", CODES)
def test_a_strangers_signature_is_refused(epay: Epay, code: str) -> None:
    epay.start(code)
    (forged,) = epay.play("Q1-000001", "paid", "forged")

    with pytest.raises(NoticeBadSignature):
        epay.channel(code).read_notice(message=forged.incoming, now=epay.now)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.replace("money=10.00", "money=1000.00"),
        lambda query: query.replace("Q1-000001", "Q9-000001"),
        lambda query: query.replace("20160806151343349021", "20160806151343349022"),
        lambda query: query + "&extra=1",
        lambda query: query.replace("sign=", "sign=0"),
    ],
)
def test_a_changed_notice_is_refused(epay: Epay, code: str, change: Callable[[str], str]) -> None:
    query = signed(epay, code)
    assert change(query) != query

    with pytest.raises(NoticeBadSignature):
        read(epay, code, change(query))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"pid": "1003"}, NoticeUnknownMerchant),
        ({"type": "bank"}, NoticeMalformed),
        ({"type": ""}, NoticeMalformed),
        ({"money": "10.001"}, NoticeMalformed),
        ({"money": "-1"}, NoticeMalformed),
        ({"money": "1e3"}, NoticeMalformed),
        ({"trade_no": ""}, NoticeMalformed),
        ({"out_trade_no": ""}, NoticeMalformed),
        ({"out_trade_no": "Q1' OR 1"}, NoticeMalformed),
        ({"trade_status": ""}, NoticeWrongPurpose),
    ],
)
def test_a_well_signed_notice_that_is_not_ours_or_has_no_shape_is_refused(
    epay: Epay, code: str, changed: Fields, reason: type[NoticeRefused]
) -> None:
    with pytest.raises(reason):
        read(epay, code, signed(epay, code, **changed))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("status", ["TRADE_CLOSED", "WAIT_BUYER_PAY", "trade_success"])
def test_only_trade_success_is_news(epay: Epay, code: str, status: str) -> None:
    notice = read(epay, code, signed(epay, code, trade_status=status))

    assert (notice.kind, notice.evidence.status) == ("nothing", EvidenceStatus.PROCESSING)


@pytest.mark.parametrize("code", CODES)
def test_it_comes_by_get_and_each_field_once(epay: Epay, code: str) -> None:
    query = signed(epay, code)

    for bad, more in ((query, {"method": "POST"}), (query + "&money=0.01", {}), ("", {}), ("x" * 9_000, {}), ("%", {})):
        with pytest.raises(NoticeRefused):
            read(epay, code, bad, **more)


@pytest.mark.parametrize(("seconds", "believed"), [(299, True), (301, False), (30 * 86_400, False)])
def test_an_old_notice_of_v2_is_refused(epay: Epay, seconds: int, believed: bool) -> None:
    epay.start("epay_v2")
    (replayed,) = epay.play("Q1-000001", "paid", {"fault": "replayed", "seconds": seconds})

    if believed:
        assert epay.v2.read_notice(message=replayed.incoming, now=epay.now).kind == "payment.paid"
    else:
        with pytest.raises(NoticeTooOld):
            epay.v2.read_notice(message=replayed.incoming, now=epay.now)


def test_a_notice_of_v2_without_a_time_is_too_old(epay: Epay) -> None:
    with pytest.raises(NoticeTooOld):
        read(epay, "epay_v2", signed(epay, "epay_v2", timestamp=""))


def test_a_notice_of_v1_has_no_time_and_an_old_one_is_the_same_event(epay: Epay) -> None:
    """There is nothing to refuse it by; the transaction number, which is taken once, makes it harmless (test_epay_jobs)."""
    (first,) = epay.pay("epay")
    epay.world.real.tick(30 * 86_400)
    (again,) = epay.play("Q1-000001", "paid", "replayed")
    epay.world.real.tick(-30 * 86_400)

    assert again.query == first.query


def test_nobody_has_an_old_notice_of_money_that_never_came(epay: Epay) -> None:
    epay.start("epay")

    assert epay.play("Q1-000001", "paid", "replayed") == []


def test_without_named_ways_to_pay_any_is_taken(epay: Epay) -> None:
    open_minded = EpayChannel(settings=replace(epay.v1._settings, types=()), notify_url="http://shop.test/", real_clock=epay.world.real)

    assert open_minded.read_notice(message=got(signed(epay, "epay", type="bank")), now=epay.now).kind == "payment.paid"
    open_minded.close_connections()


@pytest.mark.parametrize("code", CODES)
def test_the_answers(epay: Epay, code: str) -> None:
    assert epay.channel(code).notice_accepted() == (200, "text/plain", b"success")
    status, _, body = epay.channel(code).notice_refused(status=401)
    assert (status, b"success" in body) == (401, False)


@pytest.mark.parametrize("code", CODES)
def test_refunds_and_failures_are_not_told_of(epay: Epay, code: str) -> None:
    epay.start(code)
    assert epay.play("Q1-000001", "failed") == []

    assert len(epay.play("Q1-000001", "paid", "duplicate")) == 2
