"""`anka policy check`: 1 where a property does not hold, with facts that `anka policy decide` takes; one line for what cannot be read."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.running import anka, environment

pytestmark = pytest.mark.no_database

REPAIRED = Path(__file__).parents[1] / "data" / "policy" / "repaired"
HIDDEN = """[[rule]]
position = 455
id = "hidden"
when = { notice = ["shown"] }
pattern = "refusal"
zh = "不退"
en = "no"
"""


def test_the_default_rules_are_told_with_what_they_break() -> None:
    done = anka("policy", "check", "--lang", "en")
    assert (done.status, done.err) == (1, "")
    findings = [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]
    assert [(finding["property"], finding["rule"]) for finding in findings] == [(7, "merchant-refunds"), (8, "short")]
    given = "".join(json.dumps(finding["facts"]) + "\n" for finding in findings)
    decided = [json.loads(line) for line in anka("policy", "decide", given=given.encode()).out.splitlines()]
    assert [{key: answer[key] for key in finding["decision"]} for answer, finding in zip(decided, findings, strict=True)] == [
        finding["decision"] for finding in findings
    ]
    assert "before" in done.out


def test_chinese_is_the_default_language() -> None:
    chinese, english = anka("policy", "check").out, anka("policy", "check", "--lang", "en").out
    assert "性质 7" in chinese
    assert "先于" in chinese
    assert not any("\u4e00" <= character <= "\u9fff" for character in english)
    assert chinese != english


def test_rules_that_keep_everything_are_no_failure() -> None:
    for given in ([str(REPAIRED)], [str(path) for path in sorted(REPAIRED.glob("*.toml"))]):
        done = anka("policy", "check", *given)
        assert (done.status, done.err) == (0, "")
        assert not [line for line in done.out.splitlines() if line.startswith("{")]


def test_as_data(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text(HIDDEN, encoding="utf-8")
    done = anka("policy", "check", str(REPAIRED), str(tmp_path / "more.toml"), "--json")
    report = json.loads(done.out)
    assert (done.status, report["clean"]) == (1, False)
    assert [(finding["property"], finding["rule"]) for finding in report["findings"]] == [(2, "hidden")]
    assert report["unreachable"][0]["rule"] == "hidden"
    assert "not-disclosed" in report["unreachable"][0]["taken_by"]
    assert {"first", "second", "same", "facts"} == report["overlaps"][0].keys()
    told = anka("policy", "check", str(REPAIRED), str(tmp_path / "more.toml"), "--lang", "en")
    assert "hidden: the whole rule; decided by" in told.out


@pytest.mark.parametrize("content", [b"", b"this is not TOML", b"\xff\xfe", b"[[rule]]\nid = 'a'\n", b"rule = 3", b"\x00"])
def test_what_is_no_set_of_rules_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(content)
    for given in (str(path), str(tmp_path)):
        done = anka("policy", "check", given)
        assert (done.status, done.out) == (1, "")
        assert done.complaint.startswith("anka: ")


def test_files_that_are_not_there_are_refused_in_one_line(tmp_path: Path) -> None:
    for given in ([str(tmp_path)], [str(tmp_path / "none.toml")], [str(REPAIRED), str(REPAIRED)]):
        done = anka("policy", "check", *given)
        assert (done.status, done.out) == (1, "")
        assert done.complaint.startswith("anka: ")


def test_it_needs_neither_django_nor_a_database() -> None:
    program = (
        "import sys; from anka.cli.main import main; status = main(['policy', 'check']);"
        "sys.exit(status != 1 or any(name in sys.modules for name in ('django', 'psycopg', 'rich', 'httpx')))"
    )
    import subprocess  # noqa: PLC0415  only this test runs Python itself

    done = subprocess.run([sys.executable, "-P", "-c", program], env=environment(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
