"""Invalid settings are rejected before the worker takes a task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from jobs_cloudwatch.options import Options

from jobs_core import OptionError
from tests.helpers import Jobs, refused

from .conftest import worker_info


def test_placeholders_in_names_are_replaced() -> None:
    info = replace(worker_info(), name="a:b*c.example", board="shop eu:1")
    options = Options.read(info)
    assert (options.group, options.stream) == ("/jobs/shop-eu-1", "a-b-c.example")
    info = replace(
        worker_info(group="{board}/{worker}", stream="{worker} of {board}"), name="w", board="b{board}"
    )
    assert Options.read(info).group == "b-board-/w"


def test_defaults_are_left_to_boto3() -> None:
    options = Options.read(worker_info(region="", profile=None, endpoint=""))
    assert (options.region, options.profile, options.endpoint) == (None, None, None)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"group": "/jobs/{bord}"},
            "cloudwatch_group: unknown placeholder {bord}, expected {board} or {worker}",
        ),
        ({"group": "a b"}, "cloudwatch_group: CloudWatch does not allow ' '"),
        ({"group": ""}, "cloudwatch_group: expected 1 to 512 characters, got 0"),
        ({"group": "aws/jobs"}, "cloudwatch_group: must not begin with 'aws/'"),
        ({"stream": "a:b"}, "cloudwatch_stream: CloudWatch does not allow ':'"),
        ({"stream": "x" * 513}, "cloudwatch_stream: expected 1 to 512 characters, got 513"),
        ({"stream": "{host}"}, "cloudwatch_stream: unknown placeholder {host}"),
        ({"retention": 2}, "cloudwatch_retention: expected 0 or one of 1, 3, 5, 7"),
        ({"retention": -1}, "got -1"),
        ({"endpoint": "s3cret"}, "cloudwatch_endpoint: expected a URL"),
        ({"endpoint": "ftp://s3cret/"}, "cloudwatch_endpoint: expected a URL"),
        ({"endpoint": "http://[s3cret"}, "cloudwatch_endpoint: expected a URL"),
        ({"buffer": 0}, "cloudwatch_buffer: expected at least 1, got 0"),
        ({"every": -1.0}, "cloudwatch_every: expected 0 to 3600 seconds, got -1"),
        ({"every": float("nan")}, "cloudwatch_every: expected 0 to 3600 seconds"),
    ],
)
def test_invalid_settings_are_rejected(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError) as caught:
        Options.read(worker_info(**settings))
    assert says in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_worker_with_invalid_settings_does_not_start(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBS_CLOUDWATCH_RETENTION", "8")
    result = jobs("run", "--runner", "console", "--log", "cloudwatch")
    refused(result, "cloudwatch_retention: expected 0 or")
