"""The guide for plugin authors: its examples work as written."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_conformance import conformance

GUIDE = (Path(__file__).parent.parent / "docs/guides/plugins.md").read_text()


def test_the_runner_in_the_guide_is_short_and_passes_its_tests(tmp_path: Path) -> None:
    runner, tests = re.findall(r"```python title=\"(?:src|tests)/[^\n]*\n(.*?)```", GUIDE, re.DOTALL)
    assert len([line for line in runner.splitlines() if line.strip()]) <= 15
    failed, says = conformance(tmp_path, runner, tests)
    assert failed == set(), says
    assert "passed" in says
