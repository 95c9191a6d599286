"""The conformance kit: tests for plugin authors, which any plugin gets by naming what it provides.

    # tests/test_conformance.py, where pyproject.toml has  [project.entry-points.jobs]  hello = "jobs_hello"
    from jobs_core.testing import RunnerConformance

    class TestHello(RunnerConformance):
        plugin, runner = "hello", "hello"
        good = "world"

`pip install 'jobs-core[testing]'` brings pytest and a server to run on. Each attribute that a class sets
brings more tests: see `RunnerConformance`, `PolicyConformance` and `LoggerConformance`.
"""

from jobs_core.testing.logger import LoggerConformance
from jobs_core.testing.plugin import PluginConformance
from jobs_core.testing.policy import PolicyConformance
from jobs_core.testing.runner import RunnerConformance
from jobs_core.testing.stage import Recorder, working

__all__ = [
    "LoggerConformance",
    "PluginConformance",
    "PolicyConformance",
    "Recorder",
    "RunnerConformance",
    "working",
]
