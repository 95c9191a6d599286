"""The metrics of one worker, which has only what it did itself, and their server."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

from jobs_core import Logger, WorkerInfo
from jobs_core.plugin_cli import echo
from jobs_metrics.counts import Counts
from jobs_metrics.listener import Listener, read_address


def metrics_logger(worker: WorkerInfo, where: str) -> Logger:
    """Return a logger that counts the events of a worker, and serves the counts while it is open.

    Args:
        worker: The worker.
        where: `[HOST:]PORT`.

    Raises:
        OptionError: That is no address. So does `open` if the address is taken.
    """
    counts, address = Counts(worker), read_address("metrics", where)
    listeners: list[Listener] = []

    def open(worker: WorkerInfo) -> None:
        listeners.append(Listener(address, WithoutCreated(counts.registry)))
        echo(f"{worker.name} serves its metrics at {listeners[0].url}", err=True)

    def close() -> None:
        while listeners:
            listeners.pop().close()

    return Logger("metrics", counts.count, "Metrics of the worker, over HTTP", close, open)


class WithoutCreated(Collector):
    """A registry without the times at which its series began: these would double the number of series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics."""
        for metric in self._registry.collect():
            metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
            yield metric
