"""Workers in processes of their own, and scrapes of what they and boards expose."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from jobs_core.testing import PATIENCE
from tests.conftest import board as board
from tests.conftest import jobs as jobs
from tests.conftest import pytest_generate_tests as pytest_generate_tests
from tests.conftest import url as url
from tests.helpers import jobs_process, wait_until

ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
"""What Prometheus sends."""


class Scrape:
    """An exposition in the format OpenMetrics, which is checked by being read."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [one for family in self.families.values() for one in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of a name that have these labels."""
        return sum(
            one.value for one in self.samples if one.name == name and labels.items() <= one.labels.items()
        )

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Return the samples of a name by one of their labels."""
        found = [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]
        assert len({one.labels[label] for one in found}) == len(found), "a label is there twice"
        return {one.labels[label]: one.value for one in found}


def get(address: str, **headers: str) -> httpx.Response:
    return httpx.get(address, headers={"Accept": ACCEPT, **headers}, timeout=PATIENCE)


def scrape(address: str) -> Scrape:
    answer = get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    return Scrape(answer.text)


def scrape_until(address: str, condition: Callable[[Scrape], bool]) -> Scrape:
    """Scrape until a condition holds: workers count beside their work."""
    found: list[Scrape] = []

    def holds() -> bool:
        found.append(scrape(address))
        return condition(found[-1])

    wait_until(holds)
    return found[-1]


@contextmanager
def worker_process(
    path: Path, *words: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `jobs run` in a separate process. Yields it, and the URL of its metrics."""
    process = jobs_process("run", *words, path=path, **environment)
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        found = re.search(r"serves its metrics at (http://\S+)", said)
        assert found, said
        yield process, found[1]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def environment_of(board: Any, url: str) -> dict[str, str]:
    return {"JOBS_REDIS_URL": url, "JOBS_BOARD": board.name}
