"""Events arrive in moto's CloudWatch."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.helpers import wait_until

from .conftest import Stored, event, opened


def test_events_arrive_in_order(stored: Any, moto_url: str) -> None:
    now = time.time()
    with opened(moto_url) as (logger, group):
        for number in range(500):
            logger.write(event(f"{number} \N{SNOWMAN} \N{PILE OF POO} \udc80", now + number / 1000))
    notes = [line["note"] for line in stored.lines(group)]
    assert notes == [f"{number} \N{SNOWMAN} \N{PILE OF POO} ?" for number in range(500)]


def test_events_arrive_while_the_worker_runs(stored: Any, moto_url: str) -> None:
    with opened(moto_url, group="/live") as (logger, _):
        logger.write(event("a", time.time()))
        wait_until(lambda: len(stored.lines("/live")) == 1)


def test_a_large_backlog_is_several_batches(stored: Any, moto_url: str) -> None:
    now = time.time()
    with opened(moto_url, buffer=20_000) as (logger, group):
        for number in range(11_000):
            logger.write(event(number, now))
        for _ in range(3):
            logger.write(event("x" * 700_000, now))
    lines = stored.lines(group)
    assert [line["note"] for line in lines[:11_000]] == list(range(11_000))
    assert len(lines) == 11_003


def test_the_retention_is_set_only_when_requested(stored: Any, moto_url: str) -> None:
    found = []
    for retention in (0, 30, 0):
        with opened(moto_url, group="/kept", retention=retention) as (logger, _):
            logger.write(event("a", time.time()))
        (group,) = stored.client.describe_log_groups(logGroupNamePrefix="/kept")["logGroups"]
        found.append(group.get("retentionInDays"))
    assert found == [None, 30, 30]
    assert len(stored.lines("/kept")) == 3


def test_a_deleted_stream_is_created_again(stored: Any, moto_url: str) -> None:
    with opened(moto_url, group="/deleted") as (logger, _):
        logger.write(event("a", time.time()))
        wait_until(lambda: len(stored.lines("/deleted")) == 1)
        stored.client.delete_log_group(logGroupName="/deleted")
        logger.write(event("b", time.time()))
    assert [line["note"] for line in stored.lines("/deleted")] == ["b"]


def test_the_region_can_come_from_a_profile(moto_url: str, credentials: Path, monkeypatch: Any) -> None:
    keys = "aws_access_key_id = a\naws_secret_access_key = b\n"
    credentials.write_text(f"[profile logs]\nregion = us-east-2\n{keys}")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with opened(moto_url, profile="logs") as (logger, group):
        logger.write(event("a", time.time()))
    client = boto3.client("logs", endpoint_url=moto_url, region_name="us-east-2")
    assert len(Stored(client).lines(group)) == 1
    client.close()


def test_many_threads_write_and_nothing_is_lost(stored: Any, moto_url: str) -> None:
    def write(thread: int) -> None:
        for number in range(500):
            logger.write(event([thread, number], time.time()))

    with opened(moto_url, every=0.0) as (logger, group):
        threads = [threading.Thread(target=write, args=[thread]) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    notes = [line["note"] for line in stored.lines(group)]
    assert sorted(notes) == [[thread, number] for thread in range(8) for number in range(500)]
    for thread in range(8):
        assert [number for of, number in notes if of == thread] == list(range(500))


@pytest.mark.parametrize("every", [0.0, 3600.0])
def test_stopping_sends_an_incomplete_batch_at_once(stored: Any, moto_url: str, every: float) -> None:
    with opened(moto_url, every=every) as (logger, group):
        logger.write(event("a", time.time()))
    assert len(stored.lines(group)) == 1


def test_events_before_and_after_the_accepted_time_range(stored: Any, moto_url: str, capsys: Any) -> None:
    now = time.time()
    with opened(moto_url) as (logger, group):
        logger.write(event("old", now - 15 * 86_400))
        logger.write(event("yesterday", now - 30 * 3600))
        logger.write(event("new", now + 3 * 3600))
        logger.write(event("now", now))
    notes = [line["note"] for line in stored.lines(group)]
    assert sorted(notes) == ["dropped 2 events: 2 were too old or too new", "now", "yesterday"]
    assert capsys.readouterr().err == ""
