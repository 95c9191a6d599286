"""Clients are shared by all threads, and their number is limited."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jobs_lambda
import pytest
from jobs_lambda import clients
from jobs_lambda.clients import Clients, shared
from jobs_lambda.place import Place

from jobs_core import WorkerInfo

from .conftest import PATIENCE


def test_threads_share_a_client() -> None:
    made, begin = Clients(), threading.Barrier(8)

    def get(_: int) -> Any:
        begin.wait(PATIENCE)
        return made.get(Place())

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(get, range(8)))
    assert len({id(client) for client in found}) == 1
    assert made.get(Place("us-west-1")) is not found[0]
    made.close()


def test_old_clients_are_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MAX_CLIENTS", 2)
    made = Clients()
    first, second, _ = (made.get(Place(region)) for region in ("us-east-1", "us-east-2", "us-west-1"))
    assert made.get(Place("us-east-2")) is second
    assert made.get(Place("us-east-1")) is not first
    made.close()


def test_a_worker_has_a_connection_for_each_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "connections", 10)
    for concurrency in (25, 5):
        jobs_lambda.jobs_startup(WorkerInfo("w1", "jobs", ("lambda",), concurrency))
    assert shared.get(Place()).meta.config.max_pool_connections == 25


def test_botocore_retries_are_disabled() -> None:
    config = shared.get(Place()).meta.config
    assert config.retries["total_max_attempts"] == 1
