"""Write docs/reference/policy.md and policy.schema.json from the code that reads rules: the page says what is read, not what once was."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from anka.domain.delivery_states import STAGES_OF
from anka.domain.facts import EVIDENCE, VALUES
from anka.domain.policy import files, sense, vocabulary
from anka.domain.policy.grammar import NEEDED, REFUNDS, ROUTES
from anka.domain.policy.reasons import REASONS, ReasonGroup
from anka.domain.policy.schema import KEYS, PATTERNS, TERMS, schema
from anka.domain.policy.table import MOST_RULES, WORDS, default_rules
from anka.domain.policy.told import outcome_words, when_words

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "policy.md"
SCHEMA = ROOT / "docs" / "reference" / "policy.schema.json"
FACTS = {
    "goods": "the kind of goods",
    "stage": "how far the unit has come; which stages there are depends on the goods",
    "reason": "why somebody asks; which codes there are depends on the goods",
    "group": TERMS["group"],
    "asker": "who asks; platform is staff on somebody's behalf",
    "merchant_answer": "the merchant's answer to the request; the patterns carry it out, conditions seldom need it",
    "use_check": "the record of the issuer, the supplier or the platform about a use",
    "used_by": "who used it, by the record",
    "matches_order": "whether what was delivered has the attributes of the order's snapshot",
    "notice": 'the notice "no refund once used" at purchase',
    "login_seen": "whether a login is recorded",
    "upstream": "the supplier's last conclusive word, while working; none where there is no supplier",
    "dispute": "a complaint or a chargeback with the payment channel",
    "voidable": "whether the issuer can void the key and gives a receipt",
    "overdue": TERMS["overdue"],
    "bad": TERMS["bad"],
    "wrong": TERMS["wrong"],
    "short": TERMS["short"],
    "consumed": TERMS["consumed"],
}
NUMBERS = {
    "ago": f"minutes: {TERMS['ago']}",
    "upstream_minutes": "minutes since the supplier's last conclusive word",
    "progress": f"per cent: {TERMS['progress']}",
    "delivered_percent": "per cent of the ordered value that arrived, by the record",
}
PLACES = {
    "percent": "the refund's percentage; in a rule whose refund is full or a share",
    "fee_percent": "the rule's fee; in a rule that has one",
    "hours": "the merchant's time to answer; in [words.turn_refund] and [words.turn_escalate]",
    "window_days": "the product's refund window in days",
    "warranty_days": "the product's warranty in days",
}
SENTENCES = {
    "turn_refund": "after a turn's own text, while the merchant has not answered and silence pays",
    "turn_escalate": "the same where silence goes to the platform",
    "agreed": "after the text of a turn or platform rule: the merchant agreed",
    "refused": "after a turn's text: the merchant refused",
    "silent_refund": "after a turn's text: no answer in time, and silence pays",
    "silent_escalate": "after a turn's text: no answer in time, and silence goes to the platform",
    "goodwill": "instead of a refusal's text: the merchant agreed",
    "asked_by_platform": "instead of a refusal's text: platform staff asked",
}
HEAD = f"""\
# The policy

What a rule file may say, and what the default rules say. How a decision is made and why it is made like that: `docs/explanation/policy.md`;
how to change the rules: `docs/how-to/change-the-rules.md`. `policy.schema.json` beside this page is the form of one file as JSON Schema
(2020-12), for editors. Both are written by `scripts/policy_page.py` from the code that reads the rules.

## Files

A set of rules is one or more TOML files (UTF-8, names ending in `.toml`): at most {files.MOST_FILES}
files, {files.MOST_CHARACTERS:,} characters and {MOST_RULES:,} rules in all, lines of at most {files.LONGEST_LINE:,} characters.
A file may hold:

| key | what |
|---|---|
| `[[rule]]` | one rule; any number |
| `[[evidence]]` | `when` and `kinds`: what to ask for where somebody has to judge. The first entry that fits counts |
| `[words.NAME]` | `zh` and `en` of a sentence that follows a rule's own |
| `complaint_cap_minutes` | the longest clock while a complaint is open with the payment channel; in one of the files |

What a set does not say of words, evidence and the cap is as in the default rules. The version of a set is a digest of its files.

## How a decision is found

1. The rules of all files are put in the order of `position`.
2. The facts are looked at as they are judged: a unit that is `working` with `upstream` done counts as `delivered` (top_up) or `sealed`
   (card_key, account), with `ago` 0.
3. The first rule whose `when` holds decides. `when` is a table (all of its facts hold) or a list of tables (one of them holds); a fact
   holds if it has one of the values listed. A number that is not known is within no bound.
4. The rule's `pattern` says what the merchant's answer makes of the outcome; in a list of {{ when, is }} the first that fits counts.
5. A complaint with the payment channel caps the clock.

