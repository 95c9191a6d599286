"""Types for editors and type checkers: `mypy --strict` rejects invalid calls."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

GOOD = """
from datetime import timedelta
from jobs_core import AsyncBoard, Board

board = Board("jobs")
board.put("a", "shell", "date", every=timedelta(minutes=5), retry_on=["5*", 404], overlap="skip", zone="UTC")
board.put("a", "shell", {"line": "date"}, cron="@daily", after=None, description="what it is for")
board.push("shell", "date", in_="10m", unique_for=60)
board.ack("token", "failed", code="503", data={"tries": 3})
board.next(cron="@daily", count=3)

@board.job(every=5)
def tick() -> str:
    return "fine"

async def main() -> None:
    async with AsyncBoard("jobs") as other:
        await other.put("a", "shell", "date", every=5)
"""

BAD = {
    'board.put("a", "shell", "x", evry=3)': "evry",
    'board.put("a", "shell", "x", overlap="never")': "never",
    'board.put("a", "shell", "x", every=[5])': "every",
    'board.push("shell", "x", after="b")': "after",
    'board.ack("token", "fail")': "fail",
    "board.tasks(runer=3)": "runer",
    'board.list(state="late")': "late",
    "board.job(evry=5)": "evry",
    "board.respond(concurency=3)": "concurency",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run mypy once on both. Returns one line per mistake."""
    folder: Path = tmp_path_factory.mktemp("typing")
    (folder / "good.py").write_text(GOOD)
    (folder / "bad.py").write_text("\n".join(["from jobs_core import Board", 'board = Board("a")', *BAD]))
    cache = ROOT / ".mypy_cache" / "tests"  # it outlives the tests: most of jobs_core stays checked
    words = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(cache)]
    return subprocess.run(
        [*words, "good.py", "bad.py"], cwd=folder, capture_output=True, text=True, check=False
    ).stdout


def test_mypy_accepts_valid_calls(found: str) -> None:
    assert "good.py" not in found, found


@pytest.mark.parametrize(("line", "name"), [*enumerate(BAD.values(), start=3)], ids=[*BAD])
def test_mypy_rejects_invalid_calls(found: str, line: int, name: str) -> None:
    assert any(name in text for text in found.splitlines() if text.startswith(f"bad.py:{line}: error")), found
