"""The conformance kit with the cloudwatch logger."""

from __future__ import annotations

import pytest

from jobs_core.testing import LoggerConformance


class TestCloudWatch(LoggerConformance):
    plugin = logger = "cloudwatch"

    @pytest.fixture(autouse=True)
    def served(self, moto_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JOBS_CLOUDWATCH_ENDPOINT", moto_url)
