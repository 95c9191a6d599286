"""The conformance kit with the notify runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs_core.testing import RunnerConformance


class TestNotify(RunnerConformance):
    plugin = runner = "notify"
    good = {"to": "good", "body": "x"}  # noqa: RUF012
    failing = {"to": "failing", "body": "x"}  # noqa: RUF012
    slow = {"to": "slow", "body": "x"}  # noqa: RUF012
    refused = {"to": "mailto:a-secret", "body": "x"}  # noqa: RUF012

    @pytest.fixture(autouse=True)
    def served(self, web: Any, targets: Callable[..., None]) -> None:
        web.answers = {"/slow": [0] * 10, "/failing": [404] * 10}
        targets(good=web.url("/good"), failing=web.url("/failing"), slow=web.url("/slow"))
