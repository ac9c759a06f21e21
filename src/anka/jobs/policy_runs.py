"""Checks and trials of drafted rules, carried out by the worker: they take seconds, and nobody waits in a request for them."""

from datetime import timedelta
from functools import lru_cache

from anka.core.clock import Moment
from anka.domain.policy.check import Finding, TooTangled, check
from anka.domain.policy.table import RuleSet, parse_rules
from anka.domain.policy_states import RunKind
from anka.flows.run_policy import RunResult, record_run
from anka.jobs.backtest import backtest
from anka.orders.policies import rules_of
from anka.policies import queries
from anka.policies.models import Run

TOPIC = "policy_run"
# Overlaps inform, they forbid nothing: so many are kept with a run, and how many there were.
MOST_OVERLAPS = 200
Key = tuple[int, str]


def pursue(*, subject: str, at: Moment) -> timedelta | None:
    """Carry out a run that was asked for and write down what it found. Doing it again changes nothing.

    Raises:
        NotFound: there is no such run. DatabaseUnavailable: nothing was written; it is tried again.
    """
    run_id = int(subject)
    asked = queries.run(run_id=run_id)
    if asked.run.status == "waiting":
        record_run(run_id=run_id, result=_found(asked, at), at=at)
    return None


def _found(asked: queries.Asked, at: Moment) -> RunResult:
    draft = queries.draft(number=asked.draft_number)
    if draft.revision != asked.run.revision:
        return RunResult(failure="draft_changed")
    rules, against = parse_rules(texts=draft.texts), queries.version_in_force(at=at.now)
    try:
        if asked.run.kind is RunKind.CHECK:
            return checked(rules=rules, against=against)
    except TooTangled as tangled:
        return RunResult(failure=tangled.code)
    return _tried(rules, against, asked.run, at)


def checked(*, rules: RuleSet, against: str) -> RunResult:
    """Return what a check of these rules finds, told apart by what the rules of the version in force have too.

    `result` is {"report", "known", "new"}: `known` and `new` are lists of [property, rule].

    Raises:
        TooTangled: the conditions cut the facts into more pieces than can be looked at.
    """
    report = check(rules=rules)
    known = _known(against)
    new = sorted(key for key in {finding.key for finding in report.findings} if key not in known)
    old = sorted(key for key in {finding.key for finding in report.findings} if key in known)
    told = report.to_json()
    told["overlap_count"] = len(report.overlaps)
    told["overlaps"] = [overlap.to_json() for overlap in report.overlaps[:MOST_OVERLAPS]]
    result = {"report": told, "known": old, "new": new}
    return RunResult(against=against, passed=not new, result=result)


@lru_cache(maxsize=8)
def _known(version: str) -> frozenset[Key]:
    """What the check finds about a version that was announced, which never changes."""
    findings: tuple[Finding, ...] = check(rules=rules_of(version=version)).findings
    return frozenset(finding.key for finding in findings)


def _tried(rules: RuleSet, against: str, run: Run, at: Moment) -> RunResult:
    report = backtest(rules=rules, since=at.now - timedelta(days=run.days), until=at.now)
    return RunResult(against=against, passed=True, result={"report": report.to_json()})
