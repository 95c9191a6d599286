"""Families of metrics about a board, each with the label `board`."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from jobs_core import __version__

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values of labels, and the number."""


class Families:
    """Makes the families of one board."""

    def __init__(self, board: str) -> None:
        self._board = board

    def gauge(self, name: str, summary: str, value: float | None) -> GaugeMetricFamily:
        """Return a gauge without further labels. It has no sample if the value is None."""
        samples: Samples = () if value is None else (((), value),)
        return self.gauges(name, summary, (), samples)

    def gauges(self, name: str, summary: str, labels: tuple[str, ...], samples: Samples) -> GaugeMetricFamily:
        """Return a gauge with labels."""
        unit = "seconds" if name.endswith("_seconds") else ""
        family = GaugeMetricFamily(name, summary, labels=("board", *labels), unit=unit)
        for values, number in samples:
            family.add_metric((self._board, *values), number)
        return family

    def counters(
        self, name: str, summary: str, labels: tuple[str, ...], samples: Samples
    ) -> CounterMetricFamily:
        """Return a counter with labels. `name` is without `_total`."""
        family = CounterMetricFamily(name, summary, labels=("board", *labels))
        for values, number in samples:
            family.add_metric((self._board, *values), number)
        return family


def build_info() -> Metric:
    """Return the version of Jobs."""
    return InfoMetricFamily("jobs_build", "The version of Jobs.", value={"version": __version__})
