"""Payloads, without a server."""

from __future__ import annotations

import json
from typing import Any

import jobs_http
import pytest
from jobs_http.request import read

from jobs_core import Context, Job, PayloadError, Plugins
from jobs_core.testing import make_task, read_settings, run_task

URL = "https://a.example/x"
SETTINGS = read_settings()


def put(payload: Any) -> None:
    """Validate a job as `put` does: first the schema, then the hook."""
    plugins = Plugins()
    assert plugins.add("http", jobs_http).state != "broken"
    raw = payload if isinstance(payload, str) else json.dumps(payload)
    plugins.validate(plugins.job("a", "http", raw, {}))


@pytest.mark.parametrize(
    "payload",
    [
        URL,
        "http://user:pass@[::1]:8080/?a=b#c",
        "https://bücher.example/straße?q=ü",
        {"url": URL, "method": "PATCH", "json": None, "expect": [204, "3xx", "200-202"], "redirects": 0},
        {"url": URL, "body": "", "headers": {"X-A": "b", "X-B": {"env": "B"}}, "timeout": [1, 0.5]},
        {"url": URL, "auth": {"user": "u"}, "query": {"a": [1, True, "x"], "b": 1.5, "c": {"env": "C"}}},
        {"url": URL, "auth": {"bearer": {"env": "T"}}, "secret": "whsec_MfKQ", "verify": "/ca.pem"},
        {"url": URL, "cert": ["a", "b"], "limit": 0, "callback": False, "verify": False},
    ],
)
def test_good_payloads(payload: Any) -> None:
    put(payload)


BAD = [
    ("", "url"),
    ({}, "url"),
    ("s3cret.example", "url: expected http:// or https://"),
    ("ftp://s3cret.example", "url: expected http:// or https://"),
    ("file:///s3cret", "url: expected http:// or https://"),
    ("http:///s3cret", "url: expected http:// or https://"),
    ("http://s3cret:port/", "url: not a valid URL"),
    ("http://[s3cret/", "url: not a valid URL"),
    ("http://a s3cret/", "url: contains a character"),
    ("http://a.example\\@s3cret/", "url: contains a character"),
    ("http://a/\0s3cret", "url: contains a character"),
    ({"url": URL, "body": "s3cret", "json": 1}, "set either 'body' or 'json'"),
    ({"url": URL, "zzz": "s3cret"}, "unknown key"),
    ({"url": URL, "headers": {"X": "a\r\ns3cret: 1"}}, "headers: a value contains a line end"),
    ({"url": URL, "headers": {"X\n": "s3cret"}}, "headers: not a valid header name"),
    ({"url": URL, "headers": {"X": "s3cret\u20ac"}}, "headers: a value contains characters"),
    ({"url": URL, "headers": {"Content-Length": "s3cret"}}, "headers: the http runner sets this header"),
    ({"url": URL, "headers": {"Jobs-Token": "s3cret"}}, "headers: the http runner sets this header"),
    ({"url": URL, "headers": {"X": 1}}, "headers.X"),
    ({"url": URL, "expect": ["s3cret"]}, "expect: expected statuses such as"),
    ({"url": URL, "expect": ["6xx"]}, "expect: expected statuses such as"),
    ({"url": URL, "expect": [99]}, "expect: expected statuses such as"),
    ({"url": URL, "expect": []}, "expect"),
    ({"url": URL, "method": "get s3cret"}, "method"),
    ({"url": URL, "auth": {"password": "s3cret"}}, "auth: expected 'user' and 'password'"),
    ({"url": URL, "auth": {"user": "s3cret", "bearer": "x"}}, "auth: expected 'user' and 'password'"),
    ({"url": URL, "auth": {"user": "s3cret:"}}, "auth: a user name must not contain a colon"),
    ({"url": URL, "auth": {"bearer": "s3cret\n"}}, "auth: a value contains a line end"),
    ({"url": "https://s3cret:x@a.example", "auth": {"user": "u"}}, "auth: the URL already has a user"),
    ({"url": URL, "secret": "whsec_s3cret!"}, "secret: expected whsec_ followed by base64"),
    ({"url": URL, "timeout": [1]}, "timeout"),
    ({"url": URL, "timeout": [0, 1]}, "timeout"),
    ({"url": URL, "timeout": [1, float("nan")]}, "timeout"),
    ({"url": URL, "redirects": 1000}, "redirects"),
    ({"url": URL, "verify": ""}, "verify"),
    ({"url": URL, "limit": -1}, "limit"),
]


@pytest.mark.parametrize(("payload", "words"), BAD)
def test_bad_payloads_are_refused_when_put(payload: Any, words: str) -> None:
    with pytest.raises(PayloadError) as error:
        put(payload)
    assert words in str(error.value)
    if "s3cret" not in (payload if isinstance(payload, dict) else {}):
        assert "s3cret" not in str(error.value)
    (runner,) = jobs_http.jobs_runners()  # and again at run time, if it was not validated
    outcome = run_task(runner, make_task(runner, payload), Context("w1", settings=SETTINGS))
    assert (outcome.status, outcome.code) == ("failed", "payload")
    assert "s3cret" not in outcome.note


def test_jobs_of_other_runners_are_ignored() -> None:
    jobs_http.jobs_validate(Job("a", "other", {"neither": 1}))


def test_numbers_that_json_does_not_have_are_refused() -> None:
    with pytest.raises(PayloadError, match="JSON does not allow"):
        read({"url": URL, "json": float("nan")}, SETTINGS)


def test_read() -> None:
    request = read({"url": "http://u%40:p@a.example/x", "json": {"a": "é"}, "expect": [204, "4xx"]}, SETTINGS)
    assert (request.url, request.method, request.body) == (
        "http://a.example/x",
        "POST",
        '{"a": "é"}'.encode(),
    )
    assert request.headers == {"content-type": "application/json", "authorization": "Basic dUA6cA=="}
    assert [request.expects(status) for status in (200, 204, 404)] == [False, True, True]


def test_only_allowed_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cret")
    payload = {"url": URL, "auth": {"bearer": {"env": "API_TOKEN"}}}
    with pytest.raises(PayloadError) as error:
        read(payload, SETTINGS)
    assert str(error.value) == (
        "auth: the setting http_env does not let payloads use the variable API_TOKEN. "
        "Add it on the worker: JOBS_HTTP_ENV=JOBS_SECRET_*,API_TOKEN"
    )
    assert read(payload, SETTINGS | {"http_env": ["API_*"]}).headers["authorization"] == "Bearer s3cret"
    monkeypatch.delenv("API_TOKEN")
    with pytest.raises(PayloadError, match="not set on this worker"):
        read(payload, SETTINGS | {"http_env": ["API_*"]})


def test_values_from_the_environment_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_SECRET_X", "a\r\ns3cret: b")
    for payload in (
        {"headers": {"X": {"env": "JOBS_SECRET_X"}}},
        {"auth": {"bearer": {"env": "JOBS_SECRET_X"}}},
    ):
        with pytest.raises(PayloadError, match="line end") as error:
            read({"url": URL, **payload}, SETTINGS | {"http_env": ["*"]})
        assert "s3cret" not in str(error.value)


def test_repr_of_a_request_hides_secrets() -> None:
    request = read(
        {"url": URL, "auth": {"bearer": "s3cret"}, "query": {"k": "s3cret"}, "body": "s3cret"}, SETTINGS
    )
    assert "s3cret" not in repr(request)
