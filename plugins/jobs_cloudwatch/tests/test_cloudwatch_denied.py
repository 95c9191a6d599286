"""Lasting problems: CloudWatch denies access, or boto3 is not configured."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from jobs_cloudwatch import sender

from .conftest import PATIENCE, event, opened, refusal, said


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("AccessDeniedException", "AWS denied access: allow logs:PutLogEvents for these credentials"),
        (
            "UnrecognizedClientException",
            "AWS rejected the credentials: check them and this machine's clock",
        ),
        ("ExpiredTokenException", "the AWS credentials have expired: renew them"),
        ("SomethingNew", "AWS answered PutLogEvents with SomethingNew"),
        ("s3cret! s3cret", "AWS answered PutLogEvents with 400"),
    ],
)
def test_a_denied_call_is_reported_once(service: Any, capsys: Any, code: str, says: str) -> None:
    service.routes["PutLogEvents"] = lambda body: refusal(code)
    with opened(service.url) as (logger, _):
        for number in range(3):
            logger.write(event(number, time.time()))
        service.wait_for(lambda: len(service.asked) > 10)
    first, last = said(capsys)
    assert first == f"cannot send events and buffers the last 10,000: {says}"
    assert last == f"could not send 3 events before the worker stopped: {says}"


def test_logging_resumes_once_the_call_is_allowed(service: Any, capsys: Any) -> None:
    service.script("PutLogEvents", refusal("AccessDeniedException"))
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: len(service.stored) == 1)
    first, then = said(capsys)
    assert first.startswith("cannot send events") and then == "sends events again"


def test_no_credentials(service: Any, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
    first, last = said(capsys)
    assert "no AWS credentials: set AWS_ACCESS_KEY_ID" in first
    assert last.startswith("could not send 1 event before")
    assert service.asked == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "no AWS region: set JOBS_CLOUDWATCH_REGION or AWS_DEFAULT_REGION"),
        ({"region": "no region!"}, "invalid AWS region"),
        ({"profile": "s3cret"}, "no such profile in the AWS configuration"),
    ],
)
def test_a_configuration_that_boto3_cannot_use(
    service: Any, capsys: Any, monkeypatch: Any, settings: Any, says: str
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    endpoint = None if settings.get("region") else service.url
    with opened(endpoint, **settings) as (logger, _):
        logger.write(event("a", time.time()))
    assert says in said(capsys)[0]


def test_an_unreachable_endpoint(capsys: Any, monkeypatch: Any) -> None:
    spoken = threading.Event()
    say = sender.say
    monkeypatch.setattr(sender, "CLOSING", 0.5)
    monkeypatch.setattr(sender, "say", lambda words: (say(words), spoken.set()))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with opened(f"http://127.0.0.1:{unused.getsockname()[1]}") as (logger, _):
            logger.write(event("a", time.time()))
            assert spoken.wait(PATIENCE)
    first, last = said(capsys)
    assert "connection failed (EndpointConnectionError): check the network" in first
    assert last.startswith("could not send 1 event before the worker stopped: connection failed")


def test_an_unexpected_error_does_not_stop_the_logger(service: Any, capsys: Any, monkeypatch: Any) -> None:
    from jobs_cloudwatch.cloud import Cloud

    put = Cloud.put

    def once(*arguments: Any) -> int:
        monkeypatch.setattr(Cloud, "put", put)
        raise RuntimeError("s3cret")

    monkeypatch.setattr(Cloud, "put", once)
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: len(service.stored) == 1)
    assert "RuntimeError" in said(capsys)[0]


# Groups and streams


def test_an_existing_group_can_be_used_without_permission_to_create_it(service: Any, capsys: Any) -> None:
    service.routes["CreateLogGroup"] = lambda body: refusal("AccessDeniedException")
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
    assert service.asked == ["CreateLogStream", "PutLogEvents"]
    assert said(capsys) == []


def test_an_existing_stream_can_be_used_without_permission_to_create_it(service: Any, capsys: Any) -> None:
    service.routes["CreateLogStream"] = lambda body: refusal("AccessDeniedException")
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
    assert service.notes == ["a"]
    assert said(capsys) == []


@pytest.mark.parametrize("denied", ["CreateLogGroup", "CreateLogStream"])
def test_a_missing_group_that_may_not_be_created(service: Any, capsys: Any, denied: str) -> None:
    for operation in ("CreateLogStream", "PutLogEvents"):
        service.routes[operation] = lambda body: refusal("ResourceNotFoundException")
    service.routes[denied] = lambda body: refusal("AccessDeniedException")
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: len(service.asked) >= 4)
    assert "does not exist and AWS denied its creation: create it, or allow" in said(capsys)[0]


def test_a_retention_that_may_not_be_set(service: Any, capsys: Any) -> None:
    service.routes["PutRetentionPolicy"] = lambda body: refusal("AccessDeniedException")
    with opened(service.url, retention=30) as (logger, _):
        logger.write(event("a", time.time()))
    assert service.notes == ["a"]
    (line,) = said(capsys)
    assert line.startswith("cannot set the retention: AWS denied access: allow logs:PutRetentionPolicy")


def test_workers_that_start_simultaneously(service: Any) -> None:
    """Another worker has created the group and the stream, or is about to."""
    missing, exists = refusal("ResourceNotFoundException"), refusal("ResourceAlreadyExistsException")
    service.script("CreateLogStream", missing, missing, exists)
    service.script("CreateLogGroup", refusal("OperationAbortedException"), exists)
    with opened(service.url) as (logger, _):
        logger.write(event("a", time.time()))
        service.wait_for(lambda: len(service.stored) == 1)
    assert service.notes == ["a"]
