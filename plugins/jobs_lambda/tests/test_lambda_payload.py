"""Payloads, without a server."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import jobs_lambda
import pytest
from jobs_lambda.request import read

from jobs_core import Job, OptionError, PayloadError, Plugins

from .conftest import Drive

ROLE = "arn:aws:iam::123456789012:role/jobs"
ARN = "arn:aws:lambda:us-east-2:123456789012:function:thumbs:live"


def put(payload: Any, id: str = "a") -> None:
    """Validate a job as `put` does: first the schema, then the hook."""
    plugins = Plugins()
    assert plugins.add("lambda", jobs_lambda).state != "broken"
    raw = payload if isinstance(payload, str) else json.dumps(payload)
    plugins.validate(plugins.job(id, "lambda", raw, {}))


def request(payload: Any, **settings: Any) -> Any:
    """Return the invocation of a payload."""
    drive = Drive(**settings)
    return read(payload, drive.settings, drive.task(payload))


@pytest.mark.parametrize(
    "payload",
    [
        "make-thumbnails",
        "123456789012:function:thumbs",
        ARN,
        "thumbs:$LATEST",
        {"function": "f", "qualifier": "$LATEST", "event": None, "log": False, "limit": 0},
        {"function": "f", "event": [1], "client-context": {"custom": {"a": 1}, "env": {}}},
        {"function": "f", "invocation": "event", "task-key": "jobs", "callback": True},
        {"function": "f", "event": {"a": 1}, "task-key": "jobs"},
        {"function": "f", "invocation": "dry-run", "client-context": {}, "log": False},
        {"function": "f", "region": "eusc-de-east-1", "profile": "a b", "role": ROLE},
        {"function": "f", "endpoint": "https://vpce-1.lambda.eu-west-1.vpce.amazonaws.com"},
    ],
)
def test_good_payloads(payload: Any) -> None:
    put(payload)


BAD = [
    ("", "function"),
    ({}, "function"),
    ("a s3cret", "function"),
    ("a/s3cret", "function"),
    ("s3cret\n", "function"),
    ("s3cret" * 50, "function"),
    ({"function": "f", "zzz": "s3cret"}, "unknown key"),
    ({"function": "f", "qualifier": "s3cret!"}, "qualifier"),
    ({"function": "f", "invocation": "s3cret"}, "invocation"),
    ({"function": "f", "client-context": "s3cret"}, "client-context"),
    ({"function": "f", "client-context": {"custom": "s3cret"}}, "client-context"),
    (
        {"function": "f", "client-context": {"custom": {"jobs": "s3cret"}}},
        "client-context: the lambda runner sets the key 'jobs'",
    ),
    ({"function": "f", "client-context": {"custom": {"a": float("nan")}}}, "client-context: contains NaN"),
    (
        {"function": "f", "client-context": {}, "invocation": "event"},
        "client-context: not valid with 'event'",
    ),
    ({"function": "f", "callback": True, "invocation": "event"}, "with 'event', also set 'task-key'"),
    ({"function": "f", "callback": True, "invocation": "dry-run"}, "callback: not valid with 'dry-run'"),
    ({"function": "f", "log": True, "invocation": "event"}, "only 'sync' returns a log"),
    (
        {"function": "f", "task-key": "s3cret", "event": {"s3cret": 1}},
        "task-key: the event already has this key",
    ),
    (
        {"function": "f", "task-key": "s3cret", "event": ["s3cret"]},
        "task-key: only valid if the event is an object",
    ),
    ({"function": "f", "event": float("inf")}, "event: contains NaN or infinity"),
    ({"function": "f", "event": "s3cret \ud800"}, "event: contains text that UTF-8 cannot encode"),
    ({"function": "f", "limit": -1}, "limit"),
    ({"function": "f", "region": "s3cret!"}, "region"),
    ({"function": "f", "profile": ""}, "profile"),
    ({"function": "f", "role": "s3cret"}, "role"),
    ({"function": "f", "endpoint": "s3cret.example"}, "endpoint: expected a URL"),
    ({"function": "f", "endpoint": "file:///s3cret"}, "endpoint: expected a URL"),
    ({"function": "f", "endpoint": "http://[s3cret"}, "endpoint: expected a URL"),
]


@pytest.mark.parametrize(("payload", "words"), BAD)
def test_bad_payloads_are_refused_when_put(payload: Any, words: str) -> None:
    with pytest.raises(PayloadError) as error:
        put(payload)
    assert words in str(error.value)
    if "s3cret" not in (payload if isinstance(payload, dict) else {}):
        assert "s3cret" not in str(error.value)
    outcome = Drive()(payload)  # and again at run time, if it was not validated
    assert (outcome.status, outcome.code) == ("failed", "payload")
    assert "s3cret" not in str(outcome)


def test_jobs_of_other_runners_are_ignored() -> None:
    jobs_lambda.jobs_validate(Job("a", "other", {"neither": 1}))


# Sizes


@pytest.mark.parametrize(("kind", "megabytes"), [("sync", 6), ("dry-run", 6), ("event", 1)])
def test_the_largest_event(kind: str, megabytes: int) -> None:
    most = megabytes * 2**20
    put({"function": "f", "invocation": kind, "event": "é" * ((most - 2) // 2)})
    with pytest.raises(PayloadError, match="bytes of JSON"):
        put({"function": "f", "invocation": kind, "event": "é" * ((most - 2) // 2 + 1)})


def test_an_event_has_room_for_the_task() -> None:
    room = 2**20 - len('{"a":""}')
    payload = {"function": "f", "invocation": "event", "event": {"a": "x" * room}}
    put(payload)
    with pytest.raises(PayloadError, match="bytes of JSON"):
        put(payload | {"task-key": "jobs"})


def largest(id: str) -> int:
    """Return the maximum length of a text in a client context, in addition to the task."""

    def fits(length: int) -> bool:
        try:
            put({"function": "f", "client-context": {"custom": {"a": "x" * length}}}, id)
        except PayloadError as error:
            assert "bytes of base64" in str(error)
            return False
        return True

    low, high = 0, 4000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def test_a_client_context_accepted_by_put_fits_when_sent() -> None:
    id, task = "j" * 200, f"{'j' * 200}@1763900005000-12"
    payload = {"function": "f", "client-context": {"custom": {"a": "x" * largest(id)}}, "callback": True}
    with pytest.raises(PayloadError, match="bytes of base64"):
        put(payload, id)  # the token takes space, too
    del payload["callback"]
    sent = Drive().task(payload, id=task, job=id, attempt=1000, token=f"{task}#1000")
    context = read(payload, Drive().settings, sent).arguments["ClientContext"]
    assert 3400 < len(context) <= 3583


# Locations


@pytest.mark.parametrize(
    ("payload", "region"),
    [
        ({"function": "f"}, "eu-central-1"),
        ({"function": "f", "region": "us-west-1"}, "us-west-1"),
        ({"function": ARN}, "us-east-2"),
        ({"function": ARN, "region": "us-west-1"}, "us-west-1"),
        ({"function": "123456789012:function:f"}, "eu-central-1"),
    ],
)
def test_the_region(payload: Any, region: str) -> None:
    assert request(payload, region="eu-central-1").place.region == region


def test_payloads_override_settings() -> None:
    settings = {"profile": "p", "role": ROLE, "endpoint": "http://localhost:4566"}
    place = request({"function": "f"}, **settings).place
    assert (place.profile, place.role, place.endpoint) == tuple(settings.values())
    own = {"profile": "q", "role": f"{ROLE}2", "endpoint": "https://lambda.eu-west-1.amazonaws.com"}
    place = request({"function": "f", **own}, **settings).place
    assert (place.profile, place.role, place.endpoint) == tuple(own.values())
    assert request({"function": "f"}).place == type(place)()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://169.254.169.254",
        "http://localhost:4566",
        "https://b.a.example/lambda.x.amazonaws.com",
        "https://ec2-192-0-2-1.eu-west-1.compute.amazonaws.com",
        "https://lambda.eu-west-1.amazonaws.com@b.a.example",
        "https://lambda.eu-west-1.amazonaws.com.a.example",
    ],
)
def test_payloads_may_name_only_aws_hosts(endpoint: str) -> None:
    host = urlsplit(endpoint).hostname
    with pytest.raises(PayloadError) as error:
        request({"function": "f", "endpoint": endpoint})
    assert str(error.value) == (
        f"endpoint: the setting lambda_hosts does not let payloads use the host {host}. "
        f"Set it on the worker: JOBS_LAMBDA_HOSTS={host} (which replaces the hosts of AWS)"
    )
    assert request({"function": "f", "endpoint": endpoint}, endpoint=endpoint).place.endpoint == endpoint
    hosts = ["LOCALHOST", "169.254.*", "*.example", "*.compute.amazonaws.com"]
    assert request({"function": "f", "endpoint": endpoint}, hosts=hosts).place.endpoint == endpoint


@pytest.mark.parametrize(
    "host",
    [
        "lambda.eu-west-1.amazonaws.com",
        "lambda-fips.us-east-1.amazonaws.com",
        "vpce-0a1b-2c3d.lambda.eu-west-1.vpce.amazonaws.com",
        "lambda.eu-west-1.api.aws",
        "LAMBDA.cn-north-1.amazonaws.com.cn:443",
    ],
)
def test_endpoints_of_aws_need_no_setting(host: str) -> None:
    assert request({"function": "f", "endpoint": f"https://{host}"}).place.endpoint == f"https://{host}"


def test_a_bad_setting() -> None:
    with pytest.raises(OptionError, match="lambda_endpoint: expected a URL"):
        request({"function": "f"}, endpoint="s3cret")
    outcome = Drive(endpoint="s3cret")("f")
    assert (outcome.status, outcome.code) == ("failed", "settings")


def test_repr_of_a_request_hides_the_event() -> None:
    assert "s3cret" not in repr(request({"function": "f", "event": "s3cret"}))


def test_the_target_of_a_payload() -> None:
    (runner,) = jobs_lambda.jobs_runners()
    assert runner.target is not None
    assert [runner.target("f"), runner.target({"function": "f"}), runner.target({})] == ["f", "f", ""]
