"""The contracts of .importlinter break when they are broken: one bad import each, in a copy of the house."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BAD = {
    "The domain knows nothing": ("domain/money.py", "import django"),
    "What saves is called by flows only": ("api/health.py", "from anka.orders import queries\nimport anka.vault.writes"),
    "No flow can call a channel": ("flows/place_order.py", "from anka.adapters import channels"),
    "The arrow": ("core/numbers.py", "import anka.jobs.worker"),
}


def lint_imports(folder: Path) -> tuple[int, str]:
    """Run import-linter over a copy of the house and return how it ended and what it said."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache", "--config", ROOT / ".importlinter"],
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "300"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the house to put bad imports into."""
    shutil.copytree(ROOT / "src" / "anka", tmp_path / "anka", ignore=shutil.ignore_patterns("__pycache__", "locale", "static", "templates"))
    return tmp_path


def test_every_contract_breaks_when_it_is_broken(copy: Path) -> None:
    for place, statement in BAD.values():
        file = copy / "anka" / place
        file.write_text(f"{file.read_text(encoding='utf-8')}\n{statement}\n", encoding="utf-8")
    ended, said = lint_imports(copy)
    assert ended == 1, said
    for name in BAD:
        line = next(line for line in said.splitlines() if line.startswith(name))
        assert line.endswith("BROKEN"), said


def test_the_house_keeps_every_contract(copy: Path) -> None:
    ended, said = lint_imports(copy)
    assert ended == 0, said
