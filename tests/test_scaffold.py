"""`jobs plugin new`: the new package can be built and installed, and passes its own tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jobs_core.scaffold import KINDS
from tests.helpers import Jobs, lines, refused
from tests.helpers import checked as run


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_builds_and_passes_its_own_tests(jobs: Jobs, tmp_path: Path, kind: str) -> None:
    (made,) = lines(jobs("plugin", "new", "say-hi", "--kind", kind, "--in", str(tmp_path), "--json"))
    root, installed = tmp_path / "jobs-say-hi", tmp_path / "installed"
    assert str(root / "pyproject.toml") in made["files"]  # type: ignore[operator]
    build = ("--no-build-isolation", "--no-deps", "--no-compile")  # builds a wheel, and installs it
    run(sys.executable, "-m", "pip", "install", "-q", *build, "--target", installed, root)
    says = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", root, root / "tests"),
        env=os.environ | {"PYTHONPATH": str(installed), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tmp_path,
    )
    assert "passed" in says and "failed" not in says
    shown = run(
        *(sys.executable, "-c", "from jobs_core.cli import main; main()", "plugins"),
        env=os.environ | {"PYTHONPATH": str(installed)},
    )
    assert "jobs-say-hi 0.1.0" in shown


def test_existing_files_are_not_overwritten(jobs: Jobs, tmp_path: Path) -> None:
    (tmp_path / "jobs-mine").mkdir()
    refused(jobs("plugin", "new", "mine", "--in", str(tmp_path)), "jobs-mine already exists")
    assert not list((tmp_path / "jobs-mine").iterdir())


@pytest.mark.parametrize("name", ["", "Big", "a b", "-x", "a--b", "../up", "1st"])
def test_a_bad_name_is_refused(jobs: Jobs, tmp_path: Path, name: str) -> None:
    refused(
        jobs("plugin", "new", "--in", str(tmp_path), "--", name),
        "name: expected lowercase letters, digits and dashes",
    )
    assert not list(tmp_path.iterdir())
