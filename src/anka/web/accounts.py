"""Signing in, signing out, making an account."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language, gettext, gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from anka.accounts import passwords, queries
from anka.core import rate_limits
from anka.core.refusals import BadInput
from anka.flows.sign_up import UsernameTaken, sign_up
from anka.web import session
from anka.web.requests import PageRequest, safe_next

DEMO_PASSWORD = "anka-demo"  # noqa: S105  the log-ins of the demo are published
DEMO = (
    ("buyer1", gettext_lazy("Buyer")),
    ("buyer2", gettext_lazy("Buyer")),
    ("shop1", gettext_lazy("Merchant")),
    ("agent1", gettext_lazy("Agent")),
    ("arbiter1", gettext_lazy("Arbiter")),
    ("finance1", gettext_lazy("Finance")),
    ("admin1", gettext_lazy("Administrator")),
    ("admin2", gettext_lazy("Administrator")),
)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: PageRequest) -> HttpResponse:
    """Ask for name and password; sign whoever has both in."""
    asked = request.POST if request.method == "POST" else request.GET
    onward = safe_next(asked.get("next", ""))
    if request.method != "POST":
        return _sign_in_page(request, {"username": "", "next": onward})
    username, password = request.POST.get("username", ""), request.POST.get("password", "")
    known = passwords.normalised_username(username)
    rate_limits.spend(name="sign_in_address", caller=f"address:{_address(request)}", at=request.at)
    rate_limits.spend(name="sign_in_name", caller=f"name:{known[:80]}", at=request.at)
    try:
        person_id = passwords.verify(username=username, password=password)
    except passwords.WrongCredentials as wrong:
        return _sign_in_page(request, {"username": username, "next": onward, "errors": {"username": str(wrong)}}, status=422)
    session.begin(request, person_id=person_id, real_now=request.at.real)
    return HttpResponseRedirect(onward or _home(person_id))


def _home(person_id: int) -> str:
    """Return where somebody's work is: the workbench of a shop, or their orders."""
    found = queries.person(person_id=person_id)
    return "/shop" if found is not None and found.works_for_shop else "/orders"


def _sign_in_page(request: PageRequest, shown: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, "accounts/sign_in.html", {**shown, "demo_accounts": _demo_accounts()}, status=status)


def _demo_accounts() -> list[dict[str, object]]:
    """Return the demo's log-ins that exist, in a sandbox only."""
    if not settings.ENVIRONMENT.sandbox:
        return []
    found = [(name, role) for name, role in DEMO if queries.credentials(username=name)]
    return [{"role": role, "username": name, "password": DEMO_PASSWORD} for name, role in found]


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: PageRequest) -> HttpResponse:
    """Make an account and sign its owner in."""
    asked = request.POST if request.method == "POST" else request.GET
    onward = safe_next(asked.get("next", ""))
    if request.method != "POST":
        return render(request, "accounts/register.html", {"username": "", "next": onward})
    username = passwords.normalised_username(request.POST.get("username", ""))
    rate_limits.spend(name="sign_up_address", caller=f"address:{_address(request)}", at=request.at)
    try:
        person_id = _sign_up(request, username, request.POST.get("password", ""))
    except (BadInput, UsernameTaken) as refused:
        shown = {"username": username[:40], "next": onward, "errors": _errors(refused)}
        return render(request, "accounts/register.html", shown, status=422)
    session.begin(request, person_id=person_id, real_now=request.at.real)
    return HttpResponseRedirect(onward or "/")


def _sign_up(request: PageRequest, username: str, password: str) -> int:
    passwords.check_new_credentials(username=username, password=password)
    hashed = passwords.hash_password(password=password)
    spoken = get_language() or settings.LANGUAGE_CODE
    return sign_up(username=username, display_name=username, language=spoken, password_hash=hashed, at=request.at)


def _errors(refused: BadInput | UsernameTaken) -> dict[str, str]:
    if isinstance(refused, UsernameTaken):
        return {"username": str(refused)}
    words = {
        "username": gettext("Choose 3 to 40 small letters, digits, or _ . - and begin with a letter or a digit."),
        "password": gettext("A password has 8 to 200 characters."),
    }
    return {field: words[field] for field in refused.fields}


@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: PageRequest) -> HttpResponse:
    """Show the account's links; sign whoever presses the button out."""
    if request.method == "POST":
        session.end(request)
        return HttpResponseRedirect("/")
    if request.visitor is None:
        return HttpResponseRedirect("/sign-in")
    return render(request, "accounts/sign_out.html")


def _address(request: PageRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
