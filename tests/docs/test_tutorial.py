"""The tutorial's shell blocks, followed literally against a market of their own."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli import test_up_command
from tests.cli.running import environment
from tests.cli.test_up_command import Market

market = test_up_command.market
ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-path.md"
SHELL_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
NUMBER = r"[A-Z][A-Z0-9]{1,5}-[0-9A-Z]{13}"


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed, and the tutorial needs it")
def test_the_shell_part_says_what_the_tutorial_says(market: Market) -> None:
    market.up()
    script = "\n".join(SHELL_BLOCK.findall(TUTORIAL.read_text())).replace("http://127.0.0.1:8000", market.address)
    variables = environment(**market.variables)
    done = subprocess.run(["bash", "-e", "-c", script], env=variables, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    order, paid_and_stage, outcome, refund, secret, moved_to, arrived, audit = done.stdout.splitlines()
    assert re.fullmatch(NUMBER, order)
    assert paid_and_stage.endswith("}sealed")
    assert (outcome, arrived) == ("refunded", "succeeded")
    assert refund in ("intended", "processing", "succeeded")
    assert len(secret) > 6
    assert moved_to.startswith("20")
    assert "hold" in audit
    assert (done.returncode, done.stderr) == (0, "")
