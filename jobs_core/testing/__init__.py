"""The conformance kit: tests for plugin authors, which any plugin gets by naming what it provides.

    # tests/test_conformance.py, where pyproject.toml has  [project.entry-points.jobs]  hello = "jobs_hello"
    from jobs_core.testing import RunnerConformance

    class TestHello(RunnerConformance):
        plugin, runner = "hello", "hello"
        good = "world"

`pip install 'jobs-core[testing]'` brings pytest and a server to run on. Each attribute that a class sets
brings more tests: see `RunnerConformance`, `PolicyConformance` and `LoggerConformance`.

For tests of your own there are `make_task`, `run_task` and `read_settings`, a `working` worker on a
`private_board`, and `cli`, the whole of `jobs`, for click's CliRunner.
"""

from jobs_core.cli import cli
from jobs_core.testing.logger import LoggerConformance
from jobs_core.testing.plugin import PluginConformance
from jobs_core.testing.policy import PolicyConformance
from jobs_core.testing.runner import RunnerConformance
from jobs_core.testing.stage import (
    PATIENCE,
    Recorder,
    make_task,
    private_board,
    read_settings,
    run_task,
    working,
)

__all__ = [
    "PATIENCE",
    "LoggerConformance",
    "PluginConformance",
    "PolicyConformance",
    "Recorder",
    "RunnerConformance",
    "cli",
    "make_task",
    "private_board",
    "read_settings",
    "run_task",
    "working",
]
