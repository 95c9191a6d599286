"""Rejections by AWS and missing answers: each gives a code and a sentence that quotes nothing."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import jobs_lambda
import pytest
from jobs_lambda import connect

from jobs_core import Decision, Outcome, Policy, Task, retry

from .conftest import Drive, Handler

FINAL, PASSING = Decision.dead(), None


def decision(drive: Drive, outcome: Outcome, **options: Any) -> Decision | None:
    """Return the plugin's decision; None leaves it to the policy."""
    return jobs_lambda.jobs_decide(drive.task("f", options=options), outcome, Policy("retry", retry))


@pytest.mark.parametrize(
    ("status", "code", "says", "decided"),
    [
        (
            404,
            "ResourceNotFoundException",
            "no such function, version or alias in this account and region",
            FINAL,
        ),
        (403, "AccessDeniedException", "AWS denied access: allow lambda:InvokeFunction for these", FINAL),
        (400, "InvalidRequestContentException", "AWS rejected the event: check it", FINAL),
        (413, "RequestTooLargeException", "the event is too large for AWS", FINAL),
        (415, "UnsupportedMediaTypeException", "AWS answered UnsupportedMediaTypeException", FINAL),
        (409, "ResourceConflictException", "the function is being created or updated", PASSING),
        (408, "EFSMountTimeoutException", "AWS answered EFSMountTimeoutException", PASSING),
        (500, "ServiceException", "AWS had an internal error (ServiceException)", PASSING),
        (502, "ENILimitReachedException", "AWS answered ENILimitReachedException", PASSING),
        (503, "s3cret! s3cret", "AWS answered HTTP 503", PASSING),
    ],
)
def test_rejections_by_aws(
    drive: Any, cloud: Any, status: int, code: str, says: str, decided: Decision | None
) -> None:
    outcome = drive(cloud.refuse("f", status, code))
    assert (outcome.status, outcome.code) == ("failed", str(status))
    assert outcome.note.startswith(says)
    assert "s3cret" not in str(outcome)
    assert decision(drive, outcome) == decided
    assert decision(drive, outcome, **{"retry-on": "4*"}) is None
    assert len(cloud.seen) == 1, "botocore tried again"


@pytest.mark.parametrize(
    ("status", "code", "headers", "wait"),
    [
        (429, "TooManyRequestsException", {"retry_after": "7"}, 7.0),
        (429, "TooManyRequestsException", {"retry_after": "9" * 12}, 86400.0),
        (429, "TooManyRequestsException", {"retry_after": "soon"}, None),
        (429, "TooManyRequestsException", {}, None),
        (400, "ThrottlingException", {"retry_after": "1"}, 1.0),
        (502, "EC2ThrottledException", {}, None),
    ],
)
def test_throttling(drive: Any, cloud: Any, status: int, code: str, headers: Any, wait: Any) -> None:
    outcome = drive(cloud.refuse("f", status, code, **headers))
    assert (outcome.status, outcome.code, outcome.retry_after) == ("failed", "throttled", wait)
    assert outcome.data["error"] == code
    assert decision(drive, outcome) is None


def test_answers_that_are_not_from_aws(drive: Any, cloud: Any) -> None:
    outcome = drive(cloud.route("f", 502, b"<html>s3cret</html>", content_type="text/html"))
    assert (outcome.status, outcome.code) == ("failed", "502")
    assert "s3cret" not in str(outcome)


def test_function_errors_are_left_to_the_policy() -> None:
    drive = Drive()
    assert decision(drive, Outcome.failed(code="ResourceNotFoundException")) is None
    assert decision(drive, Outcome.failed(code="credentials")) is None
    assert decision(drive, Outcome.done(code="404")) is None
    task = Task("a@1", "a", "other", "other", 1.0, 1, "")
    assert jobs_lambda.jobs_decide(task, Outcome.failed(code="404"), Policy("retry", retry)) is None


# Credentials and configuration


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "ExpiredTokenException"])
def test_rejected_credentials_are_read_again(
    drive: Any, cloud: Any, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.refuse("f", 403, code)
    outcome = drive("f")
    assert (outcome.status, outcome.code) == ("failed", "credentials")
    assert code in outcome.note
    assert decision(drive, outcome) is None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDRENEWED")
    drive("f")
    assert ["AKIDRENEWED" in seen.headers["authorization"] for seen in cloud.seen] == [False, True]


@pytest.mark.parametrize("role", [None, "arn:aws:iam::123456789012:role/jobs"])
def test_no_credentials(cloud: Any, monkeypatch: pytest.MonkeyPatch, role: str | None) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", cloud.url)
    cloud.minutes = 60
    drive = Drive(endpoint=cloud.url, role=role)
    with monkeypatch.context() as without:
        without.delenv("AWS_ACCESS_KEY_ID")
        without.delenv("AWS_SECRET_ACCESS_KEY")
        outcome = drive("f")
    assert (outcome.status, outcome.code) == ("failed", "credentials")
    assert outcome.note.startswith("no AWS credentials: set AWS_ACCESS_KEY_ID")
    assert drive("f").status == "done", "that there were none was kept"


def test_incomplete_credentials(drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    outcome = drive("f")
    assert (outcome.code, outcome.note[:35]) == ("credentials", "the AWS credentials are incomplete:")


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "no AWS region: set JOBS_LAMBDA_REGION or the key 'region'"),
        ({"region": "-s3cret-"}, "invalid AWS region: correct its name"),
        ({"profile": "s3cret"}, "no such profile in the AWS configuration: correct its name"),
    ],
)
def test_a_configuration_that_boto3_cannot_use(
    monkeypatch: pytest.MonkeyPatch, payload: Any, says: str
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    outcome = Drive()({"function": "f", **payload})
    assert (outcome.status, outcome.code) == ("failed", "settings")
    assert outcome.note.startswith(says)
    assert "s3cret" not in str(outcome)


def test_an_invalid_configuration(drive: Any, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("s3cret\n")
    outcome = drive("f")
    assert (outcome.status, outcome.code) == ("failed", "settings")
    assert "s3cret" not in str(outcome)


# Connections


def test_an_unreachable_endpoint() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        outcome = Drive(endpoint=f"http://127.0.0.1:{unused.getsockname()[1]}")("f")
    assert (outcome.status, outcome.code) == ("failed", "connect")
    assert outcome.note.startswith("connection failed: check the network")


def test_the_connection_is_lost(drive: Any, cloud: Any) -> None:
    def hang_up(handler: Handler) -> None:
        handler.close_connection = True

    def half(handler: Handler) -> None:
        handler.reply(200, b"x" * 10, content_length="1000")
        handler.close_connection = True

    cloud.routes |= {"none": hang_up, "half": half}
    for function in ("none", "half"):
        outcome = drive(function)
        assert (outcome.status, outcome.code) == ("failed", "connect")
        assert outcome.note.startswith("the connection closed before the response was complete")
    assert len(cloud.seen) == 2


def test_no_answer_in_time(drive: Any, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "LONGEST", 0.1)
    cloud.routes["f"] = cloud.hang
    outcome = drive("f")
    assert (outcome.status, outcome.code) == ("failed", "timeout")
    assert outcome.note.startswith("no response in time; the function may still run")


def test_a_port_that_does_not_speak_tls(cloud: Any) -> None:
    outcome = Drive(endpoint=cloud.url.replace("http:", "https:"))("f")
    assert (outcome.status, outcome.code) == ("failed", "tls")
