"""Short runs of `scripts/torture --cluster` with every fault of nodes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from torture.cluster_faults import LOSING, NODE_FAULTS
from torture.run import Scale, run

pytestmark = pytest.mark.timeout(300)

KILLS = ("kill worker",)
"""What workers meet meanwhile."""


def scale(*, durable: bool, only: tuple[str, ...]) -> Scale:
    return Scale(200, len(only), 8, 2, durable=durable, cluster=True, boards=("a", "b"), only=only)


def test_durable_boards_lose_nothing_to_the_faults_of_nodes(
    binary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBS_SERVER", binary)
    only = (*NODE_FAULTS, *KILLS)
    report = run(tmp_path, scale(durable=True, only=only), random.Random("nodes"), print)
    assert report.verdict.wrong == []
    assert report.verdict.missing == 0
    assert report.verdict.occurrences >= 200
    assert report.verdict.exclusive > 0
    assert report.faults == dict.fromkeys(only, 1)


def test_planned_changes_of_a_cluster_lose_nothing(tmp_path: Path) -> None:
    only = (*(NODE_FAULTS.keys() - LOSING.keys()), *KILLS)
    report = run(tmp_path, scale(durable=False, only=only), random.Random("planned"), print)
    assert report.verdict.wrong == []
    assert report.verdict.missing == 0
    assert report.verdict.excused == 0
    assert report.faults == dict.fromkeys(only, 1)
