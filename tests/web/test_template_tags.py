"""Money and navigation as the templates print them."""

from datetime import UTC, datetime

import pytest
from django.template import Context, RequestContext
from django.test import RequestFactory

from anka.domain.money import EXPONENTS, format_amount
from anka.web.templatetags import anka as tags


@pytest.mark.parametrize(
    ("amount_minor", "currency", "shown", "value"),
    [
        (29400, "CNY", "¥294.00", "294.00"),
        (5, "CNY", "¥0.05", "0.05"),
        (0, "CNY", "¥0.00", "0.00"),
        (-5900, "CNY", "−¥59.00", "-59.00"),
        (-1, "USD", "−$0.01", "-0.01"),
        (1284060, "CNY", "¥12,840.60", "12840.60"),
        (100, "HKD", "HKD 1.00", "1.00"),
        (1234, "JPY", "JPY 1,234", "1234"),
        (-1, "VND", "−VND 1", "-1"),
        (0, "KRW", "KRW 0", "0"),
        (1234567, "KWD", "KWD 1,234.567", "1234.567"),
        (-5, "KWD", "−KWD 0.005", "-0.005"),
    ],
)
def test_money_shows_sign_separators_and_the_decimals_of_the_currency(amount_minor: int, currency: str, shown: str, value: str) -> None:
    markup = str(tags.money(amount_minor, currency))
    text = markup.replace("<span>", "").replace("</span>", "").replace("<small>", "").replace("</small>", "")
    assert text == f'<data class="money" value="{value}">{shown}</data>'
    assert tags.in_a_sentence(amount_minor, currency) == shown


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
@pytest.mark.parametrize("amount_minor", [0, 1, 99, 100, 1000, 123456, -7])
def test_what_is_shown_is_what_the_domain_writes(currency: str, amount_minor: int) -> None:
    value = str(tags.money(amount_minor, currency)).split('value="')[1].split('"')[0]
    assert value == format_amount(amount_minor=amount_minor, currency=currency)


def test_a_hostile_currency_or_icon_name_stays_text() -> None:
    assert "<b>" not in tags.money(1, "<b>")
    assert "<script>" not in tags.icon('"><script>')


@pytest.mark.parametrize(
    ("seconds", "places"),
    [
        (0, [(0, 2), (0, 3)]),
        (59, [(0, 2), (59, 3)]),
        (3600, [(1, 1), (0, 2), (0, 3)]),
        (86399, [(23, 1), (59, 2), (59, 3)]),
        (86400, [(1, 0), (0, 1), (0, 2)]),
    ],
)
def test_a_countdown_is_cut_into_its_largest_places(seconds: int, places: list[tuple[int, int]]) -> None:
    assert tags._places(seconds) == places


def test_an_instant_is_read_from_text_and_from_a_datetime_alike() -> None:
    assert tags._instant("2026-11-22T06:31:00+00:00") == tags._instant(datetime(2026, 11, 22, 6, 31, tzinfo=UTC))


def page(path: str, theme: str = "") -> RequestContext:
    """Build the context of a page at path, asked for with a theme cookie."""
    request = RequestFactory().get(path)
    request.COOKIES["theme"] = theme
    return RequestContext(request)


@pytest.mark.parametrize(
    ("path", "link", "marked"),
    [("/", "/", True), ("/orders", "/", False), ("/orders/X", "/orders", True), ("/orders-old", "/orders", False)],
)
def test_a_link_is_current_on_its_page_and_below_it(path: str, link: str, marked: bool) -> None:
    assert bool(tags.current(page(path), link)) is marked


def test_no_link_is_current_on_a_page_without_a_path() -> None:
    assert tags.current(Context({}), "/") == ""


@pytest.mark.parametrize(
    ("cookie", "written"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("", ""), ('"><script>', "")]
)
def test_only_a_known_theme_reaches_the_page(cookie: str, written: str) -> None:
    assert tags.chosen_theme(page("/", cookie)) == written


def test_a_page_knows_its_own_address() -> None:
    assert tags.here(page("/orders?tab=paid")) == "/orders?tab=paid"
    assert tags.here(Context({})) == "/"


def test_every_kind_of_goods_has_a_face_or_the_plain_one() -> None:
    assert tags.face_of("card_key") == ""
    assert tags.face_of("top_up") == "ink"
