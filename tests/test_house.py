"""The claims of CONTRIBUTING.md about the code hold, and files stay small."""

from __future__ import annotations

import re
import statistics
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SOURCES = ("jobs_core", "plugins/*/src", "torture", "bench", "docs_tools")
SIZES = {
    path: len(path.read_text("utf-8").splitlines())
    for pattern in SOURCES
    for folder in ROOT.glob(pattern)
    for path in folder.rglob("*.py")
}


def layers() -> list[list[str]]:
    """Return the layers that import-linter enforces, from the top down."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    return [re.findall(r"\w+", layer) for layer in contract["layers"]]


def test_the_diagram_of_floors_matches_import_linter() -> None:
    picture = TEXT.split("<!-- floors -->\n```text\n")[1].split("```")[0].splitlines()
    floors = [re.split(r"\s{2,}", line) for line in picture]
    assert [line[: len(names)] for line, names in zip(floors, layers(), strict=True)] == layers()


def test_every_module_is_on_a_floor() -> None:
    named = {name for layer in layers() for name in layer}
    here = {
        path.stem
        for path in (ROOT / "jobs_core").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert here - {"__init__"} == named


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:jobs_core|lua|scripts|docs|tests|clients)/[\w./-]+)`", TEXT)))
)
def test_every_file_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists() or (ROOT / "jobs_core" / path).exists()


def test_a_put_passes_through_at_most_eight_files() -> None:
    way = TEXT.split("## One job")[1].split("From there")[0]
    assert len(set(re.findall(r"`jobs_core/[\w./]+`", way))) <= 8


def test_files_are_short() -> None:
    assert {path.name: lines for path, lines in SIZES.items() if lines > 400} == {}
    assert statistics.median(SIZES.values()) < 120
