"""`anka policy check`: the proof that a set of rules keeps what it must keep, told as lines or as data."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from anka.cli.rule_files import rules_of
from anka.domain.policy.check import PROPERTIES, Finding, Overlap, Report, Unreachable, check, short_facts

_PARTS = {
    "rule": ("整条规则", "the whole rule"),
    "alternative": ("第 {number} 个条件", "alternative {number} of its condition"),
    "fault": ("责任的第 {number} 项", "entry {number} of its fault"),
    "goods": ("商品去向的第 {number} 项", "entry {number} of its goods"),
    "clock": ("时限的第 {number} 项", "entry {number} of its clock"),
    "replacement_first": ("先换货的第 {number} 项", "entry {number} of its replacement_first"),
}


def arguments(*, verbs: Any) -> None:
    """Declare check with its files, --lang and --json."""
    verb: argparse.ArgumentParser = verbs.add_parser("check", help="prove that rules keep what they must, over all possible facts")
    verb.add_argument("files", type=Path, nargs="*", metavar="FILE", help="TOML files of rules, or folders of them; else the default rules")
    verb.add_argument("--lang", choices=("zh", "en"), default="zh")
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def run(*, given: argparse.Namespace) -> int:
    """Check the rules and print what was found; 1 where a property does not hold."""
    report = check(rules=rules_of(paths=given.files))
    if given.json:
        sys.stdout.write(f"{_data(report.to_json())}\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in told(report=report, language=given.lang)))
    return 0 if report.clean else 1


def told(*, report: Report, language: str) -> Iterator[str]:
    """Yield the report line by line: the verdict, each finding with its counter-example as data, what never decides, what overlaps."""
    zh = language == "zh"
    yield _verdict(report, zh=zh)
    for finding in report.findings:
        yield from _finding(finding, zh=zh)
    if report.unreachable:
        yield "永远不会生效：" if zh else "Never decides:"
        yield from (_unreachable(entry, zh=zh) for entry in report.unreachable)
    if report.overlaps:
        alike = sum(overlap.same for overlap in report.overlaps)
        counted = len(report.overlaps)
        yield f"靠先后次序决定（{counted} 对，其中 {alike} 对结果相同）：" if zh else f"Order decides ({counted} pairs, {alike} harmless):"
        yield from _overlaps(report.overlaps, zh=zh)


def _verdict(report: Report, *, zh: bool) -> str:
    count = len(report.findings)
    if zh:
        found = f"有 {count} 处不成立" if count else "十一项性质全部成立"
        return f"规则集 {report.version}：全部可能的情况分为 {report.boxes} 块，逐块证明；{found}。"
    found = f"findings: {count}" if count else "all eleven properties hold"
    return f"Rules {report.version}: all possible facts looked at, in {report.boxes} pieces; {found}."


def _finding(finding: Finding, *, zh: bool) -> Iterator[str]:
    name = PROPERTIES[finding.property]
    yield f"性质 {finding.property}（{name[0]}）：{finding.zh}" if zh else f"Property {finding.property} ({name[1]}): {finding.en}"
    yield _data({key: value for key, value in finding.to_json().items() if key not in {"zh", "en"}})


def _unreachable(entry: Unreachable, *, zh: bool) -> str:
    part = _PARTS[entry.part][0 if zh else 1].format(number=entry.number)
    by = ("、" if zh else ", ").join(entry.taken_by)
    line = f"  {entry.rule}：{part}" if zh else f"  {entry.rule}: {part}"
    if by:
        line += f"；先由 {by} 决定" if zh else f"; decided by {by} before"
    if entry.facts is not None:
        line += f"{'，例如 ' if zh else ', for example '}{_data(short_facts(facts=entry.facts))}"
    return line


def _overlaps(overlaps: Iterable[Overlap], *, zh: bool) -> Iterator[str]:
    """Yield one line for each rule that comes before others, those where it makes no difference last."""
    by_first: dict[str, tuple[list[str], list[str]]] = {}
    for overlap in overlaps:
        by_first.setdefault(overlap.first, ([], []))[overlap.same].append(overlap.second)
    comma = "、" if zh else ", "
    for first, (different, same) in by_first.items():
        parts = [comma.join(different)] if different else []
        if same:
            parts.append(f"结果相同：{comma.join(same)}" if zh else f"same outcome: {comma.join(same)}")
        yield f"  {first} 先于 {'；'.join(parts)}" if zh else f"  {first} before {'; '.join(parts)}"


def _data(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
