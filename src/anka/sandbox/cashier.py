"""The cashier page: what a buyer of the sandbox sees. No script, no picture from elsewhere, no money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape
from typing import Literal

import segno

from anka.sandbox.cashier_texts import CHANNEL_TEXTS, FAULT_TEXTS, TEXTS
from anka.sandbox.faults import POSSIBLE, Operation
from anka.sandbox.store import Payment

Language = Literal["zh", "en"]
_BEIJING = timezone(timedelta(hours=8))
_UNITS_WITHOUT_DECIMALS = frozenset({"JPY", "KRW", "VND"})
_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€"}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything the page shows. `status` is the state at this moment; `address` is the page's own, for the QR code."""

    payment: Payment
    status: str
    address: str
    language: Language
    complaint: str = ""


def render_cashier(*, view: View) -> bytes:
    """Return the cashier page of a payment."""
    words = TEXTS[view.language]
    payment = view.payment
    payable = view.status in {"open", "failed"}
    middle = _payable(view=view) if payable else _settled(view=view)
    body = f"""
<section class="slip" aria-labelledby="amount">
<p class="quiet">{words["pay_amount"]}</p>
<h1 id="amount" class="amount">{_money(payment)}</h1>
<dl class="facts">
<dt>{words["channel"]}</dt><dd>{_channel(view)}</dd>
<dt>{words["subject"]}</dt><dd>{escape(payment.subject)}</dd>
<dt>{words["number"]}</dt><dd><code>{escape(payment.number)}</code></dd>
<dt>{words["expires"]}</dt><dd>{_time(payment.expires_at)} <span class="quiet">{words["time_zone"]}</span></dd>
</dl>
</section>
{_complaint(view.complaint)}{middle}"""
    return _page(language=view.language, title=words["title"], body=body, other=f"?lang={'en' if view.language == 'zh' else 'zh'}")


def render_message(*, language: Language, detail: str) -> bytes:
    """Return a page that says in one line what happened."""
    words = TEXTS[language]
    body = f'<section class="slip"><h1>{words["sorry"]}</h1><p>{escape(detail)}</p><p class="quiet">{words["nothing_lost"]}</p></section>'
    return _page(language=language, title=words["sorry"], body=body, other="")


def _channel(view: View) -> str:
    """Which channel is being played, always with the word sandbox."""
    name = CHANNEL_TEXTS.get(view.payment.protocol, {}).get(view.language, "")
    sandbox = TEXTS[view.language]["sandbox"]
    return f"{name} · {sandbox}" if name else sandbox


def _payable(*, view: View) -> str:
    words = TEXTS[view.language]
    failed = f'<p class="note wait">{words["failed_before"]}</p>' if view.status == "failed" else ""
    return f"""{failed}
<div class="scan"><img alt="{words["qr_alt"]}" width="160" height="160" src="{_qr(view.address)}">
<p class="quiet">{words["qr"]}</p></div>
<form class="decide" method="post" action="/cashier/{escape(view.payment.token)}">
<input type="hidden" name="lang" value="{view.language}">
<button class="button primary" name="outcome" value="paid">{words["paid"]} {_money(view.payment)}</button>
<button class="button" name="outcome" value="failed">{words["failed"]}</button>
<button class="button danger" name="outcome" value="closed">{words["closed"]}</button>
<details><summary>{words["faults"]}</summary>
<fieldset><legend class="quiet">{words["faults_hint"]}</legend>
{_fault_menu(language=view.language)}</fieldset></details>
</form>
<p><a class="back" href="{escape(view.payment.return_url)}">{words["back_unpaid"]}</a></p>"""


def _settled(*, view: View) -> str:
    words = TEXTS[view.language]
    tone = "good" if view.status == "paid" else "wait"
    expired = view.status == "closed" and view.payment.status != "closed"
    return f"""
<p class="note {tone}">{words["is_expired" if expired else f"is_{view.status}"]}</p>
<p><a class="button primary" href="{escape(view.payment.return_url)}">{words["back"]}</a></p>
{_late_form(view=view) if expired else ""}"""


def _late_form(*, view: View) -> str:
    words = TEXTS[view.language]
    return f"""<details><summary>{words["faults"]}</summary>
<form class="decide" method="post" action="/cashier/{escape(view.payment.token)}">
<input type="hidden" name="lang" value="{view.language}"><input type="hidden" name="fault" value="late">
<p class="quiet">{words["late_hint"]}</p>
<button class="button danger" name="outcome" value="paid">{words["pay_late"]} {_money(view.payment)}</button></form></details>"""


def _fault_menu(*, language: Language) -> str:
    names = [name for name in FAULT_TEXTS if name in POSSIBLE[Operation.PAY]]
    return "\n".join(
        f'<label class="tick"><input type="checkbox" name="fault" value="{name}"><span>{FAULT_TEXTS[name][language]}'
        f"<small><code>{name}</code></small></span></label>"
        for name in names
    )


def _complaint(complaint: str) -> str:
    return f'<p class="note bad" role="alert">{escape(complaint)}</p>' if complaint else ""


def _qr(address: str) -> str:
    return str(segno.make(address, error="m", micro=False).svg_data_uri(border=3, dark="#12201f", light="#fff"))


def _money(payment: Payment) -> str:
    digits = str(payment.amount_minor)
    if payment.currency not in _UNITS_WITHOUT_DECIMALS:
        digits = digits.rjust(3, "0")
        digits = f"{digits[:-2]}.{digits[-2:]}"
    whole, point, cents = digits.partition(".")
    sign = _SIGNS.get(payment.currency, f"{escape(payment.currency)} ")
    return f'<data class="money" value="{digits}">{sign}{int(whole):,}{point}{cents}</data>'


def _time(moment: datetime) -> str:
    local = moment.astimezone(_BEIJING)
    return f'<time datetime="{moment.isoformat()}">{local:%Y-%m-%d %H:%M:%S}</time>'


def _page(*, language: Language, title: str, body: str, other: str) -> bytes:
    words = TEXTS[language]
    switch = f'<a href="{other}" lang="{"en" if language == "zh" else "zh-CN"}">{words["other_language"]}</a>' if other else ""
    return f"""<!doctype html>
<html lang="{"zh-CN" if language == "zh" else "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} · {words["sandbox"]}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="banner"><div class="wide"><b>{words["sandbox"]}</b><span>{words["banner"]}</span>{switch}</div></header>
<main class="wide">{body}
</main>
</body>
</html>
""".encode()
