"""The conformance kit."""

from __future__ import annotations

from jobs_core.testing import PluginConformance


class TestMetrics(PluginConformance):
    plugin = "metrics"
