"""The conformance kit: ready-made tests for plugins. A plugin gets them by naming what it provides.

    # tests/test_conformance.py, where pyproject.toml has  [project.entry-points.jobs]  hello = "jobs_hello"
    from jobs_core.testing import RunnerConformance

    class TestHello(RunnerConformance):
        plugin, runner = "hello", "hello"
        good = "world"

`pip install 'jobs-core[testing]'` installs pytest and a Redis server. Each attribute that a class sets adds
tests: see `RunnerConformance`, `PolicyConformance` and `LoggerConformance`.

For your own tests, use `make_task`, `run_task` and `read_settings`, a `working` worker on a `private_board`,
`EmbeddedServer`, a server to stop and start, and `cli`, the `jobs` command line, with click's CliRunner.
"""

from jobs_core.cli import cli
from jobs_core.embedded import EmbeddedServer
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
    "EmbeddedServer",
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
