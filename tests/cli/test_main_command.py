"""The command as a whole: exit statuses, usage, one line per complaint."""

import re
from pathlib import Path

import pytest

from tests.cli.running import anka

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    "words", [(), ("fly",), ("policy",), ("policy", "fly"), ("import-keys",), ("up", "--port", "x"), ("audit", "--jso")]
)
def test_a_wrong_call_is_a_usage_error(words: tuple[str, ...]) -> None:
    done = anka(*words)
    assert done.status == 2
    assert done.out == ""
    assert "usage: anka" in done.err


def test_help_names_the_commands_of_the_contract() -> None:
    done = anka("--help")
    assert done.status == 0
    for name in ("up", "web", "worker", "sandbox", "migrate", "import-keys", "policy", "audit", "doctor"):
        assert re.search(rf"^ +{name}\s", done.out, re.MULTILINE)
    assert anka("import-keys", "--help").status == 0


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"ANKA_SANDBOX": "maybe"}, "ANKA_SANDBOX"),
        ({"ANKA_SANDBOX": "0"}, "ANKA_SECRET_KEY"),
        ({"ANKA_BASE_URL": "https://shop.example"}, "ANKA_BASE_URL"),
        ({"ANKA_LOG_FORMAT": "xml"}, "ANKA_LOG_FORMAT"),
        ({"ANKA_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, ""),
        ({"ANKA_DATABASE_URL": "nonsense"}, "ANKA_DATABASE_URL"),
    ],
)
def test_a_wrong_environment_is_told_in_one_line(tmp_path: Path, variables: dict[str, str], named: str) -> None:
    for command in ("audit", "migrate"):
        done = anka(command, variables={"ANKA_HOME": str(tmp_path), **variables})
        assert (done.status, done.out) == (1, "")
        assert done.complaint.startswith("anka: ")
        assert named in done.complaint


def test_the_doctor_says_what_to_do_about_it(tmp_path: Path) -> None:
    done = anka("doctor", variables={"ANKA_HOME": str(tmp_path), "ANKA_SANDBOX": "0"})
    assert done.status == 1
    assert done.out.startswith("WRONG  configuration: ANKA_SECRET_KEY")


def test_a_folder_that_holds_no_sandbox_is_not_reset(tmp_path: Path) -> None:
    (tmp_path / "keyring.json").write_text("{}")
    done = anka("reset", "--yes", variables={"ANKA_HOME": str(tmp_path)})
    assert done.status == 1
    assert "nothing was removed" in done.complaint
    assert (tmp_path / "keyring.json").exists()
