"""A browser without script: it follows links, fills in forms as they stand in the page, and proves nothing that the page did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, cast
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client

from anka.core.actors import Actor
from anka.core.clock import moment
from anka.web import session

Answer = Any
"""What Django's test client answers; its stubs hide half of it."""


@dataclass
class Form:
    """A form as it stands in a page: where it goes, how, and what it sends."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def value(self, name: str) -> str:
        """The value of a field."""
        return next(value for known, value in self.fields if known == name)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._inside = False
        self._choice = ""
        self._text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
            self._inside = True
        if not self._inside:
            return
        form = self.forms[-1]
        if tag == "button" and "disabled" not in given and "name" in given:
            form.buttons.append((given["name"], given.get("value", "")))
        if tag == "select":
            self._choice = given.get("name", "")
        if tag == "option" and "selected" in given:
            form.fields.append((self._choice, given.get("value", "")))
        if tag == "textarea" and "name" in given and "disabled" not in given:
            self._choice, self._text = given["name"], []
        if tag == "input" and "name" in given and "disabled" not in given and _is_sent(given):
            form.fields.append((given["name"], given.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            # The first line end after the opening tag is not part of the text.
            text = "".join(self._text).removeprefix("\n")
            self.forms[-1].fields.append((self._choice, text.replace("\n", "\r\n")))
            self._text = None
        if tag == "form":
            self._inside = False


def _is_sent(given: dict[str, str]) -> bool:
    return given.get("type") not in ("checkbox", "radio") or "checked" in given


def forms_of(page: str) -> list[Form]:
    """Every form of a page, in order."""
    reader = _Reader()
    reader.feed(page)
    return reader.forms


@dataclass
class Browser:
    """Somebody's browser. Forged forms are refused here as they are outside."""

    client: Client
    buyer: Actor | None = None

    def get(self, path: str, **headers: str) -> Answer:
        """Open an address."""
        return self.client.get(path, headers=headers or None)

    def form(self, answer: Answer, action: str, **holding: str) -> Form:
        """The form of a page that goes to this address and holds these fields."""
        page = answer.content.decode()
        found = [form for form in forms_of(page) if form.action == action and form.method == "post" and _holds(form, holding)]
        assert found, f"no form posts to {action} with {holding}: {[form.action for form in forms_of(page)]}"
        return found[0]

    def send(
        self, form: Form, *, typed: Mapping[str, str] | None = None, follow: bool = False, leaving_out: Sequence[str] = (), **more: str
    ) -> Answer:
        """Send a form as it stands, with what somebody typed or ticked."""
        more = {**(typed or {}), **more}
        data = [(name, value) for name, value in form.fields if name not in more and name not in leaving_out] + list(more.items())
        body = urlencode(data)
        return cast(
            "Answer",
            self.client.post(form.action, data=body, content_type="application/x-www-form-urlencoded", follow=follow),
        )


def _holds(form: Form, wanted: dict[str, str]) -> bool:
    return all((name, value) in form.fields for name, value in wanted.items())


def browser(buyer: Actor | None = None) -> Browser:
    """A fresh browser; with a buyer, one that is signed in."""
    client = Client(enforce_csrf_checks=True)
    if buyer is not None:
        store = client.session
        store[session.PERSON] = buyer.person_id
        store[session.SINCE] = int(moment().real.timestamp())
        store.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = store.session_key or ""
    return Browser(client=client, buyer=buyer)
