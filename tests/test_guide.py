"""The guide for plugin authors: what it shows works as it stands."""

from __future__ import annotations

import re
from pathlib import Path

from docs.__main__ import PAGE, SCHEMA, render, render_schema
from tests.test_conformance import conformance

GUIDE = (Path(__file__).parent.parent / "docs/plugins.md").read_text()


def test_the_runner_of_the_guide_is_short_and_passes_the_tests_of_the_guide(tmp_path: Path) -> None:
    runner, tests = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len([line for line in runner.splitlines() if line.strip()]) <= 15
    failed, says = conformance(tmp_path, runner, tests)
    assert failed == set(), says
    assert "passed" in says


def test_the_page_of_hooks_is_what_the_specifications_say() -> None:
    assert PAGE.read_text("utf-8") == render(), "run scripts/docs"
    assert SCHEMA.read_text("utf-8") == render_schema(), "run scripts/docs"


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        assert (PAGE.parent / target).exists(), target
