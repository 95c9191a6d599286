"""What `jobs put` warns of, because the settings of this machine would refuse it."""

from __future__ import annotations

from typing import Any

import jobs_http
import pytest

from jobs_core import Job
from jobs_core.testing import read_settings


def warnings(payload: Any, **settings: Any) -> list[str]:
    job = Job("a", "http", {"url": payload} if isinstance(payload, str) else payload)
    return list(jobs_http.jobs_warnings(job, read_settings(**settings)))


LOOPBACK = "is a loopback address, and only public ones may be called. Allow it on the worker:"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:8000/", f"127.0.0.1 {LOOPBACK} JOBS_HTTP_ALLOW=127.0.0.1"),
        ("http://localhost:8000/", f"127.0.0.1 (localhost) {LOOPBACK} JOBS_HTTP_ALLOW=127.0.0.1"),
        ("http://[::1]/", f"::1 {LOOPBACK} JOBS_HTTP_ALLOW=::1"),
        ("http://2130706433/", f"127.0.0.1 (2130706433) {LOOPBACK} JOBS_HTTP_ALLOW=127.0.0.1"),
        (
            "http://10.0.0.5/s3cret",
            "10.0.0.5 is a private address, and only public ones may be called. "
            "Allow it on the worker: JOBS_HTTP_ALLOW=10.0.0.5",
        ),
        (
            "http://169.254.169.254/",
            "169.254.169.254 is a link-local address, and only public ones may be called. "
            "Allow it on the worker: JOBS_HTTP_ALLOW=169.254.169.254",
        ),
    ],
)
def test_an_address_that_is_not_public_is_named(url: str, sentence: str) -> None:
    assert warnings(url) == [sentence]
    allowed = sentence.rpartition("=")[2]
    assert warnings(url, http_allow=[allowed]) == []


def test_the_setting_that_denies_is_named() -> None:
    assert warnings("http://8.8.8.8/", http_deny=["8.8.0.0/16"]) == [
        "the setting http_deny forbids 8.8.8.8. Change it on the worker: JOBS_HTTP_DENY"
    ]
    assert warnings("http://8.8.8.8/", http_deny=["*"]) == [
        "the setting http_deny forbids all but http_allow, and so 8.8.8.8. "
        "Allow it on the worker: JOBS_HTTP_ALLOW=8.8.8.8"
    ]
    assert warnings("http://8.8.8.8/", http_deny=["10.0.0.0/99"]) == [
        "http_deny: expected a host or a network, got '10.0.0.0/99'"
    ]


def test_a_variable_that_payloads_may_not_use_is_named() -> None:
    payload = {"url": "https://a.example", "auth": {"bearer": {"env": "API"}}, "secret": {"env": "KEY"}}
    assert [sentence.partition(" does")[0] for sentence in warnings(payload)] == [
        "auth: the setting http_env",
        "secret: the setting http_env",
    ]
    assert warnings(payload, http_env=["API", "KEY"]) == []


@pytest.mark.parametrize("url", ["https://example.com", "http://8.8.8.8", "http://intern.example:80/"])
def test_names_are_not_resolved_and_public_addresses_pass(url: str) -> None:
    assert warnings(url) == []
