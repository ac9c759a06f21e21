"""How templates show money, moments, clocks and icons: always the same way, in the reader's language."""

from datetime import datetime, timedelta

from django import template
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext

from anka.domain.money import EXPONENTS

register = template.Library()

CURRENCY_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€"}
MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 24 * MINUTES_PER_HOUR


def shown(amount_minor: int, currency: str) -> tuple[str, str, str, str]:
    """Take an amount apart as it is shown: minus or nothing, the currency's sign, whole units in thousands, decimals or nothing.

    An amount of a currency the market does not trade in (somebody sent it) is shown with two decimals.
    """
    digits = EXPONENTS.get(currency, 2)
    whole, rest = divmod(abs(amount_minor), 10**digits)
    decimals = f"{rest:0{digits}d}" if digits else ""
    return "−" if amount_minor < 0 else "", CURRENCY_SIGNS.get(currency, f"{currency} "), f"{whole:,}", decimals


def in_a_sentence(amount_minor: int, currency: str) -> str:
    """Write an amount as it stands in a sentence: ¥98.00, JPY 1,234."""
    minus, sign, whole, decimals = shown(amount_minor, currency)
    return f"{minus}{sign}{whole}{'.' if decimals else ''}{decimals}"


@register.simple_tag
def money(amount_minor: int, currency: str = "CNY", size: str = "") -> SafeString:
    """Show an amount of integer minor units with its sign and the decimals of its currency; size is empty, medium, large or huge."""
    minus, sign, whole, decimals = shown(amount_minor, currency)
    plain = f"{'-' if minus else ''}{whole.replace(',', '')}{'.' if decimals else ''}{decimals}"
    return format_html(
        '<data class="{}" value="{}">{}<span>{}</span>{}{}</data>',
        f"money {size}".strip(),
        plain,
        minus,
        sign,
        whole,
        format_html("<small>.{}</small>", decimals) if decimals else "",
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw one of the symbols of icons.html; it is decoration, so a word must stand beside it."""
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def countdown(due: datetime | str, now: datetime | str, size: str = "") -> SafeString:
    """Show the time left from now until due in words; it stands still without script and never goes below zero."""
    due_at, now_at = _instant(due), _instant(now)
    seconds = max(0, -int(-(due_at - now_at).total_seconds() // 1))
    units = _unit_words()
    parts = [(f"{value:02d}" if index else str(value), units[unit]) for index, (value, unit) in enumerate(_places(seconds))]
    return format_html(
        '<time class="{}" datetime="PT{}S" data-due="{}" data-now="{}" data-units="{}">{}</time>',
        f"countdown {size}".strip(),
        seconds,
        due_at.isoformat(),
        now_at.isoformat(),
        "|".join(units),
        format_html_join("", "<b>{}</b><span>{}</span>", parts),
    )


@register.simple_tag
def time_used(since: datetime | str, due: datetime | str, now: datetime | str) -> SafeString:
    """Draw how much of the span from since to due has passed at now, as a bar with a label."""
    since_at, due_at, now_at = _instant(since), _instant(due), _instant(now)
    span = max(due_at - since_at, timedelta(seconds=1))
    percent = min(100, max(0, int(100 * ((now_at - since_at) / span))))
    label = gettext("%(percent)s%% of the time has passed") % {"percent": percent}
    return format_html(
        '<progress max="100" value="{}" data-since="{}" data-due="{}" aria-label="{}"></progress>',
        percent,
        since_at.isoformat(),
        due_at.isoformat(),
        label,
    )


@register.filter
def moment(at: datetime | str) -> SafeString:
    """Show an instant as date and time in the zone of the settings: 11月22日 14:31."""
    local = timezone.localtime(_instant(at))
    # Translators: a date format of Django, month and day with hour and minute.
    shape = gettext("M j, H:i")
    return format_html('<time class="no-break" datetime="{}">{}</time>', local.isoformat(), date_format(local, shape, use_l10n=False))


@register.filter
def day(at: datetime | str) -> SafeString:
    """Show the date of an instant with its year, in the zone of the settings: 2026年11月22日."""
    local = timezone.localtime(_instant(at))
    # Translators: a date format of Django, year, month and day.
    shape = gettext("M j, Y")
    return format_html(
        '<time class="no-break" datetime="{}">{}</time>', local.date().isoformat(), date_format(local, shape, use_l10n=False)
    )


@register.filter
def words(minutes: int) -> str:
    """Say a span of whole minutes in its largest fitting unit: 5 minutes, 2 hours, 7 days."""
    if minutes and minutes % MINUTES_PER_DAY == 0:
        days = minutes // MINUTES_PER_DAY
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": days}
    if minutes and minutes % MINUTES_PER_HOUR == 0:
        hours = minutes // MINUTES_PER_HOUR
        return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


@register.filter
def face_of(kind: str) -> str:
    """Choose the ground of a product's face by its kind of goods."""
    return {"top_up": "ink", "account": "clay", "boosting": "slate", "rental": "moss"}.get(kind, "")


@register.simple_tag(takes_context=True)
def current(context: template.Context, *paths: str) -> SafeString:
    """Mark a navigation link as current when the page's path is one of paths or lies below it; after "=" the path itself is meant."""
    request = _request(context)
    here = request.path if request is not None else ""
    for path in paths:
        if path in (here, f"={here}") or (path != "/" and here.startswith(f"{path}/")):
            return SafeString('aria-current="page"')
    return SafeString("")


@register.simple_tag(takes_context=True)
def here(context: template.Context) -> str:
    """Give the page's own address with its query, or the start page where there is no request."""
    request = _request(context)
    return request.get_full_path() if request is not None else "/"


@register.simple_tag(takes_context=True)
def chosen_theme(context: template.Context) -> SafeString:
    """Carry the reader's choice of light or dark, kept in the cookie `theme`, onto the page; without a choice the device decides."""
    request = _request(context)
    chosen = request.COOKIES.get("theme") if request is not None else None
    return SafeString(f' data-theme="{chosen}"') if chosen in ("light", "dark") else SafeString("")


@register.simple_tag
def html_language() -> str:
    """Name the language of the page as HTML wants it."""
    return "zh-CN" if (get_language() or "").startswith("zh") else "en"


def _request(context: template.Context) -> HttpRequest | None:
    # RequestContext carries the request even where no context processor puts it among the variables.
    return getattr(context, "request", None)


def _instant(value: datetime | str) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _unit_words() -> list[str]:
    # Translators: the words beside the digits of a countdown, as short as they can be.
    return [gettext("d"), gettext("h"), gettext("min"), gettext("s")]


def _places(seconds: int) -> list[tuple[int, int]]:
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return [(days, 0), (hours, 1), (minutes, 2)]
    if hours:
        return [(hours, 1), (minutes, 2), (seconds % 60, 3)]
    return [(minutes, 2), (seconds % 60, 3)]
