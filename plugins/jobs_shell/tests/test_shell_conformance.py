"""The conformance kit with the shell runner."""

from __future__ import annotations

from jobs_core.testing import RunnerConformance


class TestShell(RunnerConformance):
    plugin = runner = "shell"
    good = "true"
    failing = "exit 7"
    refused = {"line": "true", "argv": ["a secret"]}  # noqa: RUF012
    slow = "sleep 60"
    loud = "yes 0123456789 | head -c 10000000"
