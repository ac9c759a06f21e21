"""`anka policy --rules`: a file or a folder of rules instead of the default ones, and one line where they cannot be used."""

import json
from pathlib import Path

import pytest

from anka.domain.policy.table import default_rules, default_texts
from tests.cli.running import anka

pytestmark = pytest.mark.no_database

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "policies"
FACTS = {"goods": "boosting", "stage": "working", "reason": "NO_LONGER_NEEDED", "progress_percent": 40}


def decided(rules: Path) -> dict[str, object]:
    done = anka("policy", "decide", "--rules", str(rules), given=json.dumps(FACTS).encode())
    assert (done.status, done.err) == (0, "")
    found: dict[str, object] = json.loads(done.out)
    return found


def test_rules_of_another_platform_decide() -> None:
    found = decided(EXAMPLES / "boosting-with-fee.toml")
    assert (found["rule"], found["refund_percent"], found["fee_percent"]) == ("started", 60, 5)


def test_a_folder_is_one_set_of_rules(tmp_path: Path) -> None:
    for name, text in default_texts().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "read-me.txt").write_text("not a rule file", encoding="utf-8")
    assert decided(tmp_path)["rule"] == "boosting-working"
    assert len(default_rules().rules) > 40


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff", "is not UTF-8"),
        (b"\xef\xbb\xbfrule = 1", "byte order mark"),
        (b"#" * 5_000_000, "5000000 bytes"),
        (b"[[rule]]\nid = 'x'\n", "rule 'x': route is missing"),
        (None, "no TOML file in this folder"),
    ],
    ids=["not-text", "mark", "large", "incomplete", "empty-folder"],
)
def test_what_cannot_be_used_is_told_in_one_line(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path if content is None else tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    done = anka("policy", "decide", "--rules", str(path), given=b"")
    assert done.status != 0
    assert done.out == ""
    assert told in done.err
    assert done.err.count("\n") == 1