"""


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table; vertical bars in its cells are escaped."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def listed(words: Iterable[str]) -> str:
    """Return words as code, side by side."""
    return " ".join(f"`{word}`" for word in words)


def section(title: str, *parts: str) -> str:
    """Return a section of its parts."""
    return f"## {title}\n\n" + "\n".join(part if part.endswith("\n") else f"{part}\n" for part in parts) + "\n"


def _allowed(key: str) -> str:
    values: Mapping[str, Iterable[str]] = {
        "pattern": vocabulary.PATTERNS,
        "route": ROUTES,
        "refund": REFUNDS,
        "fault": vocabulary.FAULTS,
        "goods": (*vocabulary.GOODS_AFTER, *vocabulary.GOODS_TERMS),
        "silence": vocabulary.SILENCES,
        "evidence": EVIDENCE,
    }
    if key in values:
        return listed(values[key])
    defined = schema()["$defs"]
    assert isinstance(defined, dict)
    value = defined["rule"]["properties"][key]
    whole = value if "minimum" in value else next((part for part in value.get("anyOf", ()) if "minimum" in part), None)
    return f"{whole['minimum']:,} to {whole['maximum']:,}" if whole else ""


def keys() -> str:
    """Return the keys of a rule, and which of them each pattern needs."""
    rows = ((f"`{key}`", _allowed(key), said) for key, said in KEYS.items())
    needed = (
        (f"`{pattern}`" if pattern else "none", listed(keys) or "nothing", PATTERNS.get(pattern or "", ""))
        for pattern, keys in NEEDED.items()
    )
    routes = ((f"`{route}`", listed(refunds)) for route, refunds in sense.REFUNDS_OF_ROUTE.items())
    return section(
        "The keys of a rule",
        "`position`, `id`, `zh` and `en` are required.\n"
        f"A text has up to {sense.LONGEST_TEXT} characters, on one line, without marks of HTML.\n",
        table(("key", "values", "meaning"), rows),
        "### Patterns\n",
        table(("pattern", "needs", "what it does"), needed),
        "### Routes and what they can carry out\n",
        table(("route", "refunds"), routes),
    )


def conditions() -> str:
    """Return what a condition can speak of."""
    facts = (
        (
            f"`{name}`",
            "`true` `false`" if name in vocabulary.TRUTHS else "see below" if name == "reason" else f"list of {listed(values)}",
            FACTS[name],
        )
        for name, values in vocabulary.FEATURES.items()
    )
    numbers = ((f"`{name}`", NUMBERS[name]) for name in vocabulary.NUMBERS)
    groups = ((f"`{group}`", listed(code for code, reason in REASONS.items() if reason.group == group)) for group in ReasonGroup)
    stages = (
        (f"`{goods}`", listed(stage for stage in VALUES["stage"] if stage in set(map(str, known)))) for goods, known in STAGES_OF.items()
    )
    terms = ((f"`{name}`", TERMS[name]) for name in vocabulary.GOODS_TERMS)
    return section(
        "Conditions",
        f"Up to {sense.MOST_ALTERNATIVES} alternatives.\n",
        table(("fact", "in a rule", "meaning"), facts),
        'Numbers take a bound, or a list of bounds that all hold: `"<= 30"`, `"> 120"`, `">= 60"`, `"< 5"`, `"= 0"`; minutes also '
        '`"<= refund_window"` and `"<= warranty"`, the product\'s own terms (never less than 10,080 minutes, which is seven days).\n',
        table(("number", "meaning"), numbers),
        "### Reasons by group\n",
        table(("group", "codes"), groups),
        "### Stages by goods\n",
        table(("goods", "stages"), stages),
        "### Terms for where goods go\n",
        table(("term", "meaning"), terms),
    )


MONEY = section(
    "Amounts",
    "A refund with a percentage is that share of what was paid, rounded to the nearest minor unit (a half goes to the buyer), less\n"
    "`fee_percent` of the share (rounded down), less `keep_minor`, and never below 0. It is never more than was paid. A negotiable\n"
    "refund has no percentage: the parties agree on it or the platform rules. An amount agreed on is paid as it is, without fee or keep.\n"
    "`compensation_minor` comes on top, from the merchant's deposit. All three need a refund that is full or a share; a published set may\n"
    "not have a `compensation_minor` until merchants have deposits (`compensation_not_payable`).",
)


def sentences() -> str:
    """Return the places in a text, and the sentences that follow a rule's own."""
    return section(
        "Texts",
        "A text may name what is only known when a decision is made:\n",
        table(("place", "what stands there"), ((f"`{{{name}}}`", PLACES[name]) for name in vocabulary.PLACEHOLDERS)),
        table(("words", "when it is said"), ((f"`[words.{name}]`", SENTENCES[name]) for name in WORDS)),
    )


def defaults() -> str:
    """Return the default rules in words."""
    rules = default_rules()
    rows = (
        (str(rule.position), f"`{rule.id}`", when_words(rule=rule, language="en"), outcome_words(rule=rule, language="en"), rule.en)
        for rule in rules.rules
    )
    return (
        section(
            "The default rules",
            f"{len(rules.rules)} rules, version `{rules.version}`; a complaint caps clocks at {rules.complaint_cap_minutes:,} min. "
            "`src/anka/domain/policy/rules` has them as they are written, with their Chinese texts.\n",
            table(("position", "rule", "when", "then", "why"), rows),
        ).rstrip()
        + "\n"
    )


def page() -> str:
    """Return the whole page."""
    return HEAD + keys() + conditions() + MONEY + sentences() + defaults()


def schema_text() -> str:
    """Return the schema as it is stored."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def main() -> int:
    """Write both; with --check, tell whether they are up to date."""
    wanted = {PAGE: page(), SCHEMA: schema_text()}
    if "--check" in sys.argv:
        return 0 if all(path.read_text(encoding="utf-8") == text for path, text in wanted.items()) else 1
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
