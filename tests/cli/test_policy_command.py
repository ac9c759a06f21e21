"""`anka policy`: JSON lines in, JSON lines out, one answer per line whatever the line is."""

import json
import sys
from pathlib import Path

import pytest

from anka.cli.policy import LONGEST_LINE
from tests.cli.running import anka, environment

pytestmark = pytest.mark.no_database

EXAMPLES = [json.loads(line) for line in (Path(__file__).parents[1] / "data" / "policy.jsonl").read_text().splitlines()]
FACTS = {"goods": "card_key", "stage": "sealed", "reason": "NO_LONGER_NEEDED", "delivered_minutes_ago": 3}


def answers(text: bytes) -> tuple[int, list[dict[str, object]]]:
    done = anka("policy", "decide", given=text)
    assert done.err == ""
    return done.status, [json.loads(line) for line in done.out.splitlines()]


def test_every_example_is_decided_as_it_must_be() -> None:
    status, decided = answers("".join(json.dumps(example["facts"]) + "\n" for example in EXAMPLES).encode())
    assert status == 0
    assert [{key: found[key] for key in example["decision"]} for found, example in zip(decided, EXAMPLES, strict=True)] == [
        example["decision"] for example in EXAMPLES
    ]
    assert all(found["because"] for found in decided)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"12",
        b"{}",
        b'{"goods": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"goods": "card_key", "goods": "rental"}',
        json.dumps({**FACTS, "stage": "flying"}).encode(),
        json.dumps({**FACTS, "colour": "red"}).encode(),
        json.dumps({**FACTS, "delivered_minutes_ago": -1}).encode(),
        json.dumps({**FACTS, "delivered_minutes_ago": 1.5}).encode(),
        json.dumps({**FACTS, "\ud800": 1}).encode(),
        b'{"a": "' + b"x" * LONGEST_LINE + b'"}',
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda line: repr(line[:24]),
)
def test_a_bad_line_is_answered_in_its_place(line: bytes) -> None:
    good = json.dumps(FACTS).encode()
    status, decided = answers(b"\n".join((good, line, good, b"")))
    assert status == 1
    assert [("error" in found) for found in decided] == [False, True, False]
    error = decided[1]["error"]
    assert isinstance(error, dict)
    assert error["code"]
    assert error["detail"]


def test_nothing_in_nothing_out() -> None:
    assert answers(b"") == (0, [])


def test_the_last_line_needs_no_line_end() -> None:
    status, decided = answers(json.dumps(FACTS).encode())
    assert (status, len(decided)) == (0, 1)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_decision_is_explained_in_both_languages(tmp_path: Path, language: str) -> None:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(FACTS))
    done = anka("policy", "explain", str(path), "--lang", language)
    assert done.status == 0
    assert ("消费者权益保护法" in done.out) == (language == "zh")


def test_chinese_is_printed_whatever_the_terminal_says(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(FACTS))
    done = anka("policy", "explain", str(path), variables={"LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"})
    assert "消费者权益保护法" in done.out


@pytest.mark.parametrize("content", [b"{", b'{"goods": "card_key"}', b"\xff"])
def test_facts_that_cannot_be_explained_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(content)
    done = anka("policy", "explain", str(path))
    assert (done.status, done.out) == (1, "")
    assert done.complaint.startswith("anka: ")


def test_other_rules_are_used_and_bad_ones_refused(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("this is not TOML")
    done = anka("policy", "decide", "--rules", str(rules), given=json.dumps(FACTS).encode())
    assert (done.status, done.out) == (1, "")
    assert "rules.toml" in done.complaint
    assert anka("policy", "decide", "--rules", str(tmp_path / "none.toml")).status == 1


def test_it_needs_neither_django_nor_a_database() -> None:
    program = (
        "import sys; from anka.cli.main import main; status = main(['policy', 'decide']);"
        "sys.exit(status or any(name in sys.modules for name in ('django', 'psycopg', 'rich', 'httpx')))"
    )
    import subprocess  # noqa: PLC0415  only this test runs Python itself

    done = subprocess.run(
        [sys.executable, "-P", "-c", program], input=json.dumps(FACTS).encode(), env=environment(), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
