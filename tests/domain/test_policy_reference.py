"""The reference and the schema are what the code reads today, and the schema agrees with the code about every file."""

import json
import tomllib
from datetime import date
from pathlib import Path

import jsonschema_rs
import pytest
from scripts import policy_page

from anka.domain.policy import vocabulary
from anka.domain.policy.schema import KEYS, PATTERNS, TERMS, schema
from anka.domain.policy.table import WORDS, default_rules, default_texts
from tests.domain.test_rule_files_refused import REFUSED

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "policies"
VALIDATOR = jsonschema_rs.Draft202012Validator(schema())
SENSE_ALONE = {
    # Right in form: what these say makes no sense, or stands in another rule or file, or is the same number in JSON.
    "a line that is too long",
    "a file that is too large",
    "no rules",
    "an id of another rule",
    "a position of another rule",
    "a position with a point",
    "silence that pays nobody knows what",
    "a choice that ends too soon",
    "evidence for nobody",
    "a bound below nothing",
    "bounds that contradict",
    "a bound against a term",
    "progress of more than all",
    "progress above all",
    "progress in minutes",
    "a place nobody knows",
    "a place without a name",
    "a place with a form",
    "a place that reaches further",
    "a brace that stays open",
    "braces that are meant",
    "hours without a turn",
    "hours where nobody waits",
    "a percentage of nothing",
    "a fee that is none",
    "a character that turns the text round",
    "evidence nothing can need",
}


def test_the_page_and_the_schema_are_up_to_date() -> None:
    told = "run python -m scripts.policy_page"
    assert policy_page.PAGE.read_text(encoding="utf-8") == policy_page.page(), told
    assert policy_page.SCHEMA.read_text(encoding="utf-8") == policy_page.schema_text(), told


def test_the_page_names_every_word_of_the_language() -> None:
    page = policy_page.page()
    features = {value for name, values in vocabulary.FEATURES.items() if name not in vocabulary.TRUTHS for value in values}
    outcome = {*vocabulary.REFUNDS, *vocabulary.FAULTS, *vocabulary.GOODS_AFTER, *vocabulary.GOODS_TERMS, *vocabulary.SILENCES}
    named = {*KEYS, *PATTERNS, *features, *outcome, *vocabulary.FEATURES, *vocabulary.NUMBERS, *vocabulary.ROUTES} - {"merchant", "agreed"}
    for word in (*named, *(f"[words.{name}]" for name in WORDS), *(f"{{{place}}}" for place in vocabulary.PLACEHOLDERS)):
        assert f"`{word}`" in page, word
    for rule in default_rules().rules:
        assert f"| `{rule.id}` |" in page
    assert all(said in page for said in TERMS.values())


def test_the_keys_of_the_schema_are_those_that_are_described() -> None:
    defined = json.loads(policy_page.schema_text())["$defs"]
    assert list(defined["rule"]["properties"]) == list(KEYS)
    assert set(defined["condition"]["properties"]) == {*vocabulary.FEATURES, *vocabulary.NUMBERS}


@pytest.mark.parametrize(
    "text",
    [*default_texts().values(), *(path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.toml")))],
    ids=lambda text: text[:30],
)
def test_the_schema_accepts_every_file_of_ours(text: str) -> None:
    assert [str(error) for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize("kind", REFUSED)
def test_the_schema_refuses_what_a_schema_can(kind: str) -> None:
    try:
        table = tomllib.loads(REFUSED[kind][0])
    except (ValueError, RecursionError):
        return
    # JSON knows no dates; whoever checks TOML against the schema has them as texts.
    found = VALIDATOR.is_valid(json.loads(json.dumps(table, default=date.isoformat)))
    assert found == (kind in SENSE_ALONE), kind
