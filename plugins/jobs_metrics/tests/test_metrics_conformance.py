"""The conformance kit, and what is not imported before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jobs_core.testing import PluginConformance

SCRIPT = """
import contextlib, sys
from importlib.metadata import entry_points
(jobs,) = entry_points(group="console_scripts", name="jobs")
with contextlib.suppress(SystemExit):
    jobs.load()()
print("imported" if "prometheus_client" in sys.modules else "left alone")
"""


class TestMetrics(PluginConformance):
    plugin = "metrics"


@pytest.mark.parametrize("words", [["--help"], ["plugins"], ["metrics", "--help"], ["run", "--help"]])
def test_help_does_not_import_prometheus_client(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "left alone", done.stdout + done.stderr
