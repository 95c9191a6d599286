"""The conformance kit with the lambda runner."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_core.testing import RunnerConformance


class TestLambda(RunnerConformance):
    plugin = runner = "lambda"
    good = "make-thumbnails"
    failing = "broken"
    refused = "a s3cret function"
    slow = "slow"
    loud = "loud"

    @pytest.fixture(autouse=True)
    def served(self, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JOBS_LAMBDA_ENDPOINT", cloud.url)
        cloud.routes["slow"] = cloud.hang
        cloud.fail("broken", {"errorMessage": "s3cret", "errorType": "ValueError"})
        cloud.route("loud", 200, b"0123456789" * 600_000)
