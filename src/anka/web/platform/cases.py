"""A case as the platform decides it: facts, rule, both sides, and everything an arbiter may do. A ruling is shown before it counts."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from anka.cases.queries import read_case
from anka.core.idempotency import AlreadyDone, RequestKey, once
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.facts import EVIDENCE
from anka.flows.add_evidence import LONGEST_EVIDENCE, add_evidence, request_evidence
from anka.flows.rule_on_case import Finding, approve_ruling, rule_on_case
from anka.flows.steps.case_parties import NotYourTurn
from anka.orders.policies import rules_of
from anka.web import views_of_case
from anka.web.case_steps import UnknownEvidence, case_seen
from anka.web.platform import findings
from anka.web.platform.staff import Staff, staff_of
from anka.web.platform.views_of_dispute import page
from anka.web.requests import PageRequest, key_of, new_key, require_number
from anka.web.typed import typed_text
from anka.web.views_of_case import CaseSeen
from anka.web.views_of_order import order_facts

Shown = dict[str, Any]
DONE = {
    "ruling": gettext_lazy("The ruling is given."),
    "approve": gettext_lazy("Approved. The ruling counts now."),
    "ask": gettext_lazy("Asked. The time for evidence has started anew."),
    "evidence": gettext_lazy("The evidence is kept. It can no longer be changed, by anybody."),
}


class UnknownSide(Refusal):
    """Evidence was asked for from nobody."""

    code, status = "unknown_side", 422
    says = gettext_lazy("Say whom you ask. Nothing was sent.")


Do = Callable[[PageRequest, Staff, CaseSeen, RequestKey], object]


@require_safe
def show(request: PageRequest, number: str) -> HttpResponse:
    """Show a case to the platform's staff."""
    staff = staff_of(request)
    seen = _seen(request, staff, require_number(number))
    done = DONE.get(request.GET.get("done", ""))
    return _page(request, seen, told=[{"tone": "ok", "text": done}] if done else [])


@require_POST
def rule(request: PageRequest, number: str) -> HttpResponse:
    """Show what a ruling would move; give it when that is confirmed."""
    staff = staff_of(request)
    seen = _seen(request, staff, require_number(number))
    key = key_of(request, *findings.FIELDS)
    draft = findings.read_draft(seen=seen, form=request.POST)
    if "change" in request.POST or draft.finding is None:
        return _page(request, seen, errors=draft.errors, typed=request.POST, status=422 if draft.errors else 200)
    if "confirmed" not in request.POST:
        if not seen.may("rule"):
            return _page(request, seen, told=[_refusal(seen.why_not("rule") or str(NotYourTurn()))], typed=request.POST, status=409)
        return _preview(request, seen, draft.finding)
    finding = draft.finding

    def give(_request: PageRequest, who: Staff, case: CaseSeen, _key: RequestKey) -> object:
        return once(lambda: rule_on_case(actor=who.actor, case_number=case.case.number, finding=finding, request=key, at=request.at))

    return _carry_out(request, staff, seen, ("ruling", give, key))


@require_POST
def act(request: PageRequest, number: str, action: str) -> HttpResponse:
    """Approve a colleague's ruling, ask for evidence, or add some."""
    staff = staff_of(request)
    if action not in ACTIONS:
        raise NotFound
    seen = _seen(request, staff, require_number(number))
    return _carry_out(request, staff, seen, (action, ACTIONS[action], key_of(request, "side", "kind", "text")))


def _carry_out(request: PageRequest, staff: Staff, seen: CaseSeen, what: tuple[str, Do, RequestKey]) -> HttpResponse:
    action, do, key = what
    try:
        with suppress(AlreadyDone):
            do(request, staff, seen, key)
    except (NotFound, BadInput):
        raise
    except Refusal as refused:
        if refused.status >= 500:
            raise
        fresh = _seen(request, staff, seen.case.number)
        if refused.status == 422:
            field = {UnknownEvidence: "kind", UnknownSide: "side"}.get(type(refused), f"{action}_text")
            return _page(request, fresh, errors={field: str(refused)}, typed=request.POST, status=422)
        return _page(request, fresh, told=[_refusal(str(refused))], typed=request.POST, status=refused.status)
    return HttpResponseRedirect(f"/platform/cases/{seen.case.number}?done={action}")


def _refusal(text: str) -> Shown:
    return {"tone": "bad", "text": text}


def _seen(request: PageRequest, staff: Staff, number: str) -> CaseSeen:
    state, case = read_case(number=number, actor=staff.actor, at=request.at)
    return case_seen(state=state, case=case, actor=staff.actor, reader="platform", at=request.at)


def _page(
    request: PageRequest,
    seen: CaseSeen,
    *,
    told: list[Shown] | None = None,
    errors: dict[str, str] | None = None,
    typed: Any = None,
    status: int = 200,
) -> HttpResponse:
    shown = {
        **page(seen=seen, rules=rules_of(version=seen.state.policy_version)),
        "ruling_form": findings.choices(seen) if seen.may("rule") else None,
        "keys": {name: new_key() for name in ("ruling", *ACTIONS)},
        "typed": typed or {},
        "chosen_reasons": typed.getlist("reasons") if typed else [],
        "errors": errors or {},
        "notices": told or [],
    }
    return render(request, "platform/case.html", shown, status=status)


def _preview(request: PageRequest, seen: CaseSeen, finding: Finding) -> HttpResponse:
    minor, beside = finding.refund_minor or 0, finding.compensation_minor + finding.penalty_minor
    shown = {
        "case": views_of_case.facts_of(seen),
        "order": order_facts(seen.state),
        "draft": views_of_case.drafted(seen, finding=finding),
        "moves": findings.consequences(seen=seen, refund_minor=minor, beside_minor=beside),
        "fields": [(name, value) for name in findings.FIELDS for value in request.POST.getlist(name)],
        "idempotency_key": new_key(),
    }
    return render(request, "platform/ruling.html", shown)


def _approve(request: PageRequest, staff: Staff, seen: CaseSeen, key: RequestKey) -> object:
    return once(lambda: approve_ruling(actor=staff.actor, case_number=seen.case.number, request=key, at=request.at))


def _ask(request: PageRequest, staff: Staff, seen: CaseSeen, key: RequestKey) -> object:
    side = request.POST.get("side", "")
    if side not in ("buyer", "merchant", "both"):
        raise UnknownSide
    text = typed_text(request.POST.get("text", ""), most=LONGEST_EVIDENCE)
    number = seen.case.number
    return once(lambda: request_evidence(actor=staff.actor, case_number=number, side=side, text=text, request=key, at=request.at))


def _evidence(request: PageRequest, staff: Staff, seen: CaseSeen, key: RequestKey) -> object:
    kind = request.POST.get("kind", "")
    if kind not in EVIDENCE:
        raise UnknownEvidence
    text = typed_text(request.POST.get("text", ""), most=LONGEST_EVIDENCE)
    return once(lambda: add_evidence(actor=staff.actor, case_number=seen.case.number, kind=kind, text=text, request=key, at=request.at))


ACTIONS: dict[str, Do] = {"approve": _approve, "ask": _ask, "evidence": _evidence}
