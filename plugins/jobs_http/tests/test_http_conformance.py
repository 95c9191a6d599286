"""The conformance kit with the http runner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jobs_http import connect

from jobs_core.testing import RunnerConformance


class TestHttp(RunnerConformance):
    plugin = runner = "http"
    good = "set by the fixture, for the port is not known before"
    refused = "ftp://a-secret.example"

    @pytest.fixture(autouse=True)
    def served(self, target: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("JOBS_HTTP_ALLOW", "loopback")
        target.routes["/slow"] = target.hang
        self.good = target.url()
        self.failing = target.route("/failing", 500, b"broken")
        self.slow = target.url("/slow")
        self.loud = target.route("/loud", 200, b"0123456789" * 1_000_000)
        yield
        connect.close()
